"""Find in the database what nobody was rung for: Redis may forget everything at any time.

Nothing is claimed here. Every job claims what it works on, so that any number of ticks and schedulers are harmless.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q

from policies.models import Sync

from .alerts import look_after_brakes
from .announced import POLL_JOB, POLL_QUEUE
from .baseline import BASELINE_JOB, unfinished
from .carry import WRITE_LEASE, carry, settle_feed
from .health import READABLE, WRITABLE
from .load import database_now
from .models import Delivery, Feed, Held, Push, Revision, Run, Waiting
from .observe import work_inbox
from .plan.make import PLAN_JOB, open_plans
from .poll import poll
from .queue import ring
from .receive import ring_inbox
from .resolving import resolve, to_look_at
from .revising import finish_revisions
from .store import PUSH_JOB
from .tending import TEND_JOB, subscriptions_are_due
from .unresolved import RESOLVE_JOB

SETTLE_JOB = "syncapp.jobs.settle"
REVISE_JOB = "syncapp.jobs.revise"
ROUNDS = 50


def tick() -> None:
    now = database_now()
    look_after_brakes(now)
    if Delivery.objects.filter(_free(now), state__in=["new", "claimed"], next_try__lte=now).exists():
        ring_inbox()
    for pk in unsettled_feeds(now):
        ring(SETTLE_JOB, pk, queue="push")
    for pk in pushable_feeds(now):
        ring(PUSH_JOB, pk, queue="push")
    for pk in open_revisions(now):
        ring(REVISE_JOB, pk, queue=POLL_QUEUE)
    for pk in unfinished():
        ring(BASELINE_JOB, pk, queue=POLL_QUEUE)
    for pk in open_plans():
        ring(PLAN_JOB, pk, queue=POLL_QUEUE)
    if subscriptions_are_due(now):
        ring(TEND_JOB)
    if Waiting.objects.filter(to_look_at(now)).exists():
        ring(RESOLVE_JOB)
    for pk in due_feeds(now):
        ring(POLL_JOB, pk, queue=POLL_QUEUE)


def _free(now: datetime) -> Q:
    return Q(claimed_until=None) | Q(claimed_until__lte=now)


def open_revisions(now: datetime) -> list[int]:
    return list(Revision.objects.filter(_free(now), done_at=None).order_by("pk").values_list("pk", flat=True))


def due_feeds(now: datetime) -> list[int]:
    """First loads of one sync go in the order of its roles: a side that may not write the match key comes after those
    that may, and so finds the records that it belongs to.
    """
    due = Q(next_due=None) | Q(next_due__lte=now)
    found = list(Feed.objects.filter(READABLE, _free(now), due).select_related("role"))
    unloaded = {feed.role.sync_id for feed in found if "full_at" not in feed.cursor}
    may_load = {pk for sync_id in unloaded for pk in _next_to_load(sync_id)}
    return [feed.pk for feed in found if "full_at" in feed.cursor or feed.pk in may_load]


def _next_to_load(sync_id: int) -> list[int]:
    """Of the feeds without a whole pass, the first; one that failed before keeps nobody waiting, and nobody it."""
    failed = Run.objects.filter(feed=OuterRef("pk"), state__in=[Run.State.FAILED, Run.State.HALTED])
    feeds = Feed.objects.filter(READABLE, role__sync=sync_id, cursor__full_at__isnull=True)
    waiting = feeds.annotate(failed=Exists(failed)).order_by("role__order", "role__name").values_list("pk", "failed")
    fine = [pk for pk, has_failed in waiting if not has_failed]
    return fine[:1] + [pk for pk, has_failed in waiting if has_failed]


def pushable_feeds(now: datetime) -> list[int]:
    waiting = Push.objects.filter(_free(now), feed=OuterRef("pk"), state=Push.State.PENDING, next_try__lte=now)
    held = Held.objects.filter(state=Held.State.HELD, feed=OuterRef("feed_id"), record=OuterRef("record_id"))
    waiting = waiting.filter(~Exists(held))
    return list(Feed.objects.filter(WRITABLE, Exists(waiting)).values_list("pk", flat=True))


def unsettled_feeds(now: datetime) -> list[int]:
    """Feeds with pushes whose worker died, or that the worker itself noted as unknown."""
    lost = Q(started_at__lt=now - WRITE_LEASE) | ~Q(error="")
    sending = Push.objects.filter(_free(now), lost, feed=OuterRef("pk"), state=Push.State.SENDING, next_try__lte=now)
    return list(Feed.objects.filter(Exists(sending)).values_list("pk", flat=True))


@dataclass(slots=True)
class Report:
    """What one `sync` in this process did."""

    runs: dict[str, Run | None] = field(default_factory=dict)
    pushed: dict[str, dict[str, int]] = field(default_factory=dict)
    hints: int = 0
    rounds: int = 0
    resting: bool = False

    @property
    def failed(self) -> list[str]:
        """Roles whose feed was not read to the end, each with why."""
        out = []
        for role, run in self.runs.items():
            if run is None:
                out.append(f"{role}: not read; it is paused, halted, switched off, or read by another worker now")
            elif run.state != Run.State.DONE:
                out.append(f"{role}: {run.state}: {run.error}")
        return out

    def as_json(self) -> dict[str, Any]:
        runs = {
            role: {"state": run.state, "kind": run.kind, **run.counts} if run else None
            for role, run in self.runs.items()
        }
        return {"feeds": runs, "pushes": self.pushed, "hints": self.hints, "resting": self.resting}


def sync_now(sync: Sync, *, full: bool = False, told: Callable[[str], None] = lambda line: None) -> Report:
    """Read all feeds of a sync, then carry what is due until nothing moves any more; all in this process."""
    report = Report()
    finish_revisions(sync, _silent)
    feeds = list(Feed.objects.filter(role__sync=sync).select_related("role").order_by("role__order", "role__name"))
    for feed in feeds:
        told(f"reading {feed.role.name}")
        report.runs[feed.role.name] = poll(feed.pk, full=full, at_once=True, ring_feeds=_silent)
    for _ in range(ROUNDS):
        report.rounds += 1
        moved = work_inbox() + resolve(_silent)
        report.hints += moved
        for feed in feeds:
            moved += _carry(report, feed)
        if not moved:
            report.resting = True
            break
    return report


def _carry(report: Report, feed: Feed) -> int:
    moved = 0
    for carried in (settle_feed(feed.pk, ring_feeds=_silent), carry(feed.pk, ring_feeds=_silent)):
        told = report.pushed.setdefault(feed.role.name, {})
        for name, number in carried.outcomes.items():
            told[name] = told.get(name, 0) + number
        moved += carried.moved
    return moved


def _silent(feed_ids: Any) -> None:
    """Nobody is rung: this very process goes on with it."""
