"""Bring one row to what a file says, and tell what that changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import models

from policies.core.types import same

M = TypeVar("M", bound=models.Model)
SHOWN = 120


class Changes:
    """What an apply did, or would do, in sentences."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, line: str) -> None:
        self.lines.append(line)

    def put(self, row: M, what: str, wanted: Mapping[str, Any]) -> bool:
        """Create the row, or change what differs; True if anything did."""
        if row.pk is None:
            for name, value in wanted.items():
                setattr(row, name, value)
            row.save()
            self.add(f"{what}: created")
            return True
        differing = {name: value for name, value in wanted.items() if not _same(getattr(row, name), value)}
        for name, value in differing.items():
            self.lines += told(f"{what}: {name}", getattr(row, name), value)
            setattr(row, name, value)
        if differing:
            row.save(update_fields=list(differing))
        return bool(differing)

    def remove(self, row: models.Model, what: str) -> None:
        row.delete()
        self.add(f"{what}: removed")


def _same(a: Any, b: Any) -> bool:
    return same(a, b)


def told(what: str, old: Any, new: Any) -> list[str]:
    """What changed; of mappings, only the parts that did."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        names = sorted({*old, *new}, key=str)
        parts = [(name, old.get(name), new.get(name)) for name in names if not _same(old.get(name), new.get(name))]
        return [f"{what}.{name}: {shown(a)} → {shown(b)}" for name, a, b in parts]
    return [f"{what}: {shown(old)} → {shown(new)}"]


def shown(value: Any) -> str:
    if isinstance(value, models.Model):
        return str(value)
    text = "nothing" if value in (None, "", [], {}) and not isinstance(value, bool) else str(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
