"""I1: every authorised edit that was shown is believed, superseded on record, or a candidate of an open question.

What was lost before anybody could look is counted by kind: the windows that the contract names, and nothing else.
"""

from __future__ import annotations

from policies.core.diff import same_at
from policies.core.ownership import may_clear, may_write
from policies.core.reasons import Verdict
from policies.core.rules import Strategy, Unit
from policies.core.values import Kind, Link, Record

from .findings import Findings
from .rows import Edit
from .world import World

ON_RECORD = frozenset(
    {
        Verdict.ADOPT,
        Verdict.CONCURRENT,
        Verdict.CANDIDATE,
        Verdict.AGREE,
        Verdict.OVERWRITTEN,
        Verdict.INVALID,
        Verdict.HELD,
    }
)
HELD_AS_IS = frozenset(
    {
        Verdict.UNCHANGED,
        Verdict.ECHO,
        Verdict.AGREE_PAST,
        Verdict.LANDED,
        Verdict.CONFIRMED,
        Verdict.EMPTY,
        Verdict.RESEND,
        Verdict.NEAR_MISS,
    }
)
WINDOWS = {
    "person": "I1: made and changed again between two looks",
    "deleted": "I1: made and deleted again between two looks",
    "merged": "I1: made and merged away between two looks",
    "restored": "I1: undone by a restored backup between two looks",
}
IN_THE_GAP = "I1: between look and write, no condition and no event"


def record_of(world: World, edit: Edit) -> Record | None:
    key = edit.key or world.owners.get((edit.role, edit.remote_id))
    return world.store.records.get(key) if key else None


def nothing_lost(world: World, findings: Findings) -> None:
    for edit in world.edits:
        where = f"edit {edit.number} at {edit.role} {edit.remote_id}: {edit.typed}"
        record = record_of(world, edit)
        if record is None:
            if not _waits_for_a_match(world, edit) and not _never_listed(world, edit):
                findings.violations.append(f"I1: belongs to no record: {where}")
        elif not edit.judged:
            _unseen(world, findings, record, edit, where)
        elif _authorised(world, record, edit) and not _kept(world, record, edit):
            findings.violations.append(f"I1: judged as {edit.judged} and then nowhere: {where} ({record.key})")


def hub_edits(world: World, findings: Findings) -> None:
    """I1 for edits made in the hub: believed or a candidate, from the moment they were taken."""
    for key, unit, value in world.hub_edits:
        known = [*world.believed.get((key, unit), {}).values(), *world.asked.get((key, unit), [])]
        if world.policy.unit(unit).strategy is not Strategy.MERGE and value not in known:
            findings.violations.append(f"I1: an edit in the hub was taken and is nowhere: {key} {value}")


def _waits_for_a_match(world: World, edit: Edit) -> bool:
    """A person is asked, or said, which record that one is."""
    for record in world.store.records.values():
        link = record.links.get(edit.role)
        if link is not None and edit.remote_id in link.skipped:
            return True
        if any(q.kind is Kind.MATCH and (q.role, q.about) == (edit.role, edit.remote_id) for q in record.questions):
            return True
    return False


def _never_listed(world: World, edit: Edit) -> bool:
    """Deleted, or undone by a backup, before anybody listed it; not listened to, or not in scope."""
    row = world.accounts[edit.role].rows.get(edit.remote_id)
    return row is None or not world.accounts[edit.role].in_scope(row) or not world.policy.roles[edit.role].writes


def _in_scope(world: World, edit: Edit) -> bool:
    row = world.accounts[edit.role].rows.get(edit.remote_id)
    return row is None or world.accounts[edit.role].in_scope(row)


def _authorised(world: World, record: Record, edit: Edit) -> bool:
    """Under the policy by which it was judged."""
    policy = world.in_force(edit.judged_at, edit.judged_at)[-1]
    unit = world.unit_for(edit, policy)
    if not may_write(unit, record, edit.role):
        return False
    return any(v is not None for v in edit.typed.values()) or may_clear(unit, record, edit.role)


def _unseen(world: World, findings: Findings, record: Record, edit: Edit, where: str) -> None:
    heard = all(policy.roles[edit.role].writes for policy in world.in_force(edit.at)[-1:])
    if not heard or not world.always(edit, record) or not _may_clear(world, record, edit):
        return
    link = record.links.get(edit.role)
    if edit.lost_to in WINDOWS:
        findings.window(WINDOWS[edit.lost_to])
    elif edit.restored and edit.lost_to == "hub":
        return  # it put back what the hub last saw there, and so the write met what it expected
    elif edit.lost_to == "hub" and edit.unlooked and not _saved_by_its_event(world, edit, link):
        findings.window(IN_THE_GAP)
    elif (link is not None and (link.unlinked or link.asleep)) or not _in_scope(world, edit):
        return  # not kept in step there: by policy or by a person, or out of the feed's scope
    elif not _waits_for_a_match(world, edit):
        lost = f"lost to {edit.lost_to}" if edit.lost_to else "still there"
        findings.violations.append(f"I1: never judged, {lost}: {where} ({record.key})")


def _saved_by_its_event(world: World, edit: Edit, link: Link | None) -> bool:
    """An event with values is in time unless the hub deleted the record and another one has its link by now."""
    in_time = link is None or link.remote_id in (None, edit.remote_id)
    return edit.shown and world.accounts[edit.role].traits.exact and in_time


def _may_clear(world: World, record: Record, edit: Edit) -> bool:
    if any(value is not None for value in edit.typed.values()):
        return True
    return all(may_clear(world.unit_for(edit, policy), record, edit.role) for policy in world.in_force(edit.at))


def _kept(world: World, record: Record, edit: Edit) -> bool:
    """Is what was typed, seen through the account's own form, among the beliefs and candidates of the field?"""
    unit = world.unit_for(edit, world.in_force(edit.judged_at, edit.judged_at)[-1])
    stored = {name: value for name, value in edit.stored.items() if name in edit.seen}
    if edit.judged == Verdict.UNAUTHORISED:  # emptied bit by bit: as a whole a clear, which the role may not do
        return all(v is None for v in stored.values()) and not may_clear(unit, record, edit.role)
    if edit.judged not in ON_RECORD | HELD_AS_IS:
        return False
    refused = world.refused.get((record.key, edit.role, unit.name), [])
    if edit.judged in HELD_AS_IS and any(all(x.get(name) == value for name, value in stored.items()) for x in refused):
        return True  # on record: not authorised by the policy before, under which it was about to be written over
    if edit.judged != Verdict.ADOPT and all(value is None for value in stored.values()):
        return True  # emptied where nothing was believed, or an empty side at first link: it disputes nothing
    if edit.restored and edit.judged in HELD_AS_IS:
        return True  # what an older state put back is what the hub last saw there: no change, and on record before
    return _among(world, record, unit, edit, stored)


def _among(world: World, record: Record, unit: Unit, edit: Edit, stored: dict[str, object]) -> bool:
    believed = list(world.believed.get((record.key, unit.name), {}).values())
    values = [*believed, *world.asked.get((record.key, unit.name), [])]
    role, account = world.policy.roles[edit.role], world.accounts[edit.role]
    if unit.strategy is Strategy.MERGE:
        return edit.judged in ON_RECORD or any(same_at(role, stored, value) for value in values)
    if any(same_at(role, stored, value) for value in values):
        return True
    if unit.strategy in (Strategy.MAX, Strategy.MIN) and edit.judged in HELD_AS_IS | {Verdict.ADOPT}:
        return True  # on record in the ledger, then or when it was typed before: it could not beat what stood
    hidden = account.form(stored, ours=True)
    return any(same_at(role, account.form(value, ours=True), hidden) for value in values)
