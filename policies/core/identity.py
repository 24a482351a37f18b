"""Which record a remote record is, and what follows when one is deleted, comes back or matches twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .diff import is_null
from .draft import Draft
from .ownership import reads
from .planned import Plan
from .reasons import Reason, Verdict
from .rules import OnDelete, Policy
from .seen import Context, Observation
from .types import is_invalid
from .values import Candidate, Json, Kind, Link, Record, Values


def match_values(fields: Values, policy: Policy) -> list[tuple[int, tuple[Json, ...]]]:
    """(rank, values) of every match key that is complete and valid; exact after normalisation, never fuzzy."""
    found = []
    for rank, names in enumerate(policy.match_keys):
        values = tuple(fields.get(name) for name in names)
        if all(value is not None and value != "" and not is_invalid(value) for value in values):
            found.append((rank, values))
    return found


def place(observation: Observation, matches: Sequence[Record], policy: Policy, context: Context, key: str) -> Plan:
    """Link an unlinked observation: one match links, none makes a record (named `key`), several ask a person.

    The plan's `wait` says that a create of this very record is in flight; its state holds the link otherwise, unless a
    question was asked. The observation is then judged against that state as any other.
    """
    role = observation.role
    if not matches:
        record = Record(key, creator=role, links={role: Link(role, observation.remote_id)})
        return _linked(record, observation, policy, context, Reason.NEW_RECORD, "")
    draft = Draft(matches[0], policy, context)
    known = matches[0].links.get(role)
    if any((link := r.links.get(role)) and link.sending and link.sending.create for r in matches):
        draft.say(Verdict.WAITS, Reason.PUSH_IN_FLIGHT, role)
        return draft.done(wait=True)
    if len(matches) > 1:
        return _ask_which(draft, observation, Reason.AMBIGUOUS, matches)
    if known is None or (known.remote_id is None and not known.unlinked) or known.gone is not None:
        epoch = known.epoch if known else 0
        _close_delete(draft, role, Reason.CAME_BACK)
        draft.set_link(Link(role, observation.remote_id, epoch=epoch))
        linked = draft.done()
        return _linked(
            linked.state, observation, policy, context, Reason.MATCHED, _key_names(observation, policy), linked
        )
    return _ask_which(draft, observation, Reason.SECOND_MATCH, matches)


def _linked(
    record: Record,
    observation: Observation,
    policy: Policy,
    context: Context,
    reason: Reason,
    detail: str,
    before: Plan | None = None,
) -> Plan:
    draft = Draft(record, policy, context)
    if before is not None:
        draft.closed = list(before.closed)
    draft.say(Verdict.LINKED, reason, observation.role, detail=detail)
    return draft.done()


def _key_names(observation: Observation, policy: Policy) -> str:
    ranks = [rank for rank, _ in match_values(observation.fields, policy)]
    return ", ".join(policy.match_keys[ranks[0]]) if ranks else ""


def _ask_which(draft: Draft, observation: Observation, reason: Reason, matches: Sequence[Record]) -> Plan:
    others = tuple(Candidate(record.key, {}) for record in matches)
    seen = Candidate(observation.role, dict(observation.fields), observation.updated_at, observation.actor)
    note = f"{observation.role} record {observation.remote_id}"
    before = draft.questions
    draft.ask(Kind.MATCH, "", observation.role, (seen, *others), reason, note, observation.remote_id)
    if draft.questions is not before:
        draft.say(Verdict.HELD, reason, observation.role, detail=note)
    return draft.done()


def deleted(draft: Draft, observation: Observation, link: Link) -> Plan:
    """Row 4: leave a tombstone, then do as the policy says; by default an edit beats a delete, and a delete asks."""
    role = observation.role
    if link.gone is not None:
        return draft.done()
    draft.say(Verdict.DELETED, Reason.DELETED_THERE, role)
    ours = link.doomed
    draft.set_link(
        replace(link, gone=observation.read_at, read_at=observation.read_at, sending=None, doomed=False, digest="")
    )
    _freeze_candidates(draft, role)
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
    """Was something changed elsewhere that this account had not seen when it deleted?"""
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


def _close_delete(draft: Draft, role: str, reason: Reason) -> None:
    for question in draft.questions:
        if question.kind is Kind.DELETE and question.role == role:
            draft.close(question, reason)


def after_versions(draft: Draft) -> None:
    """A change that came after a delete which still waits for a person: the edit beats it, where that role reads."""
    if draft.policy.on_delete is not OnDelete.ASK or draft.version == draft.record.version:
        return
    for question in draft.questions:
        if question.kind is Kind.DELETE and _behind(draft, question.role):
            recreate(draft, question.role, Reason.EDIT_BEATS_DELETE)


def recreate(draft: Draft, role: str, reason: Reason) -> None:
    """The record is made again there: an empty link, and a new attempt epoch for its idempotency key."""
    _close_delete(draft, role, reason)
    draft.set_link(Link(role, epoch=draft.link(role).epoch + 1))
    draft.say(Verdict.DECIDED, reason, role)


def spread(draft: Draft, role: str, reason: Reason) -> None:
    """The delete is due at every other account."""
    _close_delete(draft, role, reason)
    for other in list(draft.links.values()):
        if other.role != role and other.gone is None and other.remote_id is not None and not other.unlinked:
            draft.set_link(replace(other, doomed=True))
    draft.say(Verdict.DECIDED, reason, role)


def unlink(draft: Draft, role: str, reason: Reason) -> None:
    """The record is no longer kept in step there; its tombstone blocks create."""
    _close_delete(draft, role, reason)
    draft.set_link(replace(draft.link(role), unlinked=True, sending=None))
    draft.say(Verdict.DECIDED, reason, role)


def revive(draft: Draft, observation: Observation, link: Link) -> None:
    """An id that comes back revives its tombstone; a record back in scope wakes its link."""
    draft.set_link(replace(link, gone=None, asleep=False))
    _close_delete(draft, link.role, Reason.CAME_BACK)
    if link.gone is not None:
        draft.say(Verdict.REVIVED, Reason.CAME_BACK, observation.role)


def _freeze_candidates(draft: Draft, role: str) -> None:
    """A candidate whose link is deleted stays, marked."""
    for question in draft.questions:
        if question.unit and any(c.source == role and not c.frozen for c in question.candidates):
            marked = tuple(replace(c, frozen=True) if c.source == role else c for c in question.candidates)
            draft.ask(
                question.kind, question.unit, question.role, marked, question.reason, question.note, question.about
            )


def has_match_key(values: Values, policy: Policy) -> bool:
    return bool(match_values(values, policy))


def known(record: Record, policy: Policy) -> dict[str, Json]:
    """Values by which a record is recognised: what is believed and, where nothing is, what a linked account holds.

    A record first seen at an account that may not write its match key would otherwise be found by nobody, and doubled.
    """
    out = believed(record, policy)
    for role in policy.roles:
        link = record.links.get(role)
        for unit, base in link.bases.items() if link is not None and link.gone is None else ():
            if unit in policy.by_name:
                out.update(
                    {name: value for name, value in base.meant.items() if out.get(name) is None and value is not None}
                )
    return out


def believed(record: Record, policy: Policy) -> dict[str, Json]:
    """All believed member values of a record."""
    out: dict[str, Json] = {}
    for unit in policy.units:
        belief = record.beliefs.get(unit.name)
        if belief is not None and not is_null(belief.value):
            out.update(belief.value)
    return out
