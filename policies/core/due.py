"""What is due: pushes are derived from state, so forgetting all pending ones and deriving them again loses nothing."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from .diff import holds, is_null
from .draft import Draft
from .identity import believed, has_match_key, lives_on_in
from .needs import ask_for, empty_need, need_waits
from .ownership import reads
from .reasons import Reason, Verdict
from .rules import Policy, Unit
from .scope import holds as in_scope
from .values import Json, Kind, Link, Record, Sending, Values


class Work(StrEnum):
    UPDATE = "update"
    CREATE = "create"
    DELETE = "delete"


def due_units(record: Record, policy: Policy, role: str) -> tuple[Unit, ...]:
    """Fields that the role reads, behind or owed, and not held, in review, refused at this very version, or holding a
    reference there that is not understood yet: it would be written over unseen.
    """
    link = record.links.get(role)
    bases = link.bases if link is not None else {}
    out = []
    for unit in policy.units:
        belief = record.beliefs.get(unit.name)
        if belief is None or not reads(unit, policy, role):
            continue
        base = bases.get(unit.name)
        if base is None:
            due = belief.v > 0 and not is_null(belief.value)
        else:
            due = (belief.v > base.k or base.owed) and not (base.failed is not None and base.failed.v == belief.v)
        if due and not _held(record, unit.name, role) and not (base is not None and base.waits):
            out.append(unit)
    return tuple(out)


def _held(record: Record, unit: str, role: str) -> bool:
    return any(q.unit == unit and q.role in ("", role) for q in record.questions)


def due_roles(record: Record, policy: Policy) -> dict[str, Work]:
    """Role → what is due there. A link with a push in flight is not due for another; it is settled first."""
    out = {}
    for role in policy.roles:
        work = due_work(record, policy, role)
        if work is not None:
            out[role] = work
    return out


def due_work(record: Record, policy: Policy, role: str) -> Work | None:
    link = record.links.get(role)
    if link is not None and (link.sending is not None or link.gone is not None or link.unlinked or link.asleep):
        return None
    if not policy.roles[role].reads:
        return None
    if link is None or link.remote_id is None:
        return Work.CREATE if _creatable(record, policy, role) else None
    if link.doomed:
        return Work.DELETE
    return Work.UPDATE if due_units(record, policy, role) else None


def _creatable(record: Record, policy: Policy, role: str) -> bool:
    """A record can be made where a look-up could find it: with a complete match key that is not itself in question."""
    if not policy.roles[role].creates or lives_on_in(record) or any(link.doomed for link in record.links.values()):
        return False
    link = record.links.get(role)
    if link is not None and link.skipped:
        return False  # a person left a record there alone that may be this one
    if any(q.kind in (Kind.MATCH, Kind.CREATE) and q.role == role for q in record.questions):
        return False
    keys = {name for names in policy.match_keys for name in names}
    if any(q.unit in policy.by_name and keys & {m.name for m in policy.unit(q.unit).members} for q in record.questions):
        return False
    if all(link.gone is not None for link in record.links.values()) and record.links:
        return False
    living = [x for x in record.links.values() if x.remote_id is not None and x.gone is None and not x.unlinked]
    if living and all(x.asleep for x in living):
        return False  # every account that has it leaves it out
    scope = policy.roles[role].scope
    if scope and not in_scope(scope, believed(record, policy)):
        return False
    if need_waits(record, policy, role, due_units(record, policy, role)):
        return False
    return has_match_key(create_values(record, policy, role), policy)


def create_values(record: Record, policy: Policy, role: str) -> dict[str, Json]:
    out: dict[str, Json] = {}
    for unit in due_units(record, policy, role):
        out.update(record.beliefs[unit.name].value)
    return out


def claim(draft: Draft, role: str, work: Work) -> Sending | None:
    """Mark the newest state as being sent, one push per link; None when nothing is left to send, or a person is asked.

    A field that is already the same there is joined without a call.
    """
    link, policy = draft.link(role), draft.policy
    facts = policy.roles[role]
    record = draft.done().state
    if due_work(record, policy, role) is not work:
        return None
    if work is Work.CREATE and (name := empty_need(record, policy, role)):
        ask_for(draft, role, name, due_units(record, policy, role))
        return None
    values: dict[str, Values] = {}
    versions: dict[str, int] = {}
    for unit in due_units(record, policy, role) if work is not Work.DELETE else ():
        belief, base = draft.belief(unit), link.bases.get(unit.name)
        if base is not None and holds(facts, base.stored, belief.value):
            draft.join(role, unit)
            draft.say(Verdict.AGREE, Reason.ALREADY_THERE, role, unit)
            continue
        if link.singly and values:
            break
        values[unit.name], versions[unit.name] = belief.value, belief.v
    if not values and work is not Work.DELETE:
        return None
    link = draft.link(role)
    key = push_key(record, link, versions, work)
    sending = Sending(
        key, values, versions, draft.context.now, link.epoch, work is Work.CREATE, work is Work.DELETE, link.version
    )
    draft.set_link(replace(link, sending=sending))
    for name in values:
        draft.say(Verdict.SENT, Reason.SENDING, role, policy.unit(name), values[name])
    return sending


def whole_again(draft: Draft, role: str) -> None:
    """A push of several fields was refused once without naming one; with at most one left, that is over."""
    link = draft.link(role)
    if link.singly and len(due_units(draft.done().state, draft.policy, role)) <= 1:
        draft.set_link(replace(link, singly=False))


def push_key(record: Record, link: Link, versions: dict[str, int], work: Work) -> str:
    """The idempotency key: record, link, fields, version, attempt epoch. The same state gives the same key."""
    if work is not Work.UPDATE:
        return f"{record.key}:{link.role}:{work}:{link.epoch}"
    fields = ",".join(f"{name}@{version}" for name, version in sorted(versions.items()))
    return f"{record.key}:{link.role}:{fields}:{link.epoch}"


def sent_values(sending: Sending) -> dict[str, Json]:
    """Member values of a push, as one dict."""
    out: dict[str, Json] = {}
    for values in sending.values.values():
        out.update(values)
    return out


__all__ = [
    "Work",
    "believed",
    "claim",
    "create_values",
    "due_roles",
    "due_units",
    "due_work",
    "push_key",
    "sent_values",
    "whole_again",
]
