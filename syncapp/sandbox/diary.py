"""The logs: what people did (`edits`) and what the API wrote (`writes`), written in the transaction of the change."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncapp.sandbox.dialects import iso
from syncapp.sandbox.values import Json

if TYPE_CHECKING:
    from syncapp.sandbox.store import Record, Store


@dataclass(frozen=True)
class Author:
    kind: str
    name: str

    @property
    def is_api(self) -> bool:
        return self.kind == "api"


@dataclass(frozen=True)
class Change:
    """What a write did, for the logs and the webhook."""

    action: str
    author: Author
    typed: Mapping[str, Json]
    before: Mapping[str, Json]
    after: Record
    changed: bool
    key: str | None = None


def note(store: Store, sort: str, change: Change) -> None:
    _note_write(store, sort, change) if change.author.is_api else _note_edit(store, sort, change)


def note_deed(
    store: Store, sort: str, identifier: str, action: str, author: Author, version: int, told: Json = None
) -> None:
    """A line without a field: a deletion, a merge …; `told` says what became of it."""
    _edit_line(store, sort, identifier, action, author, version, stored=told)


def _note_edit(store: Store, sort: str, change: Change) -> None:
    """One line for each field that was really changed; a deletion is one line without a field."""
    after = change.after
    if change.action == "delete":
        note_deed(store, sort, after.id, "delete", change.author, after.version)
    for name, typed in change.typed.items():
        before, stored = change.before[name], after.fields[name]
        if before != stored:
            values = {"before": before, "typed": typed, "stored": stored}
            _edit_line(store, sort, after.id, change.action, change.author, after.version, field=name, **values)


def _edit_line(
    store: Store, sort: str, identifier: str, action: str, author: Author, version: int, *,
    field: str | None = None, before: Json = None, typed: Json = None, stored: Json = None,
) -> None:  # fmt: skip
    line: dict[str, object] = {
        "time": _now(), "object": sort, "id": identifier, "action": action, "field": field,
        "before": json.dumps(before), "typed": json.dumps(typed), "stored": json.dumps(stored),
        "actor_type": author.kind, "actor": author.name, "version": version,
    }  # fmt: skip
    store.append("edits", line)


def _note_write(store: Store, sort: str, change: Change) -> None:
    after = change.after
    line = {
        "time": _now(), "object": sort, "id": after.id, "action": change.action,
        "sent": json.dumps(change.typed),
        "before": json.dumps({name: change.before[name] for name in change.typed}),
        "stored": json.dumps({name: after.fields[name] for name in change.typed}),
        "changed": change.changed, "idempotency_key": change.key,
        "actor": change.author.name, "version": after.version,
    }  # fmt: skip
    store.append("writes", line)


def _now() -> str:
    return iso(int(time.time() * 1000))
