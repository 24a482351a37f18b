"""Is a deleted record told to be gone, in every way in which the hub may ask for it?"""

from __future__ import annotations

from syncapp.certify.bench import Bench
from syncapp.certify.fields import keys_of
from syncapp.certify.results import Capability, Check, Failed
from syncapp.connectors.errors import ConnectorError, Gone


def gone(on: Bench) -> str:
    """After a delete a read says gone, whatever the provider's way of saying it is."""
    id = _deleted(on)
    try:
        on.read(id)
    except Gone as told:
        return f"{id} is told to be gone{', by a tombstone' if told.item else ''}"
    except ConnectorError as error:
        mend = f"`{on.where('errors')}`: declare how a deleted id is answered"
        raise Failed(f"a read of a deleted record is answered: {error}", mend) from None
    mend = f"`{on.where('deleted')}`: the path and value by which a deleted record is known in its own body"
    raise Failed(f"{id} was deleted and is read as if it lived", mend)


def twice(on: Bench) -> str:
    """The second delete of a record is done or told as gone, and nothing else."""
    id = _deleted(on)
    try:
        on.client.delete(on.object, id, key=on.key())
    except Gone:
        return f"the second delete of {id} is told as gone"
    except ConnectorError as error:
        mend = f"`{on.where('operations.delete')}`: declare how the delete of a deleted id is answered"
        raise Failed(f"the second delete is answered: {error}", mend) from None
    return f"the second delete of {id} is taken like the first"


def not_listed(on: Bench) -> str:
    """A deleted record is not found, not listed and not read in a batch as if it lived."""
    on.operation("list")
    on.operation("delete")
    made, sent = on.make()
    keys = keys_of(on.spec.operations["find"], on.fields) if on.spec.can("find") else []
    asked = {name: str(sent[name]) for name in keys if isinstance(sent.get(name), str)}
    on.remove(made.id)
    mend = f"`{on.where('deleted')}`: the path and value of a tombstone"

    def look() -> bool | None:
        return None if made.id in [item.id for item in on.items() if not item.deleted] else True

    seen, _ = on.eventually(look, max(on.spec.lag, 3.0))
    on.expect(bool(seen), f"{made.id} was deleted and is listed as if it lived", mend)
    for name, value in asked.items():
        hits = [item.id for item in on.client.find(on.object, name, value)]
        on.expect(made.id not in hits, f"{made.id} was deleted and is found by {name} as if it lived", mend)
    some = on.client.read_many(on.object, [made.id])
    on.expect(made.id not in some or some[made.id].deleted, f"{made.id} is read in a batch as if it lived", mend)
    return f"{made.id} is neither listed nor found nor read in a batch"


def not_updated(on: Bench) -> str:
    """An update of a deleted record is told as gone: it neither lands nor makes a new one."""
    on.operation("update")
    name = on.changeable()
    id = _deleted(on)
    body = on.fields.mapping.write({name: on.fields.samples(on.next() + 1, on.mark)[name]})
    mend = f"`{on.where('errors')}`: declare how an update of a deleted id is answered"
    try:
        on.client.update(on.object, id, body, version=None, key=on.key())
    except Gone:
        return f"an update of {id} is told as gone"
    except ConnectorError as error:
        raise Failed(f"an update of a deleted record is answered: {error}", mend) from None
    raise Failed(f"an update of {id}, which was deleted, was taken", mend)


def _deleted(on: Bench) -> str:
    on.operation("delete")
    on.operation("read")
    made, _ = on.make()
    on.remove(made.id)
    return made.id


D = Capability.DELETE
CHECKS = (
    Check("delete.gone", "a deleted record is told to be gone", D, gone),
    Check("delete.twice", "a second delete is told as gone or taken", D, twice),
    Check("delete.not_listed", "a deleted record is not listed or found", D, not_listed),
    Check("delete.not_updated", "an update of a deleted record is told as gone", D, not_updated),
)
