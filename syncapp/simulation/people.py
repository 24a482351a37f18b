"""What people do in a world: they make, edit and delete records in accounts, and edit in the hub, at random."""

from __future__ import annotations

from random import Random

from policies.core.resolve import Refused, edit
from policies.core.seen import Context
from policies.core.values import Json, Values

from . import catalogue
from .account import Account
from .log import Delete, Log
from .rows import Edit, Row


class People(Log):
    """Part of a world."""

    def populate(self) -> None:
        """Records that exist on some sides when the accounts are connected, some with differing values."""
        roles = self.scenario.roles
        for number in range(self.scenario.records):
            for role in self.random.sample(roles, self.random.randint(1, len(roles))):
                self.make(self.accounts[role], number)
                if self.random.random() < self.scenario.twins:
                    self.make(self.accounts[role], number)
                    self.counts["twins at first sync"] += 1

    def make(self, account: Account, number: int) -> None:
        """A person makes a record, with gaps, and with values that differ from those of other accounts now and then."""
        salted = 1000 + number * 10 + self.scenario.roles.index(account.role)
        values: dict[str, Json] = {"email": f"person{number}@example.com"}
        for unit in self.policy.units[1:]:
            for member in catalogue.members(unit.name):
                values[member] = None
                if self.random.random() < 0.75:
                    salt = number if self.random.random() < 0.7 else salted
                    values[member] = catalogue.type_value(Random(salt), member, salt, None)
        stored = account.form(values, ours=False)
        self.remember_typed(values, stored)
        self.first[(account.role, account.add(stored, "person").remote_id)] = stored

    def make_record(self) -> None:
        """While everything runs: somebody new, or somebody whom other accounts know already."""
        if self.stop:
            return
        self.make(self.any_account(), self.random.randrange(self.scenario.records + 4))
        self.counts["records made by people"] += 1

    def any_account(self) -> Account:
        return self.accounts[self.random.choice(self.scenario.roles)]

    def any_row(self) -> Row | None:
        account = self.any_account()
        return account.rows[self.random.choice(sorted(account.rows))] if account.rows else None

    def edit(self, row: Row | None = None) -> None:
        """A person changes one field, or the fields of one bundle, in one account."""
        row = row or self.any_row()
        if row is None or self.stop:
            return
        account = self.accounts[row.role]
        unit = self.random.choice(self.policy.units)
        names = catalogue.members(unit.name)
        names = names if self.random.random() < 0.5 else (self.random.choice(names),)
        typed = {name: self._type(account, name, row) for name in names}
        if unit.name == "email" and self.random.random() < 0.7:
            return
        stored = account.form(typed, ours=False)
        before = {name: row.fields.get(name) for name in names}
        if stored != before:
            self.remember_typed(typed, stored)
            account.put(row, stored, "person", self.note_edit(row, typed, stored, before))

    def note_edit(self, row: Row, typed: dict[str, Json], stored: dict[str, Json], before: dict[str, Json]) -> Edit:
        made = Edit(len(self.edits), row.role, row.remote_id, typed, stored, before, self.now())
        self.edits.append(made)
        return made

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

    def delete(self, row: Row | None = None) -> None:
        """A person deletes a record in one account."""
        row = row or self.any_row()
        if row is not None and not self.stop:
            self.accounts[row.role].remove(row, "person")
            self.deletes.append(Delete(row.role, row.remote_id, self.now()))
            self.counts["deletes by people"] += 1

    def undelete(self) -> None:
        """A person takes a record out of an account's bin."""
        account = self.any_account()
        bin = sorted(account.trash.keys() - account.merged.keys())
        if bin and not self.stop:
            row = account.trash[self.random.choice(bin)]
            account.bring_back(row)
            self.counts["records taken back"] += 1
            self.came_back(row)

    def came_back(self, row: Row) -> None:
        for known in self.deletes:
            if (known.role, known.remote_id) == (row.role, row.remote_id):
                known.back = True

    def merge(self, row: Row | None = None) -> None:
        """A person merges a record of an account into another one there, which keeps its own values."""
        row = row or self.any_row()
        account = self.accounts[row.role] if row is not None else self.any_account()
        others = sorted(account.rows.keys() - {row.remote_id if row is not None else ""})
        if row is None or not others or self.stop:
            return
        into = account.rows[self.random.choice(others)]
        edits = []
        for unit in self.policy.units:
            names = catalogue.members(unit.name)
            taken = {name: row.fields.get(name) for name in names}
            if all(into.fields.get(name) is None for name in names) and any(v is not None for v in taken.values()):
                self.remember_typed(taken)
                edits.append(self.note_edit(into, taken, taken, dict.fromkeys(names)))
        account.merge(row, into, edits)
        self.counts["merges by people"] += 1

    def edit_in_hub(self) -> None:
        """A person changes a field in the hub, having seen it at its version or an earlier one."""
        if not self.store.records:
            return
        key = self.random.choice(sorted(self.store.records))
        unit = self.random.choice(self.policy.units[1:])
        belief = self.store.records[key].beliefs.get(unit.name)
        seen = (belief.v if belief is not None else 0) - (self.random.random() < 0.2)
        before: Values = belief.value if belief is not None else {}
        value = {
            name: catalogue.type_value(self.random, name, len(self.edits) + 20_000, before.get(name))
            for name in catalogue.members(unit.name)
        }
        self.remember_typed(value)
        try:
            with self.store.open(key) as page:
                record = page.record(key)
                if record is not None:
                    page.save(edit(record, unit.name, value, seen, "Kim", self.policy, Context(self.hub_now())))
        except Refused:
            self.counts["hub edits refused"] += 1
            return
        self.counts["hub edits"] += 1
        self.hub_edits.append((key, unit.name, value))
