"""Many records in one call: look up, create, update; each entry of the answer is read as an answer of its own.

Only what the manifest declares (``find_many``, ``create_many``, ``update_many``, each with its largest number of
records). A call that fails as a whole raises; an entry that fails comes back as the error that a single call would
have raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from syncapp.connectors import answers
from syncapp.connectors.calls import Call, Caller, condition_value, operation_of
from syncapp.connectors.errors import ConnectorError, Malformed, Misconfigured, Unknown
from syncapp.connectors.expressions import ExpressionError, Source, listed, reads
from syncapp.connectors.items import ItemReader
from syncapp.connectors.opspec import EntriesSpec, Operation
from syncapp.connectors.paths import ABSENT, as_text, setter
from syncapp.connectors.receipts import of_entry, written
from syncapp.connectors.records import Item, Written
from syncapp.connectors.spec import Manifest, ObjectSpec
from syncapp.connectors.templates import fill_body
from syncapp.connectors.transport import Answer

Result = Written | ConnectorError


@dataclass(frozen=True, slots=True)
class New:
    """One record to be made."""

    body: Mapping[str, Any]
    key: str
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One record to be changed; with a version, only if it still has it."""

    id: str
    body: Mapping[str, Any]
    version: str | None
    key: str


class Many:
    """The batch calls of one account; shares its connection, limits and credentials."""

    def __init__(self, manifest: Manifest, caller: Caller, readers: Mapping[str, ItemReader]) -> None:
        self.manifest, self._caller, self._readers = manifest, caller, readers

    def find(self, object: str, wanted: Mapping[str, Sequence[str]]) -> list[Item]:
        """Live records of which some field has one of these values: field -> values."""
        spec, operation = operation_of(self.manifest, object, "find_many")
        if unknown := sorted(set(wanted) - set(operation.by)):
            where, known = f"{self.manifest.slug}.{object}.find_many", ", ".join(sorted(operation.by))
            raise Misconfigured(f"{spec.name} cannot be looked up by {unknown[0]!r}", where, known)
        values = {slot: list(wanted.get(field, ())) for field, slot in operation.by.items()}
        answer = self._send(spec, "find_many", operation, values)
        found = listed(operation.items or "", answer.json())
        if found is None:
            raise Malformed(f"there is no list at {operation.items!r} in the answer", answer.where, "check 'items'")
        items = [self._readers[object].item(entry, answer.asked_at) for entry in found]
        return [item for item in items if not item.deleted]

    def create(self, object: str, records: Sequence[New]) -> list[Result]:
        """One result per record, in order."""
        spec, operation = operation_of(self.manifest, object, "create_many")
        entries = []
        for record in records:
            body, values = dict(record.body), {"key": record.key}
            if record.external_id is not None:
                values["external_id"] = record.external_id
                if spec.external_id:
                    setter(spec.external_id)(body, record.external_id)
            entries.append(Entry(self._entry(operation, {**values, "body": body}), record.key, None, record.body))
        return self._write("create_many", spec, operation, entries)

    def update(self, object: str, changes: Sequence[Change]) -> list[Result]:
        """One result per change, in order."""
        spec, operation = operation_of(self.manifest, object, "update_many")
        entries = []
        for change in changes:
            entry = self._entry(operation, {"id": change.id, "body": dict(change.body), "key": change.key})
            if change.version is not None and operation.conditional is not None:
                setter(operation.conditional.body)(
                    entry, condition_value(spec, operation.conditional, {"version": change.version})
                )
            entries.append(Entry(entry, change.id, change.id, change.body))
        return self._write("update_many", spec, operation, entries)

    def _entry(self, operation: Operation, values: Mapping[str, Any]) -> Any:
        assert operation.entries is not None
        return fill_body(operation.entries.body, {**self._caller.config, **values}, self.manifest.slug)

    def _send(self, spec: ObjectSpec, name: str, operation: Operation, values: Mapping[str, Any]) -> Answer:
        body = self._caller.body(operation, values, f"{self.manifest.slug}.{spec.slug}.{name}")
        return self._caller.send(Call(name, spec, operation, values, {}, {}, body), self._readers[spec.slug])

    def _write(self, name: str, spec: ObjectSpec, operation: Operation, entries: Sequence[Entry]) -> list[Result]:
        answer = self._send(spec, name, operation, {"entries": [entry.body for entry in entries]})
        assert operation.entries is not None
        told = _sorted_out(answer, operation.entries, [entry.mark for entry in entries])
        return [self._result(spec, operation, answer, one, entry) for one, entry in zip(told, entries, strict=True)]

    def _result(self, spec: ObjectSpec, operation: Operation, answer: Answer, told: Any, entry: Entry) -> Result:
        """What came of one entry. Whatever cannot be read may have landed: only a look can tell."""
        entries, reader = operation.entries, self._readers[spec.slug]
        assert entries is not None
        status = _status(entries, told)
        if status is None:
            return Unknown("the answer does not say what became of this record", answer.where, "read the record")
        own = _own_answer(answer, status, _read(entries.error, told) if status >= 300 else None)
        context = answers.Context(
            replace(operation, success=(), ok=()), operation.errors or spec.errors, self.manifest.limits, reader,
            self._caller.credentials.redact, write=True, conditional=operation.conditional is not None,
            about_record=entry.id is not None, id=entry.id,
        )  # fmt: skip
        try:
            answers.check(own, context)
        except ConnectorError as error:
            return error
        made = of_entry(reader, _read(entries.record, told), answer, entry.id, entry.sent)
        if made is None and entries.id is not None and (id := as_text(_read(entries.id, told))):
            return written(id, None, None, answer)
        lost = "the record was created, but the answer does not say its id"
        return made or Unknown(lost, answer.where, "look the record up by its key")


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a call: what stands for it there, what its answer repeats, its id if known, what was sent."""

    body: Any
    mark: str
    id: str | None
    sent: Mapping[str, Any]


def _read(source: Source, told: Any) -> Any:
    try:
        return reads(source)(told)
    except ExpressionError:
        return ABSENT


def _status(entries: EntriesSpec, told: Any) -> int | None:
    """An entry's status as in HTTP; true and false stand for done and refused."""
    status = _read(entries.status, told) if told is not None else ABSENT
    if isinstance(status, bool):
        return 200 if status else 400
    return status if isinstance(status, int) else None


def _own_answer(answer: Answer, status: int, body: Any) -> Answer:
    return replace(answer, status=status, body=b"null" if body in (None, ABSENT) else orjson.dumps(body))


def _sorted_out(answer: Answer, entries: EntriesSpec, marks: Sequence[str]) -> list[Any]:
    """The answer's entry for each mark, None where it has none: by what they repeat, or by their order."""
    try:
        told = listed(entries.items, answer.json())
    except (Malformed, ExpressionError):
        told = None
    if told is None:
        return [None] * len(marks)
    if not entries.mark:
        return told if len(told) == len(marks) else [None] * len(marks)
    known = {as_text(_read(entries.mark, entry)): entry for entry in told}
    return [known.get(wanted) for wanted in marks]
