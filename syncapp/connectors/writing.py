"""Write one record of one account: create, update, delete, each as the manifest says, with its receipt."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from syncapp.connectors.calls import Call, Caller, condition_value, operation_of
from syncapp.connectors.errors import ConnectorError, Rejected, Stale, Unknown
from syncapp.connectors.items import ItemReader
from syncapp.connectors.merging import kept, merged, taken, without
from syncapp.connectors.opspec import ConditionalSpec, Operation, PartSpec
from syncapp.connectors.paths import ABSENT, getter, setter
from syncapp.connectors.reading import Reading
from syncapp.connectors.receipts import receipt, written
from syncapp.connectors.records import Written
from syncapp.connectors.spec import Manifest, ObjectSpec
from syncapp.connectors.templates import fill
from syncapp.connectors.transport import Answer

OWN_IDS = uuid.UUID("6b0f3c0e-9f0c-5d0a-8a7e-2f6f3d1c7a55")
Values = dict[str, Any]


class Writing:
    """The single writes of one account; shares its connection, limits and credentials."""

    def __init__(
        self,
        manifest: Manifest,
        caller: Caller,
        readers: Mapping[str, ItemReader],
        reading: Reading,
        clock: Callable[[], float],
    ) -> None:
        self.manifest, self._caller, self._readers, self._clock = manifest, caller, readers, clock
        self._reading = reading

    def create(self, object: str, body: Mapping[str, Any], *, key: str, external_id: str | None = None) -> Written:
        """A new record. The same key never makes two where the provider has an idempotency key, lets us name ids or
        makes and updates by our external id in one call.
        """
        spec, operation = operation_of(self.manifest, object, "create")
        name = "create"
        content, parts = taken(body, operation.parts)
        own_id = str(uuid.uuid5(OWN_IDS, f"{self._caller.base}/{object}/{key}"))
        values = {"body": content, "own_id": own_id, "key": key}
        if external_id is not None and spec.external_id:
            setter(spec.external_id)(content, external_id)
            if spec.can("upsert"):
                name, operation = "upsert", spec.operations["upsert"]
                values |= {"external_id": external_id, "body": without(content, spec.external_id)}
        try:
            answer = self._write(name, spec, operation, values, None)
        except Rejected as refused:
            if refused.status in operation.exists:
                return Written(own_id, None, None, self._clock(), existed=True)
            raise
        sent = without(content, spec.external_id) if spec.external_id else content
        made = receipt(self._readers[object], operation, answer, None, sent)
        if made is None:
            raise Unknown(
                "the record was created, but the answer does not say its id",
                answer.where,
                "look the record up by its key",
            )
        return self._rest_of_new(spec, made, parts, key) if parts else made

    def _rest_of_new(self, spec: ObjectSpec, made: Written, parts: Sequence[tuple[PartSpec, Any]], key: str) -> Written:
        """A new record that is not whole yet is not confirmed: it is looked up, and then written as any other."""
        try:
            return self._parts("create", spec, made.id, parts, key, landed=True)
        except ConnectorError as error:
            raise Unknown(
                f"record {made.id} was created, but not all of it was written: {error.what}",
                error.where,
                "look the record up by its key",
            ) from error

    def update(self, object: str, id: str, body: Mapping[str, Any], *, version: str | None, key: str) -> Written:
        """A partial update; with a version, only if the record still has it (else Stale)."""
        spec, operation = operation_of(self.manifest, object, "update")
        content, parts = taken(body, operation.parts)
        if not content and parts:
            return self._parts("update", spec, id, parts, key, landed=False)
        sent, version = self._whole(spec, operation, id, content, version)
        answer = self._write("update", spec, operation, {**spec.slots(id), "body": sent, "key": key}, version)
        made = receipt(self._readers[object], operation, answer, id, content)
        assert made is not None  # its id is known
        return self._parts("update", spec, id, parts, key, landed=True) if parts else made

    def delete(self, object: str, id: str, *, version: str | None = None, key: str) -> None:
        """Delete; with a version, only if the record still has it. Raises Gone if it was not there."""
        spec, operation = operation_of(self.manifest, object, "delete")
        if version is None and operation.conditional is not None and operation.conditional.required:
            version = self._reading.one(object, id).version
        self._write("delete", spec, operation, {**spec.slots(id), "key": key}, version)

    def _whole(
        self, spec: ObjectSpec, operation: Operation, id: str, content: Values, version: str | None
    ) -> tuple[Values, str | None]:
        """What is sent and on which version: where an update replaces more than it names, that as it is now."""
        replaces, condition = operation.replaces, operation.conditional
        must = condition is not None and condition.required and version is None
        keeps = [keep for keep in operation.keeps if getter(keep.path)(content) is not ABSENT]
        if replaces is None and not must and not keeps:
            return content, version
        now = self._reading.one(spec.slug, id)
        if version is not None and now.version != version:
            what = "the record has another version by now"
            raise Stale(what, f"{self.manifest.slug}.{spec.slug}.update", "read it again, then decide", current=now)
        for keep in keeps:
            content = kept(now.body, content, keep)
        if replaces is not None:
            content = merged(now.body, content)
            for path in replaces.drop:
                content = without(content, path)
        return content, now.version

    def _parts(
        self, name: str, spec: ObjectSpec, id: str, parts: Sequence[tuple[PartSpec, Any]], key: str, *, landed: bool
    ) -> Written:
        """The calls that write single fields, in turn. Once something landed, no error says that nothing did."""
        answer: Answer | None = None
        for number, (part, value) in enumerate(parts):
            values = {**spec.slots(id), "value": value, "key": f"{key}-{number}"}
            try:
                answer = self._write(name, spec, part.operation, values, None)
            except Rejected as refused:
                refused.fields = refused.fields or {part.take: refused.message}
                raise
            except ConnectorError as error:
                if landed:
                    raise Unknown(f"a part was written, {part.take} was not: {error.what}", error.where) from error
                raise
            landed = True
        assert answer is not None
        return written(id, None, None, answer)

    def _write(self, name: str, spec: ObjectSpec, operation: Operation, values: Values, version: str | None) -> Answer:
        where = f"{self.manifest.slug}.{spec.slug}.{name}"
        headers = {header: fill(template, values, where) for header, template in operation.idempotency.items()}
        body = self._caller.body(operation, values, where)
        condition = self._condition(spec, operation, values.get("id"), version)
        if condition is not None:
            spec_of, told = condition
            if spec_of.header:
                headers[spec_of.header] = fill(spec_of.template, told, where)
            else:
                body = dict(body or {})
                setter(spec_of.body)(body, condition_value(spec, spec_of, told))
        call = Call(name, spec, operation, values, {}, headers, body, conditional=condition is not None)
        return self._caller.send(call, self._readers[spec.slug])

    def _condition(
        self, spec: ObjectSpec, operation: Operation, id: str | None, version: str | None
    ) -> tuple[ConditionalSpec, dict[str, str]] | None:
        condition = operation.conditional
        if condition is None or id is None:
            return None
        if condition.by_clock:
            seen = self._reading.last_time(spec.slug, id)
            return (condition, {"updated_at": seen}) if seen else None
        return None if version is None else (condition, {"version": version})
