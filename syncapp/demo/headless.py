"""The demo without a screen: set up, let people edit under faults, answer, wait for rest, compare, and count."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any

from django.db.models import F

from policies.models import Sync
from syncapp.load import database_now
from syncapp.models import Conflict, Delivery, Feed, Ledger, Push, Run
from syncapp.replay import replay
from syncapp.store import PgStore
from syncapp.sweep import sync_now

from .evidence import common_form, dump, held_by_unit, on_record, persons_of, with_deltas
from .journal import Edit, Json, OnRecord, Unit
from .processes import DemoProblem
from .rest import Tell, at_rest, loaded, wait_until
from .reviewer import ACTOR, Decide, Reviewer
from .run import FIRST_LOAD_SECONDS, supervised, until_asked_to_stop
from .scenario import FAULTS, People, Scenario
from .setup import WANTED, Demo, build, choose_ports, kept_folder, start_hub
from .systems import systems_of
from .verdict import WINDOWS, Ending, Form, Held, Judge, differing, drift, nobodys

REST_SECONDS = 60.0
ATTEMPTS = 20
OWN = b'"type": "api"'  # in an event: the change was made over the API, and only the hub uses that
SHOWN = 10
MUST_BE_ZERO = (
    "lost",
    "diverged",
    "writes_after_rest",
    "replay_differences",
    "let_through",
    "undecided",
    "nobodys_values",
)


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
    return not told or any(told[name] for name in MUST_BE_ZERO)


def _scenario(demo: Demo, sync: Sync, decide: Decide, seed: int, tell: Tell) -> dict[str, Any]:
    systems = systems_of(demo)
    people = People.find(systems)
    policy = PgStore(sync).setting().policy
    before = held_by_unit(dump(systems), people, policy)
    begun = database_now()
    for number, sandbox in enumerate(demo.sandboxes, start=seed):
        sandbox.faults({"seed": number, **FAULTS})
    reviewer = Reviewer(decide, Random(seed))  # noqa: S311 - the same seed makes the same scenario

    def between() -> None:
        demo.supervisor.check()
        reviewer.answer_all()

    scenario = Scenario(systems, people, policy, Random(seed), between)  # noqa: S311 - as above
    scenario.run()
    tell(f"{len(scenario.edits)} edits made; waiting for rest")
    _rest(demo, reviewer, tell)
    calls = _api_calls(demo)
    writes, count = _full_sync(demo, sync, tell)
    tell("Comparing the systems and judging every edit")
    edits = with_deltas(scenario.edits, demo.sandboxes, systems)
    held = held_by_unit(dump(systems), people, policy)
    form = common_form(systems)
    record = on_record(people)
    judge = Judge(edits, held, record, form)
    endings = judge.endings()
    unequal = [found for found in differing(held, form) if not _in_question(record, found[0])]
    drifting = [one for one in unequal if drift(held, *one, policy.unit(one[0][1]).writers, form)]
    unequal = [one for one in unequal if one not in drifting]
    strange = nobodys(held, _entered(before, edits, reviewer, people), form)
    replayed = replay(sync)
    told = _counts(begun, reviewer, endings, calls)
    told |= {
        "diverged": len(unequal),
        "exceptions": {"drift": len(drifting)},
        "writes_after_rest": count,
        "nobodys_values": len(strange),
        "replay_differences": replayed.different,
        "write_backs_confirmed": _written_back(reviewer, people, held, form),
    }
    lost = [edit for edit in edits if endings[edit.number] in (Ending.LOST, Ending.LET_THROUGH)]
    told["details"] = {
        "lost": [_sentence(edit, endings[edit.number]) for edit in lost[:SHOWN]],
        "diverged": [f"{person} {name}: {held[person, unit]}" for (person, unit), name in unequal[:SHOWN]],
        "writes_after_rest": writes[:SHOWN],
        "nobodys_values": [f"{person} {name}: {held[person, unit]}" for (person, unit), name in strange[:SHOWN]],
        "replay": replayed.differences[:SHOWN],
    }
    return told


def _in_question(record: OnRecord, place: Unit) -> bool:
    return any(one.open for one in record.disputes.get(place, ()))


def _sentence(edit: Edit, ending: Ending) -> str:
    return f"{edit.role} {edit.person} {dict(edit.values)} at {edit.at:%H:%M:%S.%f}: {ending}"


def _rest(demo: Demo, reviewer: Reviewer, tell: Tell) -> None:
    """Nothing is open, nothing is due, and every feed was asked again after the last edit."""
    last = database_now()

    def resting() -> bool:
        reviewer.answer_all()
        asked = Run.objects.filter(started_at__gt=last, state=Run.State.DONE).values("feed").distinct().count()
        if asked < Feed.objects.count() or not at_rest(demo.sandboxes):
            return False
        return not Conflict.objects.filter(state=Conflict.State.OPEN).exists()

    wait_until(resting, "Rest", demo.supervisor, REST_SECONDS, tell)


def _full_sync(demo: Demo, sync: Sync, tell: Tell) -> tuple[list[str], int]:
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
    """Every write that the systems themselves know of: the sandboxes by their logs, the directory by its versions."""
    lines = [
        f"{sandbox.name} {line['seq']} {line['action']} {line['id']} {line['sent']}"
        for sandbox in demo.sandboxes
        for line in sandbox.log("writes")
    ]
    return lines + [f"directory {row['id']} {row['last_modified']}" for row in demo.directory.rows()]


def _api_calls(demo: Demo) -> int:
    """Calls at the sandboxes' APIs; the directory does not count its calls."""
    return sum(sum(sandbox.stats()["api_calls"].values()) for sandbox in demo.sandboxes)


def _counts(begun: datetime, reviewer: Reviewer, endings: Mapping[int, Ending], calls: int) -> dict[str, Any]:
    ended = Counter(endings.values())
    ledger = Ledger.objects.filter(recorded_at__gte=begun)
    conflicts = Conflict.objects.filter(opened_at__gte=begun)
    by_person = conflicts.exclude(opened_at=F("closed_at"))
    own = sum(OWN in body for body in _bodies(begun))
    return {
        "edits": len(endings),
        "adopted": ledger.filter(verdict="adopt").count(),
        "echoes": own + ledger.filter(verdict="echo").count(),
        "conflicts_opened": by_person.count(),
        "conflicts_resolved": by_person.filter(decided_by=ACTOR).count(),
        "decided_by_rule": conflicts.filter(opened_at=F("closed_at")).count(),
        "lost": ended[Ending.LOST],
        "let_through": ended[Ending.LET_THROUGH],
        "undecided": ended[Ending.UNDECIDED],
        "windows": {str(name): ended[name] for name in WINDOWS},
        "endings": {str(name): ended[name] for name in Ending},
        "pushes": Push.objects.filter(created_at__gte=begun, state=Push.State.CONFIRMED).count(),
        "answers": len(reviewer.answered),
        "api_calls": calls,
        "systems": sorted(Feed.objects.values_list("role__name", flat=True)),
    }


def _bodies(begun: datetime) -> list[bytes]:
    deliveries = Delivery.objects.filter(received_at__gte=begun, state=Delivery.State.DONE)
    return [bytes(body) for body in deliveries.values_list("body", flat=True)]


def _chosen(reviewer: Reviewer, people: People) -> dict[Unit, Json]:
    """The last answer to each question of a person's field."""
    persons = persons_of(people)
    return {(persons[key], unit): value for key, unit, value in reviewer.answered if key in persons}


def _written_back(reviewer: Reviewer, people: People, held: Held, form: Form) -> int:
    """Answers whose value every system holds now, by the systems' own dumps."""
    return sum(
        all(form(name, values[name]) == form(name, one) for values in held[place].values()
            for name, one in chosen.items() if name in values)
        for place, chosen in _chosen(reviewer, people).items()
    )  # fmt: skip


def _entered(
    before: Held, edits: Sequence[Edit], reviewer: Reviewer, people: People
) -> dict[Unit, list[Mapping[str, Json]]]:
    """All values that somebody entered: found at the beginning, typed, or chosen. Not of merged sets: computed."""
    out: dict[Unit, list[Mapping[str, Json]]] = {place: list(values.values()) for place, values in before.items()}
    for edit in edits:
        out[edit.place].append(edit.values)
    for place, value in _chosen(reviewer, people).items():
        out[place].append(value)
    for place in {edit.place for edit in edits if edit.merged}:
        del out[place]
    return out
