"""Does the look-up before a create find what is there, soon enough, and nothing else?"""

from __future__ import annotations

from syncapp.certify.bench import Bench
from syncapp.certify.fields import keys_of
from syncapp.certify.results import Capability, Check, Failed, NotTried
from syncapp.connectors.paths import as_text, getter

ALLOWED = 2.0


def finds(on: Bench) -> str:
    """By every key that the file offers; how long it takes until a new record is found is measured."""
    made, asked = _looked_up(on, "find")
    slowest = 0.0
    for name, value in asked.items():
        found, took = on.eventually(lambda n=name, v=value: made in _ids(on, n, v) or None)  # type: ignore[misc]
        if not found:
            mend = f"`{on.where('operations.find.by')}`: how {name} is asked for"
            raise Failed(f"{made} is not found by {name} {value!r} within {took:.0f} s", mend)
        slowest = max(slowest, took)
    allowed = max(on.spec.lag, ALLOWED)
    mend = f"`{on.object}.lag`: {slowest * 2:.0f}"
    on.expect(slowest <= allowed, f"a new record is found after {slowest:.1f} s", mend)
    return f"found by {', '.join(asked)}, {slowest:.1f} s after it was made"


def nothing_else(on: Bench) -> str:
    """A value that nobody has finds nobody: a parameter that the provider does not know finds everybody."""
    made, asked = _looked_up(on, "find")
    on.settle()
    for name, value in asked.items():
        nobody = value.replace(on.mark, f"{on.mark}-nobody") if on.mark in value else f"{on.mark}-nobody-{value}"
        found = _ids(on, name, nobody)
        mend = f"`{on.where('operations.find')}`: the parameter for {name} is ignored or compares loosely"
        on.expect(not found, f"{nobody!r} as {name} finds {found[:3]}", mend)
        others = [id for id in _ids(on, name, value) if id != made]
        on.expect(not others, f"{value!r} as {name} finds {others[:3]} too", mend)
    return f"values that nobody has find nobody, by {', '.join(asked)}"


def many(on: Bench) -> str:
    """Several looked up in one call, each found once."""
    operation = on.operation("find_many")
    first, asked = _looked_up(on, "find_many")
    second, others = _looked_up(on, "find_many")
    wanted = {name: [value, others[name], f"{on.mark}-nobody"] for name, value in asked.items()}
    if "email" in wanted:
        wanted["email"][2] += "@example.com"

    def look() -> list[str] | None:
        found = [item.id for item in on.client.many.find(on.object, wanted)]
        return found if {first, second} <= set(found) else None

    found, _ = on.eventually(look, max(on.spec.lag, ALLOWED))
    mend = f"`{on.where('operations.find_many')}`: see `by`, `body` and `items`"
    if found is None:
        raise Failed(f"{first} and {second} are not found in one call by {', '.join(wanted)}", mend)
    strangers = [id for id in found if id not in (first, second)]
    on.expect(not strangers, f"{strangers[:3]} were found, which nobody asked for", mend)
    return f"two records in one call of at most {operation.max_ids}, by {', '.join(wanted)}"


def _looked_up(on: Bench, name: str) -> tuple[str, dict[str, str]]:
    """A new record and what to look it up by: key -> its value."""
    operation = on.operation(name)
    made, sent = on.make()
    held = sent if on.spec.can("create") else {**on.values(made.id), **sent}
    asked = {key: str(held[key]) for key in keys_of(operation, on.fields) if isinstance(held.get(key), str)}
    if on.spec.external_id and "external_id" in operation.by:
        asked["external_id"] = _external(on, made.id)
    if not asked:
        raise NotTried(f"no value could be made up for {', '.join(operation.by)}")
    return made.id, asked


def _external(on: Bench, id: str) -> str:
    told = as_text(getter(on.spec.external_id)(on.read(id).body))
    if not told:
        mend = f"`{on.where('external_id')}`: the path of a field that keeps our own id"
        raise Failed(f"the record {id} does not carry the id of ours that it was made with", mend)
    return told


def _ids(on: Bench, name: str, value: str) -> list[str]:
    return [item.id for item in on.client.find(on.object, name, value)]


F = Capability.FIND
CHECKS = (
    Check("find.finds", "a look-up finds a new record", F, finds),
    Check("find.nothing_else", "a look-up finds nothing else", F, nothing_else),
    Check("find.many", "several are looked up in one call", F, many),
)
