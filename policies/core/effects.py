"""What each row of the table does to the working copy."""

from __future__ import annotations

from dataclasses import replace

from . import windows
from .case import Case, said, say, see, side
from .diff import holds, is_null, same_at
from .draft import Draft
from .merge import Overlap, Unbased
from .ownership import may_write, owner_of, reads
from .reasons import Reason, Verdict
from .review import conclude, disagree, reconsider
from .rules import Strategy
from .safety import ping_pong, trim_moves
from .strategy import beats, merged
from .types import same as equal
from .values import Base, Kind, Question, Values


def unchanged(draft: Draft, case: Case) -> None:
    draft.unchanged += 1
    if case.base is not None and case.base.seen_at is not None:
        draft.set_base(case.role.name, case.unit, replace(case.base, seen_at=None))


def echo(draft: Draft, case: Case) -> None:
    """The write in flight shows: that field of the push is confirmed."""
    assert case.sent is not None
    say(draft, case, Verdict.ECHO, Reason.ECHO)
    confirm_unit(draft, case, case.sent, case.sent_v)
    link = draft.link(case.role.name)
    if link.sending is not None:
        values = {name: value for name, value in link.sending.values.items() if name != case.unit.name}
        rest = replace(link.sending, values=values) if values else None
        kept = windows.after_echo(link, link.sending, case.observation, case.unit, case.base)
        draft.set_link(replace(link, sending=rest, epoch=link.epoch + (rest is None), windows=kept))


def confirm_unit(draft: Draft, case: Case, sent: Values, version: int) -> None:
    """`stored` is what was read, `meant` what was sent, `k` the hub version that was sent."""
    role, unit, belief = case.role.name, case.unit, draft.belief(case.unit)
    base = draft.base(role, unit)
    stored = {**(base.stored if base else {}), **case.x}
    draft.set_base(role, unit, Base(stored, dict(sent), version))
    if version != belief.v and holds(case.role, stored, belief.value):
        draft.join(role, unit)


def agree(draft: Draft, case: Case) -> None:
    role, unit = case.role.name, case.unit
    say(draft, case, Verdict.AGREE, Reason.AGREED)
    see(draft, case)
    question = draft.question(unit.name) if case.in_review else None
    if question is not None and _is_side(draft, case, question):
        reconsider(draft, unit, question, side(draft, case))
        return
    belief = draft.belief(unit)
    if role not in belief.origins and not is_null(belief.value):
        draft.set_belief(unit, replace(belief, origins=belief.origins | {role}))
    draft.join(role, unit)


def _is_side(draft: Draft, case: Case, question: Question) -> bool:
    """An outsider that repeats the hub's value lends no side its time; one that was a side takes its old value back."""
    if may_write(case.unit, draft.record, case.role.name):
        return True
    mine = [c for c in question.candidates if c.source == case.role.name and not c.overwritten]
    return any(not equal(dict(c.value), dict(case.lifted)) for c in mine)


def past_version(case: Case) -> int | None:
    """The hub version after `k` and before `v` whose value the account holds now."""
    assert case.base is not None
    for version, value in case.belief.past:
        if case.base.k < version < case.belief.v and same_at(case.role, case.lifted, value):
            return version
    return None


def agree_past(draft: Draft, case: Case) -> None:
    say(draft, case, Verdict.AGREE_PAST, Reason.AGREED_PAST)
    version = past_version(case)
    assert version is not None
    see(draft, case, k=version)
    draft.withdraw(case.unit, case.role.name)


def fill(draft: Draft, case: Case) -> None:
    """A side that holds nothing disputes nothing: what the hub believes is due there."""
    say(draft, case, Verdict.EMPTY, Reason.EMPTY_SIDE)
    see(draft, case, k=0 if reads(case.unit, draft.policy, case.role.name) else draft.belief(case.unit).v)


def candidate(draft: Draft, case: Case) -> None:
    question = draft.question(case.unit.name)
    assert question is not None
    say(draft, case, Verdict.CANDIDATE, question.reason)
    mine = side(draft, case)
    see(draft, case, drift=False)
    draft.withdraw(case.unit, case.role.name)
    reconsider(draft, case.unit, question, mine)


def adopt(draft: Draft, case: Case) -> None:
    """The account held what the hub believes (or the hub believed nothing): its change is taken over."""
    unit, role = case.unit, case.role.name
    draft.withdraw(unit, role)
    if case.base is not None and _passes_not(case):
        won = Reason.HIGHER_WON if unit.strategy is Strategy.MAX else Reason.LOWER_WON
        say(draft, case, Verdict.ADOPT, won)
        see(draft, case, owed=True)
        return
    value: Values = case.lifted
    if unit.strategy is Strategy.MERGE and case.base is not None:
        try:
            value = merged(unit, case.base.meant, case.belief.value, case.lifted, case.belief, case.base.k)
        except (Overlap, Unbased):
            value = case.lifted  # nothing to compare with while k = v: the change stands as it is
    reason = Reason.ADOPTED if case.belief.origins else Reason.FIRST_SEEN
    say(draft, case, Verdict.ADOPT, reason)
    mine = side(draft, case)
    see(draft, case, owed=False, drift=False)
    if _went_too_often(draft, case):
        draft.ask(Kind.PING_PONG, unit.name, "", (*draft.hub_candidates(unit), mine), Reason.PING_PONG)
        return
    origins = {role} if value is case.lifted or equal(dict(value), dict(case.lifted)) else {role, *case.belief.origins}
    draft.believe(unit, value, origins, said(draft, case, reason), mine.span)


def _passes_not(case: Case) -> bool:
    """Under max and min: what the hub believes stands above, or below, what was read."""
    unit = case.unit
    if unit.strategy not in (Strategy.MAX, Strategy.MIN):
        return False
    return beats(unit, case.lifted, case.belief.value, unit.strategy is Strategy.MAX) is False


def first_link(draft: Draft, case: Case) -> None:
    """Two sides that differ are joined for the first time: the rule chosen for the field decides."""
    chosen = case.unit.first_link
    mine, theirs = side(draft, case), draft.hub_candidates(case.unit)
    say(draft, case, Verdict.CONCURRENT, Reason.FIRST_LINK_RULE if chosen != "ask" else Reason.FIRST_LINK_ASKS)
    see(draft, case, k=0)
    winner = owner_of(case.unit, draft.record) if chosen == "owner" else chosen
    if winner == case.role.name:
        conclude(draft, case.unit, (*theirs, mine), mine.value, {winner}, Reason.FIRST_LINK_RULE, mine.span)
    elif winner in case.belief.origins:
        conclude(
            draft, case.unit, (*theirs, mine), case.belief.value, {winner}, Reason.FIRST_LINK_RULE, case.belief.span
        )
    else:
        draft.ask(Kind.VALUE, case.unit.name, "", (*theirs, mine), Reason.FIRST_LINK_ASKS)


def concurrent(draft: Draft, case: Case) -> None:
    """Neither side saw the other's change: the strategy decides over all candidates, or a person does."""
    mine = side(draft, case)
    candidates = (*draft.hub_candidates(case.unit), mine)
    see(draft, case, k=_joined(draft, case), drift=False)
    draft.withdraw(case.unit, case.role.name)
    disagree(draft, case.unit, candidates, mine, lambda reason: say(draft, case, Verdict.CONCURRENT, reason))


def _joined(draft: Draft, case: Case) -> int:
    """A side that the hub never writes to cannot catch up: being judged is its joining. Deltas still need their k."""
    if case.unit.strategy is Strategy.MERGE or reads(case.unit, draft.policy, case.role.name):
        return case.base.k if case.base else 0
    return case.belief.v


def _went_too_often(draft: Draft, case: Case) -> bool:
    """Would this change of hands be one too many within the window?"""
    if not case.belief.origins or case.role.name in case.belief.origins:
        return False
    now, guards = draft.context.now, draft.policy.guards
    return ping_pong(trim_moves((*case.belief.moves, now), now, guards), now, guards)
