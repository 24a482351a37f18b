"""The hub's workers in a world: they receive, look, list, audit, push, settle and revise; each may be slow, or die."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from policies.core.gates import nothing_new
from policies.core.revise import Authority, revise
from policies.core.seen import Context, Observation
from syncapp import push as writing
from syncapp import steps
from syncapp.connectors.errors import ConnectorError
from syncapp.lastlook import REPEATS, LastLook
from syncapp.ports import Remote
from syncapp.push import Outcome

from .account import LAG, Account
from .memory import MemoryStore
from .reviewer import Reviewer
from .together import InBatches

PAGE = 3  # records that a revision takes at once


class Crash(BaseException):
    """A process dies here."""


@dataclass(slots=True)
class Revising:
    """A policy version on its way through the records."""

    before: dict[str, Authority]
    done: int = 0


class Workers(Reviewer):
    """Part of a world."""

    in_batches: InBatches

    def __init__(self) -> None:
        super().__init__()
        self.bag: list[list[Observation]] = []
        self.inbox: list[Observation] = []
        self.hints: dict[tuple[str, str], tuple[int, datetime]] = {}  # to be looked at again: attempts, since when
        self.attempts: dict[tuple[str, str], tuple[int, datetime]] = {}  # writes in vain: how often, since when
        self.revising: list[Revising] = []
        self.stopped: set[str] = set()  # roles that are not written to now
        self.held: set[str] = set()  # records for which nothing is written now
        self.loaded: set[str] = set()

    def listening(self) -> list[Account]:
        return [self.accounts[role] for role in self.scenario.roles if self.policy.roles[role].writes]

    def any_listening(self) -> Account:
        return self.random.choice(self.listening())

    # what comes in

    def deliver(self) -> None:
        """A webhook: late, twice, out of order, without a body, or never."""
        account = self.any_listening()
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
            self.receive(account, event, fat=roll <= 0.6)
        except (Crash, ConnectorError):
            account.events.append(event)  # the inbox keeps a delivery until its hint was judged
            if roll <= 0.6:
                self.inbox.append(event)
            raise

    def receive(self, account: Account, event: Observation, *, fat: bool) -> None:
        if not event.deleted and self._nothing_new(account, event):
            self.counts["deliveries that told nothing new"] += 1
            return
        if not fat or event.deleted:
            self.counts["deliveries without body"] += 1
        else:
            for edit in self.views.get((event.remote_id, event.digest, account.role), {}).values():
                owner = self.store.ids.get((account.role, event.remote_id), "")
                edit.shown = edit.shown or (bool(owner) and edit.lost_for in ("", owner))
            judged = steps.judge(self.store, account.role, [event])
            if judged.waiting:
                account.events.append(event)
                self.inbox.append(event)  # it waits there with its values
                self.counts["deliveries that waited"] += 1
        self.counts["deliveries"] += 1
        self.look(account, event.remote_id)

    def _nothing_new(self, account: Account, event: Observation) -> bool:
        record = self.store.records.get(self.store.ids.get((account.role, event.remote_id), ""))
        link = record.links.get(account.role) if record is not None else None
        hinted = (account.role, event.remote_id) in self.hints
        exact = self.policy.roles[account.role].exact
        return link is not None and not hinted and nothing_new(link, event.version, event.fields, exact=exact)

    def look(self, account: Account, remote_id: str) -> None:
        where = (account.role, remote_id)
        attempt, since = self.hints.get(where, (0, self.tick))
        last = attempt >= REPEATS and self.tick - since > LAG
        if self._half_typed(account, remote_id):
            self.hints[where] = (attempt, since)
            self.counts["looks put off: settling"] += 1
            return
        judged = steps.look(self.store, account, remote_id, attempt=attempt, last=last)
        self.counts["looks"] += 1
        if remote_id in judged.again:
            self.hints[where] = (attempt + 1, since)
            self.counts["looks repeated"] += 1
        elif judged.waiting:
            self.hints[where] = (attempt, since)
        else:
            self.hints.pop(where, None)
        for other in judged.again:  # what a merged record lives on as
            self.hints.setdefault((account.role, other), (0, self.tick))

    def _half_typed(self, account: Account, remote_id: str) -> bool:
        """Within the feed's settle delay a change is left alone."""
        delay = self.scenario.settling[account.role]
        row = account.rows.get(remote_id)
        return bool(delay) and row is not None and self.tick - row.changed_at < delay and not self.stop

    def look_again(self) -> None:
        if self.hints:
            role, remote_id = self.random.choice(sorted(self.hints))
            self.look(self.accounts[role], remote_id)

    def hold(self) -> None:
        """A worker reads and is slow: what it read is judged later, perhaps twice."""
        account = self.any_listening()
        if account.rows:
            remote_id = self.random.choice(sorted(account.rows))
            self.bag.append([account.read(remote_id)])

    def judge_held(self) -> None:
        if self.bag:
            observations = self.random.choice(self.bag)
            if self.random.random() < 0.7:
                self.bag.remove(observations)
            self.note(observations[0].role, steps.judge(self.store, observations[0].role, observations))

    def note(self, role: str, judged: steps.Judged) -> None:
        """What could not be judged is looked at later."""
        for remote_id in (*judged.again, *judged.waiting):
            self.hints.setdefault((role, remote_id), (0, self.tick))

    def poll(self) -> None:
        self.pull(self.any_listening(), full=self.random.random() < 0.15)

    def pull(self, account: Account, *, full: bool = False) -> None:
        whole = full or not self.store.cursor(account.role)
        for judged in steps.pull(self.store, account, full=full):
            self.note(account.role, judged)
            self.counts["pages"] += 1
        if whole:
            self.loaded.add(account.role)

    def audit(self) -> None:
        """Records that a listing does not show are looked at by id: a listing alone says nothing about deletes."""
        account = self.any_listening()
        listed = {o.remote_id for page in account.pages("", full=True) for o in page.observations if not o.deleted}
        for remote_id in self.unlisted(account, listed):
            self.counts["audited"] += 1
            self.look(account, remote_id)

    def unlisted(self, account: Account, listed: set[str]) -> list[str]:
        role = account.role
        links = [record.links[role] for record in self.store.records.values() if role in record.links]
        known = [
            link.remote_id for link in links if link.remote_id is not None and link.gone is None and not link.asleep
        ]
        return [remote_id for remote_id in known if remote_id not in listed]

    # what goes out

    def push(self) -> None:
        waiting = [key for key in sorted(self.store.due) if key not in self.held]
        if not waiting:
            return
        key = self.random.choice(waiting)
        role = self.random.choice(sorted(self.store.due[key]))
        if not self.may_push(role):
            self.counts["pushes held back"] += 1
            return
        if self.in_batches.now(role):
            self.in_batches.push(role)
        else:
            self.carry(writing.push, key, role, "push")

    def carry(self, step: Callable[[MemoryStore, Remote, str], Outcome], key: str, role: str, name: str) -> Outcome:
        """As the clerk does: tried again and again in vain, the next look is believed, even at a lower version."""
        attempts, since = self.attempts.get((key, role), (0, self.tick))
        account = self.accounts[role]
        believing = attempts >= REPEATS and self.tick - since > LAG
        outcome = step(self.store, LastLook(account) if believing else account, key)
        self.counts[f"{name}: {outcome}"] += 1
        if outcome in (Outcome.MOVED, Outcome.BUSY):
            self.attempts[(key, role)] = (attempts + 1, since)
        else:
            self.attempts.pop((key, role), None)
        return outcome

    def may_push(self, role: str) -> bool:
        """Writing may be stopped there, or the feed was never read as a whole."""
        listens = self.policy.roles[role].writes
        return role not in self.stopped and (role in self.loaded or not listens)

    def settle(self) -> None:
        sending = [(r.key, role) for r in self.store.records.values() for role, link in r.links.items() if link.sending]
        if sending:
            key, role = self.random.choice(sending)
            sent = self.store.records[key].links[role].sending
            if role in self.stopped and sent is not None and sent.create:
                return  # it may have to be made, and waits
            if self.in_batches.now(role):
                self.in_batches.settle(role)
                return
            self.settled.add(key)
            self.carry(writing.settle, key, role, "settled")

    def revise_page(self) -> None:
        """Bring the next records under the policy version that came into force."""
        if not self.revising:
            return
        at = self.revising[0]
        keys = list(self.store.records)[at.done : at.done + PAGE]
        if not keys:
            self.revising.pop(0)
            return
        with self.store.page("", (), keys) as page:
            for key in keys:
                record = page.record(key)
                if record is not None:
                    page.save(revise(record, at.before, page.policy, Context(self.hub_now())))
        at.done += len(keys)
        self.counts["records revised"] += len(keys)
