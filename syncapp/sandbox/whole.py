"""What is done to everything at once: an import that touches all records, and going back to an older state."""

# ruff: noqa: S608 - tables and columns come from this package's own code; values are always bound.
from __future__ import annotations

import json
import time
from collections.abc import Sequence

from syncapp.sandbox.book import Book, Shelf
from syncapp.sandbox.diary import Author, note_deed
from syncapp.sandbox.refusals import BadValue, Missing
from syncapp.sandbox.store import COLUMNS, Table
from syncapp.sandbox.values import Json

LONGEST_NAME = 60


def touch(book: Book, author: Author, at: int, ids: Sequence[str] | None) -> int:
    """One time of change and a new version for all that live, or those named; values stay, nothing is announced."""
    some, values = ("", []) if ids is None else ("AND id IN (SELECT value FROM json_each(?))", [json.dumps(ids)])
    with book.store.transaction():
        touched = book.store.run(
            f"UPDATE {book.table.name} SET version = version + 1, updated = ?, actor_kind = ?, actor = ?"
            f" WHERE deleted = 0 {some}",
            [at, author.kind, author.name, *values],
        )
        note_deed(book.store, book.sort.name, "", "touched", author, 0, touched)
    return touched


def snapshot(shelf: Shelf, name: Json) -> dict[str, Json]:
    """Keep all records as they are now under a name; the same name again replaces what was kept."""
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
        raise BadValue(f"The name must be a text of 1 to {LONGEST_NAME} characters.", "name")
    store = shelf.people.store
    with store.transaction():
        for book in shelf.books.values():
            kept = _kept(book.table)
            store.run(f"CREATE TABLE IF NOT EXISTS {kept} AS SELECT '' AS kept_as, * FROM {book.table.name} WHERE 0")
            store.run(f"DELETE FROM {kept} WHERE kept_as = ?", [name])
            store.run(f"INSERT INTO {kept} SELECT ?, * FROM {book.table.name}", [name])
        last = store.rows("SELECT COALESCE(MAX(seq), 0) FROM edits")[0][0]
        told = {"name": name, "edits": last, "time": time.time()}
        store.set_setting(f"snapshot {name}", told)
    return told


def restore(shelf: Shelf, author: Author, name: Json) -> dict[str, Json]:
    """Back to what was kept: versions are lower again, nothing is announced, and ids that were given out stay used.

    The log of edits goes on; its line says up to which line the state knows of them.
    """
    store = shelf.people.store
    told = store.setting(f"snapshot {name}")
    if told is None:
        raise Missing(f"There is no snapshot called “{name}”.", "name")
    with store.transaction():
        for book in shelf.books.values():
            table = book.table
            store.set_setting(f"highest {table.name}", table.next_number() - 1)
            store.run(f"DELETE FROM {table.name}")
            columns = ", ".join(COLUMNS)
            store.run(
                f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {_kept(table)} WHERE kept_as = ?", [name]
            )
        store.run("DELETE FROM idempotency WHERE time > ?", [told["time"]])
        store.run("DELETE FROM chores")
        note_deed(store, "", "", "restored", author, 0, told)
    return dict(told)


def _kept(table: Table) -> str:
    return f"kept_{table.name}"
