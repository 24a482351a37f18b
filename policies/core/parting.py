"""What people do to the identity of records by themselves: unlink, link again, split, join, look again at what was
skipped. Each raises Refused, in words, where it cannot be done.
"""

from __future__ import annotations

from dataclasses import replace

from . import gone
from .answer import Refused
from .apart import keep_apart
from .draft import Draft
from .identity import lives_on_in, living
from .joining import both_linked, busy, live_on
from .planned import Plan
from .reasons import Reason, Verdict
from .revise import first_sight
from .rules import Policy
from .seen import Context
from .table import judge
from .values import Link, Record


def unlink(record: Record, role: str, actor: str, policy: Policy, context: Context) -> Plan:
    """The record stays where it is and is no longer kept in step there; nothing is made in its place."""
    draft = Draft(record, policy, context)
    _living(draft, role)
    _end_questions(draft, role)
    draft.set_link(replace(draft.link(role), unlinked=True, doomed=False))
    draft.say(Verdict.DECIDED, Reason.UNLINKED, role, by=actor)
    return draft.done()


def relink(record: Record, role: str, actor: str, policy: Policy, context: Context) -> Plan:
    """Kept in step there again: what it holds now is judged at the next look; a record that is gone is made again."""
    draft, link = Draft(record, policy, context), record.links.get(role)
    if link is None or not link.unlinked:
        raise Refused(f"it is not unlinked at {role}")
    if link.into:
        raise Refused("it lives on in another record: link that one")
    if link.gone is not None or link.remote_id is None:
        gone.close_delete(draft, role, Reason.LINKED_AGAIN)
        draft.set_link(Link(role, epoch=link.epoch + 1))
    else:
        draft.set_link(replace(link, unlinked=False, digest=""))
        gone.mark_candidates(draft, role, frozen=False)
    draft.say(Verdict.DECIDED, Reason.LINKED_AGAIN, role, by=actor)
    return draft.done()


def resume(record: Record, role: str, actor: str, policy: Policy, context: Context) -> Plan:
    """The tombstone of a merge that was unlinked stands as before the answer: the merge is asked about again."""
    draft, link = Draft(record, policy, context), record.links.get(role)
    if link is None or not link.unlinked or link.gone is None:
        raise Refused(f"it is not unlinked at {role} any more")
    draft.set_link(replace(link, unlinked=False))
    draft.say(Verdict.DECIDED, Reason.LINKED_AGAIN, role, by=actor)
    return draft.done()


def split(record: Record, role: str, key: str, actor: str, policy: Policy, context: Context) -> tuple[Plan, Plan]:
    """The remote record becomes a record of its own, named `key`, that begins with what it was last seen to hold.

    The two are kept apart from then on. Plans in the order in which they are to be saved.
    """
    draft = Draft(record, policy, context)
    link = _living(draft, role)
    if not any(living(other) for other in draft.links.values() if other.role != role):
        raise Refused(f"it is kept at {role} only, so there is nothing to split it from")
    _end_questions(draft, role)
    draft.set_link(Link(role, epoch=link.epoch + 1))
    draft.say(Verdict.DECIDED, Reason.SPLIT_OFF, role, detail=key, by=actor)
    left = draft.done()
    new = Draft(Record(key, creator=role), policy, context)
    new.set_link(replace(link, digest="", bases={}, windows=(), skipped={}, singly=False))
    new.say(Verdict.LINKED, Reason.SPLIT_FROM, role, detail=record.key, by=actor)
    for unit in policy.units:
        base = link.bases.get(unit.name)
        if base is not None and base.stored:
            judge(new, first_sight(new, unit, role, base))
    made = new.done()
    return left, replace(made, state=keep_apart(made.state, [left.state], policy))


def join(ending: Record, into: Record, actor: str, policy: Policy, context: Context) -> tuple[Plan, Plan]:
    """A person says that two records are one: `ending` lives on in `into`."""
    if lives_on_in(ending) or lives_on_in(into):
        raise Refused("one of the two lives on in another record already")
    if roles := both_linked(ending, into):
        raise Refused(f"both have a record of their own at {' and '.join(roles)}: merge the two there first")
    if busy(ending, into):
        raise Refused("a write to one of the two is under way; try again in a moment")
    draft = Draft(ending, policy, context)
    draft.say(Verdict.DECIDED, Reason.JOINED, "", detail=into.key, by=actor)
    return live_on(draft, into)


def part(record: Record, other: Record, actor: str, policy: Policy, context: Context) -> Plan:
    """A person says that two records which share a match key are two."""
    draft = Draft(record, policy, context)
    draft.say(Verdict.DECIDED, Reason.KEPT_APART, "", detail=other.key, by=actor)
    made = draft.done()
    return replace(made, state=keep_apart(made.state, [other], policy))


def look_again(record: Record, role: str, remote_id: str, actor: str, policy: Policy, context: Context) -> Plan:
    """What was skipped is asked about again when it is next seen."""
    draft, link = Draft(record, policy, context), record.links.get(role)
    if link is None or remote_id not in link.skipped:
        raise Refused("it is not skipped any more")
    draft.set_link(replace(link, skipped={one: keys for one, keys in link.skipped.items() if one != remote_id}))
    draft.say(Verdict.RELEASED, Reason.LOOKED_AGAIN, role, detail=remote_id, by=actor)
    return draft.done()


def _living(draft: Draft, role: str) -> Link:
    link = draft.links.get(role)
    if link is None or not living(link):
        raise Refused(f"it has no record at {role} that is kept in step")
    if link.sending is not None:
        raise Refused(f"a write to {role} is under way; try again in a moment")
    return link


def _end_questions(draft: Draft, role: str) -> None:
    """What was asked about the link ends with it; what it said in other questions stays, marked."""
    for question in draft.questions:
        if question.role == role:
            draft.close(question, Reason.LINK_ENDED)
    gone.mark_candidates(draft, role, frozen=True)
