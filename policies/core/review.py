"""Disagreements: run the strategy over all candidates; what it cannot settle becomes, or stays, a question."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from .diff import holds
from .draft import Draft
from .planned import Closed
from .reasons import Reason
from .rules import Unit
from .strategy import Ask, Decision, decide
from .types import same as equal
from .values import HUB, Candidate, Kind, Question, Said, Span, Values


def disagree(
    draft: Draft, unit: Unit, candidates: tuple[Candidate, ...], mine: Candidate, say: Callable[[Reason], None]
) -> None:
    """Settle a fresh disagreement by the strategy or ask; either way it stays on record."""
    outcome = decide(unit, draft.record, draft.belief(unit), candidates, draft.policy)
    say(outcome.reason)
    if isinstance(outcome, Ask):
        kind = Kind.OVERWRITTEN if mine.overwritten else Kind.VALUE
        draft.ask(kind, unit.name, "", candidates, outcome.reason, outcome.detail)
    else:
        conclude(draft, unit, candidates, outcome.value, outcome.winners, outcome.reason, outcome.span)


def reconsider(draft: Draft, unit: Unit, question: Question, mine: Candidate) -> None:
    """A candidate came or changed: the question takes it and the strategy is run again over the whole set."""
    kept = tuple(c for c in question.candidates if c.source != mine.source or c.overwritten or mine.overwritten)
    before = next((c for c in question.candidates if c.source == mine.source and not c.overwritten), None)
    if before is not None and before.base is not None and not mine.overwritten:
        mine = replace(mine, base=before.base, k=before.k)  # the delta is still against what was joined
    rerun(draft, unit, question, (*kept, mine))


def rerun(draft: Draft, unit: Unit, question: Question, candidates: tuple[Candidate, ...]) -> None:
    """Run the strategy over a question's candidates; a ping-pong hold waits for a person unless all agree."""
    outcome = decide(unit, draft.record, draft.belief(unit), candidates, draft.policy)
    held = question.kind is Kind.PING_PONG and outcome.reason is not Reason.CANDIDATES_AGREE
    if isinstance(outcome, Decision) and not held:
        draft.close(
            replace(question, candidates=candidates), outcome.reason, outcome.value, ",".join(sorted(outcome.winners))
        )
        conclude(draft, unit, candidates, outcome.value, outcome.winners, outcome.reason, outcome.span, record=False)
        return
    reason, detail = (outcome.reason, outcome.detail) if isinstance(outcome, Ask) else (question.reason, question.note)
    draft.ask(question.kind, unit.name, "", candidates, reason, detail)


def conclude(
    draft: Draft,
    unit: Unit,
    candidates: tuple[Candidate, ...],
    value: Values,
    winners: Iterable[str],
    reason: Reason,
    span: Span | None,
    *,
    record: bool = True,
) -> None:
    """A rule settled it. Where H stays the losing links are due or owed; else there is a new hub version."""
    belief, winners = draft.belief(unit), frozenset(winners)
    if record:
        kind = Kind.OVERWRITTEN if any(c.overwritten for c in candidates) else Kind.VALUE
        asked = Question(kind, unit.name, "", candidates, reason, draft.context.now)
        draft.closed.append(Closed(asked, reason, value, ",".join(sorted(winners))))
    if equal(dict(value), dict(belief.value)):
        _uphold(draft, unit, candidates, winners)
        return
    winner = next((c for c in candidates if c.source in winners and equal(dict(c.value), dict(value))), None)
    said = Said(
        ",".join(sorted(winners)) or HUB,
        winner.actor if winner else None,
        (winner.at if winner else None) or draft.context.now,
        reason,
        draft.policy.version,
    )
    draft.believe(unit, value, winners, said, span)


def _uphold(draft: Draft, unit: Unit, candidates: tuple[Candidate, ...], winners: frozenset[str]) -> None:
    """H stays: each side that holds something else is due (k < v) or owed (k = v)."""
    belief = draft.belief(unit)
    agreeing = frozenset(c.source for c in candidates if equal(dict(c.value), dict(belief.value)))
    if not agreeing <= belief.origins:
        draft.set_belief(unit, replace(belief, origins=belief.origins | agreeing))
    for source in sorted({c.source for c in candidates}):
        base, role = draft.base(source, unit), draft.policy.roles.get(source)
        if base is None or role is None:
            continue
        if holds(role, base.stored, belief.value):
            draft.join(source, unit)
        elif base.k == belief.v:
            draft.set_base(source, unit, replace(base, owed=True))
