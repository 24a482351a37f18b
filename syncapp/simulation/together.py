"""A simulated account that takes many records in one call: as a whole it may be refused or its answer lost, and inside
it each record meets the faults, the people and the crashes that a call of its own would meet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, TypeVar

from policies.core.seen import Observation
from syncapp import batch
from syncapp.connectors.errors import ConnectorError, Limited, Unknown
from syncapp.ports import Batches, Change, New, Wanted, Written

from .account import Account

if TYPE_CHECKING:
    from .world import World

T = TypeVar("T")
MOST = 5


class Together(Account):
    """Implements `ports.BatchRemote` over an account's single calls."""

    batches = Batches(MOST, MOST, MOST)

    def read_many(self, remote_ids: Sequence[str]) -> list[Observation]:
        return [self.read(remote_id) for remote_id in remote_ids]

    def find_many(self, wanted: Sequence[Wanted]) -> list[list[Observation]]:
        """As a real one: all are looked up before any of them is made."""
        return [self.find(one.values, one.external_id) for one in wanted]

    def create_many(self, records: Sequence[New]) -> list[Written | ConnectorError]:
        return self._whole(records, lambda one: self.create(one.values, key=one.key, external_id=one.external_id))

    def update_many(self, changes: Sequence[Change]) -> list[Written | ConnectorError]:
        return self._whole(
            changes, lambda one: self.update(one.remote_id, one.values, version=one.version, key=one.key)
        )

    def _whole(self, items: Sequence[T], call: Callable[[T], Written]) -> list[Written | ConnectorError]:
        fault = self.world.fault()
        if fault == "limited":
            raise Limited("too many requests", retry_after=1.0)
        if fault == "unsent":
            raise Unknown("the connection was lost")
        results = [_result(call, item) for item in items]
        self.world.call(self, "batch answered")
        if fault == "landed":
            raise Unknown("the answer was lost")
        return results


def _result(call: Callable[[T], Written], item: T) -> Written | ConnectorError:
    try:
        return call(item)
    except ConnectorError as error:
        return error


class InBatches:
    """Which accounts take batches, and how workers carry by them. Its dice are its own: other draws stay."""

    def __init__(self, world: World) -> None:
        self.world, self.random = world, Random(f"batches {world.seed}")
        self.able = {role for role in world.scenario.roles if self.random.random() < 0.5}

    def account(self, role: str) -> type[Account]:
        return Together if role in self.able else Account

    def now(self, role: str) -> bool:
        return role in self.able and self.random.random() < 0.6

    def push(self, role: str) -> None:
        due, held = self.world.store.due, self.world.held
        keys = [key for key in sorted(due) if role in due[key] and key not in held]
        self._count("batch", batch.push_many(self.world.store, self._remote(role), self._some(keys)))

    def settle(self, role: str) -> None:
        records = self.world.store.records.values()
        keys = [r.key for r in records if role in r.links and r.links[role].sending is not None]
        some = self._some(keys)
        self.world.settled.update(some)
        self._count("batch settled", batch.settle_many(self.world.store, self._remote(role), some))

    def _remote(self, role: str) -> Together:
        account = self.world.accounts[role]
        assert isinstance(account, Together)
        return account

    def _some(self, keys: Sequence[str]) -> list[str]:
        return self.random.sample(list(keys), min(len(keys), self.random.randint(1, MOST)))

    def _count(self, name: str, pushed: batch.Pushed) -> None:
        self.world.counts[name] += 1
        for outcome in pushed.outcomes.values():
            self.world.counts[f"{name}: {outcome}"] += 1
        self.world.counts[f"{name}: stopped"] += pushed.stopped is not None
        self.world.counts[f"{name}: item failed"] += len(pushed.failed)
