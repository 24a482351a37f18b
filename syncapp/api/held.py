"""What a brake holds, over the API: looked at record by record with what would happen, released, or left as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from syncapp.access import RELEASE
from syncapp.foreseen import Foreseen, foreseen
from syncapp.load import database_now
from syncapp.models import Brake, Held
from syncapp.releasing import Refused, leave, release_brake, release_items

from .brakes import may, told_in
from .filters import HeldFilter
from .lists import Sees
from .shapes import iso
from .views import Rows

ALL = "all"
MOST = 1000
ITEMS = f'must be "{ALL}", or a list of 1 to {MOST} ids that /api/v1/brakes/ID/held/ lists'


def found(pk: int) -> Brake:
    row = Brake.objects.select_related("sync", "account", "feed__account", "feed__role").filter(pk=pk).first()
    if row is None:
        raise NotFound("There is no such brake. /api/v1/brakes/ lists those that are on.")
    return row


def held_json(row: Held, would: Foreseen | None) -> dict[str, Any]:
    told = {
        "id": row.pk,
        "remote_id": row.remote_id,
        "record": str(row.record_id) if row.record_id is not None else None,
        "title": row.record.title if row.record is not None else None,
        "what": row.what,
        "state": row.state,
        "held_at": iso(row.held_at),
        "ended_at": iso(row.ended_at),
    }
    if would is None:
        return told | {"shows": None, "because": None, "would": None}
    effects = [{"system": system, "what": what} for system, what in would.effects]
    shows = [{"field": name, "value": value} for name, value in would.seen]
    return told | {"shows": shows, "because": list(would.because), "would": effects}


class Items(Rows):
    """What is held now, unless `state` asks for others; what would happen is told of what is still held."""

    filterset_class = HeldFilter

    def get(self, request: Request, **found_by: Any) -> Response:
        return self.list()

    def get_queryset(self) -> QuerySet[Held]:
        return found(self.kwargs["brake"]).items.select_related("record__sync")

    def told(self, rows: Sequence[Held]) -> list[dict[str, Any]]:
        mine = foreseen([row for row in rows if row.state == Held.State.HELD], database_now())
        would = {one.row.pk: one for one in mine}
        return [held_json(row, would.get(row.pk)) for row in rows]


class Deed(APIView):
    """POST {"items": "all" | [ID, …], "why": "…"}: answered with how many it was done to, and how many are held yet."""

    permission_classes = (Sees,)
    word = ""

    def post(self, request: Request, brake: int) -> Response:
        may(request, RELEASE)
        told = told_in(request.data, "items", "why")
        row, items, by = found(brake), _items(told), request.user.get_username()
        number = self._done(lambda: self.do(row, items, by, told.get("why", "")))
        row = found(brake)
        held = row.items.filter(state=Held.State.HELD).count()
        return Response({self.word: number, "held": held, "on": row.released_at is None})

    def do(self, row: Brake, items: Sequence[int] | None, by: str, why: str) -> int:
        raise NotImplementedError

    def _done(self, deed: Callable[[], int]) -> int:
        try:
            return deed()
        except Refused as refused:
            raise ValidationError({"error": f"Nothing was {self.word}: {refused}."}) from None


class Release(Deed):
    word = "released"

    def do(self, row: Brake, items: Sequence[int] | None, by: str, why: str) -> int:
        return release_brake(row, by, why) if items is None else release_items(row, items, by, why)


class Leave(Deed):
    word = "left"

    def do(self, row: Brake, items: Sequence[int] | None, by: str, why: str) -> int:
        return leave(row, items, by, why)


def _items(told: dict[str, Any]) -> list[int] | None:
    """None means all."""
    given = told.get("items")
    if given == ALL:
        return None
    numbers = isinstance(given, list) and all(type(one) is int and 0 < one < 2**63 for one in given)
    if not (numbers and given and len(given) <= MOST):
        raise ValidationError({"items": [ITEMS]})
    return list(given)
