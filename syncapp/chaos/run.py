"""One chaos run: real processes, people, strikes from a seed; then peace, and the invariants by the systems' logs."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from django.db import Error, close_old_connections, connections

from policies.core.values import Kind
from policies.models import PolicySet, Sync
from syncapp.brakes import open_brakes
from syncapp.demo.evidence import dump, held_by_unit
from syncapp.demo.headless import MUST_BE_ZERO, full_sync, rest
from syncapp.demo.judging import SHOWN, Scene, judged
from syncapp.demo.people import Population
from syncapp.demo.processes import DemoProblem
from syncapp.demo.rest import Tell, at_rest, loaded, standing
from syncapp.demo.reviewer import ACTOR, ANSWERS, Decide, Reviewer
from syncapp.demo.run import until_asked_to_stop
from syncapp.demo.scenario import FAULTS, People, Scenario
from syncapp.demo.setup import WANTED, Demo, build, choose_ports, kept_folder, start_hub
from syncapp.demo.systems import systems_of
from syncapp.models import Ledger
from syncapp.releasing import release_brake
from syncapp.store import PgStore
from syncapp.sweep import sync_now

from .audit import doubled, scattered, set_back, unexplained
from .crowd import Crowd, Doors
from .keeper import Keeper
from .script import Script
from .steps import Steps
from .strikes import Strikes

# Claims of killed workers run out in seconds, so that others take over many times in one run.
LEASE_SCALE = "0.05"
FIRST_LOAD, LONGEST_REST, LATE = 240.0, 240.0, 90.0
REPAIRS = 12
# Enough that nobody has to change the same field twice, and a first load that does not take most of the time.
SHORT_OF = 120.0
FEW = Population(range(1, 161), range(1, 146), range(161, 166), range(16, 161), range(166, 171))
LEAVERS = 8
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
        demo = build(keeper, ports, tell, in_memory=True, more=more, everybody=everybody)
        start_hub(demo, tell, schedules=2)
        demo.hook()
        found = _play(demo, keeper, steps, decide, seconds, seed, tell)
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
        before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
        for child in keeper.children:
            keeper.freeze(child, False)
        keeper.stop()
        for number, handler in before.items():
            signal.signal(number, handler)


def _empty(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def _play(
    demo: Demo, keeper: Keeper, steps: Steps, decide: Decide, seconds: float, seed: int, tell: Tell
) -> dict[str, Any]:
    sync, systems, random = Sync.objects.get(), systems_of(demo), Random(seed)  # noqa: S311 - replays, keeps no secret
    doors = Doors(systems)
    everybody = People.find(systems)
    leaving, staying = _split(everybody, random)
    policy = PgStore(sync).setting().policy
    scene = Scene(sync, systems, demo.sandboxes, staying, policy, held_by_unit(dump(systems), staying, policy))
    for number, sandbox in enumerate(demo.sandboxes, start=seed):
        sandbox.faults({"seed": number, **FAULTS})
    answers = {**ANSWERS, Kind.DELETE: ("recreate", "propagate")}
    reviewer = Reviewer(decide, Random(seed + 1), answers)  # noqa: S311 - as above
    theirs = {role: doors.guarded(system) for role, system in systems.items()}
    scenario = Scenario(theirs, staying, policy, Random(seed + 2), _nothing, once=True)  # noqa: S311 - as above
    crowd = Crowd(demo, scenario, reviewer, doors, Random(seed + 3), list(leaving.ids.values()))  # noqa: S311 - as above
    strikes = Strikes(demo, keeper, scene, doors, random, tell)
    script = Script(strikes, steps, random, _lines)
    _first_load(keeper, script, tell)
    tell("Everybody is linked; people begin to edit")
    crowd.start()
    try:
        _storm(keeper, script, seconds, tell)
    finally:
        crowd.stop()
    tell(f"{len(scenario.edits)} edits made; peace")
    _peace(demo, keeper, strikes, steps, tell)
    released = _release(tell)
    rest(demo, reviewer, tell, LONGEST_REST)
    tell("At rest; a full sync, as once a day")
    repaired, again = _repair(demo, keeper, sync, tell)
    rest(demo, reviewer, tell, LONGEST_REST)
    writes, count = full_sync(demo, sync, tell)
    tell("Comparing the systems and judging every edit")
    told = judged(scene, scenario.edits, reviewer, restores=strikes.restores)
    twice = doubled(systems, demo.sandboxes)
    missing = scattered(systems, [*crowd.newcomers, *leaving.ids])
    apart = [f"{email} is not in {role}" for email, role in missing if not set_back(email, role, strikes.restores)]
    silent = unexplained(sync)
    missed = [name for name, number in steps.hits().items() if not number]
    details = told.pop("details")
    return {
        **told,
        "diverged": told["diverged"] + len(apart),
        "writes_after_rest": count,
        "doubled": len(twice),
        "unexplained": len(silent),
        "windows": {**told["windows"], "set_back_creates": len(missing) - len(apart)},
        "steps_missed": len(missed),
        "kills": sum(steps.hits().values())
        + sum(strikes.counts[f"{one}_killed"] for one in ("worker", "schedule", "web")),
        "killed_at": dict(steps.hits()),
        "strikes": dict(sorted(strikes.counts.items())),
        "restarts": dict(sorted(keeper.ends.items())),
        "found_by_the_first_full_sync": repaired,
        "brakes_released": released + again,
        "newcomers": len(crowd.newcomers),
        "leavers": len(crowd.left),
        "policies": PolicySet.objects.filter(sync=sync).count(),
        "details": {
            **details,
            "diverged": [*details["diverged"], *apart][:SHOWN],
            "writes_after_rest": writes[:SHOWN],
            "doubled": twice[:SHOWN],
            "unexplained": silent[:SHOWN],
            "steps_missed": missed,
        },
    }


def _lines() -> int:
    try:
        close_old_connections()
        return int(Ledger.objects.order_by("-id").values_list("id", flat=True).first() or 0)
    except Error:
        return -1  # the database is away, as it should be now and then


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


def _first_load(keeper: Keeper, script: Script, tell: Tell) -> None:
    """Creates meet the kills too; nothing else strikes yet."""
    tell("First load, while workers are killed at the named steps")
    started = told_at = time.monotonic()
    while not _quiet(script.strikes.demo):
        keeper.check()
        script.step(striking=False)
        now = time.monotonic()
        if now - started > FIRST_LOAD:
            raise DemoProblem(f"The first load did not end within {FIRST_LOAD:.0f} s: {standing()}")
        if now - told_at > 3:
            told_at = now
            tell(f"  {standing()}")
        time.sleep(0.1)


def _quiet(demo: Demo) -> bool:
    return loaded() and at_rest(demo.sandboxes)


def _storm(keeper: Keeper, script: Script, seconds: float, tell: Tell) -> None:
    """Until the time is over and everything struck once; a step that nobody comes to is given up in the end."""
    started = time.monotonic()
    while (gone := time.monotonic() - started) < seconds or (not script.complete and gone < seconds + LATE):
        keeper.check()
        script.step()
        time.sleep(0.05)


def _peace(demo: Demo, keeper: Keeper, strikes: Strikes, steps: Steps, tell: Tell) -> None:
    """Everything works again, and everything that was begun is ended."""
    steps.disarm()
    strikes.end_all()
    strikes.empty_redis()
    for sandbox in demo.sandboxes:
        sandbox.faults({})
    _errands_done(keeper)
    connections.close_all()


def _errands_done(keeper: Keeper) -> None:
    """Whoever began to apply a file does so until it is applied."""
    deadline = time.monotonic() + LONGEST_REST
    while not all(keeper.errands.values()):
        keeper.check()
        if time.monotonic() > deadline:
            raise DemoProblem(f"A policy was not applied: {keeper.errands}")
        time.sleep(0.1)


def _release(tell: Tell) -> int:
    """A person looks at what was braked, and lets it go on."""
    found = open_brakes()
    for brake in found:
        tell(f"  released: {brake.sentence}")
        release_brake(brake, ACTOR, "looked at after the storm")
    return len(found)


def _repair(demo: Demo, keeper: Keeper, sync: Sync, tell: Tell) -> tuple[int, int]:
    """What only a full sync finds: how often it wrote, and how many brakes were released."""
    before, released = _writes(demo), 0
    for _ in range(REPAIRS):
        keeper.check()
        report = sync_now(sync, full=True)
        if not report.failed:
            return _writes(demo) - before, released
        tell(f"  {'; '.join(report.failed)}")
        released += _release(tell)
        time.sleep(2)
    raise DemoProblem(f"The full sync failed: {'; '.join(report.failed)}")


def _writes(demo: Demo) -> int:
    return sum(len(sandbox.log("writes")) for sandbox in demo.sandboxes)
