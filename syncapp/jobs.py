"""What a worker can be rung for: ids in, one call."""

import time

from . import baseline as baselines
from . import carry, observe, poll, resolving, revising, sweep, tending
from .inbox import Pace
from .plan import make
from .queue import ring

_pace = Pace()


def tick() -> None:
    """Ring for everything that is due or was forgotten. Rung every second."""
    sweep.tick()


def inbox() -> None:
    _pace.gather()
    _pace.worked(observe.work_inbox(), time.monotonic())


def poll_feed(feed_id: int) -> None:
    run = poll.poll(feed_id)
    if run is not None and run.state == "running":
        ring(sweep.POLL_JOB, feed_id, queue=sweep.POLL_QUEUE)


def push(feed_id: int) -> None:
    if carry.carry(feed_id).more:
        ring(sweep.PUSH_JOB, feed_id, queue="push")


def settle(feed_id: int) -> None:
    if carry.settle_feed(feed_id).more:
        ring(sweep.SETTLE_JOB, feed_id, queue="push")


def tend_subscriptions() -> None:
    tending.tend()


def resolve() -> None:
    resolving.resolve()


def revise(revision_id: int) -> None:
    if not revising.revise_slice(revision_id):
        ring(sweep.REVISE_JOB, revision_id, queue=sweep.POLL_QUEUE)


def baseline(feed_id: int) -> None:
    if not baselines.take_baseline(feed_id):
        ring(baselines.BASELINE_JOB, feed_id, queue=sweep.POLL_QUEUE)


def make_plan(run_id: int) -> None:
    make.start_plan(run_id)
