"""What would be written if the writes of a sync went out now: the pushes that are due, with fields and values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count

from policies.core.due import Work, due_units, due_work
from policies.models import Sync

from .keyset import by_time
from .models import Feed, Push, Record
from .sight import Sight, sights_of
from .words import capital

PAGE = 50


@dataclass(frozen=True, slots=True)
class FeedWaiting:
    feed: Feed
    label: str
    waiting: int
    under_way: int


@dataclass(frozen=True, slots=True)
class Write:
    """One push: what it does to which record, and what changes from what to what."""

    record: Record
    what: str
    changes: Sequence[tuple[str, str, str]]


WORDS = {Work.CREATE: "is made", Work.DELETE: "is deleted", Work.UPDATE: "is changed"}


def feeds_waiting(sync: Sync) -> list[FeedWaiting]:
    live = Push.objects.filter(feed__role__sync=sync, state__in=[Push.State.PENDING, Push.State.SENDING])
    rows = live.order_by().values_list("feed_id", "state").annotate(count=Count("pk"))
    counts = {(feed, state): count for feed, state, count in rows}
    feeds = Feed.objects.filter(role__sync=sync).select_related("account", "role").order_by("role__order")
    return [
        FeedWaiting(
            feed,
            capital(feed.role.label or feed.role.name),
            counts.get((feed.pk, Push.State.PENDING), 0),
            counts.get((feed.pk, Push.State.SENDING), 0),
        )
        for feed in feeds
    ]


def writes_waiting(feed: Feed, cursor: str) -> tuple[list[Write], str]:
    """One page, and the cursor of the next; in a fixed number of queries."""
    rows = Push.objects.filter(feed=feed, state=Push.State.PENDING).select_related("record__sync")
    part = by_time(rows, "next_try", "id", cursor, PAGE, newest=False)
    sights = sights_of([push.record for push in part.rows])
    return [write for sight in sights if (write := write_at(sight, feed.role.name)) is not None], part.next


def write_at(sight: Sight, role: str) -> Write | None:
    """What the newest state would have written there; None if nothing any more."""
    work = due_work(sight.record, sight.policy, role)
    if work is None:
        return None
    link = sight.record.links.get(role)
    units = due_units(sight.record, sight.policy, role) if work is not Work.DELETE else ()
    changes = []
    for unit in units:
        base = link.bases.get(unit.name) if link is not None else None
        old = sight.words.values(base.stored if base is not None else None)
        changes.append((sight.words.field(unit.name), old, sight.words.values(sight.record.beliefs[unit.name].value)))
    return Write(sight.row, WORDS[work], changes)
