"""What the hub remembers, in memory: the port that the clerk's store has too; every commit may crash."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from policies.core.due import Work, due_roles
from policies.core.identity import known, match_values
from policies.core.planned import Closed, Line, Plan
from policies.core.rules import Policy
from policies.core.seen import Context, Observation
from policies.core.values import Json, Record
from syncapp.matching import may_differ

if TYPE_CHECKING:
    from .world import World

Key = tuple[int, tuple[Json, ...]]


class MemoryPage:
    """One transaction: nothing is remembered before the block ends."""

    def __init__(self, store: MemoryStore) -> None:
        self.store, self.policy = store, store.policy
        self.saved: dict[str, Record] = {}
        self.plans: list[Plan] = []
        self.ids: dict[tuple[str, str], str] = {}

    def context(self, role: str) -> Context:
        return self.store.world.context(role)

    def linked(self, observation: Observation) -> Record | None:
        where = (observation.role, observation.remote_id)
        key = self.ids.get(where, self.store.ids.get(where, ""))
        return self.record(key) if key else None

    def matching(self, observation: Observation) -> Sequence[Record]:
        for rank, values in match_values(observation.fields, self.policy):
            keys = sorted(self.store.matches.get((rank, values), ()))
            mine = [
                r.key for r in self.saved.values() if (rank, values) in match_values(known(r, self.policy), self.policy)
            ]
            found = [record for key in dict.fromkeys((*keys, *mine)) if (record := self.record(key)) is not None]
            if found:
                return found
        return []

    def record(self, key: str) -> Record | None:
        return self.saved.get(key) or self.store.records.get(key)

    def new_key(self) -> str:
        self.store.made += 1
        return f"r{self.store.made}"

    def save(self, plan: Plan) -> None:
        before = self.record(plan.state.key)
        self.plans.append(plan)
        self.saved[plan.state.key] = plan.state
        for link in before.links.values() if before is not None else ():
            if link.remote_id is not None:
                self.ids[(link.role, link.remote_id)] = ""
        for link in plan.state.links.values():
            if link.remote_id is not None:
                self.ids[(link.role, link.remote_id)] = plan.state.key


class MemoryStore:
    """Implements `ports.Store`; the world interrupts it between steps and may kill it around a commit."""

    def __init__(self, world: World, policy: Policy) -> None:
        self.world, self.policy = world, policy
        self.records: dict[str, Record] = {}
        self.ids: dict[tuple[str, str], str] = {}
        self.matches: dict[Key, set[str]] = {}
        self.keys: dict[str, list[Key]] = {}
        self.lines: list[tuple[str, Line]] = []
        self.under: list[Policy] = []  # the policy that each line was judged by
        self.closed: list[tuple[str, Closed]] = []
        self.due: dict[str, dict[str, Work]] = {}
        self.cursors: dict[str, str] = {}
        self.made = 0
        self.doubled: list[str] = []

    def now(self) -> datetime:
        self.world.now()
        return self.world.hub_now()

    @contextmanager
    def page(self, role: str, observations: Sequence[Observation], keys: Sequence[str] = ()) -> Iterator[MemoryPage]:
        page = MemoryPage(self)
        yield page
        self.world.crash("before commit")
        self._commit(page)
        self.world.crash("after commit")

    @contextmanager
    def open(self, *keys: str) -> Iterator[MemoryPage]:
        with self.page("", (), keys) as page:
            yield page

    def cursor(self, role: str) -> str:
        return self.cursors.get(role, "")

    def advance(self, role: str, cursor: str) -> None:
        self.world.crash("before the watermark moves")
        self.cursors[role] = cursor

    def _commit(self, page: MemoryPage) -> None:
        for plan in page.plans:
            self.lines += [(plan.state.key, line) for line in plan.lines]
            self.under += [page.policy] * len(plan.lines)
            self.closed += [(plan.state.key, closed) for closed in plan.closed]
            self.world.committed(plan)
        for key in page.saved:
            self._let_go(self.records.get(key))
        for key, record in page.saved.items():
            old = self.records.get(key)
            self._index(key, record, moved=old is None or may_differ(old, record))
            if old is record:
                continue
            self.records[key] = record
            self.derive(key)

    def derive(self, key: str) -> None:
        """What is due follows from state and policy; nothing else remembers it."""
        due = due_roles(self.records[key], self.policy)
        if due:
            self.due[key] = due
        else:
            self.due.pop(key, None)

    def _let_go(self, old: Record | None) -> None:
        """A remote id that moves from one record of the page to another is let go before it is taken."""
        for link in old.links.values() if old is not None else ():
            if link.remote_id is not None:
                self.ids.pop((link.role, link.remote_id), None)

    def _index(self, key: str, record: Record, *, moved: bool) -> None:
        for link in record.links.values():
            if link.remote_id is not None:
                owner = self.ids.setdefault((link.role, link.remote_id), key)
                if owner != key:
                    self.doubled.append(f"{link.role} {link.remote_id} belongs to {owner} and {key}")
        if not moved:
            return
        for entry in self.keys.get(key, ()):
            self.matches[entry].discard(key)
        entries = match_values(known(record, self.policy), self.policy)
        self.keys[key] = entries
        for entry in entries:
            self.matches.setdefault(entry, set()).add(key)
