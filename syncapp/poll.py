"""One pass over a feed: what changed since the watermark, or everything, page by page, resumable after any page."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from . import audit
from .brakes import OPEN, Code, trip
from .connectors.errors import ConnectorError, Limited, PlaceLost, Retryable
from .counting import count, forget_idle, sieve_of
from .guard import Guarded, Halted
from .health import NEEDS_A_PERSON, attention, well, why_not_read
from .inbox import back_off
from .leases import lease
from .load import Contended, database_now
from .models import Brake, Feed, Run
from .plan.compared import end_comparison
from .receive import look_later
from .remote import open_remote
from .steps import Judged, pull
from .store import NoPolicy, PgStore, retryable, ring_pushes
from .watermark import Watermark

LEASE = lease(90)
# A pass that takes longer is gone on with by another job, so that other work gets its turn.
SLICE = 20.0
FULL_EVERY = timedelta(hours=24)
PERSON_WAIT = 60.0
CONTENTION = 5
LOOK_AGAIN = 0.5
# Seconds between two notes of a pass that finds nothing new: its claim is prolonged and its counts are shown.
NOTE_EVERY = 1.0
EARLY = 0.2
Ring = Callable[[Collection[int]], None]
Told = Callable[[Run], None]


class Lost(Exception):
    """The claim ran out and another worker has the feed now."""


class RunStore(PgStore):
    """The store of a pass: the watermark moves only together with the hints for what could not be judged."""

    reached: str = ""

    def advance(self, role: str, cursor: str) -> None:
        self.reached = cursor

    def make_durable(self, role: str) -> None:
        super().advance(role, self.reached)


@dataclass(slots=True)
class Pass:
    """One pass in progress."""

    feed: Feed
    run: Run
    store: RunStore
    claimed_until: datetime
    told: Told = lambda run: None


def poll(
    feed_id: int,
    *,
    full: bool = False,
    at_once: bool = False,
    ring_feeds: Ring = ring_pushes,
    told: Told = lambda run: None,
) -> Run | None:
    """Claim the feed and read it; None if another worker has it, it may not be read, or it is not due.

    `at_once` takes it before it is due, and goes on to the end without making room for other work. `told` hears of each
    page.
    """
    claimed_until = _claim(feed_id, at_once)
    if claimed_until is None:
        return None
    feed = Feed.objects.select_related("account", "role__sync").get(pk=feed_id)
    if why_not_read(feed):
        _release(feed, claimed_until, feed.schedule)
        return None
    run = _run(feed, full or _full_is_due(feed))
    passing = Pass(feed, run, RunStore(feed.role.sync, run, ring_feeds=ring_feeds), claimed_until, told)
    _carry_out(passing, None if at_once else time.monotonic() + SLICE)
    if at_once and run.kind == Run.Kind.DELTA and "lost" in _cursor(feed):
        return poll(feed_id, full=True, at_once=True, ring_feeds=ring_feeds, told=told)
    return run


def _claim(feed_id: int, at_once: bool) -> datetime | None:
    now = database_now()
    free = Feed.objects.filter(pk=feed_id).exclude(claimed_until__gt=now)
    if not at_once:
        free = free.exclude(next_due__gt=now)
    return now + LEASE if free.update(claimed_until=now + LEASE) else None


def _release(feed: Feed, claimed_until: datetime, seconds: float, **more: Any) -> None:
    due = database_now() + timedelta(seconds=seconds)
    mine = Feed.objects.filter(pk=feed.pk, claimed_until=claimed_until)
    mine.update(claimed_until=None, next_due=due, **more)


def _full_is_due(feed: Feed) -> bool:
    """The first pass, one that was left in the middle, after the place to go on from was lost, and once a day; not
    while a person is asked about the last.
    """
    if "lost" in feed.cursor:
        return True
    last = feed.cursor.get("full_at")
    at = Watermark.read(feed.cursor.get("at", ""))
    if at.page is not None:
        return at.in_full
    due = last is None or datetime.fromisoformat(last) < database_now() - FULL_EVERY
    return due and not _is_asked_about(feed)


def _is_asked_about(feed: Feed) -> bool:
    """What the last whole listing left out waits for a person: listing all of it again would say the same."""
    last = Run.objects.filter(feed=feed, kind=Run.Kind.FULL).first()
    halted = last is not None and last.state == Run.State.HALTED
    return halted and Brake.objects.filter(OPEN, feed=feed, code=Code.MASS_DELETE).exists()


def _run(feed: Feed, full: bool) -> Run:
    """The run that a slice or a dead worker left, or a new one."""
    kind = Run.Kind.FULL if full else Run.Kind.DELTA
    left = Run.objects.filter(feed=feed, state=Run.State.RUNNING).first()
    if left is not None and left.kind == kind:
        return left
    now = database_now()
    Run.objects.filter(feed=feed, state=Run.State.RUNNING).update(
        state=Run.State.FAILED, ended_at=now, error="another run took its place"
    )
    return Run.objects.create(sync=feed.role.sync, feed=feed, kind=kind, started_at=now)


def _carry_out(passing: Pass, stop_at: float | None) -> None:
    feed, account = passing.feed, passing.feed.account
    try:
        through = _read(passing, stop_at)
    except Halted as halted:
        passing.run.counts = {**passing.run.counts, "halts": halted.codes}
        _end(passing, Run.State.HALTED, str(halted), feed.schedule)
        trip_feed(feed, halted)
    except Lost:
        return
    except NEEDS_A_PERSON as error:
        attention(account, error)
        _end(passing, Run.State.FAILED, str(error), PERSON_WAIT)
    except Limited as error:
        _end(passing, Run.State.FAILED, str(error), error.retry_after or feed.schedule)
    except (Retryable, Contended) as error:
        _end(passing, Run.State.FAILED, str(error), _slower(feed))
    except PlaceLost as error:
        _place_lost(passing, error)
    except (ConnectorError, NoPolicy) as error:
        _end(passing, Run.State.FAILED, str(error), max(PERSON_WAIT, feed.schedule))
    else:
        well(account)
        if through:
            _end(passing, Run.State.DONE, "", feed.schedule)
        else:
            _release(feed, passing.claimed_until, 0.0)


def _place_lost(passing: Pass, error: PlaceLost) -> None:
    """What changed cannot be told any more: everything is listed, at once; where that was on the way, from its
    beginning, a little later each time. A watermark is given up only here.
    """
    cursor = {**_cursor(passing.feed), "at": "", "lost": str(error)}
    wait = max(PERSON_WAIT, _slower(passing.feed)) if passing.run.kind == Run.Kind.FULL else 0.0
    _end(passing, Run.State.FAILED, str(error), wait, cursor=cursor)


def _slower(feed: Feed) -> float:
    """After failures in a row, longer and longer."""
    states = Run.objects.filter(feed=feed).values_list("state", flat=True)[:8]
    failures = next((n for n, state in enumerate(states) if state == Run.State.DONE), len(states))
    return max(feed.schedule, back_off(failures, 1.0))


def _read(passing: Pass, stop_at: float | None) -> bool:
    """All pages until the end (True) or until the slice is over (False)."""
    for attempt in range(1, CONTENTION + 1):
        try:
            return _read_pages(passing, stop_at)
        except Contended:
            if attempt == CONTENTION:
                raise
            # Pages that were counted but not noted yet come again.
            passing.run.refresh_from_db(fields=["counts"])
            time.sleep(0.05 * 2**attempt)
    raise AssertionError("the last attempt returns or raises")


def _read_pages(passing: Pass, stop_at: float | None) -> bool:
    full = passing.run.kind == Run.Kind.FULL
    sieve = sieve_of(passing.feed, passing.run, full)
    if full and not Watermark.read(passing.store.cursor(passing.feed.role.name)).in_full:
        audit.begin(passing.feed)
    passing.store.shared = sieve.shared
    noted = time.monotonic()
    with open_remote(passing.feed, sieve) as remote:
        for judged in pull(passing.store, remote, full=full):
            through = Watermark.read(passing.store.reached).page is None
            count(passing.run, sieve, judged, remote.note)
            sieve.holder.note(database_now())
            passing.told(passing.run)
            stopping = not through and stop_at is not None and time.monotonic() > stop_at
            # Where nothing was judged nothing has to be durable: such pages are noted together, and read again after
            # a crash.
            if through or stopping or judged.found_anything or time.monotonic() > noted + NOTE_EVERY:
                _note(passing, judged, sieve)
                noted = time.monotonic()
            if stopping:
                return False
    if full:
        passing.run.counts = {**passing.run.counts, "left_out": audit.finish(passing.feed)}
    return True


def _note(passing: Pass, judged: Judged, sieve: Guarded) -> None:
    """A page is durable: the hints for what has to be looked at again, the watermark, the counts, a longer claim.

    Raises Contended where another worker was at the same hints: the page is read again then.
    """
    feed, until = passing.feed, database_now() + LEASE
    with retryable(), transaction.atomic():
        # The claim first: it locks the feed, so that whoever lost it overwrites no watermark.
        if not Feed.objects.filter(pk=feed.pk, claimed_until=passing.claimed_until).update(claimed_until=until):
            raise Lost
        look_later(feed, list(dict.fromkeys([*judged.again, *judged.waiting])), LOOK_AGAIN)
        audit.note(feed, sieve.shown)
        passing.store.make_durable(feed.role.name)
        Run.objects.filter(pk=passing.run.pk).update(counts=passing.run.counts)
    passing.claimed_until, sieve.shown = until, []


def _end(passing: Pass, state: Run.State, error: str, seconds: float, **more: Any) -> None:
    run, feed = passing.run, passing.feed
    now = database_now()
    run.state, run.error, run.ended_at = state, error, now
    Run.objects.filter(pk=run.pk).update(state=state, error=error, ended_at=now, counts=run.counts)
    if state == Run.State.DONE:
        # Counted from the beginning of the pass, and a little early: the tick of that moment must find it due.
        seconds = max(0.0, seconds - (now - run.started_at).total_seconds() - EARLY)
        cursor = {name: told for name, told in _cursor(feed).items() if name != "released"}
        if run.kind == Run.Kind.FULL and not _scope_moved(feed):
            cursor["full_at"] = now.isoformat()
            cursor.pop("whole", None)
            cursor.pop("lost", None)
            end_comparison(feed)
        more |= {"cursor": cursor, "last_success": now, "lag": (now - run.started_at).total_seconds()}
        forget_idle(run)
    _release(feed, passing.claimed_until, seconds, **more)


def _scope_moved(feed: Feed) -> bool:
    """A pass that read by another scope has not read everything that is taken now."""
    return not Feed.objects.filter(pk=feed.pk, scope=feed.scope).exists()


def _cursor(feed: Feed) -> dict[str, Any]:
    return dict(Feed.objects.values_list("cursor", flat=True).get(pk=feed.pk))


def trip_feed(feed: Feed, halted: Halted) -> None:
    for reason in halted.reasons:
        trip(reason.code, reason.sentence, feed=feed)
