"""Lists of the API: paged by cursor, filtered strictly, and only for people who may see the pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError as WrongValue
from django.db.models import QuerySet
from django_filters import FilterSet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import permissions
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView

from syncapp.access import DEEDS, SEE, TEAMS

PAGE = 50
LONGEST_PAGE = 200


def refusal(permission: str) -> str:
    return (
        f"You may not {DEEDS[permission]}. That is for the team {TEAMS[permission]}; "
        "ask an administrator to add you to it."
    )


class Sees(permissions.BasePermission):
    """Signed in, or with a token, as staff in a team that sees records."""

    message = refusal(SEE)

    def has_permission(self, request: Request, view: APIView) -> bool:
        user = request.user
        return bool(user and user.is_authenticated and user.is_staff and user.has_perm(SEE))


class Pages(CursorPagination):
    """By primary key, which is unique and ordered by time: no row is shown twice or left out while others change."""

    ordering = "-pk"
    page_size = PAGE
    page_size_query_param = "limit"
    max_page_size = LONGEST_PAGE

    def get_page_size(self, request: Request) -> int:
        told = request.query_params.get("limit")
        if told is None:
            return PAGE
        if not (told.isascii() and told.isdecimal() and 1 <= int(told[:6]) <= LONGEST_PAGE):
            raise ValidationError({"limit": [f"{told!r} is not accepted; accepted: 1 to {LONGEST_PAGE}"]})
        return int(told)

    def paginate_queryset(self, queryset: QuerySet[Any], request: Request, view: Any = None) -> list[Any] | None:
        try:
            found: list[Any] | None = super().paginate_queryset(queryset, request, view)
        except (NotFound, ValueError, WrongValue):
            raise ValidationError(
                {"cursor": ["not a cursor of this list; take the address in `next`, or leave it out"]}
            ) from None
        return found


class OldestFirst(Pages):
    ordering = "pk"


class StrictFilters(DjangoFilterBackend):
    """A parameter or a value that is not known is refused by name, never ignored."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        filterset = self.get_filterset(request, queryset, view)
        if filterset is None:
            return queryset
        wrong = _unknown(request.query_params, filterset) | _refused(filterset)
        if wrong:
            raise ValidationError(wrong)
        found: QuerySet[Any] = filterset.qs
        return found


def _unknown(given: Iterable[str], filterset: FilterSet) -> dict[str, list[str]]:
    accepted = [*filterset.filters, "limit", "cursor"]
    return {
        name: [f"no such parameter; accepted: {', '.join(sorted(accepted))}"] for name in given if name not in accepted
    }


def _refused(filterset: FilterSet) -> dict[str, list[str]]:
    if filterset.is_valid():
        return {}
    return {name: _told(filterset, name, map(str, said)) for name, said in filterset.errors.items()}


def _told(filterset: FilterSet, name: str, said: Iterable[str]) -> list[str]:
    choices = getattr(filterset.form.fields.get(name), "choices", None)
    if choices is None:
        return list(said)
    accepted = ", ".join(str(value) for value, _ in choices if value not in ("", None))
    return [f"{filterset.data.get(name)!r} is not accepted; accepted: {accepted or 'nothing yet'}"]
