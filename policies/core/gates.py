"""Rows 2 to 5 of the decision table: what is decided about a whole observation before any of its fields is judged."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from . import gone, overwritten
from .diff import same_at, told
from .draft import Draft
from .planned import Plan
from .reasons import Reason, Verdict
from .rules import Role
from .seen import How, Observation
from .table import counts
from .values import Link, Sending
from .versions import lower, order


def gate(draft: Draft, observation: Observation) -> Plan | None:
    """The plan, when the observation is settled, refused or put off here; None when its fields are to be judged."""
    link = draft.link(observation.role)
    if link.unlinked:
        return draft.done()
    if observation.merged_into is not None:
        return draft.done(look_again=True)  # a matter of two records: `merged` judges it
    if observation.how is How.EVENT:
        return overwritten.judge_event(draft, observation, link)
    if stale(draft, observation, link):
        return draft.done(look_again=True)
    if observation.deleted:
        return gone.deleted(draft, observation, link)
    if link.sending is not None and _must_wait(draft, observation, link.sending):
        draft.say(Verdict.WAITS, Reason.PUSH_IN_FLIGHT, observation.role)
        return draft.done(wait=True)
    if link.gone is not None or (link.asleep and observation.in_scope):
        gone.revive(draft, observation, link)
    return None


def stale(draft: Draft, observation: Observation, link: Link) -> bool:
    """Row 3. The last repeated look, by id, is believed even if its version is lower: the account was set back."""
    role = observation.role
    if link.read_at is not None and observation.read_at < link.read_at:
        draft.say(Verdict.STALE, Reason.OLDER_READ, role)
        return True
    if not draft.policy.roles[role].ordered or not lower(observation.version, link.version):
        return False
    if observation.last and observation.how is How.BY_ID:
        draft.say(Verdict.REWOUND, Reason.REWOUND, role)
        return False
    draft.say(Verdict.STALE, Reason.OLDER_VERSION, role)
    return True


def _must_wait(draft: Draft, observation: Observation, sending: Sending) -> bool:
    """Row 5: a pushed field is neither what was stored nor what is being written, or nobody can tell whose it is.

    A record that left the scope is not judged, so the push there is settled before its link sleeps.
    """
    if not observation.in_scope:
        return True
    role = draft.policy.roles[observation.role]
    for unit in draft.policy.units:
        sent = sending.values.get(unit.name)
        x = told(unit, observation.fields) if sent is not None else None
        if not x or sent is None:
            continue
        base = draft.base(role.name, unit)
        if base is not None and same_at(role, x, base.stored):
            continue
        if not same_at(role, x, sent) or (counts(unit) and not proven(sending, observation, role)):
            return True
    return False


def proven(sending: Sending, observation: Observation, role: Role) -> bool:
    """Is this observation certainly our own write: its correlation id, or our actor at a version after the look's?"""
    if observation.correlation is not None and observation.correlation == sending.key:
        return True
    if not observation.ours or not role.exact:
        return False
    now, guard = order(observation.version), order(sending.guard_version)
    return now is not None and guard is not None and now > guard


def nothing_new(link: Link, version: str | None, fields: Collection[str], *, exact: bool) -> bool:
    """Is this the very version that was judged last, by a body that told all these fields? Then no look shows more.

    A digest stands only where a body was judged: a write that was accepted unseen leaves none, and neither does a
    changed mapping or policy.
    """
    if not exact or version is None or version != link.version or not link.digest:
        return False
    if link.sending is not None or link.gone is not None or link.unlinked or link.asleep:
        return False
    told = {member for base in link.bases.values() if base.seen_at is None for member in base.stored}
    return told.issuperset(fields)


def remember_read(draft: Draft, observation: Observation) -> None:
    """The link's own clock and version follow the last judged read."""
    link = draft.link(observation.role)
    version = observation.version if observation.version is not None else link.version
    draft.set_link(replace(link, version=version, read_at=observation.read_at, digest=observation.digest))
