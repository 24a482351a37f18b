"""What a double remembers: records of several objects, and a log of everything that happened to them, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any

from syncapp.doubles.clock import Clock

Json = Any
Fields = dict[str, Json]
HUB = "api"


@dataclass
class Row:
    """One record. ``fields`` is in whatever shape the double likes; ``number`` grows with every write to any record."""

    id: str
    fields: Fields
    created: datetime
    updated: datetime
    version: int
    number: int
    actor: str
    deleted: bool = False
    # Whatever else a double keeps beside a record: a hash of the key it came with, where it was merged to.
    notes: Fields = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One line of the log. ``row`` is as it was just after, ``before`` its fields just before (None: it was not)."""

    number: int
    object: str
    kind: str  # created, updated, deleted
    at: datetime
    actor: str
    row: Row
    before: Fields | None


class Shelf:
    """All records of a double. `ids` makes the id of a new record: text, numbers, whatever the provider has."""

    def __init__(self, clock: Clock, objects: Iterable[str]) -> None:
        self.clock = clock
        self.log: list[Change] = []
        self._rows: dict[str, dict[str, Row]] = {name: {} for name in objects}
        self._numbers = count(1)
        self._watchers: list[Callable[[Change], None]] = []

    def watch(self, watcher: Callable[[Change], None]) -> None:
        """Called after every change: where a double makes its webhooks."""
        self._watchers.append(watcher)

    def objects(self) -> list[str]:
        return list(self._rows)

    def get(self, object: str, id: str, *, deleted: bool = False) -> Row | None:
        """The record, or None; one that was deleted only if it is asked for."""
        row = self._of(object).get(id)
        return row if row is not None and (deleted or not row.deleted) else None

    def rows(self, object: str, *, deleted: bool = False) -> list[Row]:
        """In the order of creation."""
        return [row for row in self._of(object).values() if deleted or not row.deleted]

    def add(self, object: str, fields: Fields, id: str | None = None, *, actor: str = HUB) -> Row:
        number, now = next(self._numbers), self.clock.now()
        row = Row(id or str(number), deepcopy(fields), now, now, 1, number, actor)
        if row.id in self._of(object):
            raise ValueError(f"{object} {row.id} is there already")
        self._rows[object][row.id] = row
        self._tell(object, "created", row, None)
        return row

    def change(self, object: str, id: str, change: Callable[[Fields], Fields], *, actor: str = HUB) -> Row:
        """Put what `change` makes of the fields in their place. Raises KeyError where there is no such record."""
        row = self._live(object, id)
        before = deepcopy(row.fields)
        row.fields = change(deepcopy(row.fields))
        self._touch(row, actor)
        self._tell(object, "updated", row, before)
        return row

    def remove(self, object: str, id: str, *, actor: str = HUB) -> Row:
        """A tombstone stays; a double decides whether it shows it."""
        row = self._live(object, id)
        row.deleted = True
        self._touch(row, actor)
        self._tell(object, "deleted", row, deepcopy(row.fields))
        return row

    def stamp(self, object: str, ids: Iterable[str], moment: datetime) -> None:
        """Give these records one time of change, as an import does."""
        for id in ids:
            self._live(object, id).updated = moment

    def _of(self, object: str) -> dict[str, Row]:
        if object not in self._rows:
            raise KeyError(f"there is no object {object!r} here; there are {', '.join(self._rows)}")
        return self._rows[object]

    def _live(self, object: str, id: str) -> Row:
        row = self.get(object, id)
        if row is None:
            raise KeyError(f"there is no {object} {id!r}")
        return row

    def _touch(self, row: Row, actor: str) -> None:
        row.number, row.updated, row.actor = next(self._numbers), self.clock.now(), actor
        row.version += 1

    def _tell(self, object: str, kind: str, row: Row, before: Fields | None) -> None:
        told = Change(
            row.number, object, kind, row.updated, row.actor, replace(row, fields=deepcopy(row.fields)), before
        )
        self.log.append(told)
        for watcher in self._watchers:
            watcher(told)


def merged(fields: Fields, changes: Fields) -> Fields:
    """JSON merge patch (RFC 7396) of objects within objects; None is kept as a value, for a double to decide about."""
    out = dict(fields)
    for name, value in changes.items():
        known = out.get(name)
        out[name] = merged(known, value) if isinstance(value, dict) and isinstance(known, dict) else value
    return out
