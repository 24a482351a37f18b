"""What the rows of the table do with a value that may not be taken over: not authorised, or not valid."""

from __future__ import annotations

from .case import Case, ask_here, say, see, side
from .diff import is_null
from .draft import Draft
from .ownership import may_clear, problem, reads
from .reasons import Reason, Verdict
from .rules import Unauthorised
from .values import Kind


def unauthorised(draft: Draft, case: Case) -> None:
    role, unit, how = case.role.name, case.unit, case.unit.unauthorised
    cleared = is_null(case.lifted) and not may_clear(unit, draft.record, role)
    why = Reason.MAY_NOT_CLEAR if cleared else Reason.NOT_A_WRITER
    if how is Unauthorised.PROPOSE:
        say(draft, case, Verdict.UNAUTHORISED, Reason.PROPOSED if why is Reason.NOT_A_WRITER else why)
        see(draft, case)
        ask_here(draft, case, Kind.PROPOSAL, Reason.PROPOSED)
    elif how is Unauthorised.KEEP or not reads(unit, draft.policy, role):
        say(draft, case, Verdict.UNAUTHORISED, Reason.KEPT_DRIFT)
        _keep(draft, case)
    elif is_null(case.belief.value):
        say(draft, case, Verdict.UNAUTHORISED, Reason.NOTHING_TO_REVERT)
        see(draft, case, drift=True)
    else:
        say(draft, case, Verdict.UNAUTHORISED, Reason.REVERTING if not cleared else why)
        see(draft, case, owed=True)
        if draft.moved(unit) and not case.in_review:
            _hold(draft, case)


def _keep(draft: Draft, case: Case) -> None:
    """Drift: both values stand. A hub value that is due there still goes over it."""
    belief = draft.belief(case.unit)
    base = case.base
    due = reads(case.unit, draft.policy, case.role.name) and (base is None or base.k < belief.v or base.owed)
    see(draft, case, k=(base.k if base else 0) if due else belief.v, drift=True, owed=None if due else False)


def invalid(draft: Draft, case: Case) -> None:
    detail = problem(case.unit, case.lifted) or ""
    say(draft, case, Verdict.INVALID, Reason.INVALID_VALUE, detail)
    see(draft, case)
    ask_here(draft, case, Kind.INVALID, Reason.INVALID_VALUE, detail)


def _hold(draft: Draft, case: Case) -> None:
    candidates = (*draft.hub_candidates(case.unit), side(draft, case))
    draft.ask(Kind.PING_PONG, case.unit.name, "", candidates, Reason.PING_PONG)
