"""The queue: which questions wait, filtered, counted, oldest first, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import django_filters
from django.db.models import Count, Min, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from policies.models import Role, Sync, SyncField
from syncapp.access import may_see
from syncapp.keyset import Slice, by_time
from syncapp.models import Conflict
from syncapp.words import Words, spelled, titles_of, words_of

from .questions import KINDS, headline, kind_label

PAGE = 50
AGES = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7)}
AGE_LABELS = [("1h", "older than 1 hour"), ("1d", "older than 1 day"), ("7d", "older than 7 days")]


def _fields(_: Any = None) -> list[tuple[str, str]]:
    """By the labels that the pages show; syncs that call one field differently are both told."""
    labels: dict[str, set[str]] = {}
    for row in SyncField.objects.only("name", "bundle", "label"):
        label = row.label if row.unit == row.name else ""
        labels.setdefault(row.unit, set()).add(label or spelled(row.unit))
    return [(unit, " / ".join(sorted(told))) for unit, told in sorted(labels.items())]


def _roles(_: Any = None) -> list[tuple[str, str]]:
    return [(name, label or name) for name, label in sorted(set(Role.objects.values_list("name", "label")))]


class QueueFilter(django_filters.FilterSet):
    """Empty or unknown choices filter nothing, except that the state is open until one is chosen."""

    sync = django_filters.ModelChoiceFilter(
        queryset=Sync.objects.all(), to_field_name="slug", label="Sync", empty_label="all syncs"
    )
    field = django_filters.ChoiceFilter(field_name="unit", choices=_fields, label="Field", empty_label="all fields")
    role = django_filters.ChoiceFilter(method="by_role", choices=_roles, label="System", empty_label="all systems")
    kind = django_filters.ChoiceFilter(
        choices=[(kind.value, label) for kind, label in KINDS.items()], label="Kind", empty_label="all kinds"
    )
    age = django_filters.ChoiceFilter(method="by_age", choices=AGE_LABELS, label="Age", empty_label="any age")
    state = django_filters.ChoiceFilter(choices=Conflict.State.choices, label="State", empty_label=None)

    class Meta:
        model = Conflict
        fields: Sequence[str] = []

    def by_role(self, rows: QuerySet[Conflict], name: str, value: str) -> QuerySet[Conflict]:
        return rows.filter(Q(role=value) | Q(candidates__contains=[{"source": value}]))

    def by_age(self, rows: QuerySet[Conflict], name: str, value: str) -> QuerySet[Conflict]:
        return rows.filter(opened_at__lte=timezone.now() - AGES[value])


@dataclass(frozen=True, slots=True)
class Row:
    conflict: Conflict
    headline: str
    kind: str
    sides: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Queue:
    rows: Sequence[Row]
    next: str
    count: int
    by_kind: Sequence[tuple[str, str, int]]
    filter: QueueFilter
    filtered: bool


def queue(given: Mapping[str, str], cursor: str) -> Queue:
    chosen = {name: given[name] for name in QueueFilter.base_filters if given.get(name)}
    wanted = QueueFilter({"state": "open", **chosen}, Conflict.objects.all())
    rows = wanted.qs if wanted.is_valid() else Conflict.objects.filter(state=Conflict.State.OPEN)
    counted = list(rows.values_list("kind").annotate(count=Count("pk")).order_by("kind"))
    part = by_time(rows.select_related("record"), "opened_at", "id", cursor, PAGE, newest=False)
    told = titles_of(one.get("value", {}) for conflict in part.rows for one in conflict.candidates)
    words = words_of({conflict.sync_id for conflict in part.rows}, told)
    return Queue(
        _rows(part, words),
        part.next,
        sum(count for _, count in counted),
        [(kind, kind_label(kind), count) for kind, count in counted],
        wanted,
        bool(chosen),
    )


def _rows(part: Slice, words: Mapping[int, Words]) -> list[Row]:
    return [
        Row(
            conflict,
            headline(conflict, words[conflict.sync_id]),
            kind_label(conflict.kind),
            _sides(conflict, words[conflict.sync_id]),
        )
        for conflict in part.rows
    ]


def _sides(conflict: Conflict, words: Words) -> list[tuple[str, str]]:
    if not conflict.unit:
        return []
    newest = {one["source"]: one["value"] for one in conflict.candidates}
    return [(words.role(source), words.values(value)) for source, value in newest.items()]


def waiting() -> dict[str, Any]:
    """How many questions are open, and since when the oldest waits."""
    return Conflict.objects.filter(state=Conflict.State.OPEN).aggregate(count=Count("pk"), oldest=Min("opened_at"))


def badge(request: HttpRequest) -> str:
    """For the sidebar, which asks twice for each page: the answer is kept with the request."""
    kept = request.__dict__
    if "open_questions" not in kept:
        kept["open_questions"] = waiting()["count"] if may_see(request) else 0
    return str(kept["open_questions"] or "")
