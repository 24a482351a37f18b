"""Plans over the API: make one, look at it, page through what it found, approve it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import django_filters
from rest_framework import status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from policies.models import Sync
from syncapp.access import APPROVE
from syncapp.models import Run
from syncapp.plan.approve import NotApprovable, approve
from syncapp.plan.listed import LISTED, MOVED, item_json, plan_json, rows_of, told_rows
from syncapp.plan.make import ask_for_plan

from .brakes import may, told_in
from .filters import by_sync
from .lists import LONGEST_PAGE, PAGE, Sees
from .views import Rows

ACCEPTED = ("after", "group", "limit")
GROUPS = (*(group.value for group in LISTED), MOVED)


class PlanFilter(django_filters.FilterSet):
    sync = by_sync()

    class Meta:
        model = Run
        fields: Sequence[str] = []


class Plans(Rows):
    queryset = Run.objects.filter(kind=Run.Kind.PLAN).select_related("sync", "approval")
    filterset_class = PlanFilter

    def told(self, rows: Sequence[Run]) -> list[dict[str, Any]]:
        return [plan_json(run) for run in rows]

    def post(self, request: Request) -> Response:
        """Ask for a plan; workers make it. 202 with the plan as it stands."""
        may(request, APPROVE)
        told = told_in(request.data, "sync")
        sync = Sync.objects.filter(slug=told.get("sync")).first()
        if sync is None:
            known = ", ".join(Sync.objects.values_list("slug", flat=True)) or "none yet"
            raise ValidationError({"sync": [f"{told.get('sync')!r} is no sync; accepted: {known}"]})
        run = ask_for_plan(sync, request.user.get_username())
        return Response(plan_json(Run.objects.select_related("sync").get(pk=run.pk)), status.HTTP_202_ACCEPTED)


def _run(pk: int) -> Run:
    run = Run.objects.filter(kind=Run.Kind.PLAN, pk=pk).select_related("sync", "approval").first()
    if run is None:
        raise NotFound("There is no such plan. /api/v1/plans/ lists them.")
    return run


class Items(APIView):
    """What a plan found, record by record."""

    permission_classes = (Sees,)

    def get(self, request: Request, pk: int) -> Response:
        run, asked = _run(pk), request.query_params
        wrong = {name: ["no such parameter; accepted: after, group, limit"] for name in asked if name not in ACCEPTED}
        group, limit = asked.get("group", ""), asked.get("limit", str(PAGE))
        if group and group not in GROUPS:
            wrong["group"] = [f"{group!r} is not accepted; accepted: {', '.join(GROUPS)}"]
        if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit[:6]) <= LONGEST_PAGE):
            wrong["limit"] = [f"{limit!r} is not accepted; accepted: 1 to {LONGEST_PAGE}"]
        if wrong:
            raise ValidationError(wrong)
        found = rows_of(run, group, asked.get("after", ""), int(limit))
        return Response(
            {"after": found.next or None, "results": [item_json(one) for one in told_rows(run, found.rows)]}
        )


class Approve(APIView):
    """409 with why not, when the plan is not true any more."""

    permission_classes = (Sees,)

    def post(self, request: Request, pk: int) -> Response:
        may(request, APPROVE)
        told = told_in(request.data or {}, "why")
        _run(pk)
        try:
            approve(pk, request.user.get_username(), told.get("why", ""))
        except NotApprovable as problem:
            said = f"Nothing was approved: {problem}."
            return Response({"error": said, "plan": plan_json(_run(pk))}, status.HTTP_409_CONFLICT)
        return Response(plan_json(_run(pk)))
