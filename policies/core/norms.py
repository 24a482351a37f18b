"""N, the as-stored form: named normalisers over canonical values, composed from a manifest's list.

N says what an account makes of a value it is given. It answers canonical values again, of the same type: a cut
decimal keeps its digits after the point, a cut time its milliseconds, blank text is null.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

from .invalid import is_invalid
from .scalars import at_scale
from .values import Json

Norm = Callable[[Json], Json]
_ROUNDS = 16
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_DECIMAL = re.compile(r"-?\d+(\.\d+)?")


def same_form(value: Json) -> Json:
    """The identity: what an account does that stores values as they are given."""
    return value


def _on_text(change: Callable[[str], str]) -> Norm:
    """Lift a change of text to text and to the elements of sets and lists; other values pass."""

    def apply(value: Json) -> Json:
        if isinstance(value, str):
            return change(value) or None
        if isinstance(value, list):
            changed = (change(element) if isinstance(element, str) else element for element in value)
            return [element for element in changed if element != ""]
        return value

    return apply


def _cut(keep: int, rest: str) -> Norm:
    return _on_text(lambda found: found[:keep] + rest if _MOMENT.fullmatch(found) else found)


def _scale(digits: int, rounding: str = ROUND_HALF_EVEN) -> Norm:
    def change(found: str) -> str:
        shape = _DECIMAL.fullmatch(found)
        if shape is None or len(found) > 300:
            return found
        kept = len(shape.group(1) or ".") - 1
        return at_scale(Decimal(at_scale(Decimal(found), digits, rounding)), kept) if kept > digits else found

    return _on_text(change)


def _ascii(found: str) -> str:
    return unicodedata.normalize("NFKD", found).encode("ascii", "ignore").decode("ascii")


def _sort(value: Json) -> Json:
    return sorted(value) if isinstance(value, list) and all(isinstance(element, str) for element in value) else value


def _unique(value: Json) -> Json:
    return [e for i, e in enumerate(value) if e not in value[:i]] if isinstance(value, list) else value


def _empty_null(value: Json) -> Json:
    return None if value in ("", [], {}) and not isinstance(value, bool) else value


_PLAIN: Mapping[str, Norm] = {
    "trim": _on_text(str.strip),
    "lower": _on_text(str.lower),
    "upper": _on_text(str.upper),
    "collapse_spaces": _on_text(lambda found: re.sub(r"[^\S\n]+", " ", found)),
    "digits": _on_text(lambda found: re.sub(r"[^0-9]", "", found)),
    "ascii": _on_text(_ascii),
    "nfc": _on_text(lambda found: unicodedata.normalize("NFC", found)),
    "seconds": _cut(19, ".000Z"),
    "minutes": _cut(16, ":00.000Z"),
    "date": _cut(10, "T00:00:00.000Z"),
    "sort": _sort,
    "unique": _unique,
    "empty_null": _empty_null,
}
_SIZED: Mapping[str, Callable[[int], Norm]] = {
    "truncate": lambda size: _on_text(lambda found: found[:size]),
    "scale": _scale,
    "scale_half_up": lambda digits: _scale(digits, ROUND_HALF_UP),
}
NORM_NAMES = tuple(sorted([*_PLAIN, *(f"{name}: n" for name in _SIZED)]))


def norm(specs: Sequence[str | Mapping[str, Any]], kind: str = "") -> Norm:
    """Compose normalisers. `kind` "set" keeps the result a set (sorted, unique). Raises ValueError on unknown names."""
    parts = [_named(spec) for spec in specs]
    if not parts:
        return same_form
    if kind == "set":
        parts += [_sort, _unique]
    named = repr(list(specs))

    def stored(value: Json) -> Json:
        if value is None or is_invalid(value):
            return value
        for _ in range(_ROUNDS):
            if (again := _once(parts, value)) == value:
                return value
            value = again
        raise ValueError(f"the normalisers {named} never settle on {value!r}; change their order or leave one out")

    return stored


def _once(parts: Sequence[Norm], value: Json) -> Json:
    for part in parts:
        value = part(value)
    return value


def _named(spec: str | Mapping[str, Any]) -> Norm:
    if isinstance(spec, str) and spec in _PLAIN:
        return _PLAIN[spec]
    if isinstance(spec, Mapping) and len(spec) == 1:
        [(name, size)] = spec.items()
        if name in _SIZED and isinstance(size, int) and not isinstance(size, bool) and 0 <= size <= 1_000_000:
            return _SIZED[name](size)
    raise ValueError(f"unknown normaliser {spec!r}; accepted: {', '.join(NORM_NAMES)} (n: a whole number)")
