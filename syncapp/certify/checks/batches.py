"""Many records in one call: does each get its own answer, also where one of them is bad?"""

from __future__ import annotations

from syncapp.certify.bench import Bench
from syncapp.certify.results import Capability, Check, Failed, NotOffered, NotTried
from syncapp.connectors.errors import ConnectorError, Gone, Rejected, Stale
from syncapp.connectors.many import Change, New, Result
from syncapp.connectors.mapped import MISSING
from syncapp.connectors.paths import setter
from syncapp.connectors.records import Written

BAD = {"email": "no address", "date": "someday", "datetime": "someday", "integer": "many", "decimal": "much"}


def creates(on: Bench) -> str:
    """Two good ones land where they were asked for."""
    on.operation("create_many")
    asked, sent = _new(on, 2)
    results = on.client.many.create(on.object, asked)
    _keep(on, results)
    mend = f"`{on.where('operations.create_many.entries')}`: see items, status, record and mark"
    for values, result in zip(sent, results, strict=True):
        if not isinstance(result, Written):
            raise Failed(f"an entry of a batch came to: {result}", mend)
        unlike = on.fields.unlike(values, on.values(result.id))
        on.expect(not unlike, f"{result.id} was told for another entry: {', '.join(unlike)}", mend)
    return f"{len(results)} records made in one call, each answered for itself"


def creates_around_a_bad_one(on: Bench) -> str:
    """One that the provider refuses does not take the others with it, and is told as refused."""
    on.operation("create_many")
    names = [name for name in on.fields.writable if on.fields.specs[name].type in BAD]
    if not names:
        raise NotTried("there is no field with a type that a wrong value could be made up for")
    for name in names:
        asked, sent = _new(on, 3)
        asked[1] = New(_spoiled(on, name, sent[1]), asked[1].key, asked[1].external_id)
        try:
            results = on.client.many.create(on.object, asked)
        except Rejected as refused:
            return _made_none(on, sent, refused)
        _keep(on, results)
        if not isinstance(results[1], Written):
            break
    else:
        raise NotTried(f"the provider takes wrong values as {', '.join(names)}: nothing was refused")
    mend = f"`{on.where('operations.create_many.entries')}`: see status, error and mark"
    lost = [str(result) for result in (results[0], results[2]) if not isinstance(result, Written)]
    on.expect(not lost, f"a good entry beside a bad one came to: {lost[:1]}", mend)
    for values, result in ((sent[0], results[0]), (sent[2], results[2])):
        assert isinstance(result, Written)
        on.expect(not on.fields.unlike(values, on.values(result.id)), "an entry was told for another one", mend)
    return f"two good ones landed beside one that was refused: {results[1]}"


def _made_none(on: Bench, sent: list[dict[str, object]], refused: Rejected) -> str:
    """A call that is refused as a whole is sent again one by one, so nothing of it may have landed."""
    marks = [str(values[name]).encode() for values in sent for name in on.fields.carriers if name in values]
    landed = [item.id for item in on.items() if not item.deleted and any(mark in item.raw for mark in marks)]
    on.made.update((id, None) for id in landed)
    mend = f"`{on.where('operations.create_many')}`: leave it out, the provider makes some and then refuses the call"
    on.expect(not landed, f"the call was refused, and {len(landed)} of its records were made", mend)
    return f"a bad one refuses the whole call and nothing is made, so the hub sends each alone: {refused.message}"


def _spoiled(on: Bench, name: str, sent: dict[str, object]) -> dict[str, object]:
    """The body with a value that the field cannot hold, past our own transforms where they refuse it too."""
    field = on.fields.specs[name]
    wrong = BAD[field.type]
    body, failed = on.fields.mapping.encode({**sent, name: wrong})
    if failed and field.inverse:
        raise NotTried(f"our own side refuses {wrong!r} as {name} before it is sent")
    if failed:
        setter(field.writes_to or field.path)(body, wrong)
    return body


def updates_around_a_gone_one(on: Bench) -> str:
    """Two good ones change; one that was deleted is told as gone and changes nothing."""
    on.operation("update_many")
    on.operation("delete")
    first, gone, last = on.make_some(3)
    on.remove(gone)
    name = on.changeable()
    values = [on.fields.samples(on.next() + 60, on.mark)[name] for _ in range(3)]
    changes = [
        Change(id, on.fields.mapping.write({name: value}), None, on.key())
        for id, value in zip((first, gone, last), values, strict=True)
    ]
    mend = f"`{on.where('operations.update_many.entries')}`: see items, status and mark"
    try:
        results = on.client.many.update(on.object, changes)
    except Rejected as refused:
        landed = [id for id, value in ((first, values[0]), (last, values[2])) if on.values(id)[name] == value]
        on.expect(not landed, f"the call was refused, and still {', '.join(landed)} changed", mend)
        return f"a deleted one refuses the whole call and nothing changes, so each is sent alone: {refused.message}"
    for place, id in ((0, first), (2, last)):
        if not isinstance(results[place], Written):
            raise Failed(f"a good entry beside a bad one came to: {results[place]}", mend)
        held = on.values(id)[name]
        on.expect(on.fields.same(name, values[place], held), f"{name} of {id} is {held!r}, not {values[place]!r}", mend)
    told = results[1]
    on.expect(isinstance(told, Gone), f"the entry of a deleted record came to: {told}", mend)
    return "two changed beside one that is told as gone"


def updates_around_a_stale_one(on: Bench) -> str:
    """An entry tied to an old version is refused, and the one beside it is taken."""
    operation = on.operation("update_many")
    if operation.conditional is None:
        raise NotOffered("the file ties no batch to versions")
    first, second = on.make_some(2)
    name = on.changeable()
    old = on.read(first).version
    on.write(first, {name: on.fields.samples(on.next() + 60, on.mark)[name]})
    held = on.values(first)[name]
    values = [on.fields.samples(on.next() + 90, on.mark)[name] for _ in range(2)]
    versions = (old, on.read(second).version)
    changes = [
        Change(id, on.fields.mapping.write({name: value}), version, on.key())
        for id, value, version in zip((first, second), values, versions, strict=True)
    ]
    stale, fine = on.client.many.update(on.object, changes)
    mend = f"`{on.where('operations.update_many.conditional')}`: see body, status and codes"
    on.expect(isinstance(stale, Stale), f"an entry tied to version {old} came to: {stale}", mend)
    on.expect(isinstance(fine, Written), f"an entry tied to the right version came to: {fine}", mend)
    on.expect(on.values(first)[name] == held, f"refused, and still {name} of {first} changed", mend)
    return "an old version was refused beside one that was right"


def _new(on: Bench, many: int) -> tuple[list[New], list[dict[str, object]]]:
    """Records to be made, and what they are sent as."""
    asked = [on.new() for _ in range(many)]
    return asked, [{n: v for n, v in on.fields.read(one.body).items() if v is not MISSING} for one in asked]


def _keep(on: Bench, results: list[Result]) -> None:
    on.made.update((result.id, None) for result in results if not isinstance(result, ConnectorError))


B = Capability.BATCH
CHECKS = (
    Check("batch.creates", "records made in one call are each answered for", B, creates),
    Check("batch.bad_create", "a bad record in a batch spoils no other", B, creates_around_a_bad_one),
    Check("batch.gone_update", "a deleted record in a batch spoils no other", B, updates_around_a_gone_one),
    Check("batch.stale_update", "an old version in a batch is refused alone", B, updates_around_a_stale_one),
)
