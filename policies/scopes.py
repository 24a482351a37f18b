"""What a feed takes, in canonical terms, as conditions of the judge: what a record must hold to be made there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .core.scope import Condition, condition
from .core.types import field_type
from .models import SyncField

Told = tuple[str, str, Any]  # canonical field, operator, value


def conditions(
    role: str, told: Iterable[Told], fields: Sequence[SyncField], problems: list[str]
) -> tuple[Condition, ...]:
    """What cannot be compiled is added to `problems`, a sentence each."""
    types = {item.name: item for item in fields}
    made = []
    for name, op, value in told:
        item = types.get(name)
        try:
            kind = field_type(item.type, **item.params) if item is not None else None
            made.append(condition(name, op, value, kind))
        except (ValueError, TypeError) as error:
            problems.append(f"{role}: its scope on {name}: {error}")
    return tuple(made)
