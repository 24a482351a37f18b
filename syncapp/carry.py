"""Bring what is due to one feed's account: claimed pushes, one record after the other, and those of unknown outcome."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from functools import partial

from .batch import push_many, settle_many
from .batched import Pushed
from .brakes import Braked
from .carried import Carried, Job, Stopped, conclude, note, noted
from .connectors.errors import ConnectorError, Limited, ManifestError, Permanent, Retryable, Unknown
from .facts import object_spec
from .health import NEEDS_A_PERSON, WRITABLE, attention, well, why_not_written
from .inbox import back_off
from .lastlook import REPEATS
from .leases import lease
from .load import Contended
from .looking import LastLooking, LookingRemote
from .models import Feed
from .observe import patiently
from .outbox import claim_pushes, claim_unsettled, postpone, put_off
from .pacing import may_begin
from .push import Outcome, push, settle
from .remote import opened
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


def load_feed(feed_id: int) -> Feed | None:
    return Feed.objects.select_related("account", "role__sync").filter(pk=feed_id).first()


def _usual(feed: Feed) -> int:
    """How many pushes a job takes: as many as one call to the account may name, where it has such calls."""
    try:
        spec = object_spec(feed.account, feed.object)
    except (LookupError, ManifestError):
        return BATCH  # what is wrong with its file is told on the pushes
    return max(BATCH, spec.most("create_many"), spec.most("update_many"))


def carry(feed_id: int, *, limit: int | None = None, ring_feeds: Ring = ring_pushes) -> Carried:
    """Push what is due at one feed, as far as it may be written now."""
    carried = Carried()
    feed = load_feed(feed_id)
    if feed is None or why_not_written(feed):
        return carried
    store, limit = PgStore(feed.role.sync, ring_feeds=ring_feeds), limit or _usual(feed)
    left = may_begin(feed, store.now())
    if left is not None:
        limit = min(limit, left)
    if not limit:
        return carried
    claimed = claim_pushes(feed_id, limit, store.now(), LEASE)
    _each(feed, store, [key for key, _ in claimed], carried, dict(claimed), _push_one)
    carried.more = carried.more or len(claimed) == limit
    return carried


def settle_feed(feed_id: int, *, limit: int | None = None, ring_feeds: Ring = ring_pushes) -> Carried:
    """Find out what became of pushes that were on their way when their worker died or the answer was lost.

    It reads, and so goes on where writing has been stopped meanwhile; a create may have to be made, and waits then, as
    it does for the budget.
    """
    carried = Carried()
    feed = load_feed(feed_id)
    if feed is None:
        return carried
    store, limit = PgStore(feed.role.sync, ring_feeds=ring_feeds), limit or _usual(feed)
    left = may_begin(feed, store.now()) if not why_not_written(feed) else 0
    limit = min(limit, left or limit)
    claimed = claim_unsettled(feed_id, limit, store.now(), LEASE, WRITE_LEASE, creates=left != 0)
    _each(feed, store, [key for key, _ in claimed], carried, dict(claimed), _settle_one)
    carried.more = carried.more or len(claimed) == limit
    return carried


Step = Callable[[PgStore, LookingRemote | LastLooking, str], Outcome]


def _each(
    feed: Feed, store: PgStore, keys: Sequence[str], carried: Carried, attempts: dict[str, int], step: Step
) -> None:
    if not keys:
        return
    left = list(keys)
    stop_at, alone = time.monotonic() + SLICE, 0
    try:
        with opened(LookingRemote, feed) as remote:
            if len(left) > 1 and remote.batches.most:
                job = Job(feed, store, remote, carried, attempts)
                _push_together(job, left) if step is _push_one else _settle_together(job, left)
            while left:
                if step is _push_one and not Feed.objects.filter(WRITABLE, pk=feed.pk).exists():
                    raise Stopped(0.0, "writing was stopped")
                if time.monotonic() > stop_at or alone == BATCH:
                    carried.more = True
                    raise Stopped(0.0, "the next job goes on")
                carried.count(_guarded(feed, store, remote, left[0], attempts[left[0]], step))
                left.pop(0)
                alone += 1
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


def _guarded(feed: Feed, store: PgStore, remote: LookingRemote, key: str, attempts: int, step: Step) -> str:
    """One record. What is wrong with the account stops the batch; what is wrong with the record stands on its push."""
    try:
        outcome = step(store, remote if attempts < REPEATS else LastLooking(remote), key)
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
        return note(feed, store, key, attempts, error)
    except Contended as error:
        postpone(feed.pk, key, store.now() + timedelta(seconds=0.5), str(error))
        return "waits"
    return noted(feed, store, remote, key, attempts, outcome)


def _push_one(store: PgStore, remote: LookingRemote | LastLooking, key: str) -> Outcome:
    """Push until nothing moves any more: an account that changed is asked again at once, a lost answer is settled."""
    outcome = before = Outcome.MOVED
    for _ in range(TURNS):
        outcome = push(store, remote, key)
        if outcome is Outcome.UNKNOWN:
            outcome = _settle_one(store, remote, key)
            outcome = Outcome.RESEND if outcome is Outcome.IDLE else outcome
        if outcome not in (Outcome.MOVED, Outcome.RESEND):
            break
        before = outcome
    # Nothing left after settling: what was settled is what came of it.
    return before if outcome is Outcome.IDLE and before is Outcome.RESEND else outcome


def _settle_one(store: PgStore, remote: LookingRemote | LastLooking, key: str) -> Outcome:
    with remote.resending():
        return patiently(lambda: settle(store, remote, key))


def _push_together(job: Job, left: list[str]) -> None:
    """As `_push_one`, for as many as one call may name; what came to no outcome stays in `left` and goes alone."""
    keys, settled = _not_in_vain(job, left), set[str]()
    for _ in range(TURNS):
        if not keys:
            return
        if not Feed.objects.filter(WRITABLE, pk=job.feed.pk).exists():
            raise Stopped(0.0, "writing was stopped")
        pushed = _unless_held(partial(push_many, job.store, job.remote, keys))
        if pushed.stopped is None:
            _settle_unknown(job, pushed)
        again = [key for key, outcome in pushed.outcomes.items() if outcome in (Outcome.MOVED, Outcome.RESEND)]
        # Nothing left after settling: what was settled is what came of it.
        pushed.outcomes |= {key: Outcome.RESEND for key in settled if pushed.outcomes.get(key) is Outcome.IDLE}
        settled |= {key for key in again if pushed.outcomes[key] is Outcome.RESEND}
        conclude(job, pushed, left, again)
        keys = again


def _settle_together(job: Job, left: list[str]) -> None:
    keys = _not_in_vain(job, left)
    if keys:
        with job.remote.resending():
            settled = _unless_held(partial(settle_many, job.store, job.remote, keys))
        conclude(job, settled, left, ())


def _not_in_vain(job: Job, keys: Sequence[str]) -> list[str]:
    """What was tried again and again goes alone: its next look is believed."""
    return [key for key in keys if job.attempts[key] < REPEATS]


def _unless_held(step: Callable[[], Pushed]) -> Pushed:
    try:
        return step()
    except Contended as error:
        raise Stopped(0.5, str(error)) from error
    except NoPolicy as error:
        raise Stopped(PERSON_WAIT, str(error)) from error


def _settle_unknown(job: Job, pushed: Pushed) -> None:
    """A lost answer is settled at once: whoever made the call knows that it has ended."""
    lost = [key for key, outcome in pushed.outcomes.items() if outcome is Outcome.UNKNOWN]
    if not lost:
        return
    try:
        with job.remote.resending():
            settled = patiently(lambda: settle_many(job.store, job.remote, lost))
    except Contended:
        return  # they are noted as unknown, and settled by the next job
    pushed.outcomes |= {
        key: Outcome.RESEND if outcome is Outcome.IDLE else outcome for key, outcome in settled.outcomes.items()
    }
    pushed.failed |= settled.failed
    pushed.stopped = settled.stopped
