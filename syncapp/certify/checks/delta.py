"""Does a delta lose nothing: at its boundary, at equal times, while records change, and before their first update?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from syncapp.certify.bench import Bench
from syncapp.certify.checks.listing import TINY
from syncapp.certify.results import Capability, Check, Failed, NotOffered, NotTried
from syncapp.connectors.errors import Gone
from syncapp.connectors.records import Item
from syncapp.doubles.control import NoControl

SAME = 5


def shows_new(on: Bench) -> str:
    """What was made after the last look is in the next one, though it was never updated."""
    mark = on.mark_now()
    made, _ = on.make()
    _shown(on, mark.since, [made.id], "made after the last look and never updated")
    return f"{made.id} was made after the last look and is in the next one"


def shows_changed(on: Bench) -> str:
    """What was changed after the last look is in the next one, as it is now."""
    on.operation("update")
    made, _ = on.make()
    mark = on.mark_now()
    on.touched(made.id)
    found = _shown(on, mark.since, [made.id], "changed after the last look")
    told, read = on.fields.read(found[made.id].body), on.values(made.id)
    unlike = [name for name in read if told[name] != read[name]]
    mend = f"`{on.where('operations.list')}`: ask it for every field"
    on.expect(not unlike, f"the delta tells {', '.join(unlike)} otherwise than a read", mend)
    return f"{made.id} was changed after the last look and is in the next one"


def narrows(on: Bench) -> str:
    """A delta from a time to come shows nothing: a filter that the provider does not know shows everything."""
    on.delta()
    if on.writes and on.spec.can("create"):
        on.make()
    elif not next(on.client.pages(on.object, size=1)).items:
        raise NotTried("there is no record that could be shown")
    since = datetime.now(UTC) + timedelta(hours=2)
    page = next(on.client.pages(on.object, since=since))
    mend = f"`{on.where('operations.list.delta')}`: the provider ignores it; see param, place, format and template"
    on.expect(not page.items, f"{len(page.items)} records changed after {since:%Y-%m-%d %H:%M} UTC", mend)
    return "nothing is told to have changed after a time to come"


def boundary(on: Bench) -> str:
    """Several records of one time of change, listed from that very time in tiny pages: all are there."""
    if on.spec.updated_at is None:
        raise NotOffered("the file declares no time of change")
    on.delta()
    on.operation("create")
    ids = on.make_some(SAME)
    times = _one_time(on, ids)
    moment = max(times)
    same = [id for id, item in _read(on, ids).items() if item.updated_at == moment]
    _shown(on, moment, same, f"changed at {moment:%H:%M:%S.%f}, the time to list from", size=TINY)
    if len(same) < SAME:
        return f"{len(same)} records at the boundary; equal times could not be arranged here"
    return f"{len(same)} records with one time of change, all listed from that time on"


def _one_time(on: Bench, ids: list[str]) -> list[datetime]:
    """Give the records one time of change where that can be arranged; their times."""
    try:
        on.world.stamp(on.object, ids)
    except NoControl:
        for id in ids[:2]:
            on.touched(id)
    return [item.updated_at for item in _read(on, ids).values() if item.updated_at is not None]


def _read(on: Bench, ids: list[str]) -> dict[str, Item]:
    return {id: on.read(id) for id in ids}


def while_changing(on: Bench) -> str:
    """Records that change while a delta is read do not hide others from it and the one after it."""
    on.operation("update")
    mark = on.mark_now()
    ids = on.make_some(SAME)
    walk = on.client.pages(on.object, since=mark.since, size=TINY)
    seen: list[str] = []
    for number, page in enumerate(walk):
        mark = mark.after(page)
        seen += [item.id for item in page.items]
        fresh = [id for id in ids if id in {item.id for item in page.items}]
        if number < 2:
            on.touched(fresh[0] if fresh else ids[0])
    later, _ = on.changed(mark)
    lost = [id for id in ids if id not in seen and id not in later]
    mend = f"`{on.where('operations.list.paging')}`: restart: true with an order by time of change, or a cursor"
    on.expect(not lost, f"{len(lost)} records were in neither of two deltas: {lost[:3]}", mend)
    return f"{SAME} records, two of them changed while they were listed: none was lost"


def at_once(on: Bench) -> str:
    """A change in the same tick of the provider's clock as the last look is in the next look."""
    on.operation("update")
    on.delta()
    made, _ = on.make()
    stopped = _stand_still(on)
    try:
        mark = on.mark_now()
        on.touched(made.id)
    finally:
        if stopped:
            on.world.go_on()
    _shown(on, mark.since, [made.id], "changed right after the last look")
    return (
        f"{made.id} was changed {'in the tick of' if stopped else 'right after'} the last look and is in the next one"
    )


def _stand_still(on: Bench) -> bool:
    try:
        on.world.stand_still()
    except NoControl:
        return False
    return True


def tombstones(on: Bench) -> str:
    """A deleted record is told by a delta, if the file says so."""
    if on.spec.deletes != "delta":
        raise NotOffered("the file says that lists do not tell deletes")
    on.operation("delete")
    made, _ = on.make()
    mark = on.mark_now()
    on.remove(made.id)
    found = _shown(on, mark.since, [made.id], "deleted after the last look")
    mend = f"`{on.where('deleted')}`: the path and value of a tombstone"
    on.expect(found[made.id].deleted, f"{made.id} was deleted and is told as if it lived", mend)
    return f"{made.id} was deleted after the last look and is told so"


def _shown(on: Bench, since: datetime | None, ids: list[str], what: str, size: int | None = None) -> dict[str, Item]:
    """The delta, once it shows these; Failed if it does not, with what to mend."""
    assert since is not None

    def look() -> dict[str, Item] | None:
        found = {item.id: item for item in on.items(since=since, size=size)}
        return found if set(ids) <= set(found) else None

    found, took = on.eventually(look, max(on.spec.lag, 3.0))
    if found is None:
        late, after = on.eventually(look)
        lacking = [] if late is not None else sorted(set(ids) - {item.id for item in on.items(since=since, size=size)})
        if late is not None:
            overlap = after + took
            mend = f"`{on.where('operations.list.delta')}`: overlap: {overlap * 2:.0f}"
            raise Failed(f"records {what} were listed {overlap:.0f} s later", mend)
        mend = (
            f"`{on.where('operations.list.delta')}`: see param, format and resolution; inclusive: false, if what changed"
            " at that very time is left out; overlap, if the provider shows changes later"
        )
        raise Failed(f"{len(lacking)} of {len(ids)} records {what} are not in the delta: {lacking[:3]}", mend)
    return found


def gone_is_told(on: Bench) -> str:
    """A record deleted by a person is told by the delta or by a read of its id."""
    made, _ = on.make()
    try:
        on.world.erase(on.object, made.id)
    except NoControl as none:
        raise NotTried(f"needs a person over there: {none}") from None
    try:
        item = on.read(made.id)
    except Gone:
        return f"{made.id} was deleted over there, and a read says so"
    mend = (
        f"`{on.where('deleted')}`: the path and value of a tombstone; `{on.where('operations.read')}`: how gone is said"
    )
    raise Failed(f"{item.id} was deleted over there and is read as if it lived", mend)


D = Capability.DELTA
CHECKS = (
    Check("delta.narrows", "a delta from a time to come shows nothing", D, narrows, False),
    Check("delta.shows_new", "a new record that was never updated is in the delta", D, shows_new),
    Check("delta.shows_changed", "a changed record is in the delta", D, shows_changed),
    Check("delta.boundary", "nothing is lost at equal times and at the boundary", D, boundary),
    Check("delta.at_once", "a change right after the last look is in the next one", D, at_once),
    Check("delta.while_changing", "nothing is lost while records change", D, while_changing),
    Check("delta.tombstones", "a delta tells deletes, if the file says so", D, tombstones),
    Check("delete.by_a_person", "a delete over there is told", Capability.DELETE, gone_is_told),
)
