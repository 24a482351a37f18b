"""Brakes over the API: what is on, the one switch, and letting a sync write again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Count
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from policies.models import Sync
from syncapp.access import RELEASE, STOP
from syncapp.models import Brake, Held
from syncapp.stopping import Refused, release_stop, stop_all

from .filters import BrakeFilter
from .lists import Sees, refusal
from .shapes import iso
from .views import Rows

WHY = "must be text: the reason"


def may(request: Request, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied(refusal(permission))


def told_in(body: Any, *accepted: str) -> dict[str, Any]:
    """The body as an object that holds nothing else."""
    if not isinstance(body, dict):
        raise ValidationError({"error": 'The body must be a JSON object such as {"why": "…"}.'})
    unknown = {
        name: [f"no such field; accepted: {', '.join(sorted(accepted))}"] for name in body if name not in accepted
    }
    if not isinstance(body.get("why", ""), str):
        unknown["why"] = [WHY]
    if unknown:
        raise ValidationError(unknown)
    return dict(body)


def brake_json(row: Brake, held: int) -> dict[str, Any]:
    return {
        "id": row.pk,
        "code": row.code,
        "sync": row.sync.slug if row.sync is not None else None,
        "account": row.account.slug if row.account else row.feed.account.slug if row.feed else None,
        "role": row.feed.role.name if row.feed is not None else None,
        "sentence": row.sentence,
        "counts": row.counts,
        "held": held,
        "tripped_at": iso(row.tripped_at),
        "tripped_by": row.tripped_by or None,
        "released_at": iso(row.released_at),
        "released_by": row.released_by or None,
        "why": row.why or None,
    }


class Brakes(Rows):
    """What is on, or with state=off what was released."""

    queryset = Brake.objects.select_related("sync", "account", "feed__account", "feed__role")
    filterset_class = BrakeFilter

    def told(self, rows: Sequence[Brake]) -> list[dict[str, Any]]:
        held = Held.objects.filter(brake__in=[row.pk for row in rows], state=Held.State.HELD)
        counts = dict(held.order_by().values_list("brake").annotate(Count("pk")))
        return [brake_json(row, counts.get(row.pk, 0)) for row in rows]


class Stop(APIView):
    permission_classes = (Sees,)

    def post(self, request: Request) -> Response:
        may(request, STOP)
        told = told_in(request.data, "why")
        found = stop_all(request.user.get_username(), told.get("why", "").strip())
        return Response({"stopped": True, "waiting": found.waiting, "under_way": found.under_way})


class Release(APIView):
    permission_classes = (Sees,)

    def post(self, request: Request, slug: str) -> Response:
        may(request, RELEASE)
        told = told_in(request.data, "why")
        sync = Sync.objects.filter(slug=slug).first()
        if sync is None:
            known = ", ".join(Sync.objects.values_list("slug", flat=True)) or "none yet"
            raise NotFound(f"There is no sync {slug!r}. Accepted: {known}.")
        try:
            release_stop(sync, request.user.get_username(), told.get("why", ""))
        except Refused as refused:
            raise ValidationError({"error": f"Nothing was released: {refused}."}) from None
        return Response({"released": True})
