"""Does an update change what it names and nothing else, and can a field be emptied?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from syncapp.certify.bench import Bench
from syncapp.certify.fields import Values, differing
from syncapp.certify.results import Capability, Check, Failed, NotOffered, NotTried
from syncapp.connectors.errors import ConnectorError, Rejected
from syncapp.connectors.mapped import MISSING, writer
from syncapp.connectors.paths import getter, setter
from syncapp.doubles.control import NoControl

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


def neighbours(on: Bench) -> str:
    """A field that is one entry of a list changes that entry: what a person put beside it stays."""
    on.operation("update")
    lists = _lists(on)
    if not lists:
        raise NotOffered("no field is written as one entry of a list")
    made, sent = on.make()
    tried = [name for name, at in lists.items() if name in sent and _alone(on, made.id, name, at)]
    if not tried:
        raise NotTried(f"{', '.join(lists)}: nobody can put another entry into the list here")
    return f"{', '.join(tried)} changed, the other entries of the list stayed"


def _lists(on: Bench) -> dict[str, str]:
    """The fields that are written into a list and are not the list itself -> the list."""
    found = {}
    for name, sample in on.fields.samples(1, on.mark).items():
        at, held = _into(on.fields.mapping.write({name: sample}))
        whole = on.fields.specs[name].type in ("list", "set")
        if not whole and isinstance(held, list) and held and isinstance(held[0], dict):
            found[name] = at
    return found


def _into(held: Any) -> tuple[str, Any]:
    """Where the body of one field stops being nothing but the way to it, and what is there."""
    way: list[str] = []
    while isinstance(held, dict) and len(held) == 1:
        [(key, held)] = held.items()
        way.append(f'["{key}"]' if way else f'"{key}"')
    return "".join(way), held


def _alone(on: Bench, id: str, name: str, at: str) -> bool:
    """False if no other entry could be put beside it. Raises Failed if one is lost."""
    look, body = getter(at), Values()
    first = look(on.read(id).body)
    if not isinstance(first, list) or not first:
        return False
    setter(at)(body, [*first, _unlike(first[0])])
    try:
        on.world.edit(on.object, id, body)
    except NoControl:
        return False
    others = look(on.read(id).body)[1:]
    if not others:
        return False
    on.write(id, {name: on.fields.samples(on.next() + 1, on.mark)[name]})
    held = look(on.read(id).body)
    lost = [entry for entry in others if not isinstance(held, list) or entry not in held]
    mend = f"`{on.where('operations.update.keeps')}`: what is sent, of {{now, sent}}; else `{name}`: writable: false"
    on.expect(not lost, f"writing {name} lost {lost} from {at}", mend)
    return True


def _unlike(entry: Values) -> Values:
    """Another entry of the same kind, as a person might add it."""
    changed = {key: f"other-{value}" if isinstance(value, str) else value for key, value in entry.items()}
    return {key: value for key, value in changed.items() if key != "id"}


U = Capability.UPDATE
CHECKS = (
    Check("update.only_named", "an update changes what it names and nothing else", U, only_named),
    Check("update.receipt", "the answer of an update tells what a read tells", U, receipt),
    Check("update.neighbours", "writing a field leaves the other entries of its list alone", U, neighbours),
    Check("update.clears", "every field can be emptied, and is then read as empty", U, clears),
)
