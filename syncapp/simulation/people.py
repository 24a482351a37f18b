"""What people do in a world: they edit in accounts and in the hub, and answer questions, at random."""

from __future__ import annotations

from datetime import datetime
from random import Random

from policies.core.resolve import Choice, Moved, Refused, edit, resolve
from policies.core.seen import Context
from policies.core.values import Json, Kind, Question

from . import catalogue
from .account import Account, Edit, Row
from .catalogue import ROLES
from .log import Log
from .memory import MemoryStore

RECORDS = 10


class People(Log):
    """Part of a world."""

    random: Random
    store: MemoryStore

    def now(self) -> datetime:
        raise NotImplementedError

    def populate(self) -> None:
        """Records that exist on some sides when the accounts are connected, some with differing values."""
        for number in range(RECORDS):
            sides = self.random.sample(ROLES, self.random.randint(1, 3))
            for role in sides:
                account = self.accounts[role]
                values: dict[str, Json] = {"email": f"person{number}@example.com"}
                for unit in self.policy.units[1:]:
                    for member in catalogue.members(unit.name):
                        if self.random.random() < 0.75:
                            salt = number if self.random.random() < 0.7 else 1000 + number * 10 + ROLES.index(role)
                            values[member] = catalogue.type_value(Random(salt), member, salt, None)
                        else:
                            values[member] = None
                stored = account.form(values, ours=False)
                self.remember_typed(values, stored)
                self.first[(role, account.add(stored, "person").remote_id)] = stored

    def edit(self, row: Row | None = None) -> None:
        """A person changes one field, or the fields of one bundle, in one account."""
        account = self.accounts[row.remote_id.split("-")[0] if row is not None else self.random.choice(ROLES)]
        if not account.rows or self.stop:
            return
        row = row or account.rows[self.random.choice(sorted(account.rows))]
        unit = self.random.choice(self.policy.units)
        names = catalogue.members(unit.name)
        names = names if self.random.random() < 0.5 else (self.random.choice(names),)
        typed = {name: self._type(account, name, row) for name in names}
        if unit.name == "email" and self.random.random() < 0.7:
            return
        stored = account.form(typed, ours=False)
        before = {name: row.fields.get(name) for name in names}
        edit = Edit(len(self.edits), account.role, row.remote_id, typed, stored, before, self.now())
        edit.noop = stored == before
        if edit.noop:
            return
        self.edits.append(edit)
        self.remember_typed(typed, stored)
        account.put(row, stored, "person", edit)

    def _type(self, account: Account, name: str, row: Row) -> object:
        roll = self.random.random()
        if roll < 0.05:
            return None
        key = self.store.ids.get((account.role, row.remote_id), "")
        history = list(self.believed.get((key, self.unit_of(name)), {}).values())
        if 0.15 <= roll < 0.22 and history and catalogue.KINDS[name] in ("text", "email"):
            return self.random.choice(history[-5:])[name]  # what the hub once believed
        if roll < 0.15 and self.typed.get(name) and catalogue.KINDS[name] in ("text", "integer"):
            return self.random.choice(self.typed[name][-12:])
        return catalogue.type_value(self.random, name, len(self.edits) + 100, row.fields.get(name))

    def edit_in_hub(self) -> None:
        """A person changes a field in the hub, having seen it at its version or an earlier one."""
        if not self.store.records:
            return
        key = self.random.choice(sorted(self.store.records))
        unit = self.random.choice(self.policy.units[1:])
        belief = self.store.records[key].beliefs.get(unit.name)
        seen = (belief.v if belief is not None else 0) - (self.random.random() < 0.2)
        value = {
            name: catalogue.type_value(
                self.random, name, len(self.edits) + 20_000, belief.value.get(name) if belief else None
            )
            for name in catalogue.members(unit.name)
        }
        self.remember_typed(value)
        try:
            with self.store.open(key) as page:
                record = page.record(key)
                if record is not None:
                    page.save(edit(record, unit.name, value, seen, "Kim", self.policy, Context(self.now())))
        except Refused:
            self.counts["hub edits refused"] += 1
            return
        self.counts["hub edits"] += 1
        self.hub_edits.append((key, unit.name, value))

    def answer(self) -> None:
        """A reviewer answers a question, now and then one that moved on since it was shown."""
        waiting = [(r, q) for r in self.store.records.values() for q in r.questions]
        if not waiting:
            return
        record, question = self.random.choice(waiting)
        version = question.version - (self.random.random() < 0.1)
        choice = self._choose(question)
        try:
            with self.store.open(record.key) as page:
                current = page.record(record.key) or record
                made = resolve(current, question.key, version, choice, "Robin", self.policy, Context(self.now()))
                for closed in made.closed:
                    if closed.value is not None:
                        self.chosen.setdefault((record.key, closed.question.unit), []).append(closed.value)
                        self.remember_typed(closed.value)
                page.save(made)
            self.counts["answers"] += 1
        except Moved:
            self.counts["answers that had moved"] += 1
        except Refused:
            self.counts["answers refused"] += 1

    def _choose(self, question: Question) -> Choice:
        if question.kind is Kind.DELETE:
            return Choice(action="recreate")
        if question.kind is Kind.MERGE:
            return Choice(action="unlink")
        if question.kind in (Kind.MATCH, Kind.CREATE):
            return Choice(action="skip")
        candidate = self.random.choice(question.candidates)
        if self.random.random() < 0.2:
            value = {
                name: catalogue.type_value(self.random, name, self.random.randint(5000, 9999), old)
                for name, old in candidate.value.items()
            }
            self.remember_typed(value)
            return Choice(value=value)
        return Choice(source=candidate.source, overwritten=candidate.overwritten)
