"""What was sent together in one call: the items, and what becomes of each of them.

One commit concludes all; where somebody else holds one of the records, one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from policies.core.reasons import Reason
from policies.core.seen import Observation
from policies.core.values import Sending
from syncapp.connectors.errors import (
    ConnectorError,
    Gone,
    Limited,
    Malformed,
    MappingError,
    Rejected,
    Retryable,
    Stale,
    TooLarge,
    Unknown,
)

from .claims import Outcome, Shown, confirm_shown, refuse, take_back
from .ports import BatchRemote, Contended, Page, Store, Written
from .steps import judge

# A whole call that fails in these ways says nothing about the account: each item is tried alone.
ALONE = (Rejected, MappingError, Malformed, TooLarge, Gone, Stale)


@dataclass(frozen=True, slots=True)
class Item:
    """One claimed push."""

    key: str
    sending: Sending
    remote_id: str | None = None


@dataclass(slots=True)
class Pushed:
    """What came of each; a key that is in neither is to be pushed alone.

    `failed`: an item's own trouble, told after the push was taken back. `stopped`: the account asks for a pause, or for
    a person; what had been begun then was taken back, or is settled later.
    """

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    failed: dict[str, ConnectorError] = field(default_factory=dict)
    stopped: ConnectorError | None = None

    def all(self, items: Collection[Item], outcome: Outcome) -> None:
        self.outcomes.update((item.key, outcome) for item in items)


def stop(pushed: Pushed, error: ConnectorError) -> None:
    """The account itself is in the way, unless the error only says that these cannot go together."""
    if not isinstance(error, ALONE):
        pushed.stopped = error


Result = Written | ConnectorError


def send(
    store: Store, remote: BatchRemote, items: Sequence[Item], pushed: Pushed, call: Callable[[], Sequence[Result]]
) -> None:
    try:
        results = dict(zip((item.key for item in items), call(), strict=True))
    except (Retryable, Unknown) as error:
        if isinstance(error, Limited):
            take_all_back(store, remote, items, error, pushed)
        else:
            pushed.all(items, Outcome.UNKNOWN)  # each of them: settled by its own read
        return
    except ConnectorError as error:
        take_all_back(store, remote, items, error, pushed)
        return
    shown = _read_back(store, remote, results)
    conclude(store, items, pushed, lambda page, item: _concluded(page, remote.role, item, results, shown, pushed))
    for result in results.values():
        if isinstance(result, Limited):
            stop(pushed, result)
    _look_again(store, remote, items, results, shown, pushed)


def take_all_back(
    store: Store, remote: BatchRemote, items: Sequence[Item], error: ConnectorError, pushed: Pushed
) -> None:
    """The call certainly did nothing."""
    conclude(store, items, pushed, lambda page, item: _taken_back(page, remote.role, item))
    stop(pushed, error)


def _taken_back(page: Page, role: str, item: Item) -> None:
    take_back(page, role, item.key, item.sending, Reason.NOT_LANDED)


def _read_back(store: Store, remote: BatchRemote, results: Mapping[str, Result]) -> dict[str, Shown]:
    """The bases come from the answer's own bodies, or from reads at the very versions that it returned."""
    answered = store.now()
    written = {key: result for key, result in results.items() if isinstance(result, Written)}
    bare = [result.remote_id for result in written.values() if result.observation is None]
    seen: dict[str, Observation] = {}
    if bare:
        try:
            seen = {one.remote_id: one for one in remote.read_many(bare)}
        except ConnectorError:
            seen = {}  # they landed, and are confirmed as what they were sent as
    return {key: _shown(result, seen.get(result.remote_id), answered) for key, result in written.items()}


def _shown(written: Written, seen: Observation | None, answered: datetime) -> Shown:
    if written.observation is not None or seen is None:
        return Shown(written, answered, written.observation)
    there = not seen.deleted and seen.merged_into is None
    exact = there and written.version is not None and seen.version == written.version
    return Shown(written, answered, seen) if exact else Shown(written, answered, None, seen)


def conclude(store: Store, items: Sequence[Item], pushed: Pushed, act: Callable[[Page, Item], Outcome | None]) -> None:
    """Conclude all in one commit. Where others are in the way, one by one; what they still hold is settled later."""
    try:
        with store.open(*(item.key for item in items)) as page:
            outcomes = {item.key: act(page, item) for item in items}
    except Contended:
        outcomes = {}
        for item in items:
            try:
                with store.open(item.key) as page:
                    outcome = act(page, item)
                outcomes[item.key] = outcome
            except Contended:
                outcomes[item.key] = Outcome.UNKNOWN
    pushed.outcomes.update((key, outcome) for key, outcome in outcomes.items() if outcome is not None)


def _concluded(
    page: Page, role: str, item: Item, results: Mapping[str, Result], shown: Mapping[str, Shown], pushed: Pushed
) -> Outcome | None:
    result = results[item.key]
    if isinstance(result, Written):
        return confirm_shown(page, role, item.key, item.sending, shown[item.key])
    if isinstance(result, Rejected | MappingError):
        return refuse(page, role, item.key, item.sending, result)
    if isinstance(result, Retryable | Unknown) and not isinstance(result, Limited):
        return Outcome.UNKNOWN
    if isinstance(result, Stale | Gone):
        take_back(page, role, item.key, item.sending, Reason.MOVED_MEANWHILE)
        return Outcome.MOVED
    _taken_back(page, role, item)
    pushed.failed[item.key] = result
    return None


def _look_again(
    store: Store,
    remote: BatchRemote,
    items: Sequence[Item],
    results: Mapping[str, Result],
    shown: Mapping[str, Shown],
    pushed: Pushed,
) -> None:
    """What went away from under a write is read and judged; so is a read-back that shows a merge."""
    later = [one.later for one in shown.values() if one.later is not None and one.later.merged_into is not None]
    moved = [item.remote_id for item in items if item.remote_id and isinstance(results[item.key], Stale | Gone)]
    try:
        seen = [*later, *(remote.read_many(moved) if moved else ())]
        if seen:
            judge(store, remote.role, seen)
    except Contended:
        return  # the next attempt meets the same, and looks then
    except ConnectorError as error:
        stop(pushed, error)
