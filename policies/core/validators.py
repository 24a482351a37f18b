"""Named validators over canonical values: each answers a reader's sentence, or None when the value is fine."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from .invalid import Invalid, is_invalid, shown
from .scalars import day, moment
from .values import Json

Validator = Callable[[Json], str | None]
_PATTERN_CAP = 1000  # a pattern can take exponential time; longer input is refused before it is tried


def validator(spec: str | Mapping[str, Any]) -> Validator:
    """The validator of `required` or of one `{name: parameter}`. Raises ValueError that names what is accepted."""
    if spec == "required":
        return _required
    if isinstance(spec, Mapping) and len(spec) == 1:
        [(name, wanted)] = spec.items()
        if name == "required" and isinstance(wanted, bool):
            return _required if wanted else _anything
        if name in _MAKERS:
            return _on_values(_MAKERS[name](name, wanted))
    raise ValueError(f"unknown validator {spec!r}; accepted: {', '.join(VALIDATOR_NAMES)}")


def _required(value: Json) -> str | None:
    return "a value is required" if value in (None, "", [], {}) and not isinstance(value, bool) else None


def _anything(value: Json) -> str | None:
    return None


def _on_values(check: Validator) -> Validator:
    """Whether a field may be empty is `required` and the clear rule; a refused value has its own reason."""
    return lambda value: None if value is None or is_invalid(value) else check(value)


def _length(name: str, wanted: Any) -> Validator:
    if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 0:
        raise ValueError(f"{name}: must be a whole number from 0 on, got {wanted!r}")
    longest = name == "max_length"

    def check(value: Json) -> str | None:
        if not isinstance(value, (str, list, dict)):
            return None
        what = "characters" if isinstance(value, str) else "elements"
        if longest and len(value) > wanted:
            return f"has {len(value)} {what}; at most {wanted} are accepted"
        if not longest and len(value) < wanted:
            return f"has {len(value)} {what}; at least {wanted} are needed"
        return None

    return check


def _pattern(name: str, wanted: Any) -> Validator:
    try:
        compiled = re.compile(wanted)
    except (re.error, TypeError) as error:
        raise ValueError(f"{name}: {wanted!r} is not a regular expression: {error}") from error

    def check(value: Json) -> str | None:
        for text in value if isinstance(value, list) else [value]:
            if not isinstance(text, str):
                continue
            if len(text) > _PATTERN_CAP:
                return f"has {len(text)} characters; a field with a pattern takes at most {_PATTERN_CAP}"
            if not compiled.fullmatch(text):
                return f"{shown(text)} does not have the form {wanted}"
        return None

    return check


def _bound(name: str, wanted: Any) -> Validator:
    limit = _as_number(wanted)
    if limit is None or isinstance(wanted, bool):
        raise ValueError(f"{name}: must be a number, got {wanted!r}")

    def check(value: Json) -> str | None:
        number = None if isinstance(value, bool) else _as_number(value)
        if number is None:
            return f"{shown(value)} is not a number, and {name} {wanted} asks for one"
        if name == "min" and number < limit:
            return f"{value} is less than {wanted}"
        return f"{value} is more than {wanted}" if name == "max" and number > limit else None

    return check


def _as_number(value: Any) -> Decimal | None:
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, TypeError, ValueError):
        return None
    return number if number.is_finite() else None


def _one_of(name: str, wanted: Any) -> Validator:
    if not isinstance(wanted, (list, tuple)) or not wanted:
        raise ValueError(f"{name}: must be a list of at least one value, got {wanted!r}")
    accepted = ", ".join(str(option) for option in wanted)

    def known(value: Json) -> bool:
        return any(value == option and isinstance(value, bool) == isinstance(option, bool) for option in wanted)

    def check(value: Json) -> str | None:
        strange = [part for part in (value if isinstance(value, list) else [value]) if not known(part)]
        return f"{shown(strange[0])} is not one of {accepted}" if strange else None

    return check


def _date_bound(name: str, wanted: Any) -> Validator:
    limit = _limit(name, wanted)

    def check(value: Json) -> str | None:
        if not isinstance(value, str):
            return f"{shown(value)} is not a date, and {name} {wanted} asks for one"
        size = min(len(value), len(limit))  # a date and a time compare by their days
        if name == "not_before" and value[:size] < limit[:size]:
            return f"{value} is before {wanted}"
        return f"{value} is after {wanted}" if name == "not_after" and value[:size] > limit[:size] else None

    return check


def _limit(name: str, wanted: Any) -> str:
    timed = isinstance(wanted, datetime) or (isinstance(wanted, str) and "T" in wanted.upper())
    try:
        found = moment(wanted) if timed else day(wanted)
    except Invalid as refusal:
        raise ValueError(f"{name}: {refusal.reason}") from refusal
    if not found:
        raise ValueError(f"{name}: must be a date such as 2026-11-20 or a time with its offset, got {wanted!r}")
    return found


_MAKERS: Mapping[str, Callable[[str, Any], Validator]] = {
    "max_length": _length,
    "min_length": _length,
    "pattern": _pattern,
    "min": _bound,
    "max": _bound,
    "one_of": _one_of,
    "not_before": _date_bound,
    "not_after": _date_bound,
}
VALIDATOR_NAMES = ("required", *sorted(_MAKERS))
