"""Why a link does not hold what the hub believes, in the words that people read."""

from __future__ import annotations

from .rules import Policy, Unit
from .values import WAITING, Base, Belief, Link, Record


def holding(record: Record, policy: Policy) -> dict[tuple[str, str], str]:
    """(role, unit) → why a link does not hold what the hub believes; the exceptions that I3 names, for people."""
    out: dict[tuple[str, str], str] = {}
    for role, link in record.links.items():
        for unit in policy.units:
            why = _why(record, policy, link, unit, link.bases.get(unit.name), record.beliefs.get(unit.name))
            if why:
                out[(role, unit.name)] = why
    return out


def _why(record: Record, policy: Policy, link: Link, unit: Unit, base: Base | None, belief: Belief | None) -> str:
    if link.into:
        return "lives on elsewhere"
    if link.gone is not None or link.unlinked:
        return "deleted there"
    if link.asleep:
        return "out of scope"
    if any(q.unit == unit.name and q.role in ("", link.role) for q in record.questions):
        return "in review"
    if base is not None and base.waits:
        return f"{WAITING}{base.waits}"
    if base is None or belief is None:
        return ""
    if base.failed is not None and base.failed.v == belief.v:
        answer = base.failed.answer
        return answer if answer.startswith(WAITING) else f"failed: {answer}"
    if base.drift:
        return "drift kept"
    if base.near_miss:
        return "near miss"
    return ""
