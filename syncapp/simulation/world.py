"""One seed: accounts, people, workers and faults, interleaved by a random number generator that replays identically."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from policies.core.seen import Context, Observation
from syncapp import push as writing
from syncapp import steps
from syncapp.connectors.errors import ConnectorError

from . import catalogue
from .account import Account
from .catalogue import ROLES
from .memory import MemoryStore
from .people import People

EDITS = 60
QUIET = 40  # rounds in which everything must come to rest


class Crash(BaseException):
    """A process dies here."""


class World(People):
    """Everything that happens in one seed."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed, self.random = seed, Random(seed)
        self.tick = datetime(2026, 1, 1, tzinfo=UTC)
        self.bag: list[list[Observation]] = []
        self.inbox: list[Observation] = []
        self.calm, self.inside, self.stop = True, False, False
        self.all_conditional = self.random.random() < 1 / 3
        traits = {role: catalogue.draw_traits(self.random, self.all_conditional) for role in ROLES}
        norms = {role: catalogue.draw_norms(self.random) for role in ROLES}
        self.policy = catalogue.draw_policy(self.random, traits, norms)
        self.unknown_skew = {role for role in ROLES if self.random.random() < 0.2}
        self.accounts = {
            role: Account(
                self, role, traits[role], norms[role], catalogue.draw_hidden(self.random, traits[role]), self.random
            )
            for role in ROLES
        }
        self.store = MemoryStore(self, self.policy)

    # time, faults, interruptions

    def now(self) -> datetime:
        self.tick += timedelta(microseconds=1)
        return self.tick

    def context(self, role: str) -> Context:
        account = self.accounts.get(role)
        if account is None:
            return Context(self.tick)
        skew = None if role in self.unknown_skew else account.traits.skew
        return Context(self.tick, skew, timedelta(milliseconds=50), account.traits.granularity)

    def call(self, account: Account, step: str, remote_id: str = "") -> None:
        """Every remote call: time passes, others act, the process may die."""
        self.tick += timedelta(milliseconds=self.random.randint(1, 40))
        if self.calm:
            return
        self.crash(f"{step}")
        if not self.inside and self.random.random() < 0.12:
            self.inside = True
            try:
                if remote_id and self.random.random() < 0.4:
                    self.edit(account.rows.get(remote_id))
                else:
                    self.random.choice((self.edit, self.deliver, self.judge_held))()
            finally:
                self.inside = False

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

    # workers

    def deliver(self) -> None:
        """A webhook: late, twice, out of order, without a body, or never."""
        account = self.accounts[self.random.choice(ROLES)]
        if not account.events:
            return
        event = account.events[self.random.randrange(len(account.events))]
        roll = self.random.random()
        if event in self.inbox:
            roll = min(roll, 0.6)  # it was stored with its values once, and is not lost any more
        if roll > 0.15:
            account.events.remove(event)
        if roll > 0.85:
            self.counts["deliveries lost"] += 1
            return
        try:
            self._receive(account, event, fat=roll <= 0.6)
        except (Crash, ConnectorError):
            account.events.append(event)  # the inbox keeps a delivery until its hint was judged
            if roll <= 0.6:
                self.inbox.append(event)
            raise

    def _receive(self, account: Account, event: Observation, *, fat: bool) -> None:
        if not fat:
            self.counts["deliveries without body"] += 1
        else:
            for edit in self.views.get((event.remote_id, event.digest, account.role), {}).values():
                edit.shown = True
            judged = steps.judge(self.store, account.role, [event])
            if judged.waiting:
                account.events.append(event)
                self.counts["deliveries that waited"] += 1
        self.counts["deliveries"] += 1
        self.look(account, event.remote_id)

    def look(self, account: Account, remote_id: str) -> None:
        judged = steps.look(self.store, account, remote_id)
        self.counts["looks"] += 1
        if judged.again:
            self.counts["looks repeated"] += 1

    def hold(self) -> None:
        """A worker reads and is slow: what it read is judged later, perhaps twice."""
        account = self.accounts[self.random.choice(ROLES)]
        if account.rows:
            remote_id = self.random.choice(sorted(account.rows))
            self.bag.append([account.read(remote_id)])

    def judge_held(self) -> None:
        if self.bag:
            observations = self.random.choice(self.bag)
            if self.random.random() < 0.7:
                self.bag.remove(observations)
            steps.judge(self.store, observations[0].role, observations)

    def poll(self, *, full: bool = False) -> None:
        account = self.accounts[self.random.choice(ROLES)]
        for _ in steps.pull(self.store, account, full=full):
            self.counts["pages"] += 1

    def push(self) -> None:
        if not self.store.due:
            return
        key = self.random.choice(sorted(self.store.due))
        role = self.random.choice(sorted(self.store.due[key]))
        outcome = writing.push(self.store, self.accounts[role], key)
        self.counts[f"push: {outcome}"] += 1

    def settle(self) -> None:
        sending = [(r.key, role) for r in self.store.records.values() for role, link in r.links.items() if link.sending]
        if sending:
            key, role = self.random.choice(sending)
            self.settled.add(key)
            self.counts[f"settled: {writing.settle(self.store, self.accounts[role], key)}"] += 1

    # the run

    def act(self) -> None:
        actions = {
            self.deliver: 20,
            self.poll: 6,
            self.push: 30,
            self.settle: 8,
            self.hold: 4,
            self.judge_held: 4,
            self.answer: 4,
            self.edit: 24,
            self.edit_in_hub: 2,
        }
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
        for role in ROLES:
            for _ in steps.pull(self.store, self.accounts[role]) if self.calm else ():
                pass
        self.calm = False
        while len(self.edits) < EDITS:
            self.act()

    def rest(self) -> int:
        """People stop; all is delivered, settled, read and pushed until nothing moves. Returns the rounds used."""
        self.calm = self.stop = True
        self.versions = {record.key: record.version for record in self.store.records.values()}
        while self.bag:
            self.judge_held()
        self._settle_all()
        for account in self.accounts.values():
            waiting, account.events = account.events, []
            for event in waiting:
                self._receive(account, event, fat=True)
        for rounds in range(QUIET):
            before = (sum(a.writes for a in self.accounts.values()), len(self.store.lines))
            self.sweep()
            if before == (sum(a.writes for a in self.accounts.values()), len(self.store.lines)) and not self.store.due:
                return rounds
        return QUIET

    def sweep(self, *, full: bool = False) -> None:
        self._settle_all()
        for account in self.accounts.values():
            for _ in steps.pull(self.store, account, full=full):
                pass
        for key in sorted(self.store.due):
            for role in sorted(self.store.due.get(key, ())):
                try:
                    writing.push(self.store, self.accounts[role], key)
                except ConnectorError:
                    self.counts["calls that failed at rest"] += 1

    def _settle_all(self) -> None:
        for record in list(self.store.records.values()):
            for role, link in record.links.items():
                if link.sending:
                    self.settled.add(record.key)
                    writing.settle(self.store, self.accounts[role], record.key)
