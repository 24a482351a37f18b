"""References to records of other syncs: what is not understood yet is no value, and what cannot be said yet waits."""

from __future__ import annotations

from dataclasses import replace

from .draft import Draft
from .planned import Plan
from .reasons import Reason, Verdict
from .rules import Policy, Unit
from .seen import Context, Observation
from .values import WAITING, Base, Record


def note(draft: Draft, observation: Observation, unit: Unit, told: bool) -> None:
    """Remember at the link that its value refers to a record that is linked to nothing; forget it once it is told."""
    role = observation.role
    waits = next((observation.waits[m.name] for m in unit.members if m.name in observation.waits), "")
    base = draft.base(role, unit)
    if waits == (base.waits if base is not None else "") or not (waits or told):
        return
    draft.set_base(role, unit, replace(base or Base({}, {}), waits=waits))
    if waits:
        draft.say(Verdict.HELD, Reason.REFERS_TO_UNKNOWN, role, unit, detail=waits)


def why_refused(answer: str) -> Reason:
    """A reference that the account cannot be told yet is no refusal of the account's."""
    return Reason.WAITS_FOR if answer.startswith(WAITING) else Reason.REJECTED


def freed(record: Record, role: str, policy: Policy, context: Context) -> Plan:
    """The record that a reference waited for is linked there now: what could not be said is due again."""
    draft = Draft(record, policy, context)
    for name, base in draft.link(role).bases.items():
        if base.failed is not None and base.failed.answer.startswith(WAITING) and name in policy.by_name:
            draft.set_base(role, policy.unit(name), replace(base, failed=None))
            draft.say(Verdict.RELEASED, Reason.CAN_BE_SAID, role, policy.unit(name))
    return draft.done()
