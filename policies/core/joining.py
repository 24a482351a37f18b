"""One record lives on in another: its links move there, what they hold is judged there as at a first meeting, and
what was only believed of it is not lost.

Two plans come of it, to be saved in one transaction, the record that ends first: a remote id is let go before it is
taken, so that it never belongs to two records.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from . import gone
from .diff import holds, is_null
from .draft import Draft
from .identity import living
from .ownership import may_write
from .planned import Closed, Plan
from .reasons import Reason, Verdict
from .review import disagree, reconsider
from .revise import first_sight
from .rules import Unit
from .table import judge
from .types import same as equal
from .values import HUB, Base, Candidate, Kind, Link, Question, Record, Said, Values

LINK_QUESTIONS = frozenset({Kind.MATCH, Kind.CREATE, Kind.DELETE})


def busy(*records: Record) -> bool:
    """Is a write in flight at one of their links? It is settled first: its answer is for the record that sent it."""
    return any(link.sending is not None for record in records for link in record.links.values())


def both_linked(ending: Record, other: Record) -> tuple[str, ...]:
    """The roles at which both have a record of their own, so that only one could be kept."""
    theirs = other.links
    return tuple(
        role
        for role, link in ending.links.items()
        if living(link) and role in theirs and (living(theirs[role]) or theirs[role].unlinked)
    )


def live_on(draft: Draft, into: Record, role: str = "", at_account: Base | None = None) -> tuple[Plan, Plan]:
    """`draft`'s record ends in `into`, as far as no role is linked to both.

    `role` is where an account merged the two, if one did: what it showed of the record that ended was decided there.
    """
    target = Draft(into, draft.policy, draft.context)
    stays = both_linked(draft.done().state, into)
    moved = [link for name, link in draft.links.items() if living(link) and not link.doomed and name not in stays]
    for link in moved:
        _move(draft, target, link)
    if role:
        draft.set_link(replace(draft.link(role), into=into.key))
    if not any(living(link) for link in draft.links.values()):
        _carry_beliefs(draft, target, role, moved)
        _end(draft, into.key)
    for link in moved:
        _judge_there(target, link, draft.record.key)
    target.say(Verdict.MERGED, Reason.TOOK_OVER, role, detail=draft.record.key)
    gone.after_versions(target)
    ask_about(draft, into, stays)
    return draft.done(), target.done()


def ask_about(draft: Draft, into: Record, roles: Iterable[str]) -> None:
    """Where both records have one of their own, no machine can say which is to go."""
    for name in roles:
        mine, theirs = draft.link(name), into.links[name]
        seen = Candidate(name, _held(theirs), draft.context.now)  # of the one that `about` names
        note = f"records {mine.remote_id} and {theirs.remote_id}"
        about = theirs.remote_id or ""
        draft.ask(Kind.MATCH, "", name, (seen, Candidate(into.key, {})), Reason.SECOND_MATCH, note, about)
        draft.say(Verdict.HELD, Reason.SECOND_MATCH, name, detail=note)


def _held(link: Link) -> Values:
    return {name: value for base in link.bases.values() for name, value in base.meant.items()}


def _move(draft: Draft, target: Draft, link: Link) -> None:
    """A tombstone stays that says where the link went; there it begins with empty bases."""
    old = target.link(link.role)
    for question in target.questions:
        if question.role == link.role and question.kind in LINK_QUESTIONS:
            target.close(question, Reason.CAME_WITH)
    epoch = max(old.epoch, link.epoch) + 1
    skipped = {**old.skipped, **link.skipped}
    target.set_link(replace(link, digest="", bases={}, windows=(), epoch=epoch, skipped=skipped, singly=False))
    draft.set_link(Link(link.role, epoch=link.epoch + 1, gone=draft.context.now, into=target.record.key))


def _judge_there(target: Draft, link: Link, key: str) -> None:
    target.say(Verdict.LINKED, Reason.CAME_WITH, link.role, detail=key)
    for unit in target.policy.units:
        base = link.bases.get(unit.name)
        if base is not None and base.stored:
            judge(target, first_sight(target, unit, link.role, base))


def _end(draft: Draft, into: str) -> None:
    """Nothing is left of it but what it was: its questions end, and every tombstone says where it lives on."""
    for question in draft.questions:
        draft.close(question, Reason.LIVES_ON)
    for link in list(draft.links.values()):
        nowhere = link.remote_id is None and not link.unlinked
        gone = link.gone or (draft.context.now if nowhere else None)
        draft.set_link(replace(link, gone=gone, into=into))
    draft.say(Verdict.DECIDED, Reason.LIVES_ON, "", detail=into)


def _carry_beliefs(draft: Draft, target: Draft, role: str, moved: Sequence[Link]) -> None:
    """What was believed of the record that ends, or asked about it, and what no moved link tells that may."""
    for unit in draft.policy.units:
        heard = [x for x in moved if unit.name in x.bases and may_write(unit, target.record, x.role)]
        for one in _loose(draft, unit):
            told = any(_means(link.bases[unit.name], one.value) for link in heard)
            if not told and not is_null(one.value) and not equal(dict(one.value), dict(target.belief(unit).value)):
                _carry(draft, target, unit, one, role)


def _means(base: Base, value: Values) -> bool:
    return equal(dict(base.meant), dict(value))


def _loose(draft: Draft, unit: Unit) -> list[Candidate]:
    """One for each value, the newest last."""
    belief, found = draft.belief(unit), list(draft.hub_candidates(unit)[:1])
    if not found and not is_null(belief.value):
        found.append(Candidate(HUB, belief.value))
    question = draft.question(unit.name)
    for one in question.candidates if question is not None else ():
        if not any(equal(dict(one.value), dict(other.value)) for other in found):
            found.append(one)
    return found


def _carry(draft: Draft, target: Draft, unit: Unit, one: Candidate, role: str) -> None:
    """An empty side is filled; what an account had before it when it merged the two was decided there; anything else
    is one more side of a disagreement.
    """
    question, belief = target.question(unit.name), target.belief(unit)
    mine = replace(one, base=None, k=0, overwritten=True, frozen=True)
    if question is not None:
        reconsider(target, unit, question, mine)
    elif is_null(belief.value):
        at, actor = one.at or draft.context.now, one.actor
        said = Said(one.source, actor, at, Reason.BROUGHT, draft.policy.version, draft.record.key)
        target.believe(unit, one.value, {one.source}, said, one.span)
        target.say(Verdict.ADOPT, Reason.BROUGHT, one.source, unit, one.value)
    elif _shown(draft, unit, one, role):
        both = (*target.hub_candidates(unit), mine)
        asked = Question(Kind.VALUE, unit.name, "", both, Reason.MERGED_AWAY, draft.context.now)
        target.closed.append(Closed(asked, Reason.MERGED_AWAY, belief.value, role))
        target.say(Verdict.SUPERSEDED, Reason.MERGED_AWAY, role, unit, one.value)
    else:
        candidates = (*target.hub_candidates(unit), mine)
        disagree(target, unit, candidates, mine, lambda why: target.say(Verdict.CONCURRENT, why, one.source, unit))


def _shown(draft: Draft, unit: Unit, one: Candidate, role: str) -> bool:
    """Did the account that merged the two hold this very value, so that whoever merged them saw it?"""
    base = draft.base(role, unit) if role else None
    return base is not None and holds(draft.policy.roles[role], base.stored, one.value)
