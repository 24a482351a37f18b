"""The invariants, checked at rest against the fault machine's own log of what people typed, never against the hub's."""

from __future__ import annotations

from dataclasses import dataclass, field

from policies.core.diff import same_at, stored_form, told
from policies.core.due import due_roles, due_units, holding
from policies.core.ownership import may_clear, may_write, reads
from policies.core.reasons import Verdict
from policies.core.rules import Strategy, Unit
from policies.core.values import Json, Record

from .account import Edit
from .world import QUIET, World

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
    }
)


@dataclass(slots=True)
class Findings:
    """Violations, in words, and the named windows of I1 and I7 that were met, by kind."""

    violations: list[str] = field(default_factory=list)
    windows: dict[str, int] = field(default_factory=dict)

    def window(self, kind: str) -> None:
        self.windows[kind] = self.windows.get(kind, 0) + 1


def check(world: World, rounds: int) -> Findings:
    findings = Findings()
    if rounds >= QUIET:
        findings.violations.append(f"I2: no rest after {QUIET} rounds; still due: {world.store.due}")
    _nothing_lost(world, findings)
    _hub_edits(world, findings)
    _nobodys_value(world, findings)
    _converged(world, findings)
    _authority(world, findings)
    _one_to_one(world, findings)
    _counters(world, findings)
    return findings


def still(world: World, findings: Findings) -> None:
    """I2: after rest, a full sync of everything writes nothing and decides nothing."""
    writes, lines = sum(a.writes for a in world.accounts.values()), len(world.store.lines)
    world.sweep(full=True)
    now = sum(a.writes for a in world.accounts.values())
    if now != writes or len(world.store.lines) != lines:
        made = [f"{key} {line.verdict} {line.role} {line.unit}" for key, line in world.store.lines[lines:]]
        findings.violations.append(f"I2: a full sync at rest wrote {now - writes} times and gave {made[:4]}")


def _record(world: World, edit: Edit) -> Record | None:
    key = world.store.ids.get((edit.role, edit.remote_id))
    return world.store.records.get(key) if key is not None else None


def _unit(world: World, edit: Edit) -> Unit:
    name = next(iter(edit.typed))
    return next(unit for unit in world.policy.units if name in {m.name for m in unit.members})


def _nothing_lost(world: World, findings: Findings) -> None:
    """I1: every authorised edit that was shown is believed, superseded on record, or a candidate."""
    for edit in world.edits:
        record, unit = _record(world, edit), _unit(world, edit)
        if record is None:
            findings.violations.append(f"I1: {edit.role} {edit.remote_id} belongs to no record")
            continue
        if not _authorised(edit, unit, record):
            continue
        where = f"edit {edit.number} of {unit.name} at {edit.role} {edit.remote_id} ({record.key}): {edit.typed}"
        if not edit.judged:
            _unseen(edit, world, findings, where)
        elif not _kept(world, record, unit, edit):
            findings.violations.append(f"I1: judged as {edit.judged} and then nowhere: {where}")


def _hub_edits(world: World, findings: Findings) -> None:
    """I1 for edits made in the hub: believed or a candidate, from the moment they were taken."""
    for key, unit, value in world.hub_edits:
        known = [*world.believed.get((key, unit), {}).values(), *world.asked.get((key, unit), [])]
        if world.policy.unit(unit).strategy is not Strategy.MERGE and value not in known:
            findings.violations.append(f"I1: an edit in the hub was taken and is nowhere: {key} {value}")


def _authorised(edit: Edit, unit: Unit, record: Record) -> bool:
    if not may_write(unit, record, edit.role):
        return False
    return any(v is not None for v in edit.typed.values()) or may_clear(unit, record, edit.role)


def _unseen(edit: Edit, world: World, findings: Findings, where: str) -> None:
    if edit.lost_to == "person":
        findings.window("I1: made and changed again between two looks")
    elif edit.lost_to == "hub" and edit.unlooked and not (edit.shown and world.accounts[edit.role].traits.exact):
        findings.window("I1: between look and write, no condition and no event")
    else:
        lost = f"lost to {edit.lost_to}" if edit.lost_to else "still there"
        findings.violations.append(f"I1: never judged, {lost}: {where}")


def _kept(world: World, record: Record, unit: Unit, edit: Edit) -> bool:
    """Is what was typed, seen through the account's own form, among the beliefs and candidates of the field?"""
    stored = {name: value for name, value in edit.stored.items() if name in edit.seen}
    if edit.judged == Verdict.UNAUTHORISED:  # emptied bit by bit: as a whole a clear, which the role may not do
        return all(v is None for v in stored.values()) and not may_clear(unit, record, edit.role)
    if edit.judged not in ON_RECORD | HELD_AS_IS:
        return False
    if edit.judged != Verdict.ADOPT and all(value is None for value in stored.values()):
        return True  # emptied where nothing was believed, or an empty side at first link: it disputes nothing
    believed = list(world.believed.get((record.key, unit.name), {}).values())
    values = [*believed, *world.asked.get((record.key, unit.name), [])]
    role = world.policy.roles[edit.role]
    if unit.strategy is Strategy.MERGE:
        return edit.judged in ON_RECORD or any(same_at(role, stored, value) for value in values)
    if any(same_at(role, stored, value) for value in values):
        return True
    if unit.strategy in (Strategy.MAX, Strategy.MIN) and edit.judged == Verdict.ADOPT:
        return True  # on record in the ledger: it could not beat what stood
    hidden = world.accounts[edit.role].form(stored, ours=True)
    return any(same_at(role, world.accounts[edit.role].form(value, ours=True), hidden) for value in values)


def _nobodys_value(world: World, findings: Findings) -> None:
    """I1b: every value at rest was typed by somebody, or computed by a merge from what was typed."""
    for record in world.store.records.values():
        for unit in world.policy.units:
            belief = record.beliefs.get(unit.name)
            if belief is None or (unit.strategy is Strategy.MERGE and unit.name not in ("tags", "extra")):
                continue
            for name, value in belief.value.items():
                if not _typed(world, record, name, value):
                    findings.violations.append(f"I1b: {record.key} believes {name} = {value!r}, which nobody entered")


def _typed(world: World, record: Record, name: str, value: Json) -> bool:
    if value is None:
        return True
    parts = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else [value]
    allowed = world.typed_parts(name)
    if all(part in allowed for part in parts):
        return True
    if world.policy.unit(world.unit_of(name)).reflect:
        return True
    near = {name: form for account in world.accounts.values() for name, form in account.hidden.items()}
    if name not in near or record.key not in world.settled | world.blind:
        return False  # a near miss may only be believed where no read-back could show it as one
    return all(any(_hidden(world, name, a) == _hidden(world, name, part) for a in allowed) for part in parts)


def _hidden(world: World, name: str, value: Json) -> Json:
    for account in world.accounts.values():
        value = account.form({name: value}, ours=True)[name]
    return value


def _converged(world: World, findings: Findings) -> None:
    """I3: what each account really holds is N of what the hub believes, but for the named and listed exceptions."""
    for record in world.store.records.values():
        excused = holding(record, world.policy)
        if due_roles(record, world.policy):
            findings.violations.append(f"I3: {record.key} is still due at {due_roles(record, world.policy)}")
        for role, link in record.links.items():
            row = world.accounts[role].rows.get(link.remote_id or "")
            if row is None:
                continue
            for unit in world.policy.units:
                belief = record.beliefs.get(unit.name)
                if belief is None or (role, unit.name) in excused or not reads(unit, world.policy, role):
                    continue
                facts = world.policy.roles[role]
                x = told(unit, row.fields)
                if x and not same_at(facts, x, belief.value):
                    want = stored_form(facts, belief.value)
                    where = f"{role} {link.remote_id} ({record.key})"
                    base = link.bases.get(unit.name)
                    findings.violations.append(f"I3: {where} holds {x}, not {want}: {base} v={belief.v}")


def _authority(world: World, findings: Findings) -> None:
    """I5: nothing that a role may not write was believed, unless a person chose it or somebody else typed it too."""
    for edit in world.edits:
        record, unit = _record(world, edit), _unit(world, edit)
        if record is None or may_write(unit, record, edit.role) or unit.strategy is Strategy.MERGE:
            continue
        typed = {
            name: v for name, v in edit.typed.items() if isinstance(v, str) and v.startswith(str(edit.number + 100))
        }
        others = [e.typed for e in world.edits if may_write(unit, record, e.role)]
        typed = {name: v for name, v in typed.items() if not any(t.get(name) == v for t in others)}
        chosen = world.chosen.get((record.key, unit.name), [])
        for value in world.believed.get((record.key, unit.name), {}).values():
            if (
                typed
                and any(value.get(n) == v for n, v in typed.items())
                and not any(any(c.get(n) == v for n, v in typed.items()) for c in chosen)
            ):
                findings.violations.append(
                    f"I5: {edit.typed} by {edit.role}, which may not write {unit.name}, is believed"
                )


def _one_to_one(world: World, findings: Findings) -> None:
    """I7: a remote id belongs to one record, and the hub made at most one remote record for each."""
    findings.violations += [f"I2: {what}" for what in world.twice]
    findings.violations += [f"I7: {what}" for what in world.store.doubled]
    for account in world.accounts.values():
        for external_id, made in account.created.items():
            if made > 1:
                findings.violations.append(f"I7: {made} records were made at {account.role} for {external_id}")


def _counters(world: World, findings: Findings) -> None:
    """A merged total is the sum of what people added, where nothing was lost to a window or left to a person."""
    units = [u for u in world.policy.units if u.name == "points"]
    for record in world.store.records.values() if units else ():
        mine = [e for e in world.edits if "points" in e.typed and _record(world, e) is record]
        if (
            not mine
            or world.asked.get((record.key, "points"))
            or not all(may_write(units[0], record, e.role) for e in mine)
        ):
            continue
        if any(key == record.key and unit == "points" for key, unit, _ in world.hub_edits):
            continue
        if any(e.at <= world.linked[(record.key, e.role)] for e in mine):
            continue  # totals that differ or agree when first linked are no deltas
        numbers = [(e.before["points"], e.stored["points"]) for e in mine]
        if any(b is None or a is None for b, a in numbers) or any(not e.judged and e.lost_to == "hub" for e in mine):
            continue
        total = world.started(record, "points")
        belief = record.beliefs.get("points")
        if total is None or belief is None:
            continue
        want = total + sum(a - b for b, a in numbers)
        if belief.value["points"] != want:
            findings.violations.append(
                f"I1: {record.key} counts {belief.value['points']} points, people made it {want}"
            )


def writes(world: World) -> int:
    return sum(account.writes for account in world.accounts.values())


def owed_at_stop(world: World) -> int:
    """What may still have to be written when people stop: fields due or owed, and every push whose outcome is open."""
    links = [(r, role, link) for r in world.store.records.values() for role, link in r.links.items()]
    sending = sum(len(link.sending.values) for _, _, link in links if link.sending)
    behind = sum(
        len(due_units(record, world.policy, role))
        for record in world.store.records.values()
        for role in world.policy.roles
    )
    debts = sum(base.owed for _, _, link in links for base in link.bases.values())
    return sending + behind + debts


def bounded(world: World, before: int, owed: int, findings: Findings) -> None:
    """I2: writes after the stop are at most what was due, plus each new hub version at each reading link, plus debts
    that were found after the stop and re-sends after unknown outcomes.
    """
    made = writes(world) - before
    later = world.after_stop
    allowed = owed + later["versions"] * len(world.accounts) + later["debts"] + later["links"] * len(world.policy.units)
    if made > allowed:
        findings.violations.append(
            f"I2: {made} writes after the stop, {allowed} explained ({dict(later)}, {owed} owed)"
        )
