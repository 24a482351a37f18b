"""What a push does to its record on an open page: claim it, confirm it, take it back, link what was found.

One record each, whether it is written alone (`push`) or with others in one call (`batch`): every rule stays per item.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from policies.core import lookup
from policies.core import settle as unknown
from policies.core.apart import not_apart
from policies.core.confirm import confirm, rejected, release
from policies.core.draft import Draft
from policies.core.due import Work, claim
from policies.core.plan import plan
from policies.core.reasons import Reason
from policies.core.seen import Observation
from policies.core.values import Link, Record, Sending
from syncapp.connectors.errors import MappingError, Rejected

from .ports import Page, Written


class Outcome(StrEnum):
    """How an attempt to write to one link ended."""

    IDLE = "idle"  # nothing was due
    BUSY = "busy"  # another push there is in flight
    MOVED = "moved"  # the account changed; that was judged, ask again what is due
    CONFIRMED = "confirmed"
    FOUND = "found"  # a create found the record
    HELD = "held"  # a person has to decide
    REJECTED = "rejected"
    RESEND = "resend"  # settled: what is still due will be sent again
    UNKNOWN = "unknown"  # settle it later
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Shown:
    """What is known of an answered write: by its own answer or a read at its very version, or by a later read."""

    written: Written
    at: datetime
    exact: Observation | None = None
    later: Observation | None = None


def claim_seen(
    page: Page, role: str, record: Record | None, remote_id: str, guard: Observation | None, work: Work
) -> Sending | Outcome:
    """What the look showed is judged, and if it was what is stored, the push is marked as sending."""
    context = page.context(role)
    link = record.links.get(role) if record is not None else None
    if record is None or link is None or link.remote_id != remote_id:
        return Outcome.MOVED
    if guard is not None:
        seen = plan(record, guard, page.policy, context)
        page.save(seen)
        if seen.lines or seen.wait or seen.look_again:
            return Outcome.BUSY if seen.wait else Outcome.MOVED
        record = seen.state
    sending = claim_new(page, role, record, work)
    return sending if sending is not None else Outcome.IDLE


def claim_new(page: Page, role: str, record: Record, work: Work) -> Sending | None:
    """Mark the newest state as being sent; None when nothing is left to send."""
    draft = Draft(record, page.policy, page.context(role))
    sending = claim(draft, role, work)
    page.save(draft.done())
    return sending


def confirm_shown(page: Page, role: str, key: str, sending: Sending, shown: Shown) -> Outcome:
    record, context, written = page.record(key), page.context(role), shown.written
    if record is None:
        return Outcome.IDLE
    made = confirm(
        record, role, sending.key, written.remote_id, written.version, shown.exact, shown.at, page.policy, context
    )  # fmt: skip
    page.save(made)
    if shown.later is not None:
        page.save(plan(made.state, shown.later, page.policy, context))
    return Outcome.CONFIRMED


def take_back(page: Page, role: str, key: str, sending: Sending, reason: Reason) -> None:
    """The write certainly did not happen."""
    record = page.record(key)
    if record is not None:
        page.save(release(record, role, sending.key, reason, page.policy, page.context(role)))


def refuse(page: Page, role: str, key: str, sending: Sending, error: Rejected | MappingError) -> Outcome:
    answer = error.message if isinstance(error, Rejected) else error.what
    record = page.record(key)
    if record is not None:
        page.save(rejected(record, role, sending.key, error.fields, answer, page.policy, page.context(role)))
    return Outcome.REJECTED


def link_found(page: Page, role: str, key: str, hits: Sequence[Observation]) -> Outcome | None:
    """One hit that is nobody else's is linked; several, or one that belongs to another record, ask a person.

    None, nothing was found, if all of them belong to records that a person keeps apart from this one. Where one of
    those was made for this record (and merged into the other since), a create would be written over it: a person is
    asked what to do there.
    """
    record, context = page.record(key), page.context(role)
    if record is None:
        return Outcome.IDLE
    told = hits
    hits = not_apart(record, told, [_owner(page, hit) for hit in told], page.policy)
    if not hits:
        return _in_the_way(page, record, role, told)
    free = [hit for hit in hits if (owner := _owner(page, hit)) is None or owner.key == key]
    ours = [hit for hit in free if hit.external_id == key]
    chosen = ours if len(ours) == 1 else free
    if len(chosen) == 1 and (ours or len(hits) == 1):
        page.save(lookup.found(record, chosen[0], page.policy, context))
        return Outcome.FOUND
    page.save(lookup.ambiguous(record, role, hits, page.policy, context))
    return Outcome.HELD


def _in_the_way(page: Page, record: Record, role: str, hits: Sequence[Observation]) -> Outcome | None:
    sending = record.links[role].sending
    for hit in hits:
        if hit.external_id == record.key and sending is not None:
            answer = (
                f"record {hit.remote_id} there was made for this one and belongs to another record by now; "
                "a new one would be written over it. Remove its external id there, then try again"
            )
            page.save(rejected(record, role, sending.key, {}, answer, page.policy, page.context(role)))
            return Outcome.REJECTED
    return None


def _owner(page: Page, hit: Observation) -> Record | None:
    """The record that it is linked to; or that it was made for, whose create is not confirmed yet."""
    owner = page.linked(hit)
    if owner is None and hit.external_id is not None:
        named = page.record(hit.external_id)
        link = named.links.get(hit.role) if named is not None else None
        owner = named if link is not None and link.sending is not None and link.sending.create else None
    return owner


def named_by(hits: Sequence[Observation]) -> list[str]:
    """The records that what was found says it was made for: they are looked at as well."""
    return [hit.external_id for hit in hits if hit.external_id is not None]


def settle_seen(page: Page, role: str, key: str, sending: Sending, seen: Observation) -> Outcome:
    """A read shows what became of a write whose outcome was unknown."""
    record = page.record(key)
    link: Link | None = record.links.get(role) if record is not None else None
    if record is None or link is None or link.sending != sending:
        return Outcome.IDLE
    made = unknown.settle(record, seen, page.policy, page.context(role))
    page.save(made)
    return Outcome.BUSY if made.look_again else Outcome.RESEND
