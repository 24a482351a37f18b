"""Deletes: each is decided by policy or by a person; by default an edit beats it; a listing never is one."""

from __future__ import annotations

from datetime import datetime

from policies.core.diff import same_at
from policies.core.ownership import reads
from policies.core.reasons import Reason, Verdict
from policies.core.rules import OnDelete, Strategy, Unit
from policies.core.values import Kind, Link, Record, Values

from .findings import Findings
from .log import Delete
from .rows import Edit
from .world import World

ASKING = frozenset({OnDelete.ASK, OnDelete.REVIEW})


def deletes(world: World, findings: Findings) -> None:
    findings.violations += [f"I1: {what}" for what in world.unfounded]
    spread = {key for key, line in world.store.lines if line.reason is Reason.DELETE_SPREADS}
    cut = {(key, line.role) for key, line in world.store.lines if line.reason is Reason.MERGE_UNLINKS}
    for delete in world.deletes:
        key = world.owners.get((delete.role, delete.remote_id))
        record = world.store.records.get(key) if key else None
        link = record.links.get(delete.role) if record is not None else None
        if record is None or link is None or delete.back or link.asleep or link.into:
            continue  # nobody's, there again, out of the feed's scope, or said to live on in another record
        if link.remote_id == delete.remote_id:
            decided = record.key in spread or (link.unlinked and (record.key, delete.role) in cut)
            _one(world, findings, delete, record, link, decided)
    _nothing_by_a_listing(world, findings)


def _one(world: World, findings: Findings, delete: Delete, record: Record, link: Link, decided: bool) -> None:
    where = f"{delete.role} {delete.remote_id} ({record.key})"
    if not world.policy.roles[delete.role].writes:
        return
    if link.gone is None and not link.unlinked:
        findings.violations.append(f"I3: a delete was never seen: {where}")
        return
    known = world.gone.get((record.key, delete.role))
    rules = {policy.on_delete for policy in world.in_force(known)} if known else set()
    asked = any(q.kind is Kind.DELETE and q.role == delete.role for q in record.questions)
    # who has a record deleted everywhere has decided for every account, also where it was deleted already
    everywhere = any("propagate" in told for (key, _), told in world.decided.items() if key == record.key)
    answered = decided or everywhere or (record.key, delete.role) in world.decided
    spread = any(other.doomed or other.gone for other in record.links.values() if other.role != delete.role)
    if rules <= ASKING and not asked and not answered and not spread:
        findings.violations.append(f"I1: nobody decided about a delete: {where}")
    if rules == {OnDelete.ASK} and asked and known is not None:
        _edit_beats_it(world, findings, record, delete, known, where)


def _edit_beats_it(
    world: World, findings: Findings, record: Record, delete: Delete, known: datetime, where: str
) -> None:
    """A question about a delete stays open only as long as nothing was changed since that the account would read."""
    for edit in world.edits:
        if edit.key != record.key or edit.role == delete.role or edit.judged != Verdict.ADOPT:
            continue
        policy = world.in_force(edit.judged_at, edit.judged_at)[-1]
        unit = world.unit_for(edit, policy)
        if unit.strategy in (Strategy.MAX, Strategy.MIN):
            continue  # taken note of, but perhaps it could not beat what stood
        if _waits_for_a_person(world, edit, record, unit):
            continue
        gone = world.accounts[delete.role].trash.get(delete.remote_id)
        facts = world.policy.roles[delete.role]
        if gone is not None and same_at(facts, {n: gone.fields.get(n) for n in edit.stored}, edit.stored):
            continue  # it is what the deleted record held, in that account's form: nothing there is behind
        if edit.judged_at > known and reads(unit, policy, delete.role):
            findings.violations.append(f"I1: edit {edit.number} came after a delete and did not beat it: {where}")


def _waits_for_a_person(world: World, edit: Edit, record: Record, unit: Unit) -> bool:
    """The guard against ping-pong holds the field: the edit is taken, but only a candidate, and nothing changed yet."""
    held = [q for q in record.questions if q.kind is Kind.PING_PONG and q.unit == unit.name]
    mine = [c for q in held for c in q.candidates if c.source == edit.role]
    believed = world.believed.get((record.key, unit.name), {}).values()
    return any(_shows(c.value, edit) for c in mine) and not any(_shows(value, edit) for value in believed)


def _shows(value: Values, edit: Edit) -> bool:
    return all(value.get(name) == typed for name, typed in edit.stored.items())


def _nothing_by_a_listing(world: World, findings: Findings) -> None:
    """What is there is not taken for deleted, however short a listing was."""
    for record in world.store.records.values():
        for role, link in record.links.items():
            there = link.remote_id in world.accounts[role].rows
            if link.gone is not None and there and not link.unlinked and world.policy.roles[role].writes:
                findings.violations.append(f"I3: {role} {link.remote_id} ({record.key}) is there, and taken for gone")
