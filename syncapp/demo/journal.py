"""The scenario's own log of edits, and what is on record about them: plain values, judged by `verdict`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = Any
Unit = tuple[str, str]  # (person, unit)


@dataclass(frozen=True, slots=True)
class Edit:
    """Somebody changed one unit of one person in one system. Values are canonical, as the system stored them."""

    number: int
    at: datetime
    role: str
    person: str
    unit: str
    values: Mapping[str, Json]
    authorised: bool = True
    added: frozenset[str] = frozenset()  # a set that is merged: what this edit put in and took out
    removed: frozenset[str] = frozenset()
    merged: bool = False
    version: int = 0  # what the system counted it as, where it keeps a log

    @property
    def place(self) -> Unit:
        return self.person, self.unit


@dataclass(frozen=True, slots=True)
class Restore:
    """A system was set back to what it held at `taken`; what happened there since then never was."""

    role: str
    taken: datetime
    done: datetime
    held: Mapping[Unit, Mapping[str, Json]]
    versions: Mapping[str, int] = field(default_factory=dict)  # of each person's row, just before it was set back


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the ledger about a unit."""

    number: int
    at: datetime
    role: str
    verdict: str
    values: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Dispute:
    """A disagreement on record: every side, and how it ended."""

    sides: tuple[tuple[str, Mapping[str, Json]], ...]  # (role, values)
    open: bool
    value: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What the hub has on record, by person and unit."""

    lines: Mapping[Unit, tuple[Line, ...]] = field(default_factory=dict)
    disputes: Mapping[Unit, tuple[Dispute, ...]] = field(default_factory=dict)
