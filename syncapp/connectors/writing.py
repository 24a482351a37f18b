"""Write one record of one account: create, update, delete, each as the manifest says, with its receipt."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from syncapp.connectors import times
from syncapp.connectors.calls import Call, Caller, as_sent, operation_of
from syncapp.connectors.errors import Malformed, Rejected, Unknown
from syncapp.connectors.items import ItemReader
from syncapp.connectors.opspec import Operation
from syncapp.connectors.paths import setter
from syncapp.connectors.records import Written
from syncapp.connectors.spec import Manifest, ObjectSpec
from syncapp.connectors.templates import fill
from syncapp.connectors.transport import Answer

OWN_IDS = uuid.UUID("6b0f3c0e-9f0c-5d0a-8a7e-2f6f3d1c7a55")


class Writing:
    """The single writes of one account; shares its connection, limits and credentials."""

    def __init__(
        self, manifest: Manifest, caller: Caller, readers: Mapping[str, ItemReader], clock: Callable[[], float]
    ) -> None:
        self.manifest, self._caller, self._readers, self._clock = manifest, caller, readers, clock

    def create(self, object: str, body: Mapping[str, Any], *, key: str, external_id: str | None = None) -> Written:
        """A new record. The same key never makes two where the provider has an idempotency key or lets us name ids."""
        spec, operation = operation_of(self.manifest, object, "create")
        content = dict(body)
        if external_id is not None and spec.external_id:
            setter(spec.external_id)(content, external_id)
        own_id = str(uuid.uuid5(OWN_IDS, f"{self._caller.base}/{object}/{key}"))
        values = {"body": content, "own_id": own_id, "key": key}
        try:
            answer = self._write("create", spec, operation, values, None)
        except Rejected as refused:
            if refused.status in operation.exists:
                return Written(own_id, None, None, self._clock(), existed=True)
            raise
        written = self._written(spec, operation, answer, None)
        if written is None:
            raise Unknown(
                "the record was created, but the answer does not say its id",
                answer.where,
                "look the record up by its key",
            )
        return written

    def update(self, object: str, id: str, body: Mapping[str, Any], *, version: str | None, key: str) -> Written:
        """A partial update; with a version, only if the record still has it (else Stale)."""
        spec, operation = operation_of(self.manifest, object, "update")
        answer = self._write("update", spec, operation, {"id": id, "body": dict(body), "key": key}, version)
        written = self._written(spec, operation, answer, id)
        return written or Written(id, None, None, answer.answered_at)

    def delete(self, object: str, id: str, *, version: str | None = None, key: str) -> None:
        """Delete; with a version, only if the record still has it. Raises Gone if it was not there."""
        spec, operation = operation_of(self.manifest, object, "delete")
        self._write("delete", spec, operation, {"id": id, "key": key}, version)

    def _write(
        self, name: str, spec: ObjectSpec, operation: Operation, values: dict[str, Any], version: str | None
    ) -> Answer:
        where = f"{self.manifest.slug}.{spec.slug}.{name}"
        headers = {header: fill(template, values, where) for header, template in operation.idempotency.items()}
        body = self._caller.body(operation, values, where)
        condition = operation.conditional if version is not None else None
        if condition is not None and condition.header:
            headers[condition.header] = fill(condition.template, {"version": version}, where)
        if condition is not None and condition.body:
            body = dict(body or {})
            setter(condition.body)(body, as_sent(spec, version))
        call = Call(name, spec, operation, values, {}, headers, body, conditional=condition is not None)
        return self._caller.send(call, self._readers[spec.slug])

    def _written(self, spec: ObjectSpec, operation: Operation, answer: Answer, known_id: str | None) -> Written | None:
        """The receipt, as far as the answer carries one. A write that succeeded is never turned into an error here."""
        reader = self._readers[spec.slug]
        found, version, item = known_id, None, None
        try:
            if operation.item is not None:
                # only a body that names its id is taken for the record: it becomes what we believe is stored there
                item = reader.item(answer.part(operation.item), answer.asked_at, answer.headers)
                found, version = item.id, item.version
            elif answer.body:
                body = answer.json()
                found, version = known_id or reader.id_of(body), reader.version(body, answer.headers)
        except Malformed:
            item = None  # it landed, and the read that follows will show it
        if found is None:
            return None
        date = times.header_date(answer.headers.get("Date"))
        return Written(found, version, item, answer.answered_at, False, date, answer.round_trip)
