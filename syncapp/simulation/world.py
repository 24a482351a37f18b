"""One seed: accounts, people, workers and faults, interleaved by a random number generator that replays identically."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

from policies.core.reasons import Verdict
from policies.core.seen import Context
from syncapp import push as writing
from syncapp.connectors.errors import ConnectorError

from . import catalogue, scenario
from .account import Account
from .memory import MemoryStore
from .operators import Operators
from .together import InBatches
from .workers import Crash

EDITS = 60
IDENTITY = (Verdict.LINKED, Verdict.FOUND, Verdict.HELD, Verdict.MERGED, Verdict.ASLEEP)
QUIET = 40  # rounds in which everything must come to rest


class World(Operators):
    """Everything that happens in one seed."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed, self.random = seed, Random(seed)
        self.tick = datetime(2026, 1, 1, tzinfo=UTC)
        self.shift = timedelta(0)  # the hub's clock minus the true time
        self.calm, self.inside, self.stop = True, False, False
        self.found_late = 0
        self.stirred: list[list[str]] = []  # what full passes at rest did, which they must not
        self.scenario = scenario.draw(seed)
        self.joined = frozenset(self.scenario.roles) - {self.scenario.late}
        self.policies = [(self.tick, catalogue.draw_policy(self.scenario, 1, self.joined))]
        self.in_batches = InBatches(self)
        self.accounts = {
            role: self.in_batches.account(role)(
                self,
                role,
                self.scenario.traits[role],
                self.scenario.norms[role],
                self.scenario.hidden[role],
                catalogue.draw_scope(self.scenario, role),
                self.random,
            )
            for role in self.scenario.roles
        }
        self.store = MemoryStore(self, self.policy)

    # time, faults, interruptions

    def now(self) -> datetime:
        self.tick += timedelta(microseconds=1)
        return self.tick

    def hub_now(self) -> datetime:
        return self.tick + self.shift

    def context(self, role: str) -> Context:
        account = self.accounts.get(role)
        if account is None:
            return Context(self.hub_now())
        skew = None if role in self.scenario.unknown_skew else account.skew - self.shift
        return Context(self.hub_now(), skew, timedelta(milliseconds=50), account.traits.granularity)

    def call(self, account: Account, step: str, remote_id: str = "") -> None:
        """Every remote call: time passes, others act, the process may die."""
        self.tick += timedelta(milliseconds=self.random.randint(1, 40))
        if self.calm:
            return
        self.crash(f"{step}")
        if not self.inside and self.random.random() < 0.12:
            self.inside = True
            try:
                self._meanwhile(account, remote_id)
            except ConnectorError:
                self.counts["calls that failed"] += 1  # the other's, not ours: it says nothing about what we sent
            finally:
                self.inside = False

    def _meanwhile(self, account: Account, remote_id: str) -> None:
        """Somebody acts between two steps of a worker, often on the very record that it works on."""
        row = account.rows.get(remote_id)
        if row is not None and self.random.random() < 0.4:
            if self.scenario.deletes and self.random.random() < 0.1:
                self.delete(row)
            elif self.scenario.merges and self.random.random() < 0.1:
                self.merge(row)
            else:
                self.edit(row)
        elif not remote_id and self.random.random() < 0.15:
            self.make_record()
        else:
            self.random.choice((self.edit, self.deliver, self.judge_held, self.push))()

    def crash(self, where: str) -> None:
        if not self.calm and self.random.random() < 0.008:
            self.counts["crashes"] += 1
            self.counts[f"crash: {where}"] += 1
            raise Crash(where)

    def fault(self) -> str:
        if self.calm or self.random.random() > 0.1:
            return ""
        kind = self.random.choice(("limited", "unsent", "landed"))
        self.counts[f"fault: {kind}"] += 1
        return kind

    def shortened(self) -> float:
        """How much of this listing is left out, without a word: mostly nothing, now and then all of it."""
        if self.calm or self.random.random() >= self.scenario.shortened:
            return 0.0
        self.counts["listings cut short"] += 1
        return self.random.choice((0.3, 1.0))

    # the run

    def actions(self) -> dict[Callable[[], None], int]:
        drawn = self.scenario
        return {
            self.deliver: 20,
            self.poll: 6,
            self.push: 30,
            self.settle: 8,
            self.hold: 4,
            self.judge_held: 4,
            self.look_again: 4,
            self.audit: 1 if drawn.deletes or drawn.restores else 0,
            self.answer: 4,
            self.edit: 24,
            self.edit_in_hub: 2,
            self.make_record: 1,
            self.delete: drawn.deletes,
            self.undelete: drawn.deletes // 2,
            self.merge: drawn.merges,
            self.revise_page: 6 if self.revising else 0,
            self.brake: 3 if drawn.brakes else 0,
            self.jump: 1 if drawn.jumps else 0,
        }

    def act(self) -> None:
        actions = self.actions()
        action = self.random.choices([*actions], [*actions.values()])[0]
        self.tick += timedelta(milliseconds=self.random.choice((5, 50, 400, 3000)))
        try:
            action()
        except Crash:
            self.counts["workers lost"] += 1  # the next action is another worker's
        except ConnectorError:
            self.counts["calls that failed"] += 1

    def run(self) -> None:
        self.populate()
        self.calm = self.random.random() < 0.3
        for account in self.listening():
            if self.calm:
                self.pull(account)
        self.calm = False
        planned = self.milestones()
        while len(self.edits) < EDITS:
            while planned and planned[0][0] <= len(self.edits):
                planned.pop(0)[1]()
            self.act()

    def rest(self) -> int:
        """People stop; all is delivered, settled, read and pushed until nothing moves. Returns the rounds used."""
        self.calm = self.stop = True
        self.tick += timedelta(hours=2)  # a hub whose clock was set back judges nothing until it has caught up
        self.release_all()
        while self.revising:
            self.revise_page()
        self.versions = {record.key: record.version for record in self.store.records.values()}
        while self.bag:
            self.judge_held()
        self.settle_all()
        for account in self.listening():
            waiting, account.events = account.events, []
            for event in waiting:
                self.receive(account, event, fat=True)
        quiet = True
        for rounds in range(QUIET):
            before, full = self.moved(), quiet
            self.sweep(full=full)
            quiet = before == self.moved() and not self.store.due and not self.hints
            if full and quiet:
                return rounds
            if full and rounds:
                self._stir(before[1])
        return QUIET

    def _stir(self, lines: int) -> None:
        """A full pass found something to do although nothing moved before it: only identity and scope may wait."""
        late = [line for _, line in self.store.lines[lines:] if line.verdict in IDENTITY and not line.unit]
        self.found_late += bool(late)
        if not late:
            self.stirred.append(self.told_since(lines))

    def told_since(self, lines: int) -> list[str]:
        return [f"{key} {line.verdict} {line.role} {line.unit}" for key, line in self.store.lines[lines:]]

    def moved(self) -> tuple[int, int]:
        return (sum(a.writes for a in self.accounts.values()), len(self.store.lines))

    def sweep(self, *, full: bool = False) -> None:
        """Everything that the hub would do by itself, given time: settle, list, audit, look again, push."""
        self.settle_all()
        for account in self.listening():
            self.pull(account, full=full)
            if full:
                for remote_id in self.unlisted(account, {row.remote_id for row in account.listed()}):
                    self.look(account, remote_id)
        self.tick += timedelta(minutes=1)
        for role, remote_id in sorted(self.hints):
            self.look(self.accounts[role], remote_id)
        for key in sorted(self.store.due):
            for role in sorted(self.store.due.get(key, ())):
                try:
                    self.carry(writing.push, key, role, "push at rest")
                except ConnectorError:
                    self.counts["calls that failed at rest"] += 1

    def settle_all(self) -> None:
        for record in list(self.store.records.values()):
            for role, link in record.links.items():
                if link.sending:
                    self.settled.add(record.key)
                    self.carry(writing.settle, record.key, role, "settled at rest")
