"""Which records a feed takes: conditions over values, evaluated purely.

An account's record is compared by what it tells; a record of the hub by what is believed (`due`), before it is made
there. What is not told counts as empty, except in the answer to a write, which may tell a part only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from .invalid import is_invalid
from .types import same
from .values import Json

NUMBERS = ("integer", "decimal", "counter")
ORDERED = (*NUMBERS, "date", "datetime", "text")


@dataclass(frozen=True, slots=True)
class Condition:
    """One test of one field. `value` is canonical where the field is; `kind` is the field's type, "" if unknown."""

    field: str
    op: str
    value: Json
    kind: str = ""


def holds(conditions: Iterable[Condition], values: Mapping[str, Json], *, partial: bool = False) -> bool:
    """Do all conditions hold? With `partial`, those about fields that were not told are left out."""
    return all(
        OPERATORS[one.op](values.get(one.field), one) for one in conditions if not partial or one.field in values
    )


def is_empty(value: Json) -> bool:
    return value is None or (isinstance(value, (str, list, dict)) and not value)


def _contains(value: Json, condition: Condition) -> bool:
    """An element of a list, or a part of a text."""
    if isinstance(value, list):
        return any(same(element, condition.value) for element in value)
    return isinstance(value, str) and isinstance(condition.value, str) and condition.value in value


def _from(value: Json, condition: Condition) -> bool:
    return _order(value, condition) in (0, 1)


def _to(value: Json, condition: Condition) -> bool:
    return _order(value, condition) in (0, -1)


def _order(value: Json, condition: Condition) -> int | None:
    """-1, 0 or 1; None where the two cannot be put in order, and then the condition does not hold."""
    left, right = place(value, condition.kind), place(condition.value, condition.kind)
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return (left > right) - (left < right)
    if isinstance(left, str) and isinstance(right, str):
        return (left > right) - (left < right)
    return None


def place(value: Json, kind: str) -> Decimal | str | None:
    """Where a value stands in its order; None if it has none."""
    if isinstance(value, bool) or is_invalid(value) or is_empty(value):
        return None
    if isinstance(value, (int, float, Decimal)) or (kind in NUMBERS and isinstance(value, str)):
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            return None
        return number if number.is_finite() else None
    return value if isinstance(value, str) else None


OPERATORS: Mapping[str, Callable[[Json, Condition], bool]] = {
    "is": lambda value, condition: same(value, condition.value),
    "not": lambda value, condition: not same(value, condition.value),
    "in": lambda value, condition: any(same(value, one) for one in condition.value),
    "not_in": lambda value, condition: not any(same(value, one) for one in condition.value),
    "set": lambda value, condition: not is_empty(value),
    "empty": lambda value, condition: is_empty(value),
    "from": _from,
    "to": _to,
    "contains": _contains,
}
