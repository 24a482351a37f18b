"""People's answers and edits, in the same shape as a rule's: a new hub version, through the same door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from . import gone, identity
from .answer import ACTIONS, OTHER, Choice, Moved, Refused
from .diff import is_null
from .draft import Draft
from .ownership import may_clear, may_write, owner_of, problem
from .planned import Plan
from .reasons import Reason, Verdict
from .review import disagree
from .rules import Policy, Strategy, Unit
from .seen import Context
from .strategy import beats
from .types import same as equal
from .values import HUB, Candidate, Kind, Link, Question, Record, Said, Span, Values

__all__ = ["ACTIONS", "Choice", "Moved", "Refused", "edit", "resolve", "retry"]

EXTREMES = {Strategy.MAX: "highest", Strategy.MIN: "lowest"}


def resolve(
    record: Record,
    key: tuple[str, str, str, str],
    version: int,
    choice: Choice,
    actor: str,
    policy: Policy,
    context: Context,
) -> Plan:
    """Answer the question `key` that was shown at `version`.

    Raises Moved if anything in it changed since, Refused if the answer does not fit it. Linking for "same" and "apart"
    is the caller's next step: the closed question carries the action as its winner.
    """
    draft = Draft(record, policy, context)
    question = next((q for q in draft.questions if q.key == key), None)
    if question is None or question.version != version:
        raise Moved(question)
    if question.kind in ACTIONS:
        return _act(draft, question, choice, actor)
    unit = policy.unit(question.unit)
    value = _chosen(question, choice, unit)
    draft.close(question, Reason.PERSON_DECIDED, value, choice.source or HUB, actor)
    _decide(draft, unit, question, value, actor)
    gone.after_versions(draft)
    return draft.done()


def _chosen(question: Question, choice: Choice, unit: Unit) -> Values:
    if choice.value is not None:
        wrong = problem(unit, choice.value)
        if wrong:
            raise Refused(wrong)
        return {member.name: choice.value.get(member.name) for member in unit.members}
    # The newest first: a role that shares the hub's belief and now proposes another value stands there twice.
    for place, candidate in reversed([*enumerate(question.candidates)]):
        named = candidate.source == choice.source and candidate.overwritten == choice.overwritten
        if named and choice.place in (None, place):
            wrong = problem(unit, candidate.value)
            if wrong:
                raise Refused(f"this value cannot be kept in step: {wrong}")
            return candidate.value
    sources = ", ".join(sorted({c.source for c in question.candidates}))
    raise Refused(f"choose one of {sources}, or type a value")


def _decide(draft: Draft, unit: Unit, question: Question, value: Values, actor: str) -> None:
    """A new hub version; every side that holds something else is due there by it."""
    winners = {c.source for c in question.candidates if equal(dict(c.value), dict(value))}
    now = draft.context.now
    reason = Reason.PERSON_DECIDED
    saw = draft.saw(HUB, unit, None)
    said = Said(HUB, actor, now, reason, draft.policy.version)
    draft.believe(unit, value, {HUB} | winners, said, Span(now, now))
    draft.set_belief(unit, replace(draft.belief(unit), moves=()))
    draft.say(Verdict.DECIDED, reason, HUB, unit, value, saw)


def _act(draft: Draft, question: Question, choice: Choice, actor: str) -> Plan:
    actions = ACTIONS[question.kind]
    if choice.action not in actions:
        raise Refused(f"choose one of {', '.join(actions)}")
    role = question.role
    elsewhere = choice.action == "same" and choice.record not in ("", draft.record.key)
    draft.close(question, Reason.PERSON_DECIDED, None, OTHER if elsewhere else choice.action, actor)
    if choice.action == "recreate":
        gone.recreate(draft, role, Reason.PERSON_DECIDED)
    elif choice.action == "propagate":
        gone.spread(draft, role, Reason.PERSON_DECIDED)
    elif choice.action == "unlink":
        gone.unlink(draft, role, Reason.PERSON_DECIDED)
    elif choice.action == "apart" and question.kind is Kind.MERGE:
        gone.recreate(draft, role, Reason.PERSON_DECIDED)
    elif choice.action == "same" and not elsewhere:
        _same(draft, question)
    elif choice.action == "skip" and question.kind is Kind.MATCH:
        _leave_alone(draft, question)
    elif choice.action == "retry":
        _forget_refusals(draft, role)
    elif choice.action == "skip" and question.kind is Kind.CREATE:
        draft.set_link(replace(draft.link(role), unlinked=True))
    draft.say(Verdict.DECIDED, Reason.PERSON_DECIDED, HUB, detail=choice.action)
    return draft.done()


def _leave_alone(draft: Draft, question: Question) -> None:
    """The question does not return until the remote record's match keys change."""
    link, seen = draft.link(question.role), next(c for c in question.candidates if c.source == question.role)
    keys = identity.keys_digest(seen.value, draft.policy)
    draft.set_link(replace(link, skipped={**link.skipped, question.about: keys}))


def _same(draft: Draft, question: Question) -> None:
    known = draft.link(question.role)
    if known.remote_id is not None and known.gone is None and not known.unlinked:
        raise Refused(f"this record is {known.remote_id} there already: merge the two there, or keep them apart")
    draft.set_link(Link(question.role, question.about, epoch=known.epoch + 1))


def _forget_refusals(draft: Draft, role: str, unit: str = "") -> bool:
    """What was refused is due again, as another attempt: an account may answer a key that it knows as it did before."""
    link = draft.link(role)
    refused = {n: b for n, b in link.bases.items() if b.failed is not None and unit in ("", n)}
    bases = {name: replace(base, failed=None) for name, base in refused.items()}
    draft.set_link(replace(link, bases={**link.bases, **bases}, epoch=link.epoch + 1))
    return bool(refused)


def retry(record: Record, role: str, unit: str, actor: str, policy: Policy, context: Context) -> Plan:
    """A person has a refused field written once more. Raises Refused if it was not refused there."""
    draft = Draft(record, policy, context)
    if unit not in policy.by_name or not _forget_refusals(draft, role, unit):
        raise Refused(f"{role} has not refused {unit}: there is nothing to try again")
    draft.say(Verdict.RELEASED, Reason.RETRIED, role, policy.unit(unit), detail=actor)
    return draft.done()


def _before_mine(standing: Sequence[Candidate]) -> list[Candidate]:
    """What stood when a person's edit came too late. The hub is one role, but another person's value there is not mine:
    it stands as written over, unless a side that shares it speaks for it.
    """
    others = [c for c in standing if c.source != HUB]
    ours = [c for c in standing if c.source == HUB and not any(equal(dict(c.value), dict(o.value)) for o in others)]
    return [*others, *(replace(c, overwritten=True) for c in ours)]


def edit(
    record: Record, unit_name: str, value: Values, seen_v: int, actor: str, policy: Policy, context: Context
) -> Plan:
    """A person changes a field in the hub, having seen it at version `seen_v`; moved meanwhile means concurrent.

    Raises Refused when the policy forbids it, the value is not valid, or the field is in review.
    """
    draft, unit = Draft(record, policy, context), policy.unit(unit_name)
    if identity.lives_on_in(record):
        raise Refused("this record lives on in another one: edit that one")
    if draft.in_review(unit):
        raise Refused(f"{unit_name} is in review: answer its question instead")
    if not may_write(unit, record, HUB):
        raise Refused(f"{unit_name} is owned by {owner_of(unit, record)}; people may not change it in the hub")
    if is_null(value) and not may_clear(unit, record, HUB):
        raise Refused(f"{unit_name} may not be emptied in the hub")
    wrong = problem(unit, value)
    if wrong:
        raise Refused(wrong)
    full = {member.name: value.get(member.name) for member in unit.members}
    now, belief = context.now, draft.belief(unit)
    if unit.strategy in EXTREMES and beats(unit, full, belief.value, unit.strategy is Strategy.MAX) is False:
        raise Refused(f"{unit_name} keeps its {EXTREMES[unit.strategy]} value, and this one does not pass it")
    if belief.v == seen_v:
        saw = draft.saw(HUB, unit, None)
        said = Said(HUB, actor, now, Reason.HUB_EDIT, policy.version)
        draft.believe(unit, full, {HUB}, said, Span(now, now))
        draft.say(Verdict.EDITED, Reason.HUB_EDIT, HUB, unit, full, saw)
    else:
        seen = next((past for v, past in belief.past if v == seen_v), None)
        mine = Candidate(HUB, full, now, actor, Span(now, now), base=seen, k=seen_v)
        candidates = (*_before_mine(draft.hub_candidates(unit)), mine)
        disagree(draft, unit, candidates, mine, lambda why: draft.say(Verdict.CONCURRENT, why, HUB, unit, full))
    gone.after_versions(draft)
    return draft.done()
