"""Bring what is due to one feed's account: claimed pushes, one record after the other, and those of unknown outcome."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from .brakes import Braked
from .connectors.errors import ConnectorError, Limited, Permanent, Retryable, Unknown
from .health import NEEDS_A_PERSON, WRITABLE, attention, well, why_not_written
from .inbox import back_off
from .lastlook import REPEATS, LastLook
from .leases import lease
from .load import Contended
from .models import Feed
from .observe import patiently
from .outbox import claim_pushes, claim_unsettled, postpone, put_off
from .ports import Remote
from .push import Outcome, push, settle
from .remote import FeedRemote, open_remote
from .store import NoPolicy, PgStore, ring_pushes

logger = logging.getLogger(__name__)

# Few, so that feeds take turns: a worker that carries long keeps polls and other accounts waiting.
BATCH = 10
LEASE = lease(120)
# Longer than any write may take, so that nobody settles one that is still on its way.
WRITE_LEASE = lease(150)
TURNS = 4
# A slow account's batch is given back long before the claim on it runs out.
SLICE = 60.0
PERSON_WAIT = 60.0
Ring = Callable[[Collection[int]], None]


@dataclass(slots=True)
class Carried:
    """What came of a batch: outcomes by name, and whether there may be more to do now."""

    outcomes: dict[str, int] = field(default_factory=dict)
    more: bool = False

    def count(self, outcome: str) -> None:
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1

    @property
    def moved(self) -> int:
        """How many pushes came to an end."""
        return sum(number for name, number in self.outcomes.items() if name not in ("waits", Outcome.UNKNOWN))


class Stopped(Exception):
    """No further call to this account now; what waits is tried again in `seconds`."""

    def __init__(self, seconds: float, said: str) -> None:
        self.seconds, self.said = seconds, said
        super().__init__(said)


def load_feed(feed_id: int) -> Feed | None:
    return Feed.objects.select_related("account", "role__sync").filter(pk=feed_id).first()


def carry(feed_id: int, *, limit: int = BATCH, ring_feeds: Ring = ring_pushes) -> Carried:
    """Push what is due at one feed, as far as it may be written now."""
    carried = Carried()
    feed = load_feed(feed_id)
    if feed is None or why_not_written(feed):
        return carried
    store = PgStore(feed.role.sync, ring_feeds=ring_feeds)
    claimed = claim_pushes(feed_id, limit, store.now(), LEASE)
    _each(feed, store, [key for key, _ in claimed], carried, dict(claimed), _push_one)
    carried.more = carried.more or len(claimed) == limit
    return carried


def settle_feed(feed_id: int, *, limit: int = BATCH, ring_feeds: Ring = ring_pushes) -> Carried:
    """Find out what became of pushes that were on their way when their worker died or the answer was lost.

    It reads, and so goes on where writing has been stopped meanwhile; a create may have to be made, and waits then.
    """
    carried = Carried()
    feed = load_feed(feed_id)
    if feed is None:
        return carried
    store = PgStore(feed.role.sync, ring_feeds=ring_feeds)
    claimed = claim_unsettled(feed_id, limit, store.now(), LEASE, WRITE_LEASE, creates=not why_not_written(feed))
    _each(feed, store, [key for key, _ in claimed], carried, dict(claimed), _settle_one)
    carried.more = carried.more or len(claimed) == limit
    return carried


Step = Callable[[PgStore, Remote, str], Outcome]


def _each(
    feed: Feed, store: PgStore, keys: Sequence[str], carried: Carried, attempts: dict[str, int], step: Step
) -> None:
    if not keys:
        return
    left = list(keys)
    stop_at = time.monotonic() + SLICE
    try:
        with open_remote(feed) as remote:
            while left:
                if step is _push_one and not Feed.objects.filter(WRITABLE, pk=feed.pk).exists():
                    raise Stopped(0.0, "writing was stopped")
                if time.monotonic() > stop_at:
                    carried.more = True
                    raise Stopped(0.0, "the account is slow; the next job goes on")
                carried.count(_guarded(feed, store, remote, left[0], attempts[left[0]], step))
                left.pop(0)
        well(feed.account)
    except Stopped as stop:
        carried.count("waits")
        put_off(feed.pk, left, store.now() + timedelta(seconds=stop.seconds), stop.said)
    except NEEDS_A_PERSON as error:
        attention(feed.account, error)
        carried.count("waits")
        put_off(feed.pk, left, store.now() + timedelta(seconds=PERSON_WAIT), str(error))
    except ConnectorError as error:  # the feed's own mapping does not fit its provider any more
        carried.count("waits")
        put_off(feed.pk, left, store.now() + timedelta(seconds=PERSON_WAIT), str(error))
    except Exception as error:
        # A fault of ours stops this job; what it had claimed need not wait for the claims to run out.
        for key in left[:1]:  # none, if all were done before the fault
            postpone(feed.pk, key, store.now() + timedelta(seconds=back_off(attempts[key], 1.0)), _fault(error))
        put_off(feed.pk, left[1:], store.now(), "")
        raise


def _fault(error: Exception) -> str:
    return f"the hub failed at this record ({type(error).__name__}); the worker's log says where"


def _guarded(feed: Feed, store: PgStore, remote: FeedRemote, key: str, attempts: int, step: Step) -> str:
    """One record. What is wrong with the account stops the batch; what is wrong with the record stands on its push."""
    try:
        outcome = step(store, remote if attempts < REPEATS else LastLook(remote), key)
    except Limited as error:
        seconds = error.retry_after or back_off(attempts, 1.0)
        postpone(feed.pk, key, store.now() + timedelta(seconds=seconds), str(error))
        raise Stopped(seconds, str(error)) from error
    except Braked as braked:
        raise Stopped(braked.seconds, str(braked)) from braked
    except NEEDS_A_PERSON:
        raise
    except NoPolicy as error:
        raise Stopped(PERSON_WAIT, str(error)) from error
    except (Retryable, Unknown, Permanent) as error:
        return _note(feed, store, key, attempts, error)
    except Contended as error:
        postpone(feed.pk, key, store.now() + timedelta(seconds=0.5), str(error))
        return "waits"
    until = store.now() + timedelta(seconds=back_off(attempts, 0.5))
    if outcome is Outcome.UNKNOWN:
        postpone(feed.pk, key, until, "the outcome of the write is not known yet")
        if remote.limited is not None:
            raise Stopped(remote.limited.retry_after or back_off(attempts, 1.0), str(remote.limited))
    elif outcome in (Outcome.BUSY, Outcome.MOVED):
        postpone(feed.pk, key, until, "the account keeps changing, or another write there is in flight")
        return "waits"
    if outcome is Outcome.IDLE:
        patiently(lambda: store.derive([key]))
    return outcome


def _note(feed: Feed, store: PgStore, key: str, attempts: int, error: ConnectorError) -> str:
    # What waiting may cure is tried soon; the same call to a provider that refused it is tried rarely.
    seconds = back_off(attempts, 1.0) if isinstance(error, Retryable | Unknown) else 30 * back_off(attempts, 1.0)
    logger.info("push of %s to feed %s: %s", key, feed.pk, error)
    postpone(feed.pk, key, store.now() + timedelta(seconds=seconds), str(error))
    return "waits"


def _push_one(store: PgStore, remote: Remote, key: str) -> Outcome:
    """Push until nothing moves any more: an account that changed is asked again at once, a lost answer is settled."""
    outcome = before = Outcome.MOVED
    for _ in range(TURNS):
        outcome = push(store, remote, key)
        if outcome is Outcome.UNKNOWN:
            outcome = patiently(lambda: settle(store, remote, key))
            outcome = Outcome.RESEND if outcome is Outcome.IDLE else outcome
        if outcome not in (Outcome.MOVED, Outcome.RESEND):
            break
        before = outcome
    # Nothing left after settling: what was settled is what came of it.
    return before if outcome is Outcome.IDLE and before is Outcome.RESEND else outcome


def _settle_one(store: PgStore, remote: Remote, key: str) -> Outcome:
    return patiently(lambda: settle(store, remote, key))
