"""Make a plan and keep it: a run that is asked for, claimed by one worker, found again if that worker dies."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from policies.models import Sync
from syncapp import rows
from syncapp.baseline import unfinished
from syncapp.connectors.errors import ConnectorError
from syncapp.load import Contended, database_now
from syncapp.models import Feed, Planned, Run
from syncapp.overlay import in_overlay
from syncapp.queue import ring
from syncapp.store import NoPolicy

from .findings import Found
from .reading import Progress, Read
from .work import Ended, plan_of

logger = logging.getLogger(__name__)

PLAN_JOB = "syncapp.jobs.make_plan"
LEASE = timedelta(seconds=60)
NOTE_EVERY = 1.0
# Of plans that nobody approved, only the rows of so many are kept for each sync.
KEPT = 3
COLUMNS = ("run_id", "feed_id", "remote_id", "record", "group", "title", "digest", "detail", "moved")


class Lost(Exception):
    """The claim ran out, or somebody ended the run."""


def ask_for_plan(sync: Sync, by: str) -> Run:
    """The plan that is being made, or a new one; workers make it."""
    with transaction.atomic():
        Sync.objects.select_for_update(no_key=True).get(pk=sync.pk)  # two people ask for one plan, not for two
        run = Run.objects.filter(sync=sync, kind=Run.Kind.PLAN, state=Run.State.RUNNING).first()
        if run is None:
            run = Run.objects.create(sync=sync, kind=Run.Kind.PLAN, started_at=database_now(), counts={"by": by})
        ring(PLAN_JOB, run.pk, queue="push")
    return run


def open_plans() -> list[int]:
    """Plans that are asked for and that nobody works on."""
    now = database_now()
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    plans = Run.objects.filter(free, kind=Run.Kind.PLAN, state=Run.State.RUNNING)
    return list(plans.order_by("pk").values_list("pk", flat=True))


def start_plan(run_id: int) -> threading.Thread:
    """Beside the worker's other jobs, which must not wait for a long reading."""
    thread = threading.Thread(target=_beside, args=(run_id,), name=f"plan-{run_id}", daemon=True)
    thread.start()
    return thread


def _beside(run_id: int) -> None:
    try:
        carry_out(run_id)
    except Exception:
        logger.exception("plan %s failed", run_id)
    finally:
        connection.close()


def carry_out(run_id: int) -> Run | None:
    """Make the plan, in this thread; None if another worker is at it, or it has ended."""
    run = _claim(run_id)
    if run is None:
        return None
    try:
        ended = _collect(run)
    except Lost:
        return None
    except (NoPolicy, ConnectorError, Contended) as error:
        ended = Ended(error=str(error))
    except Exception as error:
        _end(run, Ended(error=f"the hub failed at it ({type(error).__name__}); the worker's log says where"))
        raise
    _end(run, ended)
    return run


def _claim(run_id: int) -> Run | None:
    now = database_now()
    free = Run.objects.filter(pk=run_id, kind=Run.Kind.PLAN, state=Run.State.RUNNING).exclude(claimed_until__gt=now)
    if not free.update(claimed_until=now + LEASE):
        return None
    run = Run.objects.select_related("sync").get(pk=run_id)
    Planned.objects.filter(run=run).delete()  # what a worker that died had kept of it
    return run


def _collect(run: Run) -> Ended:
    """Raises Lost, and whatever went wrong in the copy."""
    if set(unfinished()) & set(Feed.objects.filter(role__sync=run.sync).values_list("pk", flat=True)):
        return Ended(error="a changed mapping is still being taken in; make the plan again in a moment")
    feeds = dict(Feed.objects.filter(role__sync=run.sync).values_list("role__name", "pk"))
    keeper = _Keeper(run, feeds)
    for message in in_overlay(run.sync, plan_of(run.sync_id, known_totals(run.sync))):
        if isinstance(message, Ended):
            return message
        keeper.take(message)
    raise AssertionError("a plan says that it has ended")


class _Keeper:
    """Writes what the copy tells, and prolongs the claim meanwhile."""

    def __init__(self, run: Run, feeds: dict[str, int]) -> None:
        self.run, self.feeds = run, feeds
        self.noted = 0.0

    def take(self, message: Progress | Read | Sequence[Found] | None) -> None:
        counts = self.run.counts
        if isinstance(message, Progress):
            counts["progress"] = {"role": message.role, "done": message.done, "total": message.total}
        elif isinstance(message, Read):
            counts.pop("progress", None)
            counts.setdefault("feeds", {})[message.role] = {"read": message.counts.get("read", 0)}
        elif message is not None:
            self._keep(message)
        if time.monotonic() >= self.noted + NOTE_EVERY:
            self._note()

    def _keep(self, found: Sequence[Found]) -> None:
        with transaction.atomic():
            self._note()
            rows.add(Planned._meta.db_table, COLUMNS, [self._row(one) for one in found])

    def _row(self, found: Found) -> Sequence[Any]:
        record = uuid.UUID(found.record) if found.record else None
        return (
            self.run.pk, self.feeds.get(found.role), found.remote_id, record, str(found.group), found.title,
            found.digest, rows.dumped(found.detail), "",
        )  # fmt: skip

    def _note(self) -> None:
        """Raises Lost."""
        mine = Run.objects.filter(pk=self.run.pk, state=Run.State.RUNNING, claimed_until=self.run.claimed_until)
        until = database_now() + LEASE
        if not mine.update(claimed_until=until, counts=self.run.counts):
            raise Lost
        self.run.claimed_until, self.noted = until, time.monotonic()


def known_totals(sync: Sync) -> dict[str, int]:
    """How many records each side showed when it was last read as a whole: what progress is measured by."""
    out: dict[str, int] = {}
    whole = Run.objects.filter(sync=sync, kind=Run.Kind.FULL, state=Run.State.DONE).select_related("feed__role")
    for run in whole.order_by("feed_id", "-pk").distinct("feed_id"):
        if run.feed is not None and run.counts.get("read"):
            out[run.feed.role.name] = int(run.counts["read"])
    last = Run.objects.filter(sync=sync, kind=Run.Kind.PLAN, state=Run.State.DONE).first()
    feeds = last.counts.get("feeds", {}) if last is not None else {}
    return out | {role: told["read"] for role, told in feeds.items() if told.get("read")}


def _end(run: Run, ended: Ended) -> None:
    state = Run.State.HALTED if ended.halted else Run.State.FAILED if ended.error else Run.State.DONE
    counts = {**ended.counts, "by": run.counts.get("by", "")}
    run.state, run.error, run.counts, run.ended_at = state, ended.error, counts, database_now()
    run.claimed_until = None
    running = Run.objects.filter(pk=run.pk, state=Run.State.RUNNING)
    running.update(state=state, error=ended.error, counts=counts, ended_at=run.ended_at, claimed_until=None)
    _forget_old(run)


def _forget_old(run: Run) -> None:
    """The numbers of a plan stay; its rows do not, unless it was approved or is one of the newest."""
    plans = Run.objects.filter(sync=run.sync, kind=Run.Kind.PLAN).order_by("-pk")
    newest = list(plans.values_list("pk", flat=True)[:KEPT])
    old = plans.exclude(pk__in=newest).filter(approval=None).values("pk")
    Planned.objects.filter(run__in=old).delete()
