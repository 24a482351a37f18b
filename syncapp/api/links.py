"""What a record is linked to, changed over the API: the same deeds as on the record's page, with the same words."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from rest_framework import status
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from policies.core.answer import Refused
from policies.models import Role
from syncapp import linking
from syncapp.access import EDIT
from syncapp.load import Contended
from syncapp.models import Record
from syncapp.sight import sights_of

from .lists import Sees, refusal
from .shapes import records_json

Deed = Callable[[Record, str, str], str | None]
DEEDS: dict[str, Deed] = {"unlink": linking.unlink, "relink": linking.relink, "split": linking.split}
BUSY = "Somebody else is changing this record right now. Nothing was done; please try again."


class Links(APIView):
    """POST {"action": "unlink" | "relink" | "split"}: answered with the record, and with the one that was split off."""

    permission_classes = (Sees,)

    def post(self, request: Request, pk: uuid.UUID, role: str) -> Response:
        row = _row(request, pk)
        names = list(Role.objects.filter(sync=row.sync_id).order_by("order").values_list("name", flat=True))
        if role not in names:
            raise NotFound(f"This record has no system {role!r}; it has {', '.join(names)}.")
        action = _only(request.data, "action")
        if action not in DEEDS:
            raise ValidationError({"action": [f"must be one of {', '.join(DEEDS)}"]})
        made = _done(lambda: DEEDS[action](row, role, request.user.get_username()))
        return made if isinstance(made, Response) else _told(row, *([made] if made else []))


class Two(APIView):
    """POST {NAME: KEY}: something about two records of one sync; answered with the one that is left to look at."""

    permission_classes = (Sees,)
    name = ""

    def post(self, request: Request, pk: uuid.UUID) -> Response:
        row, other = _two(request, pk, self.name)
        made = _done(lambda: self.do(row, other, request.user.get_username()))
        return made if isinstance(made, Response) else _told(self.left(row, other))

    def do(self, row: Record, other: Record, actor: str) -> None:
        raise NotImplementedError

    def left(self, row: Record, other: Record) -> Record:
        return row


class Join(Two):
    """The record lives on in the other."""

    name = "into"

    def do(self, row: Record, other: Record, actor: str) -> None:
        linking.join(row, other, actor)

    def left(self, row: Record, other: Record) -> Record:
        return other


class Apart(Two):
    """The two share a match key and are two."""

    name = "from"

    def do(self, row: Record, other: Record, actor: str) -> None:
        linking.apart(row, other, actor)


def _row(request: Request, pk: uuid.UUID) -> Record:
    if not request.user.has_perm(EDIT):
        raise PermissionDenied(refusal(EDIT))
    return _found(pk)


def _found(pk: uuid.UUID) -> Record:
    row = Record.objects.select_related("sync").filter(pk=pk).first()
    if row is None:
        raise NotFound("There is no such record. /api/v1/records/ lists them.")
    return row


def _two(request: Request, pk: uuid.UUID, name: str) -> tuple[Record, Record]:
    row = _row(request, pk)
    try:
        other = _found(uuid.UUID(_only(request.data, name)))
    except ValueError:
        raise ValidationError({name: ["must be the key of a record"]}) from None
    if other.pk == row.pk or other.sync_id != row.sync_id:
        raise ValidationError({name: ["must be the key of another record of the same sync"]})
    return row, other


def _only(body: Any, name: str) -> str:
    if not isinstance(body, dict) or set(body) != {name} or not isinstance(body[name], str):
        raise ValidationError({"error": f'The body must be a JSON object with exactly "{name}", as text.'})
    return str(body[name])


def _done(deed: Callable[[], str | None]) -> str | Response | None:
    try:
        return deed()
    except Refused as refused:
        raise ValidationError({"error": f"This cannot be done: {refused}."}) from None
    except Contended:
        return Response({"error": BUSY}, status.HTTP_503_SERVICE_UNAVAILABLE)


def _told(row: Record, split: str = "") -> Response:
    told = records_json(sights_of([row.__class__.objects.select_related("sync").get(pk=row.pk)]))[0]
    return Response({**told, "split": split} if split else told)
