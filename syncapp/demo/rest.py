"""Whether the hub is at rest, and what it still has to do, as its own tables say it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from syncapp.brakes import open_brakes
from syncapp.models import Delivery, Feed, Link, Push, Record, Run

from .processes import DemoProblem, Supervisor
from .sandboxes import Sandbox

Tell = Callable[[str], None]


def loaded() -> bool:
    """Every feed was read whole once."""
    return all("full_at" in feed.cursor for feed in Feed.objects.all())


def at_rest(sandboxes: Sequence[Sandbox]) -> bool:
    waiting = Delivery.objects.filter(state__in=["new", "claimed"]).exists()
    due = Push.objects.filter(state__in=["pending", "sending"]).exists()
    return not waiting and not due and all(sandbox.all_told() for sandbox in sandboxes)


def waiting_work() -> int:
    """How many writes and hints there are to go."""
    due = Push.objects.filter(state__in=["pending", "sending"]).count()
    return due + Delivery.objects.filter(state__in=["new", "claimed"]).count()


def standing() -> str:
    """One line of progress."""
    due = Push.objects.filter(state__in=["pending", "sending"]).count()
    waiting = Delivery.objects.filter(state__in=["new", "claimed"]).count()
    links = Link.objects.filter(remote_id__isnull=False).count()
    return f"{Record.objects.count()} records, {links} links, {due} writes and {waiting} hints to go"


def trouble() -> str:
    """What holds the hub up, for the sentence of a wait that took too long."""
    runs = Run.objects.exclude(error="").select_related("feed__role")[:3]
    read = [f"{run.feed.role.name}: {run.error}" for run in runs if run.feed is not None]
    halted = [f"braked: {brake.sentence}" for brake in open_brakes()]
    open_pushes = Push.objects.filter(state__in=["pending", "sending"]).exclude(error="")
    pushes = [f"push: {said}" for said in open_pushes.values_list("error", flat=True)[:3]]
    return "; ".join([*halted, *pushes, *read]) or "nothing was said"


def wait_until(done: Callable[[], bool], what: str, supervisor: Supervisor, seconds: float, tell: Tell) -> float:
    """Wait, tell how it stands, and stop at once if a process dies; how long it took."""
    started = told_at = time.monotonic()
    while not done():
        supervisor.check()
        now = time.monotonic()
        if now - started > seconds:
            raise DemoProblem(f"{what} did not come within {seconds:.0f} s: {standing()}. {trouble()}")
        if now - told_at > 2:
            told_at = now
            tell(f"  {standing()}")
        time.sleep(0.2)
    return time.monotonic() - started
