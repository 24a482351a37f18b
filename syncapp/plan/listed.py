"""Rows of a plan a page at a time, with everything their sentences need, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from policies.core.ownership import KEY
from policies.core.values import Values
from policies.models import SyncField
from syncapp.models import Planned, Run
from syncapp.words import Words, short, titles_of, words_of

from .told import ItemTold, item_told

LISTED = (
    Planned.Group.REFUSED, Planned.Group.AMBIGUOUS, Planned.Group.DIFFERS, Planned.Group.ONLY, Planned.Group.WAITS,
    Planned.Group.NEW, Planned.Group.IDENTICAL,
)  # fmt: skip
MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Listing:
    rows: Sequence[Planned]
    next: str


def rows_of(run: Run, group: str, cursor: str, size: int) -> Listing:
    """Rows of one group, or those that moved; of all groups but the identical where none is named."""
    rows = Planned.objects.filter(run=run).exclude(group=Planned.Group.SIDE).select_related("feed__role")
    if group == MOVED:
        rows = Planned.objects.filter(run=run).exclude(moved="").select_related("feed__role")
    elif group:
        rows = rows.filter(group=group)
    else:
        rows = rows.exclude(group=Planned.Group.IDENTICAL)
    if cursor.isdecimal() and len(cursor) < 19:
        rows = rows.filter(pk__gt=int(cursor))
    found = list(rows.order_by("pk")[: size + 1])
    return Listing(found[:size], str(found[size - 1].pk) if len(found) > size else "")


def told_rows(run: Run, rows: Sequence[Planned], words: Words | None = None) -> list[ItemTold]:
    words = words or words_of([run.sync_id])[run.sync_id]
    words = replace(words, titles=_titles(run, rows))
    return [item_told(row, words) for row in rows]


def _titles(run: Run, rows: Sequence[Planned]) -> dict[str, str]:
    """Of every record that a reference here names, by its key: some exist in the copy alone, and have a key only."""
    refers = set(SyncField.objects.filter(sync=run.sync_id, type="reference").values_list("name", flat=True))
    told = (values.get(name) for row in rows for values in _values(row) for name in refers & values.keys())
    keys = {value for value in told if isinstance(value, str) and KEY.fullmatch(value)}
    titles = titles_of([{key: key} for key in keys])
    return {key: titles.get(key) or short(key) for key in keys}


def _values(row: Planned) -> Iterator[Values]:
    """All that its sentences show of any field."""
    for told in row.detail.get("fields", ()):
        yield from told["sides"].values()
        yield told["value"]
    for write in row.detail.get("writes", ()):
        for change in write.get("fields", {}).values():
            yield from change.values()


def item_json(told: ItemTold) -> dict[str, Any]:
    row = told.row
    return {
        "id": row.pk,
        "group": row.group,
        "title": told.title,
        "role": row.feed.role.name if row.feed is not None else None,
        "remote_id": row.remote_id,
        "record": str(row.record) if row.record else None,
        "sides": row.detail.get("sides", {}),
        "fields": [
            {"field": field["unit"], "sides": field["sides"], "value": field["value"], "asks": bool(field.get("asks")),
             "stays": bool(field.get("stays")),
             "winner": field.get("winner", []), "why": one.why}
            for field, one in zip(row.detail.get("fields", ()), told.fields, strict=True)
        ],
        "writes": row.detail.get("writes", []),
        "said": list(told.said),
        "moved": row.moved or None,
    }  # fmt: skip


def plan_json(run: Run) -> dict[str, Any]:
    """A plan in numbers, as command and API tell it."""
    counts = run.counts
    approval = getattr(run, "approval", None)
    return {
        "plan": run.pk,
        "sync": run.sync.slug,
        "state": run.state,
        "error": run.error or None,
        "acts": bool(counts.get("acts")),
        "groups": counts.get("groups", {}),
        "only": counts.get("only", {}),
        "in_step": counts.get("in_step", 0),
        "fields": counts.get("fields", {}),
        "writes": counts.get("writes", {}),
        "questions": counts.get("questions", {}),
        "costs": counts.get("costs", {}),
        "feeds": counts.get("feeds", {}),
        "progress": counts.get("progress"),
        "policy": counts.get("policy"),
        "asked_by": counts.get("by", ""),
        "started_at": run.started_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "approved": (
            {"by": approval.by, "at": approval.at.isoformat(), "why": approval.why, "roles": approval.roles}
            if approval is not None else None
        ),
    }  # fmt: skip
