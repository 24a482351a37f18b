"""Normalise one raw value of a plain type to its canonical form; each function answers a canonical value or raises.

None never reaches these functions; they answer None for text that means nothing (blank).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any

import phonenumbers

from .invalid import is_storable, refuse

BIGGEST = 2**53 - 1  # beyond it, a JSON number is not the same number everywhere
_DIGITS = 300  # more digits than any account keeps; bounds the work a hostile number can cause
_EXACT = Context(prec=2 * _DIGITS, rounding=ROUND_HALF_EVEN)
_TRUE = frozenset({"true", "yes", "y", "t", "on", "1"})
_FALSE = frozenset({"false", "no", "n", "f", "off", "0"})
_INTEGER = re.compile(r"[+-]?[0-9]+(\.0*)?")
_PHONE = re.compile(r"(tel:)?[+＋]?[\d\s().\-‐-―/]+", re.IGNORECASE)


def text(raw: Any, case_fold: bool = False) -> str | None:
    """Trimmed NFC text; blank is None. Numbers are taken as their digits, because many ids come as numbers."""
    found = _as_str(raw)
    return _settle(found, str.casefold if case_fold else _unchanged) or None


def long_text(raw: Any) -> str | None:
    """Like text, with every newline spelled \\n."""
    found = _as_str(raw).replace("\r\n", "\n").replace("\r", "\n")
    return _settle(found, _unchanged) or None


def email(raw: Any) -> str | None:
    """Trimmed; the domain in lower case, the local part as it is (it may be case-sensitive)."""
    accepted = "an e-mail address such as ada@example.org"
    if not isinstance(raw, str):
        refuse(raw, accepted)
    found = text(raw)
    if found is None:
        return None
    local, at, domain = found.rpartition("@")
    shaped = at and local and "@" not in local and all(domain.split("."))
    if not shaped or re.search(r"[\s<>,;]", found):
        refuse(raw, accepted)
    return f"{local}@{_settle(domain, str.lower)}"


def phone(raw: Any, region: str | None = None) -> str | None:
    """E.164. An extension is refused: E.164 cannot say it, and dropping it would lose what somebody typed."""
    accepted = "a phone number with its country code, such as +49 30 901820" + (
        f", or one of {region}" if region else ""
    )
    found = None if isinstance(raw, (float, Decimal)) else text(raw)
    if found is None and isinstance(raw, str):
        return None
    if found is None or not _PHONE.fullmatch(found):
        refuse(raw, accepted + ", without letters or an extension")
    spelled = _e164(found, region)
    if spelled is None or _e164(spelled, None) != spelled:  # some odd numbers do not survive their own spelling
        refuse(raw, accepted)
    return spelled


def _e164(found: str, region: str | None) -> str | None:
    try:
        parsed = phonenumbers.parse(found, region)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def integer(raw: Any) -> int | str | None:
    """A whole number; beyond ±(2^53 - 1) as its digits in text."""
    if isinstance(raw, str) and not raw.strip():
        return None
    if isinstance(raw, str) and not _INTEGER.fullmatch(raw.strip()):
        refuse(raw, "a whole number such as 42")
    number = _number(raw, "a whole number such as 42")
    if number != number.to_integral_value():
        refuse(raw, "a whole number such as 42")
    return fit(int(number))


def fit(number: int) -> int | str:
    """The canonical form of a whole number."""
    return number if -BIGGEST <= number <= BIGGEST else str(number)


def decimal(raw: Any, scale: int) -> str | None:
    """A decimal with exactly `scale` digits after the point, half-even, without exponent and without -0."""
    if isinstance(raw, str) and not raw.strip():
        return None
    return at_scale(_number(raw, "a decimal number such as 1200.50"), scale)


def at_scale(number: Decimal, scale: int, rounding: str = ROUND_HALF_EVEN) -> str:
    rounded = number.quantize(Decimal(1).scaleb(-scale), rounding, _EXACT)
    return format(rounded if rounded else abs(rounded), "f")


def boolean(raw: Any) -> bool | None:
    if isinstance(raw, bool):
        return raw
    word = str(raw).strip().lower() if isinstance(raw, (str, int)) else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    if not isinstance(raw, str) or word:
        refuse(raw, "true, false, 1, 0, yes, no, on, off")
    return None


def day(raw: Any) -> str | None:
    """An ISO date. A time of day is refused unless it is midnight UTC: cutting it could change the day."""
    if isinstance(raw, date) and not isinstance(raw, datetime):
        return raw.isoformat()
    if isinstance(raw, str) and not raw.strip():
        return None
    accepted = "a date such as 2026-11-20, or midnight UTC of it"
    bare = _bare_day(raw)
    found = bare or _moment(raw, accepted)
    if found is None or not (bare or found.endswith("T00:00:00.000Z")):
        refuse(raw, accepted)
    return found[:10]


def _bare_day(raw: Any) -> str | None:
    try:
        return date.fromisoformat(raw.strip()).isoformat()
    except (AttributeError, ValueError):
        return None  # not a bare date; it may still be a moment


def moment(raw: Any) -> str | None:
    """UTC with milliseconds. Without an offset it is no moment: nobody can tell when it was."""
    return _moment(raw, "a time with its offset, such as 2026-11-20T10:00:00Z")


def _moment(raw: Any, accepted: str) -> str | None:
    if isinstance(raw, str) and not raw.strip():
        return None
    try:
        found = raw if isinstance(raw, datetime) else datetime.fromisoformat(raw.strip().upper())
        if found.utcoffset() is None:
            refuse(raw, accepted)
        return found.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (AttributeError, TypeError, ValueError, OverflowError):
        refuse(raw, accepted)


def _number(raw: Any, accepted: str) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, (str, int, float, Decimal)):
        refuse(raw, accepted)
    if (isinstance(raw, str) and ("_" in raw or len(raw) > 2 * _DIGITS)) or (
        isinstance(raw, int) and abs(raw) >= 10**_DIGITS
    ):
        refuse(raw, accepted)
    try:
        number = Decimal(repr(raw) if isinstance(raw, float) else raw)
    except InvalidOperation:
        refuse(raw, accepted)
    if not number.is_finite() or (number and abs(number.adjusted()) >= _DIGITS):
        refuse(raw, accepted)
    return number


def _as_str(raw: Any) -> str:
    if isinstance(raw, str):
        found = raw
    elif isinstance(raw, (int, float, Decimal)) and not isinstance(raw, bool):
        found = format(_number(raw, "text"), "f")
    else:
        refuse(raw, "text")
    if not is_storable(found):
        refuse(raw, "text without NUL characters and half surrogate pairs")
    return found


def _settle(found: str, change: Callable[[str], str]) -> str:
    """Trim, NFC and `change` until nothing moves: each alone may undo another (folding can denormalise)."""
    while (settled := unicodedata.normalize("NFC", change(found)).strip()) != found:
        found = settled
    return found


def _unchanged(found: str) -> str:
    return found
