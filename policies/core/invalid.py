"""Invalid values: the refusal a field type raises, and the shape in which an observation carries the refused value."""

from __future__ import annotations

import json
from typing import Any, NoReturn, TypeGuard

_MARK = "$invalid"
_SHOWN = 80  # characters of a refused value that a sentence repeats


class Invalid(ValueError):
    """A value that a field type does not accept; `reason` is a sentence for a reader."""

    def __init__(self, value: Any, reason: str) -> None:
        super().__init__(reason)
        self.value = value
        self.reason = reason


def refuse(raw: Any, accepted: str) -> NoReturn:
    """Raise Invalid with the sentence that all types share: what was got, what is accepted."""
    raise Invalid(raw, f"got {shown(raw)}; accepted: {accepted}")


def shown(raw: Any) -> str:
    """A short, printable form of a raw value for a sentence."""
    text = repr(raw) if isinstance(raw, str) else as_text(raw)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def invalid_value(raw: Any, reason: str) -> dict[str, str]:
    """The refused value as observations carry it. All of it is kept: nothing a person typed may get lost."""
    return {_MARK: as_text(raw), "reason": storable(reason)}


def is_invalid(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether a canonical value is a refused one."""
    return isinstance(value, dict) and len(value) == 2 and _MARK in value and "reason" in value


def as_text(raw: Any) -> str:
    if isinstance(raw, str):
        return storable(raw)
    try:
        return storable(json.dumps(raw, ensure_ascii=False, sort_keys=True))
    except (TypeError, ValueError, RecursionError):
        return storable(repr(raw))  # not JSON at all: bytes, a database's own types, mixed keys


def is_storable(text: str) -> bool:
    """Text that PostgreSQL and UTF-8 can hold: no NUL and no lone surrogate."""
    return (text.isascii() and "\0" not in text) or not any(_unstorable(char) for char in text)


def storable(text: str) -> str:
    """The same text with unstorable characters spelled out."""
    if is_storable(text):
        return text
    return "".join(f"\\u{ord(char):04x}" if _unstorable(char) else char for char in text)


def _unstorable(char: str) -> bool:
    return char == "\0" or "\ud800" <= char <= "\udfff"
