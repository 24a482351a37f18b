"""The demo without a screen: set up, let people edit under faults, answer, wait for rest, compare, and count."""

from __future__ import annotations

import time
from collections.abc import Mapping
from random import Random
from statistics import median
from typing import Any

from policies.models import Sync
from syncapp.load import database_now
from syncapp.models import Conflict, Feed, Run
from syncapp.store import PgStore
from syncapp.sweep import sync_now

from .evidence import dump, held_by_unit
from .judging import SHOWN, Scene, judged
from .processes import DemoProblem
from .rest import Tell, at_rest, loaded, wait_until
from .reviewer import Decide, Reviewer
from .run import FIRST_LOAD_SECONDS, supervised, until_asked_to_stop
from .scenario import FAULTS, People, Scenario
from .setup import WANTED, Demo, build, choose_ports, kept_folder, start_hub
from .systems import systems_of

REST_SECONDS = 60.0
ATTEMPTS = 20
MUST_BE_ZERO = (
    "lost",
    "diverged",
    "writes_after_rest",
    "replay_differences",
    "let_through",
    "undecided",
    "nobodys_values",
)
# Edits of the database whose way to the CRM is measured; the schedule alone would take up to ten seconds for each.
HEARD, TOO_LATE = 5, 5.0


def headless(decide: Decide, seed: int, tell: Tell) -> dict[str, Any]:
    """The summary. Raises DemoProblem; empty if somebody asked to stop."""
    started = time.monotonic()
    found: dict[str, Any] = {}
    with until_asked_to_stop(), supervised(kept_folder() / "logs") as supervisor:
        demo = build(supervisor, choose_ports(dict.fromkeys(WANTED, 0), tell), tell, in_memory=True)
        start_hub(demo, tell)
        demo.hook()
        tell("First load")
        wait_until(lambda: loaded() and at_rest(demo.sandboxes), "Rest", supervisor, FIRST_LOAD_SECONDS, tell)
        tell(f"At rest after {time.monotonic() - started:.0f} s; people begin to edit, under faults")
        found = _scenario(demo, Sync.objects.get(), decide, seed, tell)
        found["seconds"] = round(time.monotonic() - started, 1)
    return found


def failed(told: Mapping[str, Any]) -> bool:
    return not told or any(told[name] for name in (*MUST_BE_ZERO, "outbox_late"))


def _scenario(demo: Demo, sync: Sync, decide: Decide, seed: int, tell: Tell) -> dict[str, Any]:
    systems = systems_of(demo)
    people = People.find(systems)
    policy = PgStore(sync).setting().policy
    scene = Scene(sync, systems, demo.sandboxes, people, policy, held_by_unit(dump(systems), people, policy))
    reviewer = Reviewer(decide, Random(seed))  # noqa: S311 - the same seed makes the same scenario

    def between() -> None:
        demo.supervisor.check()
        reviewer.answer_all()

    scenario = Scenario(systems, people, policy, Random(seed), between)  # noqa: S311 - as above
    tell("People edit rows of the database; each must be in the CRM long before the schedule would ask for it")
    heard = [told_at_once(scenario, person) for person in list(people.ids)[:HEARD]]
    for number, sandbox in enumerate(demo.sandboxes, start=seed):
        sandbox.faults({"seed": number, **FAULTS})
    scenario.run()
    tell(f"{len(scenario.edits)} edits made; waiting for rest")
    rest(demo, reviewer, tell)
    calls = api_calls(demo)
    writes, count = full_sync(demo, sync, tell)
    tell("Comparing the systems and judging every edit")
    told = judged(scene, scenario.edits, reviewer)
    details = {**told.pop("details"), "writes_after_rest": writes[:SHOWN]}
    outbox = {"outbox_seconds": round(median(heard), 2), "outbox_late": sum(one > TOO_LATE for one in heard)}
    return {**told, **outbox, "writes_after_rest": count, "api_calls": calls, "details": details}


def told_at_once(scenario: Scenario, person: str) -> float:
    """Seconds until a name that somebody changes in the database is in the CRM."""
    number = len(scenario.edits)
    scenario.edit("database", person, "first_name", {"first_name": f"Heard {number}"})
    crm, began = scenario.systems["crm"], time.monotonic()
    while crm.held()[scenario.people.ids[person]["crm"]]["first_name"] != f"Heard {number}":
        if time.monotonic() - began > REST_SECONDS:
            raise DemoProblem(f"What was changed in the database did not come within {REST_SECONDS:.0f} s.")
        time.sleep(0.05)
    return time.monotonic() - began


def rest(demo: Demo, reviewer: Reviewer, tell: Tell, seconds: float = REST_SECONDS) -> None:
    """Nothing is open, nothing is due, and every feed was asked again after the last edit."""
    last = database_now()

    def resting() -> bool:
        reviewer.answer_all()
        asked = Run.objects.filter(started_at__gt=last, state=Run.State.DONE).values("feed").distinct().count()
        if asked < Feed.objects.count() or not at_rest(demo.sandboxes):
            return False
        return not Conflict.objects.filter(state=Conflict.State.OPEN).exists()

    wait_until(resting, "Rest", demo.supervisor, seconds, tell)


def full_sync(demo: Demo, sync: Sync, tell: Tell) -> tuple[list[str], int]:
    """One more full sync of everything, in quiet weather: what it wrote, and how much."""
    for sandbox in demo.sandboxes:
        sandbox.faults({})
    before = _written(demo)
    tell("At rest; one more full sync")
    for _ in range(ATTEMPTS):
        # A feed that a worker is just reading is asked again.
        report = sync_now(sync, full=True)
        if not report.failed:
            break
        time.sleep(0.3)
    else:
        raise DemoProblem(f"The full sync failed: {'; '.join(report.failed)}")
    wait_until(lambda: at_rest(demo.sandboxes), "Rest after the full sync", demo.supervisor, REST_SECONDS, tell)
    writes = [line for line in _written(demo) if line not in set(before)]
    return writes, len(writes)


def _written(demo: Demo) -> list[str]:
    """Every write that the systems themselves know of: the sandboxes by their logs, the others by versions."""
    lines = [
        f"{sandbox.name} {line['seq']} {line['action']} {line['id']} {line['sent']}"
        for sandbox in demo.sandboxes
        for line in sandbox.log("writes")
    ]
    lines += [f"directory {row['id']} {row['last_modified']}" for row in demo.directory.rows()]
    return lines + [f"database {row['id']} {row['xmin']}" for row in (demo.database.rows() if demo.database else ())]


def api_calls(demo: Demo) -> int:
    """Calls at the sandboxes' APIs; the directory does not count its calls."""
    return sum(sum(sandbox.stats()["api_calls"].values()) for sandbox in demo.sandboxes)
