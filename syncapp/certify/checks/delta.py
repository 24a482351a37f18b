"""Does a delta lose nothing: at its boundary, at equal times, while records change, and before their first update?"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from syncapp.certify.bench import Bench
from syncapp.certify.checks.listing import TINY
from syncapp.certify.fields import differing
from syncapp.certify.results import Capability, Check, Failed, NotOffered, NotTried
from syncapp.connectors.errors import Gone
from syncapp.connectors.records import Item
from syncapp.doubles.control import NoControl
from syncapp.watermark import Watermark

SAME = 5
# So many seconds are waited for at most.
OLD = 65.0
SOON, TICK = 3.0, 2.0
# The Date header, from which a delta goes on, tells whole seconds.
DATE = 1.1


def shows_new(on: Bench) -> str:
    """What was made after the last look is in the next one, though it was never updated."""
    mark = on.mark_now()
    made, _ = on.make()
    _shown(on, mark, [made.id], "made after the last look and never updated")
    return f"{made.id} was made after the last look and is in the next one"


def shows_changed(on: Bench) -> str:
    """What was changed after the last look is in the next one, as it is now."""
    on.operation("update")
    made, _ = on.make()
    _grow_old(on)
    mark = on.mark_now()
    on.touched(made.id)
    found = _shown(on, mark, [made.id], "changed after the last look")
    told, read = on.fields.read(found[made.id].body), on.values(made.id)
    unlike = differing(told, read)
    mend = f"`{on.where('operations.list')}`: ask it for every field"
    on.expect(not unlike, f"the delta tells {', '.join(unlike)} otherwise than a read", mend)
    return f"{made.id} was changed after the last look and is in the next one"


def narrows(on: Bench) -> str:
    """A delta from a time to come shows nothing: a filter that the provider does not know shows everything."""
    on.delta_by_time()
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
    on.delta_by_time()
    on.operation("create")
    ids = on.make_some(SAME)
    times = _one_time(on, ids)
    if not times:
        raise NotTried("no record tells a time of change")
    moment = max(times)
    same = [id for id, item in _read(on, ids).items() if item.updated_at == moment]
    what = f"changed at {moment:%H:%M:%S.%f}, the time to list from"
    _shown(on, Watermark(moment), same, what, size=TINY, moving=False)
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
    ids = [_in_a_tick_of_its_own(on) for _ in range(SAME)]
    _grow_old(on)
    walk = on.delta_pages(mark, TINY)
    seen: list[str] = []
    changed = 0
    for page in walk:
        mark = mark.after(page)
        seen += [item.id for item in page.items]
        mine = [id for id in ids if id in {item.id for item in page.items}]
        if mine and changed < 2:  # one that was shown moves away from before those that were not
            on.touched(mine[0])
            changed += 1

    def look() -> bool | None:
        nonlocal mark
        later, mark = on.changed(mark)
        seen.extend(later)
        return True if set(ids) <= set(seen) else None

    on.eventually(look, max(on.spec.lag, SOON))
    lost = [id for id in ids if id not in seen]
    mend = f"`{on.where('operations.list.paging')}`: restart: true with an order by time of change, or a cursor"
    on.expect(not lost, f"{len(lost)} records were in none of the deltas: {lost[:3]}", mend)
    return f"{SAME} records, two of them changed while they were listed: none was lost"


def _in_a_tick_of_its_own(on: Bench) -> str:
    """A record whose time of change no other has: what is at one time is another check's."""
    made, _ = on.make()
    time.sleep(min(on.spec.updated_at.resolution if on.spec.updated_at else 0.0, TICK))
    return made.id


def _grow_old(on: Bench) -> None:
    """So that the overlap of the next delta does not show them anyway, and a change moves them."""
    delta, told = on.spec.operations["list"].delta, on.spec.updated_at
    seconds = (delta.overlap if delta else 0.0) + 2 * (told.resolution if told else 0.0)
    slow = next(on.client.pages(on.object, size=1)).round_trip  # the mark lies before the request that tells it
    time.sleep(min(seconds + DATE + 3 * slow, OLD))


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
    _shown(on, mark, [made.id], "changed right after the last look")
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
    found = _shown(on, mark, [made.id], "deleted after the last look")
    mend = f"`{on.where('deleted')}`: the path and value of a tombstone"
    on.expect(found[made.id].deleted, f"{made.id} was deleted and is told as if it lived", mend)
    return f"{made.id} was deleted after the last look and is told so"


def _shown(
    on: Bench, mark: Watermark, ids: list[str], what: str, size: int | None = None, moving: bool = True
) -> dict[str, Item]:
    """Looks as the hub does, one delta after another, until they showed these; Failed with what to mend if they do not.

    What a provider shows later than the overlap reaches back is lost: the next look begins after it.
    """
    seen: dict[str, Item] = {}
    first, start, late = mark, time.monotonic(), 0.0

    def look() -> bool | None:
        nonlocal mark, late
        found, then = on.changed(mark, size)
        mark = then if moving else mark
        seen.update(found)
        if set(ids) <= set(seen):
            return True
        if not late and set(ids) <= set(on.changed(first, size)[0]):
            late = time.monotonic() - start
        return None

    where = f"`{on.where('operations.list.delta')}`"
    with on.blame(f"{where}: see param, place, format and template"):
        found, _ = on.eventually(look, max(on.spec.lag, SOON))
        if not found and not late:
            on.eventually(lambda: look() or (True if late else None))
    if set(ids) <= set(seen):
        return seen
    if late:
        raise Failed(f"records {what} are told {late:.1f} s later, which is lost", f"{where}: overlap: {late * 2:.0f}")
    lacking = sorted(set(ids) - set(seen))
    mend = (
        f"{where}: see param, format and resolution; inclusive: false, if what changed at that very time is left out;"
        " overlap, if the provider shows changes later"
    )
    raise Failed(f"{len(lacking)} of {len(ids)} records {what} are not in the delta: {lacking[:3]}", mend)


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
