"""How a field's value is taken in, stored and shown, for every kind of field that a dialect may have.

`store` is what this provider makes of a value (the hub calls it N). It is idempotent: storing what
was stored changes nothing, with the extra normalisation on or off.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from syncapp.sandbox.refusals import BadValue

Json = Any
LONGEST = 500
LARGEST_NUMBER = 2**53 - 1


@dataclass(frozen=True)
class Field:
    name: str
    label: str
    kind: str
    choices: tuple[str, ...] = ()
    cut: int = LONGEST
    trim: bool = False
    lower: bool = False
    # The sort of object whose ids a reference holds.
    refers: str = ""


@dataclass(frozen=True)
class Kind:
    store: Callable[[Field, Json, bool], Json]
    parse: Callable[[Field, str], Json]
    show: Callable[[Json], str]
    empty: Json = None


def bad(field: Field, wanted: str) -> BadValue:
    return BadValue(f"{field.label} ({field.name}) {wanted}", field.name)


def _string(field: Field, raw: Json) -> str:
    if not isinstance(raw, str):
        raise bad(field, f"must be text, not {type(raw).__name__}.")
    # A form's one-line input would drop a line break and make an edit that nobody made.
    if any(ord(c) < 32 or 0xD800 <= ord(c) <= 0xDFFF for c in raw):
        raise bad(field, "holds a line break, a tab or another character that cannot be stored.")
    if len(raw) > LONGEST:
        raise bad(field, f"may have at most {LONGEST} characters; this has {len(raw)}.")
    return raw


def _text(field: Field, raw: Json, extra: bool) -> Json:
    if raw is None:
        return None
    value = _string(field, raw)
    value = " ".join(value.split()) if extra else value
    value = value.strip() if field.trim else value
    value = value[: field.cut]
    # Cutting may leave a blank at the end, which the next store would take away.
    value = value.rstrip() if field.trim or extra else value
    return (value.lower() if field.lower else value) or None


def _email(field: Field, raw: Json, extra: bool) -> Json:
    value = _text(field, raw, extra)
    if value is None:
        return None
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
        raise bad(field, f"must look like name@example.com; “{value}” does not.")
    return value.lower() if field.lower or extra else value


def _phone(field: Field, raw: Json, extra: bool) -> Json:
    value = _text(field, raw, False)
    if value is None or not extra:
        return value
    digits = re.sub(r"\D", "", value)
    return ("+" if value.lstrip().startswith("+") else "") + digits or None


def _choice(field: Field, raw: Json, extra: bool) -> Json:
    if raw is None or raw == "":
        return None
    if raw not in field.choices:
        raise bad(field, f"must be one of {', '.join(field.choices)}; “{raw}” is not.")
    return raw


def _split(text: str, separators: str) -> list[str]:
    return [part.strip() for part in re.split(separators, text) if part.strip()]


def _tags(field: Field, raw: Json, extra: bool) -> Json:
    if raw is None:
        return None
    return ";".join(dict.fromkeys(_split(_string(field, raw), ";"))) or None


def _labels(field: Field, raw: Json, extra: bool) -> Json:
    if raw is None:
        return []
    if not isinstance(raw, list):
        raise bad(field, 'must be a list of texts, for example ["new", "vip"].')
    return sorted({label for item in raw if (label := _string(field, item))})


_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")


def _truth(field: Field, raw: Json) -> bool | None:
    if raw is None or raw == "":
        return None
    word = str(raw).strip().lower()
    if isinstance(raw, (bool, int, str)) and word in _TRUE + _FALSE:
        return word in _TRUE
    raise bad(field, f"must be true or false (1, 0, yes and no are taken too); “{raw}” is none of them.")


def _flag_text(field: Field, raw: Json, extra: bool) -> Json:
    return {None: None, True: "true", False: "false"}[_truth(field, raw)]


def _flag_int(field: Field, raw: Json, extra: bool) -> Json:
    return {None: None, True: 1, False: 0}[_truth(field, raw)]


def _decimal(field: Field, raw: Json) -> Decimal:
    try:
        if isinstance(raw, bool) or not isinstance(raw, (str, int, float)):
            raise InvalidOperation
        value = Decimal(str(raw).strip())
        if not value.is_finite() or abs(value) * 100 > LARGEST_NUMBER:
            raise InvalidOperation
    except InvalidOperation:
        raise bad(field, f"must be an amount such as 1200.50; “{raw}” is not.") from None
    return value


def _money_text(field: Field, raw: Json, extra: bool) -> Json:
    if raw is None or raw == "":
        return None
    return str(_decimal(field, raw).quantize(Decimal("0.01"), ROUND_HALF_UP) + 0)


def _cents(field: Field, raw: Json, extra: bool) -> Json:
    if raw is None:
        return None
    if isinstance(raw, bool) or not isinstance(raw, int) or abs(raw) > LARGEST_NUMBER:
        raise bad(field, "must be a whole number of cents, for example 120050.")
    return raw


def _parse_text(field: Field, typed: str) -> Json:
    return typed or None


def _parse_labels(field: Field, typed: str) -> Json:
    return _split(typed, "[;,]")


def _parse_cents(field: Field, typed: str) -> Json:
    if not typed.strip():
        return None
    cents = _decimal(field, typed) * 100
    if cents != cents.to_integral_value():
        raise bad(field, f"may have two decimals at most; “{typed}” has more.")
    return int(cents)


def _parse_flag(field: Field, typed: str) -> Json:
    return _truth(field, typed)


def _show(value: Json) -> str:
    return "" if value is None else str(value)


def _show_flag(value: Json) -> str:
    return {None: "", 1: "true", 0: "false"}.get(value, _show(value))


def _show_cents(value: Json) -> str:
    if value is None:
        return ""
    return f"{'-' if value < 0 else ''}{abs(value) // 100}.{abs(value) % 100:02d}"


KINDS: dict[str, Kind] = {
    "text": Kind(_text, _parse_text, _show),
    "email": Kind(_email, _parse_text, _show),
    "phone": Kind(_phone, _parse_text, _show),
    "reference": Kind(_text, _parse_text, _show),
    "choice": Kind(_choice, _parse_text, _show),
    "tags": Kind(_tags, _parse_text, _show),
    "labels": Kind(_labels, _parse_labels, lambda value: "; ".join(value or []), empty=[]),
    "flag_text": Kind(_flag_text, _parse_text, _show),
    "flag_int": Kind(_flag_int, _parse_flag, _show_flag),
    "money_text": Kind(_money_text, _parse_text, _show),
    "cents": Kind(_cents, _parse_cents, _show_cents),
}
