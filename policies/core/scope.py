"""Which records a feed takes: conditions over values, evaluated purely.

An account's record is compared by what it tells; a record of the hub by what is believed (`due`), before it is made
there. What is not told counts as empty, except in the answer to a write, which may tell a part only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from .invalid import is_invalid
from .types import FieldType, same
from .values import Json

NUMBERS = ("integer", "decimal", "counter")
ORDERED = (*NUMBERS, "date", "datetime", "text")
HOLDING = ("text", "long_text", "email", "set", "list")  # what `contains` looks into
MARKS = ("set", "empty")
LISTS = ("in", "not_in")


@dataclass(frozen=True, slots=True)
class Condition:
    """One test of one field. `value` is canonical where the field is; `kind` is the field's type, "" if unknown."""

    field: str
    op: str
    value: Json
    kind: str = ""


def condition(name: str, op: str, raw: Json, kind: FieldType | None = None) -> Condition:
    """A checked condition; canonical where the field's type is given. Raises ValueError that says what is accepted."""
    if op not in OPERATORS:
        raise ValueError(f"there is no operator {op!r}; accepted: {', '.join(OPERATORS)}")
    label = kind.name if kind is not None else ""
    if op in MARKS:
        if raw is not True:
            other = MARKS[1 - MARKS.index(op)]
            raise ValueError(f"{op} takes true, not {raw!r}; for the opposite write {other}: true")
        return Condition(name, op, True, label)
    if op in LISTS:
        if not isinstance(raw, list) or not raw:
            raise ValueError(f"{op} takes a list of at least one value, not {raw!r}")
        return Condition(name, op, [_value(op, one, kind) for one in raw], label)
    if op == "contains" and label and label not in HOLDING:
        raise ValueError(f"contains looks into {', '.join(HOLDING)}, and {name} is {label}; accepted: is, in")
    made = Condition(name, op, raw if op == "contains" else _value(op, raw, kind), label)
    if op == "contains" and not isinstance(raw, str):
        raise ValueError(f"contains takes a text, not {raw!r}")
    if op in ("from", "to") and ((label and label not in ORDERED) or place(made.value, label) is None):
        raise ValueError(f"{op} compares {', '.join(ORDERED)}; {name} cannot be compared with {raw!r}")
    return made


def _value(op: str, raw: Json, kind: FieldType | None) -> Json:
    if is_empty(raw):
        raise ValueError(f"{op} takes a value, not {raw!r}; for fields without one write empty: true or set: true")
    return raw if kind is None else kind.normalise(raw)


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
