"""Is what was created there, as it was sent, and only once?"""

from __future__ import annotations

from syncapp.certify.bench import Bench
from syncapp.certify.fields import differing
from syncapp.certify.results import Capability, Check, Failed, NotOffered
from syncapp.connectors.errors import ConnectorError, Rejected
from syncapp.connectors.records import Written


def read_back(on: Bench) -> str:
    """A new record holds what was sent; fields that were refused or dropped are named."""
    made, sent = on.make()
    found = on.values(made.id)
    unlike = on.fields.unlike(sent, found)
    if unlike:
        name, (mine, theirs) = next(iter(unlike.items()))
        field = on.where(f"fields.{name}")
        seen = f"{name} was sent as {mine!r} and is read as {theirs!r} ({len(unlike)} such fields)"
        raise Failed(seen, f"`{field}`: see path, type, transforms and normalises; writable: false, if it is not taken")
    if on.fields.refused:
        name, said = next(iter(on.fields.refused.items()))
        mend = f"`{on.where(f'fields.{name}')}`: writable: false, or the transform that spells it as the provider wants"
        raise Failed(f"{', '.join(on.fields.refused)} refused: {said}", mend)
    return f"{len(sent)} fields written and read back alike"


def receipt(on: Bench) -> str:
    """What the answer of a write says of the record is what a read says."""
    operation = on.operation("create")
    made, _ = on.make()
    if made.item is None:
        if operation.item is not None:
            mend = f"`{on.where('operations.create.item')}`: where the record is in the answer, or leave it out"
            raise Failed("the answer does not carry the record where the file says so", mend)
        return f"the answer says the id {made.id}; the record is read afterwards"
    item = on.read(made.id)
    told, read = on.fields.read(made.item.body), on.fields.read(item.body)
    unlike = differing(told, read)
    mend = f"`{on.where('operations.create.item')}`: leave it out, and the record is read after each write"
    on.expect(not unlike, f"the answer tells {', '.join(unlike)} otherwise than a read", mend)
    on.expect(made.version == item.version, f"version {made.version} told, {item.version} read", mend)
    return "the answer tells the record as a read does"


def partly(on: Bench) -> str:
    """A field that was not sent is empty, in the way that the file says, and not missing."""
    name, other = _without(on)
    field, found = on.spec.fields.get(name), on.values(other.id)[name]
    if field is not None and field.omitted == "missing" and found is not None and not on.fields.same(name, None, found):
        seen = f"{name} was not sent and is not told at all in a full read of {other.id}"
        raise Failed(seen, f'`{on.where(f"fields.{name}")}`: omitted: "null"')
    mend = f"`{on.where(f'fields.{name}')}`: see path and omitted"
    on.expect(not found, f"{name} was not sent and is read as {found!r}", mend)
    return f"{name}, which was not sent, is read as empty in {other.id}"


def _without(on: Bench) -> tuple[str, Written]:
    """A record that was made without one of its fields; one that it has to have is kept."""
    _, sent = on.make()
    for name in sent:
        field = on.spec.fields.get(name)
        never_empty = field is not None and field.clear == "refuse"  # it gets a value of the provider's own
        if name in on.fields.carriers or name in on.fields.given or never_empty:
            continue
        try:
            return name, on.make(leave=(name,))[0]
        except Rejected:
            continue
    raise NotOffered("a record has to have every field: nothing can be left out")


def same_key_twice(on: Bench) -> str:
    """A create that is sent again with its key makes no second record."""
    operation = on.operation("create")
    if not operation.idempotency and not operation.exists and "own_id" not in str(operation):
        raise NotOffered("the file declares neither a key nor an id of our own for a create")
    number, key = on.next(), on.key()
    sent = on.fields.samples(number, on.mark)
    external = f"{on.mark}-{number}"
    first = on.create(sent, key, external)
    mend = f"`{on.where('operations.create.idempotency')}`: the provider does not keep to it; leave it out"
    try:
        second = on.create(sent, key, external)
    except ConnectorError as error:
        raise Failed(f"the same create again is answered: {error}", mend) from None
    on.expect(first.id == second.id, f"the same key made {first.id} and {second.id}", mend)
    return f"the same key twice made {first.id} once"


def field_named(on: Bench) -> str:
    """A refusal names the field that it is about, so that the others are not held up by it."""
    on.operation("create")
    if not (on.spec.errors.field or on.spec.errors.items):
        raise NotOffered("the file does not say where a refusal names its fields")
    name, bad = next(((n, bad) for n in on.fields.writable if (bad := _bad(on, n)) is not None), ("", None))
    if not name:
        raise NotOffered("there is no field with a type that a wrong value could be made up for")
    number = on.next()
    body = on.fields.mapping.write({**on.fields.samples(number, on.mark), name: bad})
    try:
        made = on.client.create(on.object, body, key=on.key())
    except Rejected as refused:
        mend = f"`{on.where('errors')}`: field, or items with item_field, as the answer names them"
        on.expect(name in on.fields.named(refused), f"refused without naming {name}: {refused.message}", mend)
        return f"{bad!r} is refused as {name}: {refused.fields}"
    on.made[made.id] = None
    return f"{bad!r} is taken as {name}: nothing was refused"


def _bad(on: Bench, name: str) -> object:
    return {"email": "no address", "date": "someday", "datetime": "someday"}.get(on.fields.specs[name].type)


C = Capability.CREATE
CHECKS = (
    Check("create.read_back", "a new record is read back as it was sent", C, read_back),
    Check("create.receipt", "the answer of a create tells what a read tells", C, receipt),
    Check("create.partly", "a field that was not sent is empty, not missing", C, partly),
    Check("create.field_named", "a refusal names its field", C, field_named),
    Check("idempotent.same_key", "the same create twice makes one record", Capability.IDEMPOTENT, same_key_twice),
)
