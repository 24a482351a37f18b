"""Is a record read by its id, and is it told from one that there is not?"""

from __future__ import annotations

from syncapp.certify.bench import Bench
from syncapp.certify.results import Capability, Check, Failed, NotTried
from syncapp.connectors.errors import ConnectorError, Gone
from syncapp.connectors.mapped import MISSING, Unmappable
from syncapp.connectors.paths import ABSENT, getter, split


def by_id(on: Bench) -> str:
    """A listed record, asked for by its id, is that record."""
    on.operation("read")
    on.operation("list")
    id = _some_id(on)
    item = on.read(id)
    mend = f"`{on.where('id')}` has to be the same in a listing and in a record"
    on.expect(item.id == id, f"asked for {id!r}, got {item.id!r}", mend)
    on.fields.learn(on.fields.read(one.body) for one in next(on.client.pages(on.object, size=50)).items)
    return f"{id} is read by its id"


def understood(on: Bench) -> str:
    """Every field that the file declares is found in some record, and can be read as its type."""
    on.operation("list")
    items = next(on.client.pages(on.object, size=50)).items
    if not items:
        raise NotTried("there is no record to look at")
    read = [on.fields.read(item.body) for item in items]
    for values in read:
        for name, value in values.items():
            if isinstance(value, Unmappable):
                mend = f"`{on.where(f'fields.{name}')}`: see its transforms and its type"
                raise Failed(f"{name} is {value.value!r}: {value.reason}", mend)
    never = [name for name in on.spec.fields if all(values.get(name, MISSING) is MISSING for values in read)]
    known = [name for name in never if on.spec.fields[name].writable is False]
    mend = f"`{on.where('fields')}`: the path of {', '.join(known)} leads nowhere"
    on.expect(not known, f"{', '.join(known)} is in none of {len(items)} records", mend)
    return f"{len(items)} records, {len(on.spec.fields) - len(never)} of {len(on.spec.fields)} fields seen in them"


def of_nobody(on: Bench) -> str:
    """An id that there is not is told as gone, not as an error of another kind."""
    on.operation("read")
    id = _some_id(on)
    nobody = id[:-3] + ("000" if id[-3:] != "000" else "111") if len(id) > 3 else "9" * 9
    try:
        item = on.read(nobody)
    except Gone:
        return f"{nobody} is told to be gone"
    except ConnectorError as error:
        mend = f"`{on.where('errors')}`: declare how an unknown id is answered"
        raise Failed(f"an unknown id is answered: {error}", mend) from None
    if item.id == nobody:
        raise NotTried(f"no id could be made up that there is not: {nobody} is there")
    raise Failed(
        f"asked for {nobody!r}, got {item.id!r}", f"`{on.where('operations.read')}`: the id has to be asked for"
    )


def many(on: Bench) -> str:
    """Records are read in batches; one that there is not is left out and spoils nothing."""
    operation = on.operation("read_many")
    ids = on.make_some(3) if on.writes and on.spec.can("create") else [item.id for item in _first(on)][:3]
    if not ids:
        raise NotTried("there is no record to look at")
    found = on.client.read_many(on.object, [*ids, _absent(ids[0])])
    lacking = [id for id in ids if id not in found]
    mend = f"`{on.where('operations.read_many')}`: see `body` and `items`"
    on.expect(not lacking, f"{len(lacking)} of {len(ids)} records did not come: {lacking}", mend)
    unlike = [id for id in ids if on.fields.read(found[id].body) != on.values(id)]
    mend = "ask the batch for all fields, or declare `omitted: missing` for those that it leaves out"
    on.expect(not unlike, f"{unlike[:1]} looks otherwise when it is read alone", mend)
    return f"{len(ids)} records in one call of at most {operation.max_ids}, an unknown id left out"


def columns(on: Bench) -> str:
    """What records show is among the columns that the account names: what is not would be taken for gone."""
    on.operation("columns")
    mend = f"`{on.where('operations.columns')}`: `ids` names the columns, `items` is where records show them"
    with on.blame(mend):
        known = on.client.columns(on.object)
    bodies = [item.body for item in _first(on)]
    paths = [field.path for field in on.fields.specs.values() if field.path]
    shown = [path for path in paths if any(getter(path)(body) is not ABSENT for body in bodies)]
    if not shown:
        raise NotTried("no record shows a field")
    lacking = [path for path in shown if not any(split(path)[: len(one)] == one for one in known)]
    on.expect(not lacking, f"{', '.join(lacking)} is in records, and no column that the account names", mend)
    return f"{len(known)} columns are named, among them {len(shown)} that records show"


def _absent(id: str) -> str:
    return id[:-1] + ("0" if id[-1] != "0" else "1") + "0"


def _first(on: Bench) -> list:  # type: ignore[type-arg]
    on.operation("list")
    return [item for item in next(on.client.pages(on.object, size=10)).items if not item.deleted]


def _some_id(on: Bench) -> str:
    items = _first(on)
    if items:
        return str(items[0].id)
    if on.writes and on.spec.can("create"):
        return on.make()[0].id
    raise NotTried("there is no record to look at")


R = Capability.READ
CHECKS = (
    Check("read.by_id", "a record is read by its id", R, by_id, False),
    Check("read.understood", "what is there is understood as the fields say", R, understood, False),
    Check("read.of_nobody", "an id that there is not is told as gone", R, of_nobody, False),
    Check("read.columns", "the columns that there are can be asked for", R, columns, False),
    Check("read.many", "records are read in batches", R, many, False),
)
