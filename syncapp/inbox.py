"""The inbox's rows: claim a batch that nobody else has, and say how each delivery ended."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection
from django.db.models.functions import Now

from .connectors.records import Event
from .leases import lease
from .models import Delivery

BATCH = 100
# A delivery may tell of a hundred records: no more are begun where so many hints are claimed.
HINTS = 400
# A worker that was killed gives its batch back when this is over.
LEASE = lease(60).total_seconds()
LONGEST_WAIT = 60.0
# A job that follows at the heels of another waits a moment, so that it takes what several would.
HEELS = 0.2
GATHER = 0.05
NOTHING_NEW = "it tells of a version that was judged already"


@dataclass(frozen=True, slots=True)
class Hint:
    """Something happened to this record, says this delivery. `event` is what it told, if it came from outside.

    Without a record: the feed is to be read, or something happened to the subscription (`kind`).
    """

    delivery: Delivery
    object: str
    remote_id: str
    event: Event | None = None
    kind: str = ""


def claim_deliveries(limit: int = BATCH) -> list[Delivery]:
    """Up to `limit` deliveries that are due, of some `HINTS` hints, oldest first. No two workers get the same one.

    The end of the claim names it: a worker that comes too late finds another one on the row, and says nothing there.
    """
    # Taken in a CTE: as a sub-select the rows would be picked anew for every row of some plans, and more than LIMIT.
    rows = Delivery.objects.raw(
        "WITH due AS MATERIALIZED (SELECT id, next_try, jsonb_array_length(events) AS hints FROM syncapp_delivery"
        "   WHERE state IN ('new', 'claimed')"
        "   AND next_try <= clock_timestamp() AND (claimed_until IS NULL OR claimed_until <= clock_timestamp())"
        "   ORDER BY next_try, id LIMIT %s FOR UPDATE SKIP LOCKED),"
        " running AS (SELECT id, sum(hints) OVER (ORDER BY next_try, id) - hints AS before FROM due),"
        " taken AS MATERIALIZED (SELECT id FROM running WHERE before < %s)"
        " UPDATE syncapp_delivery d SET state = 'claimed', attempts = attempts + 1,"
        "   claimed_until = statement_timestamp() + make_interval(secs => %s)"
        " FROM taken WHERE d.id = taken.id RETURNING d.*",
        [limit, HINTS, LEASE],
    )
    return sorted(rows, key=lambda row: row.pk)


def more_may_wait(claimed: Sequence[Delivery], limit: int) -> bool:
    return len(claimed) == limit or sum(len(one.events) for one in claimed) >= HINTS


@dataclass(slots=True)
class Fate:
    """What becomes of one delivery. Of several fates of its hints, one to wait is stronger than any other."""

    wait: float | None = None
    free: bool = False  # the wait is not the delivery's own fault and does not count as an attempt
    aside: list[str] = field(default_factory=list)
    said: str = ""


class Fates:
    """The fates of a batch: done, unless something else is said."""

    def __init__(self, deliveries: list[Delivery]) -> None:
        self.rows = {row.pk: row for row in deliveries}
        self._fates = {row.pk: Fate() for row in deliveries}
        self._nothing_new: set[int] = set()

    def later(self, delivery: Delivery, seconds: float, said: str = "", *, free: bool = False) -> None:
        fate = self._fates[delivery.pk]
        fate.wait = seconds if fate.wait is None else max(fate.wait, seconds)
        fate.free, fate.said = fate.free or free, said or fate.said

    def nothing_new(self, delivery: Delivery) -> None:
        """Done without a look, if nothing else that it told makes it wait."""
        self._nothing_new.add(delivery.pk)

    def aside(self, delivery: Delivery, reason: str) -> None:
        self._fates[delivery.pk].aside.append(reason)

    def write(self) -> None:
        """Done in one statement, or two; what waits or is set aside is rare."""
        done = [pk for pk, fate in self._fates.items() if fate.wait is None and not fate.aside]
        # Not one that was made new meanwhile, because there is something newer to look at: whoever has it now, ends it.
        mine = Delivery.objects.filter(claimed_until__in={row.claimed_until for row in self.rows.values()})
        for some, said in ((set(done) - self._nothing_new, ""), (self._nothing_new.intersection(done), NOTHING_NEW)):
            if some:
                mine.filter(pk__in=some).update(
                    state=Delivery.State.DONE, claimed_until=None, ended_at=Now(), reason=said
                )
        for pk, fate in self._fates.items():
            if fate.wait is not None:
                _put_back(self.rows[pk], fate)
            elif fate.aside:
                mine.filter(pk=pk).update(
                    state=Delivery.State.SET_ASIDE,
                    claimed_until=None,
                    ended_at=Now(),
                    reason="; ".join(dict.fromkeys(fate.aside)),
                )


def _put_back(row: Delivery, fate: Fate) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE syncapp_delivery SET state = 'new', claimed_until = NULL, reason = %s, attempts = %s,"
            " next_try = clock_timestamp() + make_interval(secs => %s) WHERE id = %s AND claimed_until = %s",
            [fate.said, max(0, row.attempts - (1 if fate.free else 0)), fate.wait, row.pk, row.claimed_until],
        )


def back_off(attempts: int, first: float = 0.2) -> float:
    """Seconds until the next attempt after so many."""
    return min(LONGEST_WAIT, first * 2.0 ** min(attempts, 20))


def patience(delivery: Delivery, now: datetime) -> float:
    """Soon at first, then less often: a write in flight is settled, an account that is away comes back."""
    return min(15.0, max(0.2, (now - delivery.received_at).total_seconds() / 2))


@dataclass(slots=True)
class Pace:
    """How the inbox jobs of this process follow on each other. Whoever comes after a quiet moment waits for nothing."""

    ended: float | None = None

    def pause(self, now: float) -> float:
        return GATHER if self.ended is not None and now - self.ended < HEELS else 0.0

    def worked(self, number: int, now: float) -> None:
        """More is waiting where a batch was full: it is gone on with at once."""
        if number:
            self.ended = now if number < BATCH else None

    def gather(self) -> None:
        time.sleep(self.pause(time.monotonic()))
