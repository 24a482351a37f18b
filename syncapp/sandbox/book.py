"""The book of one sort of object: every create, update and delete goes through here.

One immediate transaction holds the record, the log line and the webhook, so none exists without the
others, whatever crashes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from syncapp.sandbox.dialects import Dialect, Sort
from syncapp.sandbox.diary import Author, Change, note, note_deed
from syncapp.sandbox.faults import Clock, FaultBox
from syncapp.sandbox.outbox import Outbox
from syncapp.sandbox.refusals import BadValue, KeyReused, Merged, Missing, Taken, VersionMoved
from syncapp.sandbox.store import Record, Store, Table
from syncapp.sandbox.values import Json

DELETES = ("delta", "feed", "never")


@dataclass(frozen=True)
class Book:
    dialect: Dialect
    sort: Sort
    table: Table
    store: Store
    clock: Clock
    box: FaultBox
    outbox: Outbox
    # What else happens when a change was written: automations.
    react: Callable[[Book, Change], None]
    # Every book of the sandbox by the name of its sort, this one too.
    shelf: Mapping[str, Book]

    @property
    def deletes(self) -> str:
        """Where deletions are reported: in lists and webhooks, in a feed of their own, or never."""
        return str(self.store.setting("deletes") or DELETES[0])

    def find(self, identifier: str) -> Record:
        record = self.table.record(identifier)
        if record is None:
            raise Missing(f"There is no {self.sort.noun} with the id “{identifier}”.")
        return record

    def live(self, identifier: str) -> Record:
        record = self.find(identifier)
        if record.merged_into:
            raise Merged(f"The {self.sort.noun} “{identifier}” was merged into another.", self.winner(record).id)
        if record.deleted:
            raise Missing(f"The {self.sort.noun} “{identifier}” was deleted.")
        return record

    def winner(self, record: Record) -> Record:
        """Where a merged record ended up in the end; a record that was not merged is its own."""
        while record.merged_into:
            record = self.find(record.merged_into)
        return record

    def create(
        self, author: Author, raw: dict[str, Json], external_id: str | None = None, key: str | None = None
    ) -> Record:
        fields = self.sort.blank() | self._stored(raw)
        print_ = sha256(json.dumps([self.sort.name, raw, external_id], sort_keys=True).encode()).hexdigest()
        with self.store.transaction():
            if key and (known := self._replay(key, print_)):
                return known
            self._refuse_taken(external_id)
            record = self._new(author, fields, external_id)
            self.write(Change("create", author, raw, self.sort.blank(), record, True, key))
            if key:
                line = {"key": key, "fingerprint": print_, "time": time.time(), "record": record.dump()}
                self.store.append("idempotency", line)
        self.outbox.ring()
        return record

    def update(self, author: Author, identifier: str, raw: dict[str, Json], expected: int | None = None) -> Record:
        stored = self._stored(raw)
        with self.store.transaction():
            old = self.live(identifier)
            self._refuse_moved(old, expected)
            changed = any(old.fields[name] != value for name, value in stored.items())
            new = self.next_of(old, author, fields=old.fields | stored)
            if not changed and not self.dialect.same_values_count:
                new = old
            self.write(Change("update", author, raw, old.fields, new, changed))
        self.outbox.ring()
        return new

    def delete(self, author: Author, identifier: str, expected: int | None = None) -> Record:
        with self.store.transaction():
            old = self.live(identifier)
            self._refuse_moved(old, expected)
            new = self.next_of(old, author, deleted=True)
            self.write(Change("delete", author, {}, old.fields, new, True))
        self.outbox.ring()
        return new

    def unarchive(self, author: Author, identifier: str) -> Record:
        """A deleted record is back under its old id, with its values; its external id must be free."""
        with self.store.transaction():
            old = self.find(identifier)
            if not old.deleted or old.merged_into:
                what = "was merged into another" if old.deleted else "was not deleted"
                raise BadValue(f"The {self.sort.noun} “{identifier}” {what}, so it cannot be brought back.", "id")
            self._refuse_taken(old.external_id)
            new = self.next_of(old, author)
            note_deed(self.store, self.sort.name, new.id, "unarchived", author, new.version)
            self.write(Change("unarchive", author, {}, old.fields, new, True))
        self.outbox.ring()
        return new

    def _stored(self, raw: dict[str, Json]) -> dict[str, Json]:
        stored = self.sort.store(raw, self.box.now.extra_normalisation)
        for name, value in stored.items():
            refers = self.sort.field(name).refers
            target = self.shelf[refers].table.record(value) if refers and value else None
            if refers and value and (target is None or target.deleted):
                noun = self.shelf[refers].sort.noun
                raise BadValue(f"There is no {noun} with the id “{value}” that {name} could refer to.", name)
        return stored

    def _replay(self, key: str, fingerprint: str) -> Record | None:
        found = self.store.rows("SELECT * FROM idempotency WHERE key = ?", [key])
        if not found:
            return None
        hours = self.dialect.idempotency_hours
        if hours is not None and time.time() - found[0]["time"] > hours * 3600:
            self.store.rows("DELETE FROM idempotency WHERE key = ?", [key])
            return None
        if found[0]["fingerprint"] != fingerprint:
            raise KeyReused("This Idempotency-Key was used for another body. Use a new key for a new record.")
        return Record.load(found[0]["record"])

    def _refuse_taken(self, external_id: str | None) -> None:
        if external_id is None:
            return
        if not isinstance(external_id, str) or not 0 < len(external_id) <= 200:
            raise BadValue("The external id must be a text of 1 to 200 characters.", "external_id")
        for owner in self.table.records("WHERE deleted = 0 AND external_id = ?", [external_id]):
            message = f"The external id “{external_id}” belongs to {self.sort.noun} {owner.id} already."
            raise Taken(message, "external_id", owner)

    def _refuse_moved(self, record: Record, expected: int | None) -> None:
        if expected is not None and expected != record.version:
            message = f"This {self.sort.noun} is at version {record.version}, not {expected}. Read it again."
            raise VersionMoved(message, record)

    def _new(self, author: Author, fields: dict[str, Json], external_id: str | None) -> Record:
        number = self.table.next_number()
        now = self.clock.now()
        identifier = self.sort.make_id(number)
        return Record(number, identifier, external_id, fields, 1, now, now, False, author.kind, author.name)

    def next_of(
        self, old: Record, author: Author, fields: dict[str, Json] | None = None, deleted: bool = False
    ) -> Record:
        """What a record becomes by somebody's change, not kept yet."""
        return replace(
            old, fields=fields or old.fields, deleted=deleted, version=old.version + 1,
            updated=self.clock.now(), actor_kind=author.kind, actor=author.name,
        )  # fmt: skip

    def write(self, change: Change, merged: Sequence[str] = ()) -> None:
        """Keep, log and announce a change, inside a transaction. `merged`: the ids that went into the record."""
        note(self.store, self.sort.name, change)
        if change.changed or self.dialect.same_values_count:
            self.table.put(change.after)
            if change.action != "delete" or self.deletes == "delta":
                self.outbox.add(self.sort.noun, change.after, "merge" if merged else change.action, merged)
            self.react(self, change)


@dataclass(frozen=True)
class Shelf:
    """The books of a sandbox by the name of their sort, people first."""

    books: Mapping[str, Book]

    @classmethod
    def of(
        cls, dialect: Dialect, store: Store, clock: Clock, box: FaultBox, outbox: Outbox,
        react: Callable[[Book, Change], None],
    ) -> Shelf:  # fmt: skip
        books: dict[str, Book] = {}
        for sort in dialect.sorts:
            table = store.table(sort.name, sort.key)
            books[sort.name] = Book(dialect, sort, table, store, clock, box, outbox, react, books)
        return cls(books)

    @property
    def people(self) -> Book:
        return next(iter(self.books.values()))

    def book(self, name: Json) -> Book:
        """By the name of its sort; people, if none is given."""
        if name is None:
            return self.people
        if name not in self.books:
            raise BadValue(f"“{name}” is not kept here. Kept are: {', '.join(self.books)}.", "object")
        return self.books[name]
