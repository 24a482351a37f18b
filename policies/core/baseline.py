"""A field is told in another way than before: what a link held of it says nothing any more, and is forgotten."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from .draft import Draft
from .planned import Plan
from .reasons import Reason, Verdict
from .rules import Policy
from .seen import Context
from .values import Record


def forget(record: Record, role: str, units: Collection[str], policy: Policy, context: Context) -> Plan:
    """Drop the bases of these units at one link, so that its next read is a first link for them.

    Harmless when repeated. A write of such a unit that is under way is settled as one that nothing is known about.
    """
    draft = Draft(record, policy, context)
    link = record.links.get(role)
    dropped = [name for name in units if link is not None and name in link.bases]
    if link is None or not dropped:
        return draft.done()
    kept = {name: base for name, base in link.bases.items() if name not in dropped}
    draft.set_link(replace(link, bases=kept, digest=""))
    for name in dropped:
        unit = policy.by_name.get(name)
        if unit is not None:
            draft.withdraw(unit, role)
            draft.say(Verdict.REBASED, Reason.NEW_BASELINE, role, unit)
    return draft.done()
