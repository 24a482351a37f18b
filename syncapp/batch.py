"""Many pushes of one feed in few calls and few transactions; each item keeps every rule of a push of its own.

The same order as in `push`: claim in one commit, look, write, confirm in one commit. What is not the plain case (a
delete, a merge, a call that the account has no batch for, two records that one look-up could confuse) is left to
`push`: it has no outcome here. Run by the clerk and by the simulation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from policies.core.due import Work, due_work, sent_values
from policies.core.identity import match_values
from policies.core.rules import Policy, Role
from policies.core.seen import Observation
from policies.core.values import Json, Record, Sending
from syncapp.connectors.errors import ConnectorError

from .batched import Item, Pushed, conclude, send, stop, take_all_back
from .claims import Outcome, claim_new, claim_seen, link_found, named_by, settle_seen
from .ports import BatchRemote, Change, Contended, New, Page, Store, Wanted


@dataclass(slots=True)
class Sorted:
    """What is due at the keys, as far as it can go in batches."""

    facts: Role
    creates: list[Item] = field(default_factory=list)  # marked as in flight already
    updates: dict[str, str] = field(default_factory=dict)  # with their remote ids


def push_many(store: Store, remote: BatchRemote, keys: Sequence[str]) -> Pushed:
    """Raises Contended only as long as nothing of its own is in flight."""
    pushed = Pushed()
    try:
        found = _sorted_out(store, remote, keys, pushed)
    except ConnectorError as error:  # a brake of our own: nothing has begun
        stop(pushed, error)
        return pushed
    try:
        if found.creates:
            _carry_creates(store, remote, found.creates, pushed, first=True)
        if found.updates and pushed.stopped is None:
            _update(store, remote, found, pushed)
    except Contended:
        return pushed  # the commit that would have begun them: they go alone
    except ConnectorError as error:
        stop(pushed, error)
    return pushed


def _sorted_out(store: Store, remote: BatchRemote, keys: Sequence[str], pushed: Pushed) -> Sorted:
    """What is due, and in the same commit the creates as in flight, so that observations of the new records wait."""
    role = remote.role
    taken: set[tuple[int, tuple[Json, ...]]] = set()
    with store.open(*keys) as page:
        found = Sorted(page.policy.roles[role])
        for key in keys:
            record = page.record(key)
            work = due_work(record, page.policy, role) if record is not None else None
            link = record.links.get(role) if record is not None else None
            if work is None:
                pushed.outcomes[key] = Outcome.BUSY if link is not None and link.sending is not None else Outcome.IDLE
            elif work is Work.CREATE and record is not None and remote.batches.create:
                if _tell_apart(record, page.policy, taken):
                    _claim_create(page, role, record, found, pushed)
            elif work is Work.UPDATE and link is not None and link.remote_id is not None and remote.batches.update:
                found.updates[key] = link.remote_id
    return found


def _claim_create(page: Page, role: str, record: Record, found: Sorted, pushed: Pushed) -> None:
    sending = claim_new(page, role, record, Work.CREATE)
    if sending is None:
        pushed.outcomes[record.key] = Outcome.IDLE
    else:
        found.creates.append(Item(record.key, sending))


def _tell_apart(record: Record, policy: Policy, taken: set[tuple[int, tuple[Json, ...]]]) -> bool:
    """Two records that a look-up could take for one another are not made by the same call: the second looks after the
    first was made. Accounts may not care for the case of letters.
    """
    values = {name: value for belief in record.beliefs.values() for name, value in belief.value.items()}
    keys = {(rank, tuple(_folded(value) for value in found)) for rank, found in match_values(values, policy)}
    if keys & taken:
        return False
    taken |= keys
    return True


def _folded(value: Json) -> Json:
    return value.strip().casefold() if isinstance(value, str) else repr(value)


# Creates


def _carry_creates(
    store: Store, remote: BatchRemote, items: Sequence[Item], pushed: Pushed, *, first: bool = False
) -> None:
    """Every create, also the first and every one after an unknown outcome, looks the record up with the key as sent."""
    try:
        found = remote.find_many([Wanted(sent_values(item.sending), item.key) for item in items])
    except ConnectorError as error:
        # Only the first may be taken back: after that, the records may be there already.
        if first:
            take_all_back(store, remote, items, error, pushed)
        else:
            pushed.all(items, Outcome.UNKNOWN)
            stop(pushed, error)
        return
    hits = {
        item.key: live
        for item, seen in zip(items, found, strict=True)
        if (live := [hit for hit in seen if not hit.deleted])
    }
    new = _link_found(store, remote.role, [item for item in items if item.key in hits], hits, pushed)
    free = [item for item in items if item.key not in hits or item.key in new]
    if free:
        send(store, remote, free, pushed, lambda: remote.create_many([_new(item) for item in free]))


def _new(item: Item) -> New:
    return New(sent_values(item.sending), item.sending.key, item.key)


def _link_found(
    store: Store, role: str, items: Sequence[Item], hits: Mapping[str, Sequence[Observation]], pushed: Pushed
) -> set[str]:
    """The keys of which nothing was found after all: a person keeps apart what matches them."""
    if not items:
        return set()
    told: dict[str, Outcome | None] = {}
    try:
        seen = [hit for found in hits.values() for hit in found]
        with store.page(role, seen, [*(item.key for item in items), *named_by(seen)]) as page:
            for item in items:
                told[item.key] = link_found(page, role, item.key, hits[item.key])
    except Contended:
        pushed.all(items, Outcome.UNKNOWN)
        return set()
    pushed.outcomes.update({key: outcome for key, outcome in told.items() if outcome is not None})
    return {key for key, outcome in told.items() if outcome is None}


# Updates


def _update(store: Store, remote: BatchRemote, found: Sorted, pushed: Pushed) -> None:
    updates, facts = found.updates, found.facts
    guards: dict[str, Observation] | None = None
    if not (facts.conditional and facts.exact):
        guards = {seen.remote_id: seen for seen in remote.read_many(list(updates.values()))}
    claimed: dict[str, Sending | Outcome] = {}
    with store.open(*updates) as page:
        for key, remote_id in updates.items():
            record = page.record(key)
            guard = guards.get(remote_id) if guards is not None else None
            if _is_plain(record, remote.role, guard, looked=guards is not None):
                claimed[key] = claim_seen(page, remote.role, record, remote_id, guard, Work.UPDATE)
    pushed.outcomes.update({key: said for key, said in claimed.items() if isinstance(said, Outcome)})
    items = [Item(key, it, updates[key]) for key, it in claimed.items() if isinstance(it, Sending)]
    if items:
        changes = [_change(item, facts.conditional) for item in items]
        send(store, remote, items, pushed, lambda: remote.update_many(changes))


def _is_plain(record: Record | None, role: str, guard: Observation | None, *, looked: bool) -> bool:
    """Guarded by its version or by a look that showed it alive; everything else goes alone."""
    link = record.links.get(role) if record is not None else None
    if guard is not None:
        return not guard.deleted and guard.merged_into is None
    return not looked and link is not None and link.version is not None


def _change(item: Item, conditional: bool) -> Change:
    assert item.remote_id is not None
    expected = item.sending.guard_version if conditional else None
    return Change(item.remote_id, sent_values(item.sending), expected, item.sending.key)


# After a crash or a lost answer


def settle_many(store: Store, remote: BatchRemote, keys: Sequence[str]) -> Pushed:
    """As `push.settle`, for many: creates are looked up, and made if they are not there; the rest is read."""
    pushed = Pushed()
    items = []
    with store.open(*keys) as page:
        for key in keys:
            record = page.record(key)
            link = record.links.get(remote.role) if record is not None else None
            if link is not None and link.sending is not None:
                items.append(Item(key, link.sending, link.remote_id))
    known = {item.key for item in items}
    pushed.outcomes.update((key, Outcome.IDLE) for key in keys if key not in known)
    creates = [item for item in items if item.sending.create]
    updates = [item for item in items if not item.sending.create]
    if creates and remote.batches.create:
        _carry_creates(store, remote, creates, pushed)
    if updates and pushed.stopped is None:
        _settle_read(store, remote, updates, pushed)
    return pushed


def _settle_read(store: Store, remote: BatchRemote, items: Sequence[Item], pushed: Pushed) -> None:
    try:
        seen = {one.remote_id: one for one in remote.read_many([item.remote_id for item in items if item.remote_id])}
    except ConnectorError as error:
        pushed.all(items, Outcome.UNKNOWN)
        stop(pushed, error)
        return
    plain = [item for item in items if item.remote_id in seen and seen[item.remote_id].merged_into is None]
    conclude(
        store, plain, pushed,
        lambda page, item: settle_seen(page, remote.role, item.key, item.sending, seen[str(item.remote_id)]),
    )  # fmt: skip
