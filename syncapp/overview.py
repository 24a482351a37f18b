"""How each sync is doing, for the home page: one row per feed, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, Min, OuterRef, Q
from django.utils import timezone

from policies.models import PolicySet, Sync

from .brakes import STOPS_FEED, STOPS_WRITES
from .connectors.errors import ConnectorError
from .facts import facts_of
from .models import Account, Brake, Conflict, Delivery, Feed, Link, MatchKey, Push, Record

LATE_SAID = "no success for longer than its schedule: the system is slow to answer, or no worker or scheduler runs"
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
    unmade: int  # records that cannot be made there: nothing to look them up by
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
    stopped: Brake | None  # a person stopped all writes of it


def overview(brakes: Sequence[Brake]) -> list[SyncOverview]:
    """`brakes` are all that are open."""
    now = timezone.now()
    feeds = list(Feed.objects.select_related("account", "role").order_by("role__sync_id", "role__order"))
    pushes, deliveries, unmade = _pushes(now), _deliveries(), _unmade(feeds)
    rows = [(feed.role.sync_id, _feed(feed, pushes, deliveries, unmade, brakes, now)) for feed in feeds]
    questions = _questions()
    published = set(PolicySet.objects.filter(state=PolicySet.State.PUBLISHED).values_list("sync_id", flat=True))
    return [
        SyncOverview(
            sync,
            [row for pk, row in rows if pk == sync.pk],
            *questions.get(sync.pk, (0, None)),
            sync.pk in published,
            _stop(sync, brakes),
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


def _unmade(feeds: Sequence[Feed]) -> Mapping[int, int]:
    """By feed, the records without any match key that have no link there."""
    keyless = Record.objects.filter(~Exists(MatchKey.objects.filter(record=OuterRef("pk")))).order_by()
    total = dict(keyless.values_list("sync_id").annotate(Count("pk")))
    if not total:
        return {feed.pk: 0 for feed in feeds}
    there = Link.objects.filter(Q(remote_id__isnull=False) | Q(head__unlinked=True), record__in=keyless.values("pk"))
    linked = dict(there.order_by().values_list("feed_id").annotate(Count("pk")))
    return {
        feed.pk: total.get(feed.role.sync_id, 0) - linked.get(feed.pk, 0) if _creates(feed) else 0 for feed in feeds
    }


def _creates(feed: Feed) -> bool:
    """A broken provider file is told where the feed is read, not here."""
    if feed.account.direction not in (Account.Direction.BOTH, Account.Direction.OUT):
        return False
    try:
        return facts_of(feed).creates
    except (ConnectorError, LookupError):
        return False


def _questions() -> Mapping[int, tuple[int, datetime | None]]:
    rows = Conflict.objects.filter(state=Conflict.State.OPEN).values_list("sync_id")
    return {pk: (count, oldest) for pk, count, oldest in rows.annotate(Count("pk"), Min("opened_at")).order_by()}


def _stop(sync: Sync, brakes: Sequence[Brake]) -> Brake | None:
    return next((brake for brake in brakes if brake.code == Brake.Code.STOP and brake.sync_id == sync.pk), None)


def _feed(
    feed: Feed,
    pushes: Counts,
    deliveries: Counts,
    unmade: Mapping[int, int],
    brakes: Sequence[Brake],
    now: datetime,
) -> FeedOverview:
    stopped = [one for one in brakes if one.code == Brake.Code.STOP and one.sync_id == feed.role.sync_id]
    about = stopped + [one for one in brakes if one.feed_id == feed.pk or one.account_id == feed.account_id]
    word, tone, trouble = state_of(feed, about, now)
    return FeedOverview(
        feed,
        feed.role.label or feed.role.name,
        pushes.get((feed.pk, "pending"), 0),
        pushes.get((feed.pk, "sending"), 0),
        pushes.get((feed.pk, "failed"), 0) + pushes.get((feed.pk, "held"), 0),
        deliveries.get((feed.account_id, "new"), 0) + deliveries.get((feed.account_id, "claimed"), 0),
        deliveries.get((feed.account_id, "set_aside"), 0),
        unmade[feed.pk],
        word,
        tone,
        trouble,
    )


def state_of(feed: Feed, brakes: Sequence[Brake], now: datetime) -> tuple[str, str, str]:
    """(word, tone, what is the matter), the worst first."""
    account = feed.account
    for codes, word in ((STOPS_FEED, "halted"), (STOPS_WRITES, "writes held")):
        found = next((brake for brake in brakes if brake.code in codes), None)
        if found is not None:
            return (word, "bad", found.sentence)
    if account.health == Account.Health.ATTENTION:
        return ("needs attention", "bad", account.last_error)
    if account.paused or feed.paused:
        return ("paused", "wait", account.paused or feed.paused)
    if feed.stage == Feed.Stage.PREVIEW:
        return ("in preview", "wait", feed.stage_reason)
    if feed.last_success is None:
        return ("not read yet", "wait", "")
    if now - feed.last_success > max(LEAST_LATE, timedelta(seconds=LATE * feed.schedule)):
        return ("late", "bad", LATE_SAID)
    if brakes:
        return ("holding", "wait", brakes[0].sentence)
    return ("well", "good", "")
