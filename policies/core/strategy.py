"""Strategies: what follows from a whole set of candidates, a value or a question. Never from the order of arrival."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from .diff import same_at
from .merge import MERGES, Overlap, Unbased, is_counter, merge
from .ownership import owner_of
from .reasons import Reason
from .rules import SHARED, Policy, Strategy, Unit
from .times import certainly_later
from .types import same
from .values import HUB, Belief, Candidate, Json, Record, Span, Values


@dataclass(frozen=True, slots=True)
class Decision:
    """A value that follows from the candidates; `winners` are their sources."""

    value: Values
    winners: frozenset[str]
    reason: Reason
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A person decides."""

    reason: Reason
    detail: str = ""


Candidates = Sequence[Candidate]


def decide(unit: Unit, record: Record, belief: Belief, candidates: Candidates, policy: Policy) -> Decision | Ask:
    """Run the unit's strategy over the whole candidate set."""
    agreed = agreement(candidates, policy)
    if agreed is not None and not (unit.strategy is Strategy.MERGE and any(is_counter(m.kind) for m in unit.members)):
        return Decision(agreed.value, sources(candidates), Reason.CANDIDATES_AGREE, agreed.span)
    return _STRATEGIES[unit.strategy](unit, record, belief, candidates)


def sources(candidates: Candidates) -> frozenset[str]:
    return frozenset(c.source for c in candidates)


def agreement(candidates: Candidates, policy: Policy) -> Candidate | None:
    """The candidate that all others are the same as at their links, if there is one."""
    for one in candidates:
        if all(_same(policy, one, other) for other in candidates):
            return one
    return None


def _same(policy: Policy, one: Candidate, other: Candidate) -> bool:
    role = policy.roles.get(other.source)
    return same(one.value, other.value) if role is None else same_at(role, other.value, one.value)


def _owner_wins(unit: Unit, record: Record, belief: Belief, candidates: Candidates) -> Decision | Ask:
    owner = owner_of(unit, record)
    theirs = [c for c in candidates if c.source == owner]
    if not theirs or owner == SHARED:
        return Ask(Reason.NO_OWNER_SIDE)
    standing = [c for c in theirs if not c.overwritten] or theirs
    # what the owner's account was seen to hold is newer than what the hub believes on the owner's word
    newest = max(standing, key=lambda c: (c.base is not None, c.k, c.at.timestamp() if c.at else 0.0))
    return Decision(newest.value, frozenset({owner}), Reason.OWNER_WON, newest.span)


def _latest(unit: Unit, record: Record, belief: Belief, candidates: Candidates) -> Decision | Ask:
    for candidate in candidates:
        if candidate.span is None:
            return Ask(Reason.TIME_UNKNOWN, f"{candidate.source} told no trustworthy time")
    for one in candidates:
        rest = [c for c in candidates if not same(c.value, one.value)]
        if one.span and all(c.span and certainly_later(one.span, c.span) for c in rest):
            return Decision(one.value, frozenset({one.source}), Reason.LATER_WON, one.span)
    return Ask(Reason.TIMES_TOUCH)


def _manual(unit: Unit, record: Record, belief: Belief, candidates: Candidates) -> Decision | Ask:
    return Ask(Reason.MANUAL)


def _extreme(highest: bool) -> Callable[[Unit, Record, Belief, Candidates], Decision | Ask]:
    reason = Reason.HIGHER_WON if highest else Reason.LOWER_WON

    def pick(unit: Unit, record: Record, belief: Belief, candidates: Candidates) -> Decision | Ask:
        best = candidates[0]
        for candidate in candidates[1:]:
            order = beats(unit, candidate.value, best.value, highest)
            if order is None:
                return Ask(Reason.NOT_COMPARABLE)
            best = candidate if order else best
        return Decision(best.value, frozenset({best.source}), reason, best.span)

    return pick


def beats(unit: Unit, a: Values, b: Values, highest: bool) -> bool | None:
    """Is a beyond b? Null is below everything, for max and min alike. None: the values cannot be ordered."""
    for member in unit.members:
        x, y = a.get(member.name), b.get(member.name)
        if x == y:
            continue
        if x is None or y is None:
            return y is None
        left, right = _rank(member.kind, x), _rank(member.kind, y)
        if left is None or right is None or type(left) is not type(right):
            return None
        if left == right:
            continue
        return left > right if highest else left < right  # type: ignore[operator]
    return False


def _rank(kind: str, value: Json) -> Decimal | str | None:
    if kind in ("integer", "decimal", "counter"):
        return Decimal(str(value))
    return value if kind in ("date", "datetime", "text") and isinstance(value, str) else None


def _merge(unit: Unit, record: Record, belief: Belief, candidates: Candidates) -> Decision | Ask:
    """Fold every candidate's delta into what the hub believes, in a fixed order.

    A side that has a base has a delta, even when it arrived at the hub's very value: +2 and +2 are not +2.
    """
    value: Values = belief.value
    changed = [c for c in candidates if c.base is not None or not same(c.value, belief.value)]
    for candidate in sorted(changed, key=lambda c: (c.source, c.overwritten)):
        try:
            value = merged(unit, candidate.base, value, candidate.value, belief, candidate.k)
        except Overlap:
            return Ask(Reason.MERGE_OVERLAPS)
        except Unbased:
            return Ask(Reason.MERGE_UNBASED)
    return Decision(value, sources(candidates), Reason.MERGED)


def merged(unit: Unit, base: Values | None, hub: Values, theirs: Values, belief: Belief, k: int) -> dict[str, Json]:
    """Apply the delta base → theirs to the hub's value, member by member. Raises Overlap or Unbased."""
    if base is None:
        raise Unbased("there is nothing to compare with")
    out: dict[str, Json] = {}
    for member in unit.members:
        name = member.name
        before, mine, x = base.get(name), hub.get(name), theirs.get(name)
        if member.kind not in MERGES:
            if x != before and mine not in (before, x):
                raise Overlap(f"{name} was changed on both sides")
            out[name] = mine if x == before else x
        else:
            out[name] = merge(member.kind, before, mine, x, readded=_readded(name, belief, k))
    return out


def _readded(name: str, belief: Belief, k: int) -> frozenset[str]:
    """Elements that the hub holds again after they were gone at a version this link has not seen."""
    now = belief.value.get(name)
    if not isinstance(now, list):
        return frozenset()
    seen: set[str] = set()
    history = [(v, value.get(name)) for v, value in belief.past if v >= k] + [(belief.v, now)]
    for (_, older), (_, newer) in pairwise(history):
        before = set(older) if isinstance(older, list) else set()
        after = set(newer) if isinstance(newer, list) else set()
        seen |= after - before
    return frozenset(seen & set(now))


_STRATEGIES = {
    Strategy.OWNER_WINS: _owner_wins,
    Strategy.LATEST: _latest,
    Strategy.REVIEW: _manual,
    Strategy.MAX: _extreme(highest=True),
    Strategy.MIN: _extreme(highest=False),
    Strategy.MERGE: _merge,
}

__all__ = ["HUB", "Ask", "Decision", "agreement", "beats", "decide", "merged", "sources"]
