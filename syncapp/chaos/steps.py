"""The named steps between two writes at which a process of the hub can be killed, in the code that always runs.

Nothing in that code knows of it. A process that is started with CONCORD_CHAOS_STEPS, a folder, has the functions below
wrapped; all others run them as they are. A step is armed by putting a file of its name into the folder; the process
that comes there first takes the file away and kills itself as `kill -9` would.
"""

from __future__ import annotations

import importlib
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True, slots=True)
class Step:
    """`seam` is "module:attribute" or "module:Class.method", as the code that calls it looks it up."""

    name: str
    when: str
    seam: str
    something: bool = False  # only where the call gave something: an empty batch is no step


STEPS = (
    # A webhook comes in.
    Step("delivery-verified-not-stored", BEFORE, "syncapp.hooks:receive"),
    Step("delivery-stored-nobody-rung", BEFORE, "syncapp.receive:ring_inbox"),
    Step("deliveries-claimed-not-looked-at", AFTER, "syncapp.observe:claim_deliveries", something=True),
    Step("hinted-records-read-not-judged", AFTER, "syncapp.observe:_read", something=True),
    Step("hints-judged-deliveries-not-ended", BEFORE, "syncapp.inbox:Fates.write"),
    # A page is judged and committed.
    Step("page-half-written", AFTER, "syncapp.reconcile:_write_links"),
    Step("page-written-not-committed", AFTER, "syncapp.store:write", something=True),
    Step("page-committed-nobody-rung", BEFORE, "syncapp.queue:_ring_or_log"),
    Step("page-committed-watermark-not-moved", AFTER, "syncapp.steps:judge", something=True),
    Step("watermark-moved-not-committed", AFTER, "syncapp.poll:RunStore.make_durable"),
    Step("watermark-committed-pass-goes-on", AFTER, "syncapp.poll:_note"),
    Step("pass-through-run-not-ended", BEFORE, "syncapp.poll:_end"),
    # A write.
    Step("pushes-taken-none-begun", AFTER, "syncapp.carry:claim_pushes", something=True),
    Step("claim-not-committed", AFTER, "syncapp.claims:claim", something=True),
    Step("claimed-not-written", BEFORE, "syncapp.remote:FeedRemote.update"),
    Step("looked-not-judged", AFTER, "syncapp.remote:FeedRemote.read"),
    Step("write-landed-answer-not-kept", AFTER, "syncapp.remote:FeedRemote.update"),
    Step("confirmation-not-committed", AFTER, "syncapp.claims:confirm"),
    Step("confirmed-claim-not-given-back", AFTER, "syncapp.carry:push"),
    # A create.
    Step("create-claimed-not-looked-up", BEFORE, "syncapp.remote:FeedRemote.find"),
    Step("create-looked-up-not-sent", BEFORE, "syncapp.remote:FeedRemote.create"),
    Step("create-landed-answer-not-kept", AFTER, "syncapp.remote:FeedRemote.create"),
    Step("create-found-not-committed", AFTER, "policies.core.lookup:found"),
    # Many at once.
    Step("batch-claimed-not-written", BEFORE, "syncapp.together:Together.update_many"),
    Step("batch-landed-answers-not-kept", AFTER, "syncapp.together:Together.update_many"),
    Step("batch-created-answers-not-kept", AFTER, "syncapp.together:Together.create_many"),
    Step("batch-confirmed-claims-not-given-back", AFTER, "syncapp.carry:push_many"),
    # A delete.
    Step("delete-landed-answer-not-kept", AFTER, "syncapp.remote:FeedRemote.delete"),
    # An unknown outcome is found out.
    Step("settled-not-committed", AFTER, "policies.core.settle:settle"),
    Step("settled-and-committed", AFTER, "syncapp.carry:settle"),
    Step("batch-settled-and-committed", AFTER, "syncapp.carry:settle_many"),
    # A new policy version.
    Step("policy-published-not-committed", AFTER, "syncapp.apply.policy:publish"),
    Step("policy-committed-work-not-derived", BEFORE, "syncapp.apply.run:finish_revisions"),
    Step("revision-half-a-page", AFTER, "syncapp.revising:revise"),
    Step("revision-page-committed-place-not-kept", BEFORE, "syncapp.revising:_keep_place"),
    # The tick.
    Step("tick-half-rung", AFTER, "syncapp.sweep:unsettled_feeds"),
)
BY_NAME = {step.name: step for step in STEPS}


def install(folder: Path, steps: Iterable[Step] = STEPS) -> None:
    """Wrap every seam. Raises AttributeError where the code has moved on and a step names what is no longer there."""
    steps = list(steps)
    # All of them first: a module that is imported later would keep a function that is wrapped already.
    for step in steps:
        importlib.import_module(step.seam.partition(":")[0])
    for step in steps:
        owner, name = _owner(step.seam)
        setattr(owner, name, _wrapped(getattr(owner, name), step, folder))


def _owner(seam: str) -> tuple[Any, str]:
    module, _, path = seam.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, name = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    return owner, name


def _wrapped(function: Callable[..., Any], step: Step, folder: Path) -> Callable[..., Any]:
    armed = folder / step.name

    @wraps(function)
    def call(*args: Any, **more: Any) -> Any:
        if step.when == BEFORE:
            _die_if(armed)
        made = function(*args, **more)
        if step.when == AFTER and (made or not step.something):
            _die_if(armed)
        return made

    return call


def _die_if(armed: Path) -> None:
    try:
        # Whoever moves the file away is the one that dies; the moved file is the record of it.
        armed.rename(armed.with_name(f"{armed.name}.hit.{os.getpid()}.{time.monotonic_ns()}"))
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Steps:
    """The folder, as the one who arms the steps has it."""

    folder: Path

    def arm(self, name: str) -> None:
        (self.folder / BY_NAME[name].name).touch()

    def armed(self) -> set[str]:
        return {path.name for path in self.folder.iterdir() if path.name in BY_NAME}

    def disarm(self) -> None:
        for name in self.armed():
            (self.folder / name).unlink(missing_ok=True)

    def hits(self) -> Counter[str]:
        """How often a process was killed at each step; steps where none was are named with 0."""
        found = Counter(path.name.split(".hit.")[0] for path in self.folder.iterdir() if ".hit." in path.name)
        return Counter({step.name: found[step.name] for step in STEPS})
