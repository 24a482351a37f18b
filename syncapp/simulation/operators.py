"""What those who run the accounts and the hub do in a world: publish a policy, bind a role, stop writing, put back a
backup, set a clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from policies.core.revise import Authority
from policies.core.rules import Policy

from . import catalogue, scenario
from .account import Account
from .log import Delete
from .rows import Row
from .workers import Revising, Workers

Planned = tuple[int, Callable[[], None]]


class Operators(Workers):
    """Part of a world."""

    joined: frozenset[str]
    shift: timedelta

    def milestones(self) -> list[Planned]:
        """What happens once in a seed, each after so many edits."""
        random = scenario.drawn(self.scenario.seed, "milestones")
        planned: list[Planned] = [(random.randint(10, 50), self.publish) for _ in range(self.scenario.revisions)]
        if self.scenario.late:
            planned.append((random.randint(5, 40), self.join))
        if self.scenario.restores:
            account = self.accounts[random.choice(self.scenario.roles)]
            saved = random.randint(5, 30)
            planned.append((saved, lambda: self.back_up(account)))
            planned.append((saved + random.randint(5, 25), lambda: self.put_back(account)))
        return sorted(planned, key=lambda planned: planned[0])

    # policies and roles

    def publish(self) -> None:
        """A new policy version comes into force; the records come under it page by page."""
        before = {unit.name: Authority(unit.owner, unit.writers - {"hub"}, unit.readers) for unit in self.policy.units}
        self._come_into_force(catalogue.draw_policy(self.scenario, self.policy.version + 1, self.joined))
        self.revising.append(Revising(before))
        self.counts["policies published"] += 1

    def join(self) -> None:
        """A feed is bound to a role that was silent: all its records are first links."""
        self.joined |= {self.scenario.late}
        self._come_into_force(catalogue.draw_policy(self.scenario, self.policy.version, self.joined))
        for key in self.store.records:
            self.store.derive(key)
        self.counts["roles that joined"] += 1

    def _come_into_force(self, policy: Policy) -> None:
        self.policies.append((self.now(), policy))
        self.store.policy = policy

    # brakes

    def brake(self) -> None:
        """Stop writing to everybody, to one account or of one record; or release one of these."""
        roll = self.random.random()
        if (self.stopped or self.held) and roll < 0.6:
            self.release_all() if roll < 0.2 else self._release_one()
        elif roll < 0.7:
            self.stopped |= set(self.scenario.roles)
            self.counts["all writes stopped"] += 1
        elif roll < 0.85 or not self.store.due:
            self.stopped.add(self.random.choice(self.scenario.roles))
            self.counts["writes to one account stopped"] += 1
        else:
            self.held.add(self.random.choice(sorted(self.store.due)))
            self.counts["records held"] += 1

    def _release_one(self) -> None:
        (self.stopped or self.held).discard(self.random.choice(sorted(self.stopped or self.held)))

    def release_all(self) -> None:
        self.stopped.clear()
        self.held.clear()

    # accounts and clocks

    def back_up(self, account: Account) -> None:
        account.saved = {remote_id: row.copy() for remote_id, row in account.rows.items()}

    def put_back(self, account: Account) -> None:
        """The account is set back to an older state: lower versions, records gone, records back; and no events."""
        self.counts["accounts set back"] += 1
        self.set_back.add(account.role)
        for row in [row for remote_id, row in account.rows.items() if remote_id not in account.saved]:
            account.vanish(row)
            self.deletes.append(Delete(row.role, row.remote_id, self.tick))
        for remote_id, saved in account.saved.items():
            current = account.rows.get(remote_id) or account.untrash(remote_id)
            if remote_id not in account.rows:
                self.came_back(current)
            if current.state != saved.state:
                account.rows[remote_id] = self._set_back(account, current, saved)

    def _set_back(self, account: Account, current: Row, saved: Row) -> Row:
        """As if somebody had typed the old values: where they differ, the newer ones were lost to it."""
        row = saved.copy()
        row.edits = dict(current.edits)
        account.states += 1
        row.state, row.changed_at = account.states, self.tick
        row.fields |= {name: None for name in current.fields if name not in row.fields}
        for unit in self.policy.units:
            old = {name: saved.fields.get(name) for name in catalogue.members(unit.name)}
            now = {name: current.fields.get(name) for name in old}
            changed = {name: value for name, value in old.items() if value != now[name]}
            if changed:
                before = {name: now[name] for name in changed}
                self.remember_typed(changed)
                edit = self.note_edit(row, changed, dict(changed), before)
                edit.restored = True
                for name in changed:
                    lost = row.edits.get(name)
                    if lost is not None and not lost.lost_to:
                        lost.lost_to = "restored"
                    row.edits[name] = edit
        return row

    def jump(self) -> None:
        """The hub's clock, or an account's, is set."""
        by = timedelta(seconds=self.random.choice((-20, -5, 5, 60, 3600)))
        if self.random.random() < 0.5:
            self.shift = by
            self.counts["the hub's clock was set"] += 1
        else:
            self.accounts[self.random.choice(self.scenario.roles)].skew = by
            self.counts["an account's clock was set"] += 1
