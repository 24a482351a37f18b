"""The invariants, checked at rest against the fault machine's own log of what people did, never against the hub's."""

from __future__ import annotations

from policies.core.diff import same_at, stored_form, told
from policies.core.due import due_roles, due_units
from policies.core.exceptions import holding
from policies.core.ownership import may_write, reads
from policies.core.reasons import Reason
from policies.core.rules import Strategy
from policies.core.values import HUB, Json, Record, Values

from .catalogue import KINDS
from .deleted import deletes
from .findings import Findings
from .lost import hub_edits, nothing_lost, record_of
from .merged import merges
from .rows import Edit, Row
from .world import QUIET, World

__all__ = ["Findings", "bounded", "check", "owed_at_stop", "still", "writes"]


def check(world: World, rounds: int) -> Findings:
    findings = Findings()
    if rounds >= QUIET:
        findings.violations.append(f"I2: no rest after {QUIET} rounds; due: {world.store.due}; hints: {world.hints}")
    nothing_lost(world, findings)
    hub_edits(world, findings)
    deletes(world, findings)
    merges(world, findings)
    _nobodys_value(world, findings)
    _converged(world, findings)
    _authority(world, findings)
    _one_to_one(world, findings)
    _counters(world, findings)
    findings.violations += [f"I8: {what}" for what in world.unexplained]
    return findings


def still(world: World, findings: Findings) -> None:
    """I2: after rest, a full sync of everything writes nothing and decides nothing.

    Two things may have waited for a full pass, and are counted: a remote record that belonged to somebody else when it
    was last listed, and does no more, because that record let it go or changed its match key since; and one that left
    a scope which is part of the query, so that no other listing tells of it.
    """
    for _ in range(world.found_late):
        findings.window("I2: only a full pass found it to belong to somebody else, or to be out of scope")
    writes, lines = world.moved()
    world.sweep(full=True)
    if world.moved() != (writes, lines):
        world.stirred.append(world.told_since(lines))
    findings.violations += [f"I2: a full sync at rest gave {told[:4]}" for told in world.stirred]


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
    if any(policy.unit(world.unit_of(name)).reflect for _, policy in world.policies):
        return True
    near = {name: form for account in world.accounts.values() for name, form in account.hidden.items()}
    if not (_met_again(world, record) or (name in near and _seen_late(world, record))):
        return False
    return all(any(_hidden(world, name, a) == _hidden(world, name, part) for a in allowed) for part in parts)


def _seen_late(world: World, record: Record) -> bool:
    """A near miss may only be believed where no read-back could show it as one: the write's outcome was not known."""
    return record.key in world.settled | world.blind


def _met_again(world: World, record: Record) -> bool:
    """The account showed what it had made of a value as something new: from a bin or a backup, or to another record
    that the remote one belongs to by now.
    """
    again = any(key == record.key for key, _ in world.gone) or bool(world.set_back & set(record.links))
    binned = any(link.remote_id in world.accounts[role].ever_gone for role, link in record.links.items())
    return again or binned or record.key in world.relinked or _made_for_another(world, record)


def _made_for_another(world: World, record: Record) -> bool:
    """What the hub made for another record, deleted before the answer came: taken out of the bin, and kept apart.

    No log of links tells it, for the hub never knew its id; the external id that the hub wrote does.
    """
    rows = [world.accounts[role].rows.get(link.remote_id or "") for role, link in record.links.items()]
    return any(row is not None and row.external_id not in (None, record.key) for row in rows)


def _hidden(world: World, name: str, part: Json) -> Json:
    """What all accounts together would make of it."""
    value = [part] if KINDS[name] == "set" else part
    for account in 2 * list(world.accounts.values()):  # what one makes of it may be news to another before it
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
                if not facts.writes and _unheard(world, role, row, x, belief.value):
                    continue
                if x and not same_at(facts, x, belief.value):
                    want = stored_form(facts, belief.value)
                    where = f"{role} {link.remote_id} ({record.key})"
                    base = link.bases.get(unit.name)
                    findings.violations.append(f"I3: {where} holds {x}, not {want}: {base} v={belief.v}")


def _unheard(world: World, role: str, row: Row, x: Values, believed: Values) -> bool:
    """Direction off: what a person changed, or the account made of a write, where the hub does not listen; and what a
    record held into which a person merged ours.
    """
    if row.remote_id in world.accounts[role].merged.values():
        return True
    form = world.accounts[role].form
    return any(name in row.edits for name in x) or form(x, ours=True) == form({n: believed[n] for n in x}, ours=True)


def _authority(world: World, findings: Findings) -> None:
    """I5: nothing that a role may not write was believed, unless a person chose it or somebody else typed it too."""
    for edit in world.edits:
        record, unit = record_of(world, edit), world.unit_for(edit, world.policy)
        if record is None or edit.restored or unit.strategy is Strategy.MERGE or world.ever(edit, record):
            continue
        typed = {
            name: v for name, v in edit.typed.items() if isinstance(v, str) and v.startswith(f"{edit.number + 100} ")
        }
        others = [e.typed for e in world.edits if e is not edit and _might(world, e, record)]
        typed = {name: v for name, v in typed.items() if not any(t.get(name) == v for t in others)}
        chosen = world.chosen.get((record.key, unit.name), [])
        for value in world.believed.get((record.key, unit.name), {}).values():
            if (
                typed
                and any(value.get(n) == v for n, v in typed.items())
                and not any(any(c.get(n) == v for n, v in typed.items()) for c in chosen)
            ):
                findings.violations.append(
                    f"I5: {edit.typed} by {edit.role}, which may not write {unit.name}, is believed of {record.key}"
                )


def _might(world: World, edit: Edit, record: Record) -> bool:
    """Might its role ever write the field?"""
    return any(may_write(world.unit_for(edit, policy), record, edit.role) for _, policy in world.policies)


def _one_to_one(world: World, findings: Findings) -> None:
    """I7: a remote id belongs to one record, and the hub made at most one remote record for each."""
    findings.violations += [f"I2: {what}" for what in world.twice]
    findings.violations += [f"I7: {what}" for what in world.store.doubled]
    for account in world.accounts.values():
        findings.violations += [f"I7: {what}" for what in account.doubled]


def _counters(world: World, findings: Findings) -> None:
    """A merged total is the sum of what people added, where nothing was lost to a window or left to a person."""
    units = [u for u in world.policy.units if u.name == "points"]
    told = [(key, line) for key, line in world.store.lines if line.unit == "points"]
    no_sum = {key for key, line in told if line.role == HUB or line.reason is Reason.FIRST_LINK_RULE}
    for record in world.store.records.values() if units else ():
        mine = [e for e in world.edits if "points" in e.typed and record_of(world, e) is record]
        if (
            not mine
            or (record.key, "points") in world.left_open
            or not all(world.always(e, record) and not e.restored for e in mine)
            or any(key == record.key for key, _ in world.gone)
            or any(link.gone is not None for link in record.links.values())
            or record.key in world.relinked
            or record.key in no_sum  # counted in the hub; or totals that differed when linked, which are no deltas
        ):
            continue
        if any(e.at <= world.linked.get((record.key, e.role), e.at) for e in mine):
            continue  # totals that differ or agree when first linked are no deltas
        unseen = any(not e.judged and e.lost_to != "person" for e in mine)
        numbers = [(e.before["points"], e.stored["points"]) for e in mine]
        if unseen or any(b is None or a is None for b, a in numbers):
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
    return world.moved()[0]


def owed_at_stop(world: World) -> int:
    """What may still have to be written when people stop: fields due or owed, and every push whose outcome is open."""
    links = [(r, role, link) for r in world.store.records.values() for role, link in r.links.items()]
    sending = sum(max(1, len(link.sending.values)) for _, _, link in links if link.sending)
    behind = sum(
        len(due_units(record, world.policy, role))
        for record in world.store.records.values()
        for role in world.policy.roles
    )
    debts = sum(base.owed for _, _, link in links for base in link.bases.values())
    return sending + behind + debts + sum(link.doomed for _, _, link in links)


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
