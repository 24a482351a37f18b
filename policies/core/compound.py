"""Normalise values made of several: sets, lists, maps and free JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from .invalid import is_storable, refuse
from .scalars import BIGGEST, text

_DEPTH = 64
_HUGE = 10**300
_DIGITS = re.compile(r"-?[0-9]{1,300}(\.[0-9]{1,300})?(e[+-]?[0-9]{1,3})?")
_NUMBER = "$number"  # inside free JSON: a number that JSON readers would not all read as the same number


def text_set(raw: Any) -> list[str]:
    """Unique text in code-point order; blank elements fall away. An empty set is a value."""
    return sorted(set(_texts(raw)))


def text_list(raw: Any) -> list[str]:
    """Text in its own order; blank elements fall away."""
    return list(_texts(raw))


def _texts(raw: Any) -> Iterable[str]:
    if not isinstance(raw, (list, tuple, set, frozenset)):
        refuse(raw, "a list of text")
    return (found for element in raw if element is not None and (found := text(element)) is not None)


def text_map(raw: Any) -> dict[str, Any]:
    """Text keys, each with text, a number, a boolean or null."""
    if not isinstance(raw, Mapping):
        refuse(raw, "an object of names and plain values")
    for key, value in raw.items():
        if isinstance(value, (list, tuple, Mapping)) and not _is_number(value):
            refuse(raw, f"an object of names and plain values; {key!r} holds more than a plain value")
    return {_key(key, raw): free(value) for key, value in raw.items()}


def free(raw: Any, depth: int = 0) -> Any:
    """JSON as it is, but numbers that are not small integers become {"$number": digits}; `encode` turns them back."""
    if depth > _DEPTH:
        refuse("(deeply nested)", f"JSON nested at most {_DEPTH} deep")
    if raw is None or isinstance(raw, bool):
        return raw
    if isinstance(raw, str):
        return raw if is_storable(raw) else refuse(raw, "text without NUL characters and half surrogate pairs")
    if isinstance(raw, (int, float, Decimal)):
        return _free_number(raw)
    if isinstance(raw, (list, tuple)):
        return [free(element, depth + 1) for element in raw]
    if not isinstance(raw, Mapping):
        refuse(raw, "JSON: text, numbers, booleans, null, lists and objects")
    return dict(raw) if _is_number(raw) else {_key(key, raw): free(raw[key], depth + 1) for key in raw}


def free_out(value: Any) -> Any:
    """The JSON that `free` was given: tagged numbers are numbers again."""
    if isinstance(value, list):
        return [free_out(element) for element in value]
    if not isinstance(value, Mapping):
        return value
    if _is_number(value):
        digits = value[_NUMBER]
        return int(digits) if digits.lstrip("-").isdigit() else float(digits)
    return {key: free_out(element) for key, element in value.items()}


def _free_number(raw: float | Decimal) -> Any:
    finite = raw.is_finite() if isinstance(raw, Decimal) else -_HUGE < raw < _HUGE
    if not finite or not -_HUGE < raw < _HUGE:
        refuse("(a huge or endless number)", "a number below 10^300")
    if raw == int(raw) and -BIGGEST <= raw <= BIGGEST:
        return int(raw)
    return {_NUMBER: str(raw) if isinstance(raw, int) else repr(float(raw))}


def _is_number(value: Any) -> bool:
    tagged = isinstance(value, Mapping) and len(value) == 1 and value.get(_NUMBER)
    return isinstance(tagged, str) and _DIGITS.fullmatch(tagged) is not None


def _key(key: Any, raw: Any) -> str:
    """Only keys within the BMP sort the same by code point and by UTF-16, which digests rely on."""
    if not isinstance(key, str) or not is_storable(key) or any(char > "\uffff" for char in key):
        refuse(raw, f"an object whose names are text without emoji or other rare characters; {key!r} is not")
    return key
