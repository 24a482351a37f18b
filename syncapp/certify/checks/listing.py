"""Is a listing complete in pages as small as they come, without doubles, and does it end?"""

from __future__ import annotations

from collections import Counter

from syncapp.certify.bench import Bench
from syncapp.certify.fields import differing
from syncapp.certify.making import MOST_PAGES
from syncapp.certify.place import Against
from syncapp.certify.results import Capability, Check, Failed, NotOffered, NotTried
from syncapp.doubles.control import NoControl

TINY = 2
SOME = 5
# So many records are made only where nobody works with them.
MOST_FILLED = 1000


def complete(on: Bench) -> str:
    """Tiny pages show what large ones show, what was just made, and what the provider knows to be there."""
    on.operation("list")
    made = on.make_some(SOME) if on.writes and on.spec.can("create") else []
    on.settle()
    small = [item.id for item in on.items(size=TINY) if not item.deleted]
    twice = [id for id, times in Counter(small).items() if times > 1]
    mend = f"`{on.where('operations.list.paging')}`: see where the answer tells the next page"
    # A pager that asks again from a time shows what it showed at that time once more, which changes nothing.
    operation = on.spec.operations["list"]
    may = operation.paging.restart or (operation.delta is not None and operation.delta.repeats)
    on.expect(not twice or may, f"{len(twice)} records came twice, such as {twice[:3]}", mend)
    if len(small) >= TINY * MOST_PAGES:
        return f"{len(small)} records in {MOST_PAGES} pages, none twice; the rest was not read"
    _missing(on, "of those just made", made, small, mend)
    _missing(on, "that pages of the usual size show", [item.id for item in on.items() if not item.deleted], small, mend)
    try:
        asked = f"`{on.where('operations.list.query')}`: some records are left out unless all are asked for"
        _missing(on, "that are there", on.world.ids(on.object), small, asked)
    except NoControl:
        return f"{len(small)} records in pages of {TINY}, none twice, none missing"
    return f"{len(small)} records in pages of {TINY}, none twice, none missing; the provider says the same"


def _missing(on: Bench, which: str, wanted: list[str], found: list[str], mend: str) -> None:
    lacking = sorted(set(wanted) - set(found))
    on.expect(not lacking, f"{len(lacking)} of {len(wanted)} records {which} were not listed: {lacking[:3]}", mend)


def size_kept(on: Bench) -> str:
    """A page holds no more than was asked for, and no less while others follow."""
    if on.operation("list").paging.kind == "none":
        raise NotOffered("the listing comes in one piece")
    _sized(on)
    _enough(on)
    pages = []
    for page in on.client.pages(on.object, size=TINY):
        pages.append(len(page.items) + len(page.faults))
        if page.last or len(pages) >= 3:
            break
    mend = f'`{on.where("operations.list")}`: give the page\'s size its parameter, as `query: {{limit: "{{size}}"}}`'
    on.expect(max(pages) <= TINY, f"{TINY} records were asked for, and {max(pages)} came in one page", mend)
    return f"pages of {', '.join(map(str, pages))} where {TINY} were asked for"


def not_capped(on: Bench) -> str:
    """The largest page that the file promises is not cut by the provider."""
    paging = on.operation("list").paging
    if paging.kind == "none":
        raise NotOffered("the listing comes in one piece")
    _sized(on)
    with on.blame(f"`{on.where('operations.list.paging')}`: max_size, as many as the provider takes"):
        count, whole = _largest(on, paging.max_size)
    if whole and on.writes and on.spec.can("create") and _may_fill(on, paging.max_size):
        on.fill(paging.max_size + 1 - count)
        on.settle()
        count, whole = _largest(on, paging.max_size)
    if whole:
        raise NotTried(f"there are no more than {count} records, and pages may hold {paging.max_size}")
    mend = f"`{on.where('operations.list.paging')}`: max_size: {count}"
    on.expect(count >= paging.max_size, f"{paging.max_size} were asked for, {count} came, and more follow", mend)
    return f"a page of {count} came whole"


def _largest(on: Bench, size: int) -> tuple[int, bool]:
    """How many records the first page holds, and whether that is all: some providers say so by an empty page only."""
    pages = on.client.pages(on.object, size=size)
    page = next(pages)
    count = len(page.items) + len(page.faults)
    if page.last or count >= size:
        return count, page.last
    shown = {item.id for item in page.items}
    return count, not any(item.id not in shown for more in pages for item in more.items)


def _sized(on: Bench) -> None:
    """Where no size is asked for, none can be kept."""
    listing = on.operation("list")
    if "{size}" not in str((listing.path, listing.query, listing.headers, listing.body)):
        raise NotOffered("the file leaves it to the provider how many records a page has")


def _may_fill(on: Bench, size: int) -> bool:
    return on.place.against is not Against.ACCOUNT and size <= MOST_FILLED


def resumes(on: Bench) -> str:
    """A listing goes on at the cursor of a page, as after a crash."""
    _enough(on)
    mend = f"`{on.where('operations.list.paging')}`: the cursor has to say everything that the next page needs"
    with on.blame(mend):
        walk = on.client.pages(on.object, size=TINY)
        first = next(walk)
        if first.cursor is None:
            raise NotOffered("the listing comes in one piece")
        rest = [item.id for _, page in zip(range(3), walk, strict=False) for item in page.items]
        again = on.client.pages(on.object, cursor=first.cursor, size=TINY)
        resumed = [item.id for _, page in zip(range(3), again, strict=False) for item in page.items]
    on.expect(rest == resumed, f"the same cursor gave {resumed[:3]} after {rest[:3]}", mend)
    return f"resumed at {len(rest)} records as it went on without a stop"


def while_changing(on: Bench) -> str:
    """Records that are changed and deleted while a listing is read do not hide others."""
    on.operation("list")
    on.operation("create")
    ids = on.make_some(SOME)
    on.settle()
    if len(on.items(size=TINY)) >= TINY * MOST_PAGES:
        raise NotTried("the listing is too long to be read in tiny pages")
    seen: list[str] = []
    gone: str | None = None
    moved = ids[-1]
    for page in on.client.pages(on.object, size=TINY):
        seen += [item.id for item in page.items]
        mine = [id for id in ids[:-1] if id in seen]
        if mine and gone is None and on.spec.can("delete"):
            gone = mine[0]
            on.remove(gone)
            on.touched(moved)
    lost = [id for id in ids if id not in (*seen, gone, moved)]
    mend = (
        f"`{on.where('operations.list.paging')}`: counting pages skips what moves up; a cursor, or an order that stays"
    )
    on.expect(not lost, f"{len(lost)} records were skipped while another was changed: {lost[:3]}", mend)
    return (
        f"{len(seen)} records; one was changed and {'one' if gone else 'none'} deleted meanwhile, nothing was skipped"
    )


def _enough(on: Bench) -> None:
    """More records than fit into one tiny page."""
    on.operation("list")
    if len(next(on.client.pages(on.object, size=TINY)).items) >= TINY and len(on.made) > TINY:
        return
    if on.writes and on.spec.can("create"):
        on.make_some(TINY + 1)
        on.settle()
    elif next(on.client.pages(on.object, size=TINY)).last:
        raise NotTried(f"there are fewer than {TINY + 1} records, and nothing may be written")


def as_read(on: Bench) -> str:
    """A record looks the same in a listing and read alone: a listing that leaves fields out would clear them."""
    on.operation("list")
    on.operation("read")
    if on.writes and on.spec.can("create"):
        on.make()
        on.settle()
    page = next(on.client.pages(on.object, size=TINY))
    if not page.items:
        raise NotTried("there is no record to look at")
    for item in page.items:
        told, alone = on.fields.read(item.body), on.fields.read(on.read(item.id).body)
        unlike = differing(told, alone)
        if unlike:
            name = unlike[0]
            seen = f"{name} is {told[name]!r} in the listing and {alone[name]!r} when the record is read alone"
            raise Failed(seen, f"ask the listing for all fields, or `{on.where(f'fields.{name}')}`: omitted: missing")
    return f"{len(page.items)} records, every field alike"


L = Capability.LIST
CHECKS = (
    Check("list.complete", "a listing in tiny pages is complete, without doubles, and ends", L, complete, False),
    Check("list.size_kept", "a page holds as many as were asked for", L, size_kept, False),
    Check("list.resumes", "a listing resumes at a cursor", L, resumes, False),
    Check("list.as_read", "a record is listed as it is read", L, as_read, False),
    Check("list.while_changing", "changes while a listing is read hide nothing", L, while_changing),
)
# Last of all: it may need many records, which would make every listing after it a long one.
LAST = (Check("list.not_capped", "the largest page is not cut silently", L, not_capped, False),)
