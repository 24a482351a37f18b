"""Do versions and times say what the file says they do, and is a write tied to an old version refused?"""

from __future__ import annotations

import time

from syncapp.certify.bench import Bench
from syncapp.certify.fields import Values
from syncapp.certify.results import Capability, Check, Failed, NotOffered
from syncapp.connectors.errors import ConnectorError, Stale
from syncapp.connectors.records import Item

U, C = Capability.UPDATE, Capability.CONDITIONAL


def moves(on: Bench) -> str:
    """The version changes with a write, grows if it is ordered, and is the same wherever it is told."""
    version = on.spec.version
    if not version.exact:
        raise NotOffered("the file declares no exact version")
    mend = f"`{on.where('version')}`: the path or header of something that changes with every write; else kind: none"
    with on.blame(mend):
        first, second = _changed(on)
    on.expect(bool(first.version and second.version), "a read tells no version", mend)
    on.expect(first.version != second.version, f"the version stayed {first.version} over a change", mend)
    if version.ordered:
        grew = str(second.version).isdigit() and int(second.version or 0) > int(first.version or 0)
        on.expect(
            grew, f"the version went from {first.version} to {second.version}", f"`{on.where('version')}`: kind: exact"
        )
    listed = [item.version for item in on.items() if item.id == second.id] if on.spec.can("list") else []
    mend = f"`{on.where('version')}`: a path that listings and reads share"
    # Where only a header tells it, a listing cannot; a write reads the record for it.
    known = {second.version} if version.path else {second.version, None}
    on.expect(set(listed) <= known, f"{listed} in a listing, {second.version} in a read", mend)
    return f"{first.version} became {second.version}"


def time_moves(on: Bench) -> str:
    """The time of change is there from the start and moves with a write; the time of creation stays."""
    if on.spec.updated_at is None:
        raise NotOffered("the file declares no time of change")
    made, _ = on.make()
    fresh = on.read(made.id)
    mend = f"`{on.where('updated_at')}`: the path of a time that is there from the start"
    on.expect(fresh.updated_at is not None, "a record that was never changed has no time of change", mend)
    first, second = _changed(on)
    assert first.updated_at is not None
    mend = f"`{on.where('updated_at')}`: the path of the time of the last change, and its format"
    moved = second.updated_at is not None and second.updated_at > first.updated_at
    on.expect(moved, f"{first.updated_at} before a change, {second.updated_at} after it", mend)
    if on.spec.created_at is not None:
        mend = f"`{on.where('created_at')}`: the path of a time that stays"
        same = first.created_at is not None and first.created_at == second.created_at
        on.expect(same, f"created {first.created_at}, and after a change {second.created_at}", mend)
    return f"{first.updated_at:%H:%M:%S.%f} became {second.updated_at:%H:%M:%S.%f}"


def _changed(on: Bench) -> tuple[Item, Item]:
    """A record before and after a change, long enough apart for the provider's clock."""
    on.operation("update")
    made, _ = on.make()
    first, name = on.read(made.id), on.changeable()
    step = on.spec.updated_at.resolution if on.spec.updated_at else 0.0
    seconds = min(step * 1.1, 61.0)
    if seconds > 0.01:
        time.sleep(seconds)
    on.write(made.id, {name: on.fields.samples(on.next() + 1, on.mark)[name]})
    return first, on.read(made.id)


def stale_refused(on: Bench) -> str:
    """An update tied to an old version is refused, and changes nothing."""
    operation = on.operation("update")
    if operation.conditional is None:
        raise NotOffered("the file declares no conditional update")
    made, old, newer = _overtaken(on)
    name = on.changeable()
    lost = on.fields.samples(on.next() + 50, on.mark)[name]
    mend = f"`{on.where('operations.update.conditional')}`: the provider takes it and ignores it; leave it out"
    try:
        on.client.update(on.object, made, on.fields.mapping.write({name: lost}), version=old, key=on.key())
    except Stale as stale:
        told = stale.current
    else:
        raise Failed(f"an update tied to version {old} was taken while the record had another", mend)
    held = on.values(made)
    on.expect(on.fields.same(name, newer[name], held[name]), f"refused, and still {name} is {held[name]!r}", mend)
    if operation.conditional.current is not None:
        mend = f"`{on.where('operations.update.conditional.current')}`: where the refusal carries the record"
        on.expect(told is not None and told.id == made, "the refusal does not carry the record", mend)
    return f"an update tied to version {old} was refused"


def fresh_taken(on: Bench) -> str:
    """An update tied to the version that the record has is taken."""
    if on.operation("update").conditional is None:
        raise NotOffered("the file declares no conditional update")
    made, _ = on.make()
    name = on.changeable()
    value = on.fields.samples(on.next() + 1, on.mark)[name]
    version = on.read(made.id).version
    try:
        on.client.update(on.object, made.id, on.fields.mapping.write({name: value}), version=version, key=on.key())
    except ConnectorError as error:
        mend = f"`{on.where('operations.update.conditional')}`: see how the version is spelled in the request"
        raise Failed(f"an update tied to the version {version} that the record has: {error}", mend) from None
    return f"an update tied to version {version} was taken"


def stale_delete_refused(on: Bench) -> str:
    """A delete tied to an old version is refused."""
    operation = on.operation("delete")
    if operation.conditional is None:
        raise NotOffered("the file declares no conditional delete")
    made, old, _ = _overtaken(on)
    try:
        on.client.delete(on.object, made, version=old, key=on.key())
    except Stale:
        return f"a delete tied to version {old} was refused"
    mend = f"`{on.where('operations.delete.conditional')}`: the provider takes it and ignores it; leave it out"
    raise Failed(f"a delete tied to version {old} was taken while the record had another", mend)


def _overtaken(on: Bench) -> tuple[str, str, Values]:
    """A record, a version that it had, and what was written since."""
    on.operation("update")
    made, _ = on.make()
    old, name = on.read(made.id).version, on.changeable()
    newer = {name: on.fields.samples(on.next() + 1, on.mark)[name]}
    on.write(made.id, newer)
    if old is None:
        raise Failed("a read tells no version", f"`{on.where('version')}`: path or header")
    return made.id, old, newer


CHECKS = (
    Check("update.version_moves", "the version changes with every write", U, moves),
    Check("update.time_moves", "the time of change is there and moves", U, time_moves),
    Check("conditional.stale", "an update tied to an old version is refused", C, stale_refused),
    Check("conditional.fresh", "an update tied to the right version is taken", C, fresh_taken),
    Check("conditional.delete", "a delete tied to an old version is refused", C, stale_delete_refused),
)
