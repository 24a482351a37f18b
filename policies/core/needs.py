"""What an account makes no record without: a create that lacks it is not sent, and a person is asked instead."""

from __future__ import annotations

from collections.abc import Sequence

from .draft import Draft
from .reasons import Reason, Verdict
from .rules import Policy, Unit
from .values import Candidate, Kind, Record


def empty_need(record: Record, policy: Policy, role: str) -> str:
    """A needed field that the hub knows nothing of, or "": only a person, or another account, can tell it."""
    needs = policy.roles[role].needs
    for unit in policy.units if needs else ():
        belief = record.beliefs.get(unit.name)
        for member in unit.members:
            if member.name in needs and (belief is None or belief.value.get(member.name) in (None, "")):
                return member.name
    return ""


def need_waits(record: Record, policy: Policy, role: str, due: Sequence[Unit]) -> bool:
    """A needed field is known and cannot be told there now: it was refused, is in question, or waits for a record."""
    needs = policy.roles[role].needs
    if not needs:
        return False
    told = {member.name for unit in due for member in unit.members}
    known = {name for belief in record.beliefs.values() for name, value in belief.value.items() if value is not None}
    return any(name in known and name not in told for name in needs)


def ask_for(draft: Draft, role: str, name: str, due: Sequence[Unit]) -> None:
    """It ends by itself as soon as the field holds something."""
    label, now = draft.policy.roles[role].needs[name], draft.context.now
    sides = tuple(Candidate(unit.name, draft.belief(unit).value, now) for unit in due)
    draft.ask(Kind.CREATE, "", role, sides, Reason.LACKS, label, name)
    draft.say(Verdict.FAILED, Reason.LACKS, role, detail=label)
