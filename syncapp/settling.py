"""Half-typed values: a change is judged once it has stood there for the feed's delay, and is never lost meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from policies.core.safety import settles_in
from policies.core.seen import Observation

from .known import Known
from .models import Feed
from .receive import look_later


class Timed(Protocol):
    """An item of a page, or an observation."""

    @property
    def updated_at(self) -> datetime | None: ...


def seconds_left(feed: Feed, seen: Timed, now: datetime, first_seen: datetime | None) -> float:
    """How long it still has to stand there; 0 once it may be judged. What the hub wrote itself is no typing."""
    if not feed.settle_delay or (isinstance(seen, Observation) and seen.ours):
        return 0.0
    delay, changed_at = timedelta(seconds=feed.settle_delay), _in_hub_time(feed, seen)
    if changed_at is None or changed_at > now + delay:
        changed_at = first_seen  # a time far ahead of ours says nothing
    return settles_in(changed_at, now, delay).total_seconds() if changed_at is not None else 0.0


def _in_hub_time(feed: Feed, seen: Timed) -> datetime | None:
    if seen.updated_at is None or feed.account.skew is None:
        return None
    return seen.updated_at - timedelta(seconds=feed.account.skew)


def settled(feed: Feed, seen: Sequence[Observation], now: datetime) -> list[Observation]:
    """Of a page: what may be judged. The rest is looked at again from the inbox, durably, before this returns."""
    left = {one.remote_id: seconds_left(feed, one, now, now) for one in seen}
    waiting = [one for one, seconds in left.items() if seconds > 0]
    if waiting:
        look_later(feed, waiting, max(left.values()), unless_waiting=True)
    return [one for one in seen if left[one.remote_id] <= 0]


def unsettled(
    feed: Feed, seen: Sequence[Observation], known: Mapping[str, Known], told: Mapping[str, datetime], now: datetime
) -> dict[str, float]:
    """Of what was looked at by id: how long each has to wait. `told` says when the hub first heard of it."""
    found = {}
    for one in seen if feed.settle_delay else ():
        link = known.get(one.remote_id)
        as_known = link is not None and not one.deleted and one.version is not None and link.version == one.version
        seconds = 0.0 if as_known else seconds_left(feed, one, now, told.get(one.remote_id))
        if seconds > 0:
            found[one.remote_id] = seconds
    return found
