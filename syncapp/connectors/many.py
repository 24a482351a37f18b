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

from syncapp.connectors import answers, times
from syncapp.connectors.calls import Call, Caller, as_sent, operation_of
from syncapp.connectors.errors import ConnectorError, Malformed, Misconfigured, Unknown
from syncapp.connectors.items import ItemReader
from syncapp.connectors.opspec import EntriesSpec, Operation
from syncapp.connectors.paths import ABSENT, as_text, getter, setter
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
        found = getter(operation.items or "")(answer.json())
        if not isinstance(found, list):
            raise Malformed(f"there is no list at {operation.items!r} in the answer", answer.where, "check 'items'")
        items = [self._readers[object].item(entry, answer.asked_at) for entry in found]
        return [item for item in items if not item.deleted]

    def create(self, object: str, records: Sequence[New]) -> list[Result]:
        """One result per record, in order."""
        spec, operation = operation_of(self.manifest, object, "create_many")
        entries = []
        for record in records:
            body = dict(record.body)
            if record.external_id is not None and spec.external_id:
                setter(spec.external_id)(body, record.external_id)
            entries.append(self._entry(operation, {"body": body, "key": record.key}))
        marks = [record.key for record in records]
        return self._write("create_many", spec, operation, entries, marks, ids=[None] * len(records))

    def update(self, object: str, changes: Sequence[Change]) -> list[Result]:
        """One result per change, in order."""
        spec, operation = operation_of(self.manifest, object, "update_many")
        entries = []
        for change in changes:
            entry = self._entry(operation, {"id": change.id, "body": dict(change.body), "key": change.key})
            if change.version is not None and operation.conditional is not None:
                setter(operation.conditional.body)(entry, as_sent(spec, change.version))
            entries.append(entry)
        ids = [change.id for change in changes]
        return self._write("update_many", spec, operation, entries, ids, ids)

    def _entry(self, operation: Operation, values: Mapping[str, Any]) -> Any:
        assert operation.entries is not None
        return fill_body(operation.entries.body, values, self.manifest.slug)

    def _send(self, spec: ObjectSpec, name: str, operation: Operation, values: Mapping[str, Any]) -> Answer:
        body = self._caller.body(operation, values, f"{self.manifest.slug}.{spec.slug}.{name}")
        return self._caller.send(Call(name, spec, operation, values, {}, {}, body), self._readers[spec.slug])

    def _write(
        self,
        name: str,
        spec: ObjectSpec,
        operation: Operation,
        entries: Sequence[Any],
        marks: Sequence[str],
        ids: Sequence[str | None],
    ) -> list[Result]:
        answer = self._send(spec, name, operation, {"entries": list(entries)})
        assert operation.entries is not None
        told = _sorted_out(answer, operation.entries, marks)
        return [self._result(spec, operation, answer, entry, id) for entry, id in zip(told, ids, strict=True)]

    def _result(self, spec: ObjectSpec, operation: Operation, answer: Answer, entry: Any, id: str | None) -> Result:
        """What came of one entry. Whatever cannot be read may have landed: only a look can tell."""
        entries, reader = operation.entries, self._readers[spec.slug]
        assert entries is not None
        status = getter(entries.status)(entry) if entry is not None else ABSENT
        if not isinstance(status, int) or isinstance(status, bool):
            return Unknown("the answer does not say what became of this record", answer.where, "read the record")
        own = _own_answer(answer, status, getter(entries.error)(entry) if status >= 300 else None)
        context = answers.Context(
            operation, spec.errors, self.manifest.limits, reader, self._caller.credentials.redact, write=True,
            conditional=operation.conditional is not None, about_record=id is not None, id=id,
        )  # fmt: skip
        try:
            answers.check(own, context)
        except ConnectorError as error:
            return error
        return _receipt(reader, answer, getter(entries.record)(entry), id)


def _own_answer(answer: Answer, status: int, body: Any) -> Answer:
    return replace(answer, status=status, body=b"null" if body in (None, ABSENT) else orjson.dumps(body))


def _sorted_out(answer: Answer, entries: EntriesSpec, marks: Sequence[str]) -> list[Any]:
    """The answer's entry for each mark, None where it has none: by what they repeat, or by their order."""
    try:
        told = getter(entries.items)(answer.json())
    except Malformed:
        told = None
    if not isinstance(told, list):
        return [None] * len(marks)
    if not entries.mark:
        return list(told) if len(told) == len(marks) else [None] * len(marks)
    mark = getter(entries.mark)
    known = {as_text(mark(entry)): entry for entry in told}
    return [known.get(wanted) for wanted in marks]


def _receipt(reader: ItemReader, answer: Answer, record: Any, id: str | None) -> Result:
    try:
        item = reader.item(record, answer.asked_at)
    except Malformed as fault:
        if id is None:
            return Unknown(f"the record was created, but its entry cannot be read: {fault.what}", answer.where)
        return Written(id, None, None, answer.answered_at)
    date = times.header_date(answer.headers.get("Date"))
    return Written(item.id, item.version, item, answer.answered_at, False, date, answer.round_trip)
