"""Records, ledger, deliveries and pushes over the API: parse, call, render. Nothing here changes anything."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from syncapp.models import Delivery, Ledger, Push, Record
from syncapp.sight import sights_of
from syncapp.words import words_of

from .filters import DeliveryFilter, LedgerFilter, PushFilter, RecordFilter
from .lists import Pages, Sees, StrictFilters
from .shapes import delivery_json, line_json, push_json, records_json

# What came in from outside is shown whole to those who administer accounts.
SEE_BODY = "syncapp.view_delivery"
PLACES = ("records", "conflicts", "ledger", "deliveries", "pushes", "brakes", "plans")


class Rows(generics.GenericAPIView):
    """A list, and one of it: `told` renders rows, whole pages at a time."""

    permission_classes = (Sees,)
    pagination_class = Pages
    filter_backends = (StrictFilters,)

    def told(self, rows: Sequence[Any]) -> list[dict[str, Any]]:
        raise NotImplementedError

    def list(self) -> Response:
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.told(rows or []))

    def one(self) -> Response:
        return Response(self.told([self.get_object()])[0])

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Filters are for lists: one row is found by its key alone."""
        found: QuerySet[Any] = queryset if self.lookup_field in self.kwargs else super().filter_queryset(queryset)
        return found

    def get(self, request: Request, **found_by: Any) -> Response:
        return self.one() if found_by else self.list()


class Records(Rows):
    queryset = Record.objects.select_related("sync")
    filterset_class = RecordFilter

    def told(self, rows: Sequence[Record]) -> list[dict[str, Any]]:
        return records_json(sights_of(rows))


class Lines(Rows):
    queryset = Ledger.objects.select_related("sync")
    filterset_class = LedgerFilter

    def told(self, rows: Sequence[Ledger]) -> list[dict[str, Any]]:
        words = words_of({row.sync_id for row in rows})
        return [line_json(row, words[row.sync_id]) for row in rows]


class Deliveries(Rows):
    queryset = Delivery.objects.select_related("account").defer("body", "headers")
    filterset_class = DeliveryFilter

    def told(self, rows: Sequence[Delivery]) -> list[dict[str, Any]]:
        return [delivery_json(row) for row in rows]

    def one(self) -> Response:
        row: Delivery = self.get_object()
        more: dict[str, Any] = {}
        if self.request.user.has_perm(SEE_BODY):
            more = {"body": _text(bytes(row.body)), "headers": row.headers}
        return Response({**delivery_json(row), **more})


def _text(body: bytes) -> str:
    """JSON as it came; what is not text, in base64, said so."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(body).decode()


class Pushes(Rows):
    queryset = Push.objects.select_related("record__sync", "feed__account", "feed__role")
    filterset_class = PushFilter

    def told(self, rows: Sequence[Push]) -> list[dict[str, Any]]:
        return [push_json(row) for row in rows]


class Index(APIView):
    """Where everything is."""

    permission_classes = (Sees,)

    def get(self, request: Request) -> Response:
        return Response({name: reverse(f"api:{name}", request=request) for name in PLACES})


def nowhere(request: HttpRequest, rest: str) -> JsonResponse:
    told = f"There is nothing at /api/v1/{rest}. Look at /api/v1/ for what there is: {', '.join(PLACES)}."
    return JsonResponse({"error": told}, status=404)
