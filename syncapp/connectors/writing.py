"""Write one record of one account: create, update, delete, each as the manifest says, with its receipt."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from syncapp.connectors.calls import Call, Caller, condition_value, operation_of
from syncapp.connectors.errors import Rejected, Unknown
from syncapp.connectors.items import ItemReader
from syncapp.connectors.opspec import Operation
from syncapp.connectors.paths import setter
from syncapp.connectors.receipts import receipt
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
        written = receipt(self._readers[object], operation, answer, None, content)
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
        answer = self._write("update", spec, operation, {**spec.slots(id), "body": dict(body), "key": key}, version)
        written = receipt(self._readers[object], operation, answer, id, body)
        return written or Written(id, None, None, answer.answered_at)

    def delete(self, object: str, id: str, *, version: str | None = None, key: str) -> None:
        """Delete; with a version, only if the record still has it. Raises Gone if it was not there."""
        spec, operation = operation_of(self.manifest, object, "delete")
        self._write("delete", spec, operation, {**spec.slots(id), "key": key}, version)

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
            setter(condition.body)(body, condition_value(spec, condition, str(version)))
        call = Call(name, spec, operation, values, {}, headers, body, conditional=condition is not None)
        return self._caller.send(call, self._readers[spec.slug])
