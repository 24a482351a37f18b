"""Row 2: an event that carries values may show an edit that our own write went over, between the look and the write."""

from __future__ import annotations

from collections.abc import Sequence

from . import windows
from .diff import is_null, lift, same_at, told
from .draft import Draft
from .ownership import may_clear, may_write, problem
from .planned import Plan
from .reasons import Reason, Verdict
from .review import disagree, reconsider
from .rules import Policy, Role, Unit
from .seen import Context, Observation
from .times import change_span
from .types import same as equal
from .values import Base, Candidate, Link, Record, Values, Window


def judge_event(draft: Draft, observation: Observation, link: Link) -> Plan:
    """Events serve this test only; whatever they say otherwise, the record is looked at."""
    if link.sending is not None:
        return draft.done(look_again=True, wait=True)
    role = draft.policy.roles[observation.role]
    for window in link.windows:
        if not observation.ours and windows.within(window, observation, role, draft.context):
            for unit in draft.policy.units:
                if unit.name in window.sent:
                    _judge_unit(draft, observation, role, unit, window, link)
    return draft.done(look_again=True)


def late(living: Record, link: Link, observation: Observation, policy: Policy, context: Context) -> Plan:
    """The record of this link lives on in another one: what an event shows of its past is a side there."""
    return judge_event(Draft(living, policy, context), observation, link)


def _judge_unit(draft: Draft, observation: Observation, role: Role, unit: Unit, window: Window, link: Link) -> None:
    x, before = told(unit, observation.fields), window.before.get(unit.name)
    if not x or (before is not None and same_at(role, x, before.stored)):
        return
    # By version only this very write could be taken for the edit; by time, any of ours could.
    ours = (window,) if windows.versioned(window, observation, role) else link.windows
    if any(same_at(role, x, sent) for past in ours if (sent := past.sent.get(unit.name))):
        return
    saw = draft.saw(role.name, unit, observation)
    lifted = _with_ours(lift(unit, role, x, before), x, [past.sent.get(unit.name, {}) for past in ours], before, role)
    allowed = may_clear if is_null(lifted) else may_write
    wrong = problem(unit, lifted)
    if wrong or not allowed(unit, draft.record, role.name):
        reason = Reason.INVALID_VALUE if wrong else Reason.OVERWRITTEN_BY_OUTSIDER
        draft.say(Verdict.OVERWRITTEN, reason, role.name, unit, x, saw, wrong or "")
        return
    draft.say(Verdict.OVERWRITTEN, Reason.OVERWRITTEN_EDIT, role.name, unit, x, saw)
    span = change_span(observation, link, before, role, draft.policy, draft.context)
    at = observation.updated_at or observation.received_at
    meant, k = (before.meant, before.k) if before is not None else (None, 0)
    mine = Candidate(role.name, lifted, at, observation.actor, span, observation.version, meant, k, overwritten=True)
    question = draft.question(unit.name)
    if question is None:
        disagree(draft, unit, (*draft.hub_candidates(unit), mine), mine, lambda reason: None)
    elif not any(_same_edit(known, mine) for known in question.candidates):
        reconsider(draft, unit, question, mine)


def _with_ours(lifted: Values, x: Values, sent: Sequence[Values], before: Base | None, role: Role) -> Values:
    """A member of a bundle that shows what a write of ours was stored as stands for what was written."""
    known = before.stored if before is not None else {}
    new = [name for name in x if name not in known or not same_at(role, {name: x[name]}, known)]
    written = {
        name: values[name]
        for values in reversed(sent)
        for name in new
        if name in values and same_at(role, {name: x[name]}, values)
    }
    return {**lifted, **written}


def _same_edit(known: Candidate, mine: Candidate) -> bool:
    """Delivered again: the times that the hub knows about it may have moved, the edit has not."""
    told = (known.source, known.overwritten, known.version)
    return told == (mine.source, mine.overwritten, mine.version) and equal(dict(known.value), dict(mine.value))
