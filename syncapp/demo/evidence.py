"""Gather what the judgement of the scenario needs: the systems' dumps and logs, and what the hub has on record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from policies.core.norms import norm
from policies.core.rules import Policy
from syncapp.facts import facts_of
from syncapp.models import Conflict, Feed, Ledger, Link

from .journal import Dispute, Edit, Json, Line, OnRecord, Unit
from .sandboxes import Sandbox
from .scenario import People, actor_of
from .systems import System
from .verdict import Form

Dump = Mapping[str, Mapping[str, Mapping[str, Json]]]  # role -> remote id -> fields


def common_form(systems: Mapping[str, System]) -> Form:
    """N of every system, one after the other: what two values have in common if they may stand for one."""
    norms: dict[str, list[Callable[[Json], Json]]] = {}
    for feed in Feed.objects.select_related("account", "role__sync"):
        kinds = systems[feed.role.name].translator.kinds
        for name, specs in facts_of(feed).norms.items():
            norms.setdefault(name, []).append(norm(specs, kinds[name].name))

    def form(name: str, value: Json) -> Json:
        for one in norms.get(name, ()):
            value = one(value)
        return value

    return form


def dump(systems: Mapping[str, System]) -> Dump:
    return {role: system.held() for role, system in systems.items()}


def held_by_unit(dumped: Dump, people: People, policy: Policy) -> dict[Unit, dict[str, dict[str, Json]]]:
    """What each system that has to do with a unit holds there; a person who is missing somewhere holds nothing."""
    out: dict[Unit, dict[str, dict[str, Json]]] = {}
    for person, ids in people.ids.items():
        for unit in policy.units:
            concerned = unit.readers | {unit.owner} | unit.writers
            for role in concerned & set(dumped):
                fields = dumped[role].get(ids[role])
                names = [member.name for member in unit.members if member.name in _mapped(dumped, role)]
                told = {name: fields[name] if fields is not None else "(nobody there)" for name in names}
                if told:
                    out.setdefault((person, unit.name), {})[role] = told
    return out


def _mapped(dumped: Dump, role: str) -> set[str]:
    first = next(iter(dumped[role].values()), {})
    return set(first)


def with_deltas(edits: Sequence[Edit], sandboxes: Sequence[Sandbox], systems: Mapping[str, System]) -> list[Edit]:
    """Edits as the systems' own logs of what people did tell them: those that changed nothing there are left out, and
    those of merged sets come with what each added and removed.
    """
    logged: dict[str, set[str]] = {}
    versions: dict[str, int] = {}
    deltas: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
    for sandbox in sandboxes:
        system = systems[sandbox.name]
        for line in sandbox.log("edits"):
            logged.setdefault(sandbox.name, set()).add(line["actor"])
            versions[line["actor"]] = line["version"]
            if line["field"] in ("tags", "labels"):
                before, after = (_labels(system, line["field"], line[part]) for part in ("before", "stored"))
                deltas[line["actor"]] = (after - before, before - after)
    out = []
    for edit in edits:
        added, removed = deltas.get(actor_of(edit.number), (frozenset(), frozenset()))
        if edit.role not in logged or actor_of(edit.number) in logged[edit.role]:
            edit = replace(edit, version=versions.get(actor_of(edit.number), 0))
            out.append(replace(edit, added=added, removed=removed) if edit.merged else edit)
    return out


def _labels(system: System, field: str, raw: Any) -> frozenset[str]:
    return frozenset(system.canonical({field: raw}).get("labels") or ())


def on_record(people: People) -> OnRecord:
    """Ledger lines and disagreements, decided or open, of everybody in the scenario."""
    persons = persons_of(people)
    lines: dict[Unit, list[Line]] = {}
    rows = Ledger.objects.filter(record__in=persons).exclude(x=None).order_by("id")
    for row in rows.values_list("id", "recorded_at", "role", "verdict", "x", "record", "unit").iterator():
        number, at, role, verdict, x, record, unit = row
        lines.setdefault((persons[record], unit), []).append(Line(number, at, role, verdict, x))
    disputes: dict[Unit, list[Dispute]] = {}
    for conflict in Conflict.objects.filter(record__in=persons):
        sides = tuple((one["source"], one["value"]) for one in conflict.candidates)
        dispute = Dispute(sides, conflict.state == Conflict.State.OPEN, conflict.value)
        disputes.setdefault((persons[conflict.record_id], conflict.unit), []).append(dispute)
    return OnRecord(
        {place: tuple(found) for place, found in lines.items()},
        {place: tuple(found) for place, found in disputes.items()},
    )


def persons_of(people: People) -> dict[Any, str]:
    """Record key to person, by any of their remote ids."""
    by_id = {ids["crm"]: person for person, ids in people.ids.items()}
    links = Link.objects.filter(feed__role__name="crm", remote_id__in=by_id)
    return {key: by_id[str(remote_id)] for key, remote_id in links.values_list("record_id", "remote_id")}
