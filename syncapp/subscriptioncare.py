"""What is to be done about a subscription, decided from what is known of it: no call, no clock, no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from .connectors.subscriptionspec import SubscriptionSpec

# It is renewed when a third of its life is left, a little earlier or later for each, so that many do not fall together.
LEFT, SPREAD = 0.3, 0.1
CHECK_EVERY = timedelta(hours=1)
# Deliveries and delta syncs cross each other for a while after it was made.
YOUNG = timedelta(minutes=10)
LOOK_EVERY = 60.0
LONGEST_WAIT = 3600.0


class Step(Enum):
    """``REMAKE``: end what is there, and make it anew, because changes may have been lost."""

    NOTHING = "nothing"
    OFF = "off"
    BY_HAND = "by hand"
    CREATE = "create"
    RENEW = "renew"
    CHECK = "check"
    REMAKE = "remake"
    END = "end"


@dataclass(frozen=True, slots=True)
class Known:
    """Of one subscription. ``unwanted``: why there should be none, or empty. ``silence``: what tells that changes came
    and no delivery did, or empty."""

    unwanted: str
    active: bool
    remote_id: str
    same_address: bool
    made_at: datetime | None
    renew_at: datetime | None
    checked_at: datetime | None
    silence: str


def next_step(known: Known, how: SubscriptionSpec | None, now: datetime) -> Step:
    if known.unwanted:
        return Step.END if known.remote_id and how is not None else Step.OFF
    if how is None:
        return Step.BY_HAND
    if not known.active or not known.remote_id:
        return Step.CREATE
    if not known.same_address:
        return Step.REMAKE
    if known.renew_at is not None and now >= known.renew_at:
        return Step.RENEW if how.renew is not None else Step.REMAKE
    if known.silence and known.made_at is not None and now >= known.made_at + YOUNG:
        return Step.REMAKE
    if (how.read or how.list) and (known.checked_at is None or now >= known.checked_at + CHECK_EVERY):
        return Step.CHECK
    return Step.NOTHING


def renewal(now: datetime, expires_at: datetime | None, share: float) -> datetime | None:
    """When to renew what lives from now until then; ``share`` from 0 to 1 sets one apart from another."""
    if expires_at is None:
        return None
    life = max(timedelta(0), expires_at - now)
    return expires_at - life * (LEFT + SPREAD * share)


def back_off(attempts: int) -> float:
    """Seconds until the next try after so many failures."""
    return min(LONGEST_WAIT, 15.0 * 2.0 ** min(attempts, 10))
