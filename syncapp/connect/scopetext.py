"""The conditions of a scope as lines of text that people type, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from policies.core.scope import LISTS, MARKS, OPERATORS

Conditions = list[dict[str, Any]]
HELP = "One condition a line, all of them hold: a field, an operator, a value. For example: stage in lead, customer"


class BadScope(ValueError):
    """A line that is no condition, and what is accepted."""


def as_text(conditions: Sequence[Mapping[str, Any]]) -> str:
    return "\n".join(_line(one["field"], op, value) for one in conditions for op, value in one.items() if op != "field")


def _line(field: str, op: str, value: Any) -> str:
    if op in MARKS:
        return f"{field} {op}"
    told = value if isinstance(value, list) else [value]
    return f"{field} {op} {', '.join(_spelled(one) for one in told)}"


def _spelled(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def conditions_of(text: str) -> Conditions:
    """Raises BadScope."""
    return [_condition(line.strip()) for line in text.splitlines() if line.strip()]


def _condition(line: str) -> dict[str, Any]:
    field, op, *rest = [*line.split(None, 2), "", ""][:3]
    told = rest[0].strip()
    if op not in OPERATORS:
        raise BadScope(f"the line “{line}” is no condition: after the field comes one of {', '.join(OPERATORS)}")
    if op in MARKS:
        if told:
            raise BadScope(f"the line “{line}” says too much: {op} takes no value")
        return {"field": field, op: True}
    if not told:
        raise BadScope(f"the line “{line}” lacks a value after {op}")
    return {"field": field, op: [_value(one) for one in told.split(",")] if op in LISTS else _value(told)}


def _value(text: str) -> Any:
    """A number or true and false as such; everything else is text."""
    text = text.strip()
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return found if isinstance(found, bool | int | float) and not _padded(text) else text.strip('"')


def _padded(text: str) -> bool:
    """A number that begins with a zero is a name: a postal code, an article."""
    return len(text) > 1 and text[0] == "0" and text[1].isdigit()
