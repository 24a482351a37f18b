"""What follows when a record is deleted at one account, leaves the part of it that is kept in step, or comes back."""

from __future__ import annotations

from dataclasses import replace

from .diff import holds, is_null, same_at, told
from .draft import Draft
from .ownership import reads
from .planned import Plan
from .reasons import Reason, Verdict
from .rules import OnDelete
from .seen import Observation
from .values import Base, Candidate, Kind, Link
from .windows import after_delete


def deleted(draft: Draft, observation: Observation, link: Link) -> Plan:
    """Row 4: leave a tombstone, then do as the policy says; by default an edit beats a delete, and a delete asks."""
    role = observation.role
    if link.gone is not None:
        return draft.done()
    draft.say(Verdict.DELETED, Reason.DELETED_THERE, role)
    ours, kept = link.doomed, after_delete(draft.policy, link, observation)
    buried = replace(link, gone=observation.read_at, read_at=observation.read_at, sending=None, doomed=False)
    draft.set_link(replace(buried, digest="", windows=kept))
    mark_candidates(draft, role, frozen=True)
    if ours:
        return draft.done()
    how = draft.policy.on_delete
    busy = bool(draft.questions) or any(x.sending and x.sending.create for x in draft.links.values())
    if busy:
        _ask_delete(draft, role, Reason.DELETE_MEETS_QUESTION, _open(draft))
    elif how is OnDelete.ASK and _behind(draft, role):
        recreate(draft, role, Reason.EDIT_BEATS_DELETE)
    elif how in (OnDelete.ASK, OnDelete.REVIEW):
        _ask_delete(draft, role, Reason.DELETE_ASKS)
    elif how is OnDelete.PROPAGATE:
        spread(draft, role, Reason.DELETE_SPREADS)
    elif how is OnDelete.UNLINK:
        unlink(draft, role, Reason.DELETE_UNLINKS)
    else:
        recreate(draft, role, Reason.DELETE_RECREATES)
    return draft.done()


def _behind(draft: Draft, role: str) -> bool:
    """Was something changed elsewhere that this account had not seen when it deleted? Out of scope it sees nothing."""
    if draft.link(role).asleep:
        return False
    for unit in draft.policy.units:
        base = draft.base(role, unit)
        if reads(unit, draft.policy, role) and (base.k if base else 0) < draft.belief(unit).v:
            return True
    return False


def _ask_delete(draft: Draft, role: str, reason: Reason, note: str = "") -> None:
    draft.ask(Kind.DELETE, "", role, (Candidate(role, {}, draft.context.now),), reason, note)


def _open(draft: Draft) -> str:
    """What the delete meets, by name: the questions that are open and the creates that are under way."""
    asked = [q.unit or f"{q.kind} at {q.role}" for q in draft.questions]
    made = [f"create at {link.role}" for link in draft.links.values() if link.sending and link.sending.create]
    return ", ".join((*asked, *made))


def close_delete(draft: Draft, role: str, reason: Reason) -> None:
    for question in draft.questions:
        if question.kind in (Kind.DELETE, Kind.MERGE) and question.role == role:
            draft.close(question, reason)


def after_versions(draft: Draft) -> None:
    """A change that came after a delete which still waits for a person: the edit beats it, where that role reads."""
    if draft.policy.on_delete is not OnDelete.ASK or draft.version == draft.record.version:
        return
    for question in draft.questions:
        if question.kind is Kind.DELETE and _behind(draft, question.role):
            recreate(draft, question.role, Reason.EDIT_BEATS_DELETE)
    if any(link.doomed for link in draft.links.values()):
        _call_off(draft)


def _call_off(draft: Draft) -> None:
    """Whoever had it deleted everywhere did not know of this change: where it is deleted already it is made again."""
    for link in list(draft.links.values()):
        if link.doomed:
            draft.set_link(replace(link, doomed=False))
        elif link.gone is not None and not link.unlinked and not link.into:
            recreate(draft, link.role, Reason.EDIT_BEATS_DELETE)


def recreate(draft: Draft, role: str, reason: Reason) -> None:
    """The record is made again there: an empty link, and a new attempt epoch for its idempotency key.

    It remembers when the delete was seen: reads that were begun before show a record that is no more. And it remembers
    our writes, for a late event may come when the account has taken the very same record out of its bin.
    """
    close_delete(draft, role, reason)
    old = draft.link(role)
    kept = tuple(window for window in old.windows if not window.deleted)
    was = old.remote_id or old.was
    draft.set_link(Link(role, read_at=old.read_at, windows=kept, was=was if kept else "", epoch=old.epoch + 1))
    draft.say(Verdict.DECIDED, reason, role)


def spread(draft: Draft, role: str, reason: Reason) -> None:
    """The delete is due at every other account that takes the record: what sleeps there is not the hub's to delete."""
    close_delete(draft, role, reason)
    for other in list(draft.links.values()):
        there = other.remote_id is not None and other.gone is None
        if other.role != role and there and not (other.unlinked or other.asleep):
            draft.set_link(replace(other, doomed=True))
    draft.say(Verdict.DECIDED, reason, role)


def unlink(draft: Draft, role: str, reason: Reason) -> None:
    """The record is no longer kept in step there; its tombstone blocks create."""
    close_delete(draft, role, reason)
    draft.set_link(replace(draft.link(role), unlinked=True, sending=None))
    draft.say(Verdict.DECIDED, reason, role)


def revive(draft: Draft, observation: Observation, link: Link) -> None:
    """An id that comes back revives its tombstone; a record back in scope wakes its link.

    A record that lived on in another one lives by itself again; the links that went there stay there. So do the
    questions that were open then: what differs from what is believed is judged as if it were seen for the first time.
    """
    if link.into:
        for other in list(draft.links.values()):
            if other.into and other.remote_id is None:
                draft.set_link(Link(other.role, epoch=other.epoch, unlinked=other.unlinked))
        link = replace(link, bases=_undisputed(draft, link))
    draft.set_link(replace(link, gone=None, asleep=False, into=""))
    _settle_last(draft, observation, link)
    close_delete(draft, link.role, Reason.CAME_BACK)
    mark_candidates(draft, link.role, frozen=False)
    draft.say(Verdict.REVIVED, Reason.CAME_BACK if link.gone is not None else Reason.BACK_IN_SCOPE, observation.role)


def _undisputed(draft: Draft, link: Link) -> dict[str, Base]:
    role, by_name = draft.policy.roles[link.role], draft.policy.by_name
    return {
        name: base
        for name, base in link.bases.items()
        if name not in by_name or holds(role, base.stored, draft.belief(by_name[name]).value)
    }


def _settle_last(draft: Draft, observation: Observation, link: Link) -> None:
    """A write of ours was under way when the record was deleted; it landed, and came back with it: nobody's change."""
    last = link.windows[-1] if link.windows and link.windows[-1].deleted else None
    role = draft.policy.roles[link.role]
    for unit in draft.policy.units:
        sent, base = last.sent.get(unit.name) if last is not None else None, draft.base(role.name, unit)
        x = told(unit, observation.fields)
        if sent is None or base is None or is_null(sent) or not same_at(role, x, sent) or same_at(role, x, base.stored):
            continue
        stored, belief = {**base.stored, **x}, draft.belief(unit)
        draft.say(Verdict.LANDED, Reason.LANDED, role.name, unit, x, draft.saw(role.name, unit, observation))
        draft.set_base(role.name, unit, Base(stored, dict(sent), base.k, owed=not holds(role, stored, belief.value)))
        if holds(role, stored, belief.value):
            draft.join(role.name, unit)


def fall_asleep(draft: Draft, role: str) -> None:
    """Out of scope is not deleted: the link keeps what it holds and rests until the record is back in scope.

    A delete that was due there is called off: nobody expects one when the record is back, perhaps months later.
    """
    link = draft.link(role)
    if link.asleep:
        return
    draft.set_link(replace(link, asleep=True, doomed=False))
    mark_candidates(draft, role, frozen=True)
    draft.say(Verdict.ASLEEP, Reason.OUT_OF_SCOPE, role)


def mark_candidates(draft: Draft, role: str, *, frozen: bool) -> None:
    """A candidate whose link is deleted or out of scope stays, marked; the mark goes when the record is back."""
    for question in draft.questions:
        if question.unit and any(c.source == role and c.frozen is not frozen for c in question.candidates):
            marked = tuple(replace(c, frozen=frozen) if c.source == role else c for c in question.candidates)
            draft.ask(
                question.kind, question.unit, question.role, marked, question.reason, question.note, question.about
            )
