"""Inside a copy: read every feed of a sync as if all of them were live, with the code that syncs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from policies.models import Sync
from syncapp.health import why_not_read
from syncapp.load import database_now
from syncapp.models import Account, Delivery, Feed, Link, Run
from syncapp.observe import work_inbox
from syncapp.overlay import analyse
from syncapp.poll import poll
from syncapp.revising import finish_revisions

ATTEMPTS = 6
LONGEST_WAIT = 20.0
IDLE_ROUNDS = 8
TELL_EVERY = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the reading of one feed is; `total` is what was known there before, if anything was."""

    role: str
    done: int
    total: int | None


@dataclass(frozen=True, slots=True)
class Read:
    """How the reading of one feed ended. `why` says what kept it from being read, or stopped it."""

    role: str
    state: str
    why: str = ""
    previewed: bool = False
    seconds: float = 0.0
    counts: dict[str, Any] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        return self.state == Run.State.DONE


UNREAD = "unread"


def read_all(sync: Sync, tell: Callable[[Progress], None], totals: dict[str, int]) -> Iterator[Read]:
    """Read the feeds in the order of their roles; one that may not be read now is told and left out."""
    previewed = set(Feed.objects.filter(role__sync=sync, stage=Feed.Stage.PREVIEW).values_list("pk", flat=True))
    _as_if_live(sync)
    finish_revisions(sync, _silent)
    feeds = Feed.objects.filter(role__sync=sync).select_related("account", "role__sync")
    for feed in feeds.order_by("role__order", "role__name"):
        why = why_not_read(feed)
        if why:
            yield Read(feed.role.name, UNREAD, why, feed.pk in previewed)
            continue
        begun = time.monotonic()
        run = _read_whole(feed, feed.pk in previewed, tell, totals.get(feed.role.name) or _known(feed))
        seconds = time.monotonic() - begun
        analyse()
        yield Read(feed.role.name, run.state, run.error, feed.pk in previewed, seconds, run.counts)
    _work_hints()


def _as_if_live(sync: Sync) -> None:
    """In the copy nothing is in preview or claimed by a worker."""
    for feed in Feed.objects.filter(role__sync=sync):
        feed.cursor = {} if feed.stage == Feed.Stage.PREVIEW else feed.cursor
        feed.stage, feed.claimed_until, feed.next_due, feed.plan = Feed.Stage.LIVE, None, None, None
        feed.save(update_fields=["cursor", "stage", "claimed_until", "next_due", "plan"])


def _known(feed: Feed) -> int | None:
    return Link.objects.filter(feed=feed, remote_id__isnull=False).count() or None


def _read_whole(feed: Feed, new: bool, tell: Callable[[Progress], None], total: int | None) -> Run:
    """What a live feed would do next, and then everything: many providers tell what was deleted in a delta only."""
    first = None if new else _read(feed, False, tell, total)
    if first is not None and (first.state != Run.State.DONE or first.kind == Run.Kind.FULL):
        return first
    run = _read(feed, True, tell, total)
    if first is not None:
        run.counts["pages"] = run.counts.get("pages", 0) + first.counts.get("pages", 0)
        run.counts["aside"] = list(dict.fromkeys([*first.counts.get("aside", ()), *run.counts.get("aside", ())]))
    return run


def _read(feed: Feed, full: bool, tell: Callable[[Progress], None], total: int | None) -> Run:
    """One whole pass; an account that asks for a pause gets it, a few times."""
    last = -TELL_EVERY

    def told(run: Run) -> None:
        nonlocal last
        if time.monotonic() >= last + TELL_EVERY:
            last = time.monotonic()
            tell(Progress(feed.role.name, int(run.counts.get("read", 0)), total))

    attempt = 0
    while True:
        attempt += 1
        run = poll(feed.pk, full=full, at_once=True, ring_feeds=_silent, told=told)
        assert run is not None  # nobody else is in the copy, and it was found to be readable
        hopeless = Account.objects.get(pk=feed.account_id).health == Account.Health.ATTENTION
        if run.state != Run.State.FAILED or hopeless or attempt == ATTEMPTS:
            return run
        due = Feed.objects.values_list("next_due", flat=True).get(pk=feed.pk)
        time.sleep(min(LONGEST_WAIT, max(0.0, (due - database_now()).total_seconds())) if due else 1.0)


def _work_hints() -> None:
    """Records that had to be read again by id; those that go on waiting are told as such."""
    open_ones = Delivery.objects.filter(state__in=[Delivery.State.NEW, Delivery.State.CLAIMED])
    left, idle = open_ones.count(), 0
    while left and idle < IDLE_ROUNDS:
        if not work_inbox():
            time.sleep(0.25)
        before, left = left, open_ones.count()
        idle = 0 if left < before else idle + 1


def _silent(feed_ids: Any) -> None:
    """Nobody is rung from a copy."""
