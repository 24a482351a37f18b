"""The book of records: every create, update and delete, by the API or by a person, goes through here.

One immediate transaction holds the record, the log line and the webhook, so none exists without the
others, whatever crashes.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from hashlib import sha256

from syncapp.sandbox.dialects import Dialect, iso
from syncapp.sandbox.faults import Clock, FaultBox
from syncapp.sandbox.outbox import Outbox
from syncapp.sandbox.refusals import BadValue, KeyReused, Missing, Taken, VersionMoved
from syncapp.sandbox.store import Record, Store
from syncapp.sandbox.values import Json


@dataclass(frozen=True)
class Author:
    kind: str
    name: str

    @property
    def is_person(self) -> bool:
        return self.kind == "user"


@dataclass(frozen=True)
class Change:
    """What a write did, for the logs and the webhook."""

    action: str
    author: Author
    typed: dict[str, Json]
    before: dict[str, Json]
    after: Record
    changed: bool
    key: str | None = None


@dataclass(frozen=True)
class Book:
    dialect: Dialect
    store: Store
    clock: Clock
    box: FaultBox
    outbox: Outbox

    def find(self, identifier: str) -> Record:
        record = self.store.record(identifier)
        if record is None:
            raise Missing(f"There is no {self.dialect.noun} with the id “{identifier}”.")
        return record

    def live(self, identifier: str) -> Record:
        record = self.find(identifier)
        if record.deleted:
            raise Missing(f"The {self.dialect.noun} “{identifier}” was deleted.")
        return record

    def create(
        self, author: Author, raw: dict[str, Json], external_id: str | None = None, key: str | None = None
    ) -> Record:
        fields = self.dialect.blank() | self._stored(raw)
        print_ = sha256(json.dumps([raw, external_id], sort_keys=True).encode()).hexdigest()
        with self.store.transaction():
            if key and (known := self._replay(key, print_)):
                return known
            self._refuse_taken(external_id)
            record = self._new(author, fields, external_id)
            self._write(Change("create", author, raw, self.dialect.blank(), record, True, key))
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
            new = self._next(old, author, fields=old.fields | stored)
            if not changed and not self.dialect.same_values_count:
                new = old
            self._write(Change("update", author, raw, old.fields, new, changed))
        self.outbox.ring()
        return new

    def delete(self, author: Author, identifier: str, expected: int | None = None) -> Record:
        with self.store.transaction():
            old = self.live(identifier)
            self._refuse_moved(old, expected)
            new = self._next(old, author, deleted=True)
            self._write(Change("delete", author, {}, old.fields, new, True))
        self.outbox.ring()
        return new

    def _stored(self, raw: dict[str, Json]) -> dict[str, Json]:
        return self.dialect.store(raw, self.box.now.extra_normalisation)

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
        for owner in self.store.records("WHERE external_id = ?", [external_id]):
            message = f"The external id “{external_id}” belongs to {self.dialect.noun} {owner.id} already."
            raise Taken(message, "external_id", owner)

    def _refuse_moved(self, record: Record, expected: int | None) -> None:
        if expected is not None and expected != record.version:
            message = f"This {self.dialect.noun} is at version {record.version}, not {expected}. Read it again."
            raise VersionMoved(message, record)

    def _new(self, author: Author, fields: dict[str, Json], external_id: str | None) -> Record:
        number = self.store.rows("SELECT COALESCE(MAX(number), 0) + 1 FROM records")[0][0]
        now = self.clock.now()
        identifier = self.dialect.make_id(number)
        return Record(number, identifier, external_id, fields, 1, now, now, False, author.kind, author.name)

    def _next(
        self, old: Record, author: Author, fields: dict[str, Json] | None = None, deleted: bool = False
    ) -> Record:
        return replace(
            old, fields=fields or old.fields, deleted=deleted, version=old.version + 1,
            updated=self.clock.now(), actor_kind=author.kind, actor=author.name,
        )  # fmt: skip

    def _write(self, change: Change) -> None:
        self._log_edit(change) if change.author.is_person else self._log_write(change)
        if change.changed or self.dialect.same_values_count:
            self.store.put(change.after)
            self.outbox.add(change.after, change.action)

    def _log_edit(self, change: Change) -> None:
        """One line for each field that the person really changed; a deletion is one line without a field."""
        after = change.after
        common = {"time": iso(int(time.time() * 1000)), "id": after.id, "action": change.action}
        tail = {"actor": change.author.name, "version": after.version}
        if change.action == "delete":
            self.store.append("edits", {**common, "before": "null", "typed": "null", "stored": "null", **tail})
        for name, typed in change.typed.items():
            before, stored = change.before[name], after.fields[name]
            if before != stored:
                texts = {"before": before, "typed": typed, "stored": stored}
                values = {key: json.dumps(value) for key, value in texts.items()}
                self.store.append("edits", {**common, "field": name, **values, **tail})

    def _log_write(self, change: Change) -> None:
        after = change.after
        line = {
            "time": iso(int(time.time() * 1000)), "id": after.id, "action": change.action,
            "sent": json.dumps(change.typed),
            "before": json.dumps({name: change.before[name] for name in change.typed}),
            "stored": json.dumps({name: after.fields[name] for name in change.typed}),
            "changed": change.changed, "idempotency_key": change.key,
            "actor": change.author.name, "version": after.version,
        }  # fmt: skip
        self.store.append("writes", line)
