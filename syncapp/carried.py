"""What came of a job's pushes: counted, noted on each push, and put off where the account or a brake says so."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from .batched import Pushed
from .brakes import Braked
from .claims import Outcome
from .connectors.errors import ConnectorError, Limited, Retryable, Unknown
from .health import NEEDS_A_PERSON
from .inbox import back_off
from .looking import LookingRemote
from .models import Feed
from .observe import patiently
from .outbox import postpone
from .remote import FeedRemote
from .store import PgStore

logger = logging.getLogger(__name__)


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


# After these there is something to note, or to do later.
OPEN_ENDED = (Outcome.UNKNOWN, Outcome.BUSY, Outcome.MOVED, Outcome.IDLE)


class Stopped(Exception):
    """No further call to this account now; what waits is tried again in `seconds`."""

    def __init__(self, seconds: float, said: str) -> None:
        self.seconds, self.said = seconds, said
        super().__init__(said)


@dataclass(frozen=True, slots=True)
class Job:
    """One batch of claimed pushes, while it is carried."""

    feed: Feed
    store: PgStore
    remote: LookingRemote
    carried: Carried
    attempts: Mapping[str, int]


def noted(feed: Feed, store: PgStore, remote: FeedRemote, key: str, attempts: int, outcome: Outcome) -> str:
    if outcome not in OPEN_ENDED:
        return outcome
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


def note(feed: Feed, store: PgStore, key: str, attempts: int, error: ConnectorError) -> str:
    # What waiting may cure is tried soon; the same call to a provider that refused it is tried rarely.
    seconds = back_off(attempts, 1.0) if isinstance(error, Retryable | Unknown) else 30 * back_off(attempts, 1.0)
    logger.info("push of %s to feed %s: %s", key, feed.pk, error)
    postpone(feed.pk, key, store.now() + timedelta(seconds=seconds), str(error))
    return "waits"


def conclude(job: Job, pushed: Pushed, left: list[str], again: Sequence[str]) -> None:
    """Note what came of each; those of `again` are tried once more, and stay claimed."""
    feed, store, attempts = job.feed, job.store, job.attempts
    for key, outcome in pushed.outcomes.items():
        if key not in again:
            job.carried.count(noted(feed, store, job.remote, key, attempts[key], outcome))
            left.remove(key)
    for key, error in pushed.failed.items():
        if not isinstance(error, Limited):
            job.carried.count(note(feed, store, key, attempts[key], error))
            left.remove(key)
    if pushed.stopped is not None:
        if left:  # one of them counts the attempt, so that the waits grow
            postpone(feed.pk, left[0], store.now(), str(pushed.stopped))
        raise stopped(pushed.stopped, max(attempts.values()))


def stopped(error: ConnectorError, attempts: int) -> Exception:
    """The account, or a brake of our own, keeps all that is left from going on."""
    if isinstance(error, NEEDS_A_PERSON):
        return error
    seconds = error.seconds if isinstance(error, Braked) else getattr(error, "retry_after", None)
    return Stopped(seconds or back_off(attempts, 1.0), str(error))
