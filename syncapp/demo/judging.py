"""What became of a scenario, from the systems' own dumps and logs: every edit and field, and the hub's own record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F

from policies.core.rules import Policy
from policies.models import Sync
from syncapp.load import database_now
from syncapp.models import Conflict, Delivery, Feed, Ledger, Push
from syncapp.replay import replay

from .evidence import common_form, dump, held_by_unit, on_record, persons_of, with_deltas
from .journal import Edit, Json, OnRecord, Restore, Unit
from .reviewer import ACTOR, Reviewer
from .sandboxes import Sandbox
from .scenario import People
from .systems import System
from .verdict import WINDOWS, Ending, Form, Held, Judge, differing, drift, nobodys

OWN = b'"type": "api"'  # in an event: the change was made over the API, and only the hub uses that
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Scene:
    """Who took part, and how everything was before the first edit."""

    sync: Sync
    systems: Mapping[str, System]
    sandboxes: Sequence[Sandbox]
    people: People
    policy: Policy
    before: Held
    begun: datetime = field(default_factory=database_now)


def judged(
    scene: Scene,
    edits: Sequence[Edit],
    reviewer: Reviewer,
    *,
    restores: Sequence[Restore] = (),
) -> dict[str, Any]:
    """The summary; under "details" the sentences about what must be zero and is not."""
    people, policy = scene.people, scene.policy
    edits = with_deltas(edits, scene.sandboxes, scene.systems)
    held = held_by_unit(dump(scene.systems), people, policy)
    form = common_form(scene.systems)
    record = on_record(people)
    endings = Judge(edits, held, record, form, restores=restores).endings()
    unequal = [found for found in differing(held, form) if not _in_question(record, found[0])]
    drifting = [one for one in unequal if drift(held, *one, policy.unit(one[0][1]).writers, form)]
    unequal = [one for one in unequal if one not in drifting]
    strange = nobodys(held, _entered(scene.before, edits, reviewer, people), form)
    replayed = replay(scene.sync)
    told = _counts(scene.begun, reviewer, endings)
    told |= {
        "diverged": len(unequal),
        "exceptions": {"drift": len(drifting)},
        "nobodys_values": len(strange),
        "replay_differences": replayed.different,
        "write_backs_confirmed": _written_back(reviewer, people, held, form),
    }
    lost = [edit for edit in edits if endings[edit.number] in (Ending.LOST, Ending.LET_THROUGH)]
    told["details"] = {
        "lost": [_sentence(edit, endings[edit.number]) for edit in lost[:SHOWN]],
        "diverged": [f"{person} {name}: {held[person, unit]}" for (person, unit), name in unequal[:SHOWN]],
        "nobodys_values": [f"{person} {name}: {held[person, unit]}" for (person, unit), name in strange[:SHOWN]],
        "replay": replayed.differences[:SHOWN],
    }
    return told


def _in_question(record: OnRecord, place: Unit) -> bool:
    return any(one.open for one in record.disputes.get(place, ()))


def _sentence(edit: Edit, ending: Ending) -> str:
    return f"{edit.role} {edit.person} {dict(edit.values)} at {edit.at:%H:%M:%S.%f}: {ending}"


def _counts(begun: datetime, reviewer: Reviewer, endings: Mapping[int, Ending]) -> dict[str, Any]:
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
