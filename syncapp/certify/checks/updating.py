"""Does an update change what it names and nothing else, and can a field be emptied?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from syncapp.certify.bench import Bench
from syncapp.certify.fields import Values, differing
from syncapp.certify.results import Capability, Check, Failed
from syncapp.connectors.errors import ConnectorError, Rejected
from syncapp.connectors.mapped import MISSING, writer

CLEARS = ("null", "empty", "list")


def only_named(on: Bench) -> str:
    """One field changes; every other stays."""
    on.operation("update")
    made, sent = on.make()
    name = on.changeable()
    before = on.values(made.id)
    value = on.fields.samples(on.next() + 1, on.mark)[name]
    on.write(made.id, {name: value})
    after = on.values(made.id)
    mend = f"`{on.where('operations.update')}`: see method, path and body"
    on.expect(on.fields.same(name, value, after[name]), f"{name} was set to {value!r} and is {after[name]!r}", mend)
    lost = [field for field in sent if field != name and before[field] != after[field]]
    mend = "the provider replaces the whole record: declare an update that sends all fields"
    on.expect(not lost, f"an update of {name} also changed {', '.join(lost)}", mend)
    return f"{name} changed, {len(before) - 1} other fields stayed"


def receipt(on: Bench) -> str:
    """The answer of an update tells what a read tells."""
    operation = on.operation("update")
    made, _ = on.make()
    name = on.changeable()
    told = on.write(made.id, {name: on.fields.samples(on.next() + 1, on.mark)[name]})
    item = on.read(made.id)
    mend = f"`{on.where('operations.update.item')}`: where the record is in the answer, or leave it out"
    if operation.item is not None and told.item is None:
        raise Failed("the answer does not carry the record where the file says so", mend)
    if told.item is not None:
        shown, read = on.fields.read(told.item.body), on.fields.read(item.body)
        unlike = differing(shown, read)
        on.expect(not unlike, f"the answer tells {', '.join(unlike)} otherwise than a read", mend)
    if told.version is not None:
        on.expect(told.version == item.version, f"version {told.version} told, {item.version} read", mend)
    return "the answer tells the record as a read does"


def clears(on: Bench) -> str:
    """Every field can be emptied in the way that its `clear` says, and is then read as empty."""
    on.operation("update")
    made, sent = on.make()
    able = [name for name in sent if on.fields.mapping.fields[name].clear != "refuse"]
    stuck = [name for name in able if not _cleared(on, made.id, name)]
    cleared = [name for name in able if name not in stuck]
    if stuck:
        name = stuck[0]
        told = on.values(made.id)[name]
        raise Failed(f"{', '.join(stuck)} could not be emptied: {name} is read as {told!r}", _way(on, made.id, name))
    untold = [name for name in cleared if on.values(made.id)[name] is MISSING]
    if untold:
        seen = f"{', '.join(untold)} is not told at all once it is empty, which reads as unknown"
        raise Failed(seen, "; ".join(f'`{on.where(f"fields.{name}")}`: omitted: "null"' for name in untold))
    return f"{len(cleared)} fields emptied and read as empty"


def _cleared(on: Bench, id: str, name: str) -> bool:
    try:
        on.write(id, {name: None})
    except Rejected:
        return False
    return _is_empty(on.values(id)[name])


def _is_empty(found: Any) -> bool:
    return found is MISSING or found in (None, "", [], {})


def _way(on: Bench, id: str, name: str) -> str:
    """Try the other ways to empty a field, and say which one works."""
    known = on.fields.mapping.fields[name]
    for clear in CLEARS:
        body: Values = {}
        writer(replace(known, clear=clear))(body, None)
        try:
            version = on.read(id).version if on.spec.conditional else None
            on.client.update(on.object, id, body, version=version, key=on.key())
        except ConnectorError:
            continue
        if _is_empty(on.values(id)[name]):
            return f'`{on.where(f"fields.{name}")}`: clear: "{clear}"'
    return f"`{on.where(f'fields.{name}')}`: clear: refuse, if nothing empties it"


U = Capability.UPDATE
CHECKS = (
    Check("update.only_named", "an update changes what it names and nothing else", U, only_named),
    Check("update.receipt", "the answer of an update tells what a read tells", U, receipt),
    Check("update.clears", "every field can be emptied, and is then read as empty", U, clears),
)
