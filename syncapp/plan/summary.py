"""A plan in numbers, counted while its rows go by."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from syncapp.models import Planned

from .findings import Found

Json = dict[str, Any]


@dataclass
class Summary:
    """Records by group, and of the fields and writes of each: what would happen to how many."""

    groups: Counter[str] = field(default_factory=Counter)
    only: Counter[str] = field(default_factory=Counter)
    writes: dict[str, Counter[str]] = field(default_factory=dict)
    questions: Counter[str] = field(default_factory=Counter)
    fields: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, found: Found) -> None:
        if found.group == Planned.Group.SIDE:
            return
        self.groups[found.group] += 1
        if found.group == Planned.Group.ONLY:
            self.only[found.role] += 1
        for write in found.detail.get("writes", ()):
            self.writes.setdefault(write["role"], Counter())[write["what"]] += 1
        for question in found.detail.get("questions", ()):
            self.questions[question["kind"]] += 1
        for told in found.detail.get("fields", ()):
            self._field(told)

    def _field(self, told: Json) -> None:
        """By outcome: a person is asked, filled in, left as it is, or decided for one or several sides."""
        marks = [mark for mark in ("asks", "fills", "stays") if told.get(mark)]
        how = marks[0] if marks else "+".join(told["winner"]) or "hub"
        self.fields.setdefault(told["unit"], Counter())[how] += 1

    @property
    def acts(self) -> bool:
        """Would anything be written, or anybody asked?"""
        return bool(self.writes or self.questions)

    def as_json(self) -> Json:
        return {
            "groups": dict(self.groups),
            "only": dict(self.only),
            "writes": {role: dict(counts) for role, counts in self.writes.items()},
            "questions": dict(self.questions),
            "fields": {unit: dict(counts) for unit, counts in self.fields.items()},
            "acts": self.acts,
        }
