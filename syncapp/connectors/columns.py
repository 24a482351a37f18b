"""Which columns an object has now, where the account decides that and leaves out what is empty."""

from __future__ import annotations

from syncapp.connectors.calls import Call, Caller, operation_of
from syncapp.connectors.errors import Malformed
from syncapp.connectors.expressions import listed
from syncapp.connectors.paths import Step, split
from syncapp.connectors.spec import Manifest

PREFIX = "config."


def columns(manifest: Manifest, caller: Caller, object: str) -> list[tuple[Step, ...]]:
    """The ways to them in a record, asked of the account. An answer that names none is not believed."""
    spec, operation = operation_of(manifest, object, "columns")
    where = f"{manifest.slug}.{object}.columns"
    body = caller.body(operation, {}, where)
    answer = caller.send(Call("columns", spec, operation, {}, {}, {}, body))
    at = split(str(operation.items or ""))
    settings = {name.removeprefix(PREFIX): text for name, text in caller.config.items()}
    found = listed(operation.ids, {"body": answer.json(), "config": settings}) if operation.ids is not None else None
    if not found or not all(isinstance(one, str) for one in found):
        raise Malformed("the answer names no columns", where, "check 'ids' in the manifest")
    return [(*at, name) for name in found]
