"""One chaos run: real processes, people, strikes from a seed; then peace, and the invariants by the systems' logs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from django.db import Error, close_old_connections, connections

from policies.core.values import Kind
from policies.models import PolicySet, Sync
from syncapp.demo.evidence import dump, held_by_unit
from syncapp.demo.headless import MUST_BE_ZERO, full_sync, rest
from syncapp.demo.judging import SHOWN, Scene, judged
from syncapp.demo.people import Population
from syncapp.demo.processes import DemoProblem
from syncapp.demo.rest import Tell, at_rest, loaded, standing, waiting_work
from syncapp.demo.reviewer import ANSWERS, Decide
from syncapp.demo.run import undisturbed, until_asked_to_stop
from syncapp.demo.scenario import FAULTS, People, Scenario
from syncapp.demo.setup import WANTED, Demo, build, choose_ports, kept_folder, start_hub
from syncapp.demo.systems import systems_of
from syncapp.models import Ledger
from syncapp.store import PgStore
from syncapp.sweep import sync_now

from .audit import doubled, scattered, set_back, unexplained
from .crowd import Crowd, Doors
from .keeper import Keeper
from .owner import Owner
from .script import Script
from .setup import SANDBOX_WORDS, write_set_up
from .steps import Steps
from .strikes import HUB, Strikes

# Claims of killed workers run out in seconds, so that others take over many times in one run.
LEASE_SCALE = "0.05"
FIRST_LOAD, LONGEST_REST, LATE = 240.0, 240.0, 120.0
REPAIRS = 12
# Enough that nobody has to change the same field twice, and a first load that does not take most of the time.
SHORT_OF = 120.0
FEW = Population(range(1, 161), range(1, 146), range(161, 166), range(16, 161), range(166, 171))
LEAVERS = 12
ZERO = (*MUST_BE_ZERO, "doubled", "unexplained", "steps_missed")


def chaos(decide: Decide, seconds: float, seed: int, tell: Tell) -> dict[str, Any]:
    """The summary. Raises DemoProblem; empty if somebody asked to stop."""
    started = time.monotonic()
    found: dict[str, Any] = {}
    with until_asked_to_stop(), kept(kept_folder() / "logs") as keeper:
        steps = Steps(_empty(kept_folder() / "steps"))
        more = {"CONCORD_CHAOS_STEPS": str(steps.folder)}
        ports = choose_ports(dict.fromkeys(WANTED, 0), tell)
        everybody = FEW if seconds < SHORT_OF else Population()
        set_up = write_set_up(kept_folder() / "set-up.yaml")
        demo = build(
            keeper, ports, tell, in_memory=True, more=more, everybody=everybody, set_up=set_up,
            sandbox_words=SANDBOX_WORDS, with_database=False,
        )  # fmt: skip
        start_hub(demo, tell, schedules=2)
        demo.hook()
        found = _play(cast(demo, set_up, keeper, steps, decide, seed, tell), seconds, seed, tell)
        found["seconds"] = round(time.monotonic() - started, 1)
    return found


def failed(told: Mapping[str, Any]) -> bool:
    return not told or any(told[name] for name in ZERO)


@contextmanager
def kept(logs: Path) -> Iterator[Keeper]:
    keeper = Keeper(logs)
    try:
        yield keeper
    finally:
        with undisturbed():
            for child in keeper.children:
                keeper.freeze(child, False)
            keeper.stop()


def _empty(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody and everything that takes part."""

    demo: Demo
    keeper: Keeper
    scene: Scene
    leaving: People
    crowd: Crowd
    script: Script

    @property
    def strikes(self) -> Strikes:
        return self.script.strikes


def cast(demo: Demo, set_up: Path, keeper: Keeper, steps: Steps, decide: Decide, seed: int, tell: Tell) -> Cast:
    sync, systems, random = Sync.objects.get(), systems_of(demo), Random(seed)  # noqa: S311 - replays, keeps no secret
    doors = Doors(systems)
    leaving, staying = _split(People.find(systems), random)
    policy = PgStore(sync).setting().policy
    scene = Scene(sync, systems, demo.sandboxes, staying, policy, held_by_unit(dump(systems), staying, policy))
    answers = {**ANSWERS, Kind.DELETE: ("propagate", "recreate")}
    reviewer = Owner(decide, Random(seed + 1), answers)  # noqa: S311 - as above
    theirs = {role: doors.guarded(system) for role, system in systems.items()}
    scenario = Scenario(theirs, staying, policy, Random(seed + 2), _nothing, once=True)  # noqa: S311 - as above
    crowd = Crowd(demo, scenario, reviewer, doors, Random(seed + 3), list(leaving.ids.values()), _backlog)  # noqa: S311
    strikes = Strikes(demo, set_up, keeper, scene, doors, random, tell)
    return Cast(demo, keeper, scene, leaving, crowd, Script(strikes, steps, random, _lines))


def _play(cast: Cast, seconds: float, seed: int, tell: Tell) -> dict[str, Any]:
    demo, crowd = cast.demo, cast.crowd
    for number, sandbox in enumerate(demo.sandboxes, start=seed):
        sandbox.faults({"seed": number, **FAULTS})
    _first_load(cast, tell)
    tell("Everybody is linked; people begin to edit")
    crowd.start()
    try:
        _storm(cast, seconds)
    finally:
        crowd.stop()
    tell(f"{len(crowd.scenario.edits)} edits made; peace")
    _peace(cast)
    rest(demo, crowd.reviewer, tell, LONGEST_REST)
    tell("At rest; a full sync, as once a day")
    repaired = _repair(cast, tell)
    rest(demo, crowd.reviewer, tell, LONGEST_REST)
    writes, count = full_sync(demo, cast.scene.sync, tell)
    tell("Comparing the systems and judging every edit")
    told = report(cast)
    told["details"]["writes_after_rest"] = writes[:SHOWN]
    found = {"found_by_the_first_full_sync": repaired, "brakes_released": len(crowd.reviewer.released)}
    return {**told, **found, "writes_after_rest": count}


def report(cast: Cast) -> dict[str, Any]:
    """What became of everybody, and how it was made hard for them."""
    crowd, strikes, systems, sync = cast.crowd, cast.strikes, cast.scene.systems, cast.scene.sync
    told = judged(cast.scene, crowd.scenario.edits, crowd.reviewer, restores=strikes.restores)
    hits = cast.script.steps.hits()
    missing = scattered(systems, [*crowd.newcomers, *cast.leaving.ids])
    apart = [f"{email} is not in {role}" for email, role in missing if not set_back(email, role, strikes.restores)]
    found = {
        "doubled": doubled(systems, cast.demo.sandboxes),
        "unexplained": unexplained(sync),
        "steps_missed": [name for name, number in hits.items() if not number],
    }
    details = {**told.pop("details"), **{name: lines[:SHOWN] for name, lines in found.items()}}
    details["diverged"] = [*details["diverged"], *apart][:SHOWN]
    return {
        **told,
        **{name: len(lines) for name, lines in found.items()},
        "diverged": told["diverged"] + len(apart),
        "windows": {**told["windows"], "set_back_creates": len(missing) - len(apart)},
        "kills": sum(hits.values()) + sum(strikes.counts[f"{one}_killed"] for one in HUB),
        "killed_at": dict(hits),
        "strikes": dict(sorted(strikes.counts.items())),
        "restarts": dict(sorted(cast.keeper.ends.items())),
        "newcomers": len(crowd.newcomers),
        "leavers": len(crowd.left),
        "policies": PolicySet.objects.filter(sync=sync).count(),
        "details": details,
    }


def _lines() -> int:
    try:
        close_old_connections()
        return int(Ledger.objects.order_by("-id").values_list("id", flat=True).first() or 0)
    except Error:
        return -1  # the database is away, as it should be now and then


def _backlog() -> int:
    try:
        close_old_connections()
        return waiting_work()
    except Error:
        return 0


def _nothing() -> None:
    return None


def _split(everybody: People, random: Random) -> tuple[People, People]:
    names = list(everybody.ids)
    random.shuffle(names)
    leaving = set(names[:LEAVERS])
    return (
        People({name: ids for name, ids in everybody.ids.items() if name in leaving}),
        People({name: ids for name, ids in everybody.ids.items() if name not in leaving}),
    )


def _first_load(cast: Cast, tell: Tell) -> None:
    """Creates meet the kills too; nothing else strikes yet."""
    tell("First load, while workers are killed at the named steps")
    started = told_at = time.monotonic()
    while not (loaded() and at_rest(cast.demo.sandboxes)):
        cast.keeper.check()
        cast.script.step(striking=False)
        now = time.monotonic()
        if now - started > FIRST_LOAD:
            raise DemoProblem(f"The first load did not end within {FIRST_LOAD:.0f} s: {standing()}")
        if now - told_at > 3:
            told_at = now
            tell(f"  {standing()}")
        time.sleep(0.1)


def _storm(cast: Cast, seconds: float) -> None:
    """Until the time is over and everything struck once. Then the steps that nobody came to yet have a quiet while."""
    started, script = time.monotonic(), cast.script
    while (gone := time.monotonic() - started) < seconds or (not script.complete and gone < seconds + LATE):
        cast.keeper.check()
        script.step(striking=gone < seconds or not script.all_struck)
        time.sleep(0.05)


def _peace(cast: Cast) -> None:
    """Everything works again, and everything that was begun is ended."""
    cast.script.steps.disarm()
    cast.strikes.end_all()
    cast.strikes.empty_redis()
    for sandbox in cast.demo.sandboxes:
        sandbox.faults({})
    _errands_done(cast.keeper)
    connections.close_all()


def _errands_done(keeper: Keeper) -> None:
    """Whoever began to apply a file does so until it is applied."""
    deadline = time.monotonic() + LONGEST_REST
    while not all(keeper.errands.values()):
        keeper.check()
        if time.monotonic() > deadline:
            raise DemoProblem(f"A policy was not applied: {keeper.errands}")
        time.sleep(0.1)


def _repair(cast: Cast, tell: Tell) -> int:
    """What only a full sync finds: how often it wrote."""
    demo, owner = cast.demo, cast.crowd.reviewer
    before = _writes(demo)
    for _ in range(REPAIRS):
        cast.keeper.check()
        done = sync_now(cast.scene.sync, full=True)
        # A brake may hold some records while the rest of the feed was read to its end.
        braked = owner.release_all()
        if not done.failed and not braked:
            return _writes(demo) - before
        tell(f"  {'; '.join(done.failed) or 'a brake tripped and was released'}; once more")
        time.sleep(2)
    raise DemoProblem(f"The full sync came to no end: {'; '.join(done.failed) or 'brakes trip again and again'}")


def _writes(demo: Demo) -> int:
    return sum(len(sandbox.log("writes")) for sandbox in demo.sandboxes)
