"""The order of the steps that write: look, write, read back; and settle, when the outcome is unknown.

Written once, run by the clerk and by the simulation. Every call on a store or a remote is a place where a process may
die; `settle` goes on from what was committed.
"""

from __future__ import annotations

from dataclasses import replace

from policies.core.due import Work, due_work, sent_values
from policies.core.reasons import Reason
from policies.core.seen import Observation
from policies.core.values import Link, Sending
from syncapp.connectors.errors import ConnectorError, Gone, Limited, MappingError, Rejected, Retryable, Stale, Unknown

from .claims import (
    Outcome,
    Shown,
    claim_new,
    claim_seen,
    confirm_shown,
    link_found,
    named_by,
    refuse,
    settle_seen,
    take_back,
)
from .ports import Contended, Remote, Store, Written
from .steps import judge, look

__all__ = ["Outcome", "push", "settle"]


def push(store: Store, remote: Remote, key: str) -> Outcome:
    """Look, write, read back: bring one link up to date with the newest state.

    Raises Limited (with its hint) and other permanent errors after the push was taken back, and Contended only as long
    as nothing of its own is in flight.
    """
    role = remote.role
    with store.open(key) as page:
        record, policy = page.record(key), page.policy
    if record is None:
        return Outcome.IDLE
    link = record.links.get(role)
    work = due_work(record, policy, role)
    if work is None:
        return Outcome.BUSY if link is not None and link.sending is not None else Outcome.IDLE
    if work is Work.CREATE:
        return _create(store, remote, key)
    assert link is not None and link.remote_id is not None
    facts = policy.roles[role]
    guard = None
    if work is Work.DELETE or not (facts.conditional and facts.exact and link.version is not None):
        guard = remote.read(link.remote_id)
    if guard is not None and guard.merged_into is not None:
        return _moved(store, remote, guard)
    claimed = _claim(store, role, key, link.remote_id, guard, work)
    if isinstance(claimed, Outcome):
        return claimed
    try:
        return _write(store, remote, key, link.remote_id, claimed, facts.conditional)
    except Contended:
        return Outcome.UNKNOWN  # perhaps after the write: what became of it is found out by a read


def _moved(store: Store, remote: Remote, seen: Observation) -> Outcome:
    """The account merged the record into another one: judged as a whole, and what is then due is asked anew."""
    judge(store, remote.role, [seen])
    return Outcome.MOVED


def _claim(
    store: Store, role: str, key: str, remote_id: str, guard: Observation | None, work: Work
) -> Sending | Outcome:
    """One commit: what the look showed is judged, and if it was what is stored, the push is marked as sending."""
    with store.open(key) as page:
        return claim_seen(page, role, page.record(key), remote_id, guard, work)


def _write(store: Store, remote: Remote, key: str, remote_id: str, sending: Sending, conditional: bool) -> Outcome:
    expected = sending.guard_version if conditional else None
    try:
        if sending.delete:
            remote.delete(remote_id, version=expected, key=sending.key)
            written = Written(remote_id)
        else:
            written = remote.update(remote_id, sent_values(sending), version=expected, key=sending.key)
    except Stale:
        _save(store, key, remote.role, sending, Reason.MOVED_MEANWHILE)
        look(store, remote, remote_id)
        return Outcome.MOVED
    except Gone:
        _save(store, key, remote.role, sending, Reason.MOVED_MEANWHILE)
        look(store, remote, remote_id)
        return Outcome.GONE
    except ConnectorError as error:
        return _unwritten(store, remote.role, key, sending, error)
    if sending.delete:
        look(store, remote, remote_id)
        return Outcome.GONE
    return _read_back(store, remote, key, sending, written)


def _read_back(store: Store, remote: Remote, key: str, sending: Sending, written: Written) -> Outcome:
    """The base comes from the write's own answer, or from a read at the very version it returned; any other read is
    judged as an observation after the write was confirmed as N(w).
    """
    answered = store.now()
    shown, later = written.observation, None
    if shown is None:
        try:
            # a first look after this write, whatever was repeated before it: a lower version is not believed
            seen = replace(remote.read(written.remote_id), last=False)
        except (Retryable, Unknown):
            seen = None
        exact = (
            seen is not None and not seen.deleted and written.version is not None and seen.version == written.version
        )
        if seen is not None and seen.merged_into is not None:
            exact = False
        shown, later = (seen, None) if exact else (None, seen)
    with store.open(key) as page:
        outcome = confirm_shown(page, remote.role, key, sending, Shown(written, answered, shown, later))
    if outcome is Outcome.CONFIRMED and later is not None and later.merged_into is not None:
        judge(store, remote.role, [later])
    return outcome


def _unwritten(store: Store, role: str, key: str, sending: Sending, error: ConnectorError) -> Outcome:
    """A write failed. What may have landed is settled by a read; what certainly did not is taken back, and told."""
    if isinstance(error, Rejected | MappingError):
        with store.open(key) as page:
            return refuse(page, role, key, sending, error)
    if isinstance(error, Retryable | Unknown) and not isinstance(error, Limited):
        return Outcome.UNKNOWN
    _save(store, key, role, sending, Reason.NOT_LANDED)
    raise error


def _save(store: Store, key: str, role: str, sending: Sending, reason: Reason) -> None:
    with store.open(key) as page:
        take_back(page, role, key, sending, reason)


def _create(store: Store, remote: Remote, key: str) -> Outcome:
    """Mark the create as in flight first, so that an observation of the new record waits; then look up, then create."""
    with store.open(key) as page:
        record = page.record(key)
        if record is None:
            return Outcome.IDLE
        sending = claim_new(page, remote.role, record, Work.CREATE)
    if sending is None:
        return Outcome.IDLE
    try:
        return _carry_create(store, remote, key, sending, first=True)
    except Contended:
        return Outcome.UNKNOWN


def _carry_create(store: Store, remote: Remote, key: str, sending: Sending, *, first: bool = False) -> Outcome:
    """Every create, also the first and every one after an unknown outcome, looks the record up with the key as sent.

    Only the first may be taken back when the account asks to wait: after that, the record may be there already.
    """
    values = sent_values(sending)
    try:
        hits = [hit for hit in remote.find(values, key) if not hit.deleted]
    except Limited:
        if first:
            _save(store, key, remote.role, sending, Reason.NOT_LANDED)
        raise
    except (Retryable, Unknown):
        return Outcome.UNKNOWN
    if hits:
        with store.page(remote.role, hits, (key, *named_by(hits))) as page:
            found = link_found(page, remote.role, key, hits)
        if found is not None:
            return found
    try:
        written = remote.create(values, key=sending.key, external_id=key)
    except ConnectorError as error:
        return _unwritten(store, remote.role, key, sending, error)
    return _read_back(store, remote, key, sending, written)


def settle(store: Store, remote: Remote, key: str) -> Outcome:
    """After a crash or a lost answer: find out by a read what became of the push in flight at this link."""
    with store.open(key) as page:
        record = page.record(key)
    link: Link | None = record.links.get(remote.role) if record is not None else None
    if link is None or link.sending is None:
        return Outcome.IDLE
    if link.sending.create:
        return _carry_create(store, remote, key, link.sending)
    assert link.remote_id is not None
    seen = remote.read(link.remote_id)
    if seen.merged_into is not None:
        outcome = _moved(store, remote, seen)
        # Where the merge itself has to wait: nothing is found out any more at an id that is no more, and two records
        # that were merged one way here and the other way elsewhere would wait for each other's pushes for ever.
        _save(store, key, remote.role, link.sending, Reason.MOVED_MEANWHILE)
        return outcome
    with store.open(key) as page:
        return settle_seen(page, remote.role, key, link.sending, seen)
