"""How each sync is doing, for the home page: one row per feed, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min
from django.utils import timezone

from policies.models import PolicySet, Sync

from .models import Account, Conflict, Delivery, Feed, Push

LATE = 5  # a feed without a success for this many of its own schedules is late
LEAST_LATE = timedelta(seconds=30)
Counts = Mapping[tuple[int, str], int]


@dataclass(frozen=True, slots=True)
class FeedOverview:
    feed: Feed
    label: str
    waiting: int  # pushes due there
    sending: int
    failed: int  # pushes that the account refused, of the last day
    deliveries: int  # of its account, not yet looked at
    set_aside: int
    word: str
    tone: str
    trouble: str


@dataclass(frozen=True, slots=True)
class SyncOverview:
    sync: Sync
    feeds: Sequence[FeedOverview]
    open: int
    oldest: datetime | None
    published: bool


def overview() -> list[SyncOverview]:
    now = timezone.now()
    feeds = list(Feed.objects.select_related("account", "role").order_by("role__sync_id", "role__order"))
    pushes, deliveries = _pushes(now), _deliveries()
    rows = [(feed.role.sync_id, _feed(feed, pushes, deliveries, now)) for feed in feeds]
    questions = _questions()
    published = set(PolicySet.objects.filter(state=PolicySet.State.PUBLISHED).values_list("sync_id", flat=True))
    return [
        SyncOverview(
            sync, [row for pk, row in rows if pk == sync.pk], *questions.get(sync.pk, (0, None)), sync.pk in published
        )
        for sync in Sync.objects.all()
    ]


def _pushes(now: datetime) -> Counts:
    """What waits or is under way, and what was refused within the last day."""
    live = Push.objects.filter(state__in=[Push.State.PENDING, Push.State.SENDING])
    failed = Push.objects.filter(state__in=[Push.State.FAILED, Push.State.HELD], ended_at__gte=now - timedelta(days=1))
    counted: dict[tuple[int, str], int] = {}
    for rows in (live, failed):
        for feed_id, state, count in rows.values_list("feed_id", "state").annotate(count=Count("pk")).order_by():
            counted[(feed_id, state)] = count
    return counted


def _deliveries() -> Counts:
    wanted = [Delivery.State.NEW, Delivery.State.CLAIMED, Delivery.State.SET_ASIDE]
    rows = Delivery.objects.filter(state__in=wanted).values_list("account_id", "state").annotate(count=Count("pk"))
    return {(account, state): count for account, state, count in rows.order_by()}


def _questions() -> Mapping[int, tuple[int, datetime | None]]:
    rows = Conflict.objects.filter(state=Conflict.State.OPEN).values_list("sync_id")
    return {pk: (count, oldest) for pk, count, oldest in rows.annotate(Count("pk"), Min("opened_at")).order_by()}


def _feed(feed: Feed, pushes: Counts, deliveries: Counts, now: datetime) -> FeedOverview:
    word, tone, trouble = _state(feed, now)
    return FeedOverview(
        feed,
        feed.role.label or feed.role.name,
        pushes.get((feed.pk, "pending"), 0),
        pushes.get((feed.pk, "sending"), 0),
        pushes.get((feed.pk, "failed"), 0) + pushes.get((feed.pk, "held"), 0),
        deliveries.get((feed.account_id, "new"), 0) + deliveries.get((feed.account_id, "claimed"), 0),
        deliveries.get((feed.account_id, "set_aside"), 0),
        word,
        tone,
        trouble,
    )


def _state(feed: Feed, now: datetime) -> tuple[str, str, str]:
    """(word, tone, what is the matter), the worst first."""
    account = feed.account
    if feed.halted:
        return ("halted", "bad", feed.halted)
    if account.health == Account.Health.ATTENTION:
        return ("needs attention", "bad", account.last_error)
    if account.paused or feed.paused:
        return ("paused", "wait", account.paused or feed.paused)
    if feed.last_success is None:
        return ("not read yet", "wait", "")
    if now - feed.last_success > max(LEAST_LATE, timedelta(seconds=LATE * feed.schedule)):
        return ("late", "bad", "no success for longer than its schedule; are a worker and the scheduler running?")
    return ("well", "good", "")
