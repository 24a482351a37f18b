"""What people do in the headless demo: edits in all systems, some of them two at once, from a seed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from policies.core.rules import Policy, Strategy

from .journal import Edit, Json
from .systems import System

EDITS, DISPUTES = 540, 36
PEOPLE_IN_DISPUTE = DISPUTES
PAUSE = 0.032
STAGES = ("subscriber", "lead", "opportunity", "customer")
# How often people of each department change what; what a department may not change is tried now and then.
HABITS: Mapping[str, Sequence[tuple[str, int]]] = {
    "crm": (
        ("first_name", 20), ("last_name", 15), ("email", 12), ("address", 12), ("labels", 10), ("stage", 8),
        ("newsletter", 6), ("phone", 6), ("credit_limit", 3),
    ),
    "billing": (
        ("address", 25), ("credit_limit", 18), ("labels", 10), ("last_name", 10), ("first_name", 6), ("newsletter", 5),
        ("phone", 4), ("stage", 2),
    ),
    "directory": (("first_name", 30), ("last_name", 25), ("phone", 8), ("email", 8), ("address", 4)),
    "database": (("first_name", 20), ("last_name", 20), ("newsletter", 10), ("email", 8), ("phone", 6)),
}  # fmt: skip
OFTEN = ("crm", "crm", "billing", "directory", "database")
FAULTS: Mapping[str, Any] = {
    "webhook_duplicate": 0.15, "webhook_reorder": 0.15, "webhook_reorder_seconds": 0.3, "webhook_delay": 0.1,
    "webhook_delay_seconds": 1.0, "webhook_lose": 0.1, "webhook_bodyless": 0.3, "server_error": 0.03,
    "rate_limit_per_second": 60, "hang_after_write": 0.02, "hang_seconds": 0.3,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class People:
    """Who is whom: the remote ids of everybody who is in all systems, by the e-mail address of the beginning."""

    ids: Mapping[str, Mapping[str, str]]

    @classmethod
    def find(cls, systems: Mapping[str, System]) -> People:
        by_mail: dict[str, dict[str, str]] = {}
        for role, system in systems.items():
            for remote_id, fields in system.held().items():
                by_mail.setdefault(str(fields["email"]).casefold(), {})[role] = remote_id
        return cls({mail: ids for mail, ids in sorted(by_mail.items()) if len(ids) == len(systems)})


@dataclass(slots=True)
class Scenario:
    systems: Mapping[str, System]
    people: People
    policy: Policy
    random: Random
    between: Callable[[], None]  # called now and then while people edit
    edits: list[Edit] = field(default_factory=list)
    once: bool = False  # nobody changes a field twice in one system, so that no edit can hide behind the next one
    _done: set[tuple[str, str, str]] = field(default_factory=set)
    _disputed: list[str] = field(default_factory=list)
    _others: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _numbers: int = 0

    def __post_init__(self) -> None:
        names = list(self.people.ids)
        self.random.shuffle(names)
        self._disputed, self._others = names[:PEOPLE_IN_DISPUTE], names[PEOPLE_IN_DISPUTE:]

    def run(self) -> None:
        for turn in range(EDITS):
            self.turn(turn)
            time.sleep(self.random.random() * 2 * PAUSE)
            if turn % 30 == 0:
                self.between()

    def turn(self, number: int) -> None:
        """One edit, now and then two at once."""
        if number % (EDITS // DISPUTES) == 0 and self._disputed:
            self._two_at_once(self._disputed.pop())
        role = self.random.choice([role for role in OFTEN if role in self.systems])
        self._one(role, self.random.choice(self._others))

    def _one(self, role: str, person: str) -> None:
        units, weights = zip(*HABITS[role], strict=True)
        unit = self.random.choices(units, weights)[0]
        if self.once and (role, person, unit) in self._done:
            return
        self._done.add((role, person, unit))
        self.edit(role, person, unit, self._invent(role, person, unit))

    def _two_at_once(self, person: str) -> None:
        """The same phone in two systems, each typed before anybody could have told the other."""
        pair = self.random.sample(sorted(self.systems), 2)
        values = [self._invent(role, person, "phone") for role in pair]
        together = threading.Barrier(2)

        def type_in(role: str, value: Mapping[str, Json]) -> None:
            together.wait(10)
            self.edit(role, person, "phone", value)

        threads = [threading.Thread(target=type_in, args=args) for args in zip(pair, values, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def edit(self, role: str, person: str, unit: str, values: Mapping[str, Json]) -> None:
        system, remote_id = self.systems[role], self.people.ids[person][role]
        with self._lock:
            self._numbers += 1
            number = self._numbers
        at = datetime.now(UTC)
        stored = system.edit(remote_id, values, actor_of(number))
        rule = self.policy.unit(unit)
        merged = rule.strategy is Strategy.MERGE
        with self._lock:
            self.edits.append(Edit(number, at, role, person, unit, stored, role in rule.writers, merged=merged))

    def _invent(self, role: str, person: str, unit: str) -> dict[str, Json]:
        """A value that nobody typed before, where the field leaves room for one."""
        self._numbers += 1
        number, dice = self._numbers, self.random
        if unit == "phone":
            return {"phone": f"+49 30 7{number:06d}"}
        if unit == "email":
            # Capitals: one system keeps them, another does not.
            return {"email": f"{person.split('@')[0]}.N{number}@Example.com"}
        if unit == "address":
            whole = {"street": f"Neue Straße {number}", "zip": f"{10000 + number}", "city": f"Stadt {number}"}
            return whole if dice.random() < 0.5 else {"street": whole["street"]}
        if unit == "labels":
            return {"labels": self._labels(role, person, number)}
        return {unit: self._plain(unit, number)}

    def _plain(self, unit: str, number: int) -> Json:
        if unit == "credit_limit":
            return f"{number}.{number % 100:02d}"
        if unit == "newsletter":
            return self.random.random() < 0.5
        return self.random.choice(STAGES) if unit == "stage" else f"{unit.split('_')[0].title()} {number}"

    def _labels(self, role: str, person: str, number: int) -> list[str]:
        """As somebody does who sees the form: one label more, or one less."""
        now = list(self.systems[role].held()[self.people.ids[person][role]]["labels"] or ())
        if now and self.random.random() < 0.4:
            now.remove(self.random.choice(now))
            return now
        return sorted([*now, f"label{number}"])


def actor_of(number: int) -> str:
    """Each edit under a name of its own, so that the sandboxes' logs can be laid beside the scenario's."""
    return f"person {number}"
