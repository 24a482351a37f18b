"""One unit of one observation, as the rows of the table look at it, and the notes that their effects take of it."""

from __future__ import annotations

from dataclasses import dataclass

from .draft import Draft
from .planned import Saw
from .reasons import Reason, Verdict
from .rules import Role, Unit
from .seen import Observation
from .times import change_span
from .values import Base, Belief, Candidate, Kind, Said, Span, Values


@dataclass(slots=True)
class Case:
    """What the judge looks at for one unit. `x` is what was told, `lifted` all members as they stand for."""

    unit: Unit
    role: Role
    observation: Observation
    x: Values
    lifted: Values
    base: Base | None
    belief: Belief
    sent: Values | None
    sent_v: int
    proof: bool
    in_review: bool
    saw: Saw | None = None


def see(draft: Draft, case: Case, k: int | None = None, owed: bool | None = None, drift: bool | None = None) -> None:
    """Every judged read sets `stored := x` and `meant := lifted x`; flags move only where said."""
    old, kept = case.base, draft.base(case.role.name, case.unit)
    base = old if old is not None else Base({}, {}, failed=kept.failed if kept is not None else None)
    new = Base(
        {**base.stored, **case.x},
        dict(case.lifted),
        base.k if k is None else k,
        base.owed if owed is None else owed,
        base.drift if drift is None else drift,
        False,
        base.failed,
    )
    draft.set_base(case.role.name, case.unit, new)


def side(draft: Draft, case: Case) -> Candidate:
    o, base = case.observation, case.base
    span = _span(draft, case)
    meant, k = (base.meant, base.k) if base is not None else (None, 0)
    return Candidate(case.role.name, dict(case.lifted), o.updated_at or o.read_at, o.actor, span, o.version, meant, k)


def _span(draft: Draft, case: Case) -> Span | None:
    link = case.saw.link if case.saw is not None and case.saw.link is not None else draft.link(case.role.name)
    return change_span(case.observation, link, case.base, case.role, draft.policy, draft.context)


def said(draft: Draft, case: Case, reason: Reason) -> Said:
    o = case.observation
    return Said(case.role.name, o.actor, o.updated_at or o.read_at, reason, draft.policy.version)


def say(draft: Draft, case: Case, verdict: Verdict, reason: Reason, detail: str = "") -> None:
    draft.say(verdict, reason, case.role.name, case.unit, case.x, case.saw, detail)


def ask_here(draft: Draft, case: Case, kind: Kind, reason: Reason, note: str = "") -> None:
    """A question of this link only: writes to its field wait, other links go on."""
    candidates = (*draft.hub_candidates(case.unit), side(draft, case))
    draft.ask(kind, case.unit.name, case.role.name, candidates, reason, note)
