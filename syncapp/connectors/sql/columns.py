"""One value of a column, both ways: what the driver gives as JSON, and JSON as the database takes it.

A value that is not what its column says (an infinite date, text in a number of SQLite's) is handed on as the text
that it is: then it is that one field which is refused, with its reason, and the row is read.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from syncapp.connectors.sql.tables import Column

Json = Any
Load = Callable[[Any], Json]
LARGEST = 2**63


def loader(column: Column, zone: str) -> Load:
    """Compiled once per client: this runs for every value that is read."""
    kind = column.kind
    if kind == "local":
        return partial(_moment, ZoneInfo(zone) if zone else None)
    if kind == "moment":
        return partial(_moment, UTC)
    return _LOADERS[kind]


def _integer(value: Any) -> Json:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST else _text(value)


def _boolean(value: Any) -> Json:
    if isinstance(value, bytes):
        return any(value)
    return bool(value) if value in (0, 1) else _text(value)


def _number(value: Any) -> Json:
    if isinstance(value, float):
        value = Decimal(repr(value))
    return format(value, "f") if isinstance(value, Decimal) and value.is_finite() else _text(value)


def _text(value: Any) -> Json:
    if value is None or isinstance(value, str):
        return value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _day(value: Any) -> Json:
    if isinstance(value, datetime):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else _text(value)


def _clock(value: Any) -> Json:
    if isinstance(value, timedelta):
        return str(value)
    return value.isoformat() if isinstance(value, time) else _text(value)


def _moment(zone: Any, value: Any) -> Json:
    """With its offset, in UTC. Without a zone it stays without one, and is refused by name further on."""
    if value is None:
        return None
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        if found.tzinfo is None and zone is None:
            return found.isoformat()
        aware = found if found.tzinfo is not None else found.replace(tzinfo=zone)
        return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):
        return _text(value)


def _json(value: Any) -> Json:
    if not isinstance(value, str | bytes):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return _text(value)


def _list(value: Any) -> Json:
    found = _json(value)
    return [_text(one) for one in found] if isinstance(found, list) else found


def _set(value: Any) -> Json:
    if isinstance(value, str):
        value = value.split(",") if value else []
    return sorted(_text(one) for one in value) if isinstance(value, set | frozenset | list) else value


_LOADERS: dict[str, Load] = {
    "integer": _integer, "boolean": _boolean, "decimal": _number, "float": _number, "text": _text, "uuid": _text,
    "choice": _text, "date": _day, "time": _clock, "json": _json, "list": _list, "set": _set,
}  # fmt: skip


def dump(column: Column, value: Json, zone: str, dialect: str) -> Any:
    """What is handed to the driver. Raises ValueError with a reader's reason."""
    if value is None:
        return None
    kind = column.kind
    if kind in ("moment", "local"):
        return _as_time(column, value, zone, dialect)
    if kind in ("decimal", "float"):
        return _as_number(column, value)
    if kind == "integer":
        return _as_integer(value)
    if kind == "boolean":
        return _as_flag(value)
    if kind == "json":
        return orjson.dumps(value).decode()
    if kind in ("list", "set"):
        return _as_list(column, value, dialect)
    return _as_text(value)


def _as_integer(value: Json) -> int:
    number = _decimal(value)
    if number != number.to_integral_value() or abs(number) >= LARGEST:
        raise ValueError(f"{value!r} is no whole number that fits the column")
    return int(number)


def _as_flag(value: Json) -> bool:
    if value in (True, False, 1, 0):
        return bool(value)
    raise ValueError(f"{value!r} is neither true nor false")


def _as_text(value: Json) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    if "\0" in text:
        raise ValueError("the text holds a NUL character, which no column takes")
    return text


def _as_number(column: Column, value: Json) -> str:
    """Rounded here as N says, so that no database rounds in its own way."""
    number = _decimal(value)
    if column.scale is not None and -number.as_tuple().exponent > column.scale:  # type: ignore[operator]
        number = number.quantize(Decimal(1).scaleb(-column.scale), rounding=ROUND_HALF_EVEN)
    return format(number, "f")


def _decimal(value: Json) -> Decimal:
    try:
        number = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ValueError(f"{value!r} is no number")
    return number


def _as_time(column: Column, value: Json, zone: str, dialect: str) -> str:
    """Cut to what the column keeps: MySQL and PostgreSQL would round, and a second too many is another time."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise ValueError(f"{value!r} is no time with an offset")
    return as_written(column, moment, zone, dialect)


def as_written(column: Column, moment: datetime, zone: str, dialect: str) -> str:
    if column.precision < 3:
        moment = moment.replace(microsecond=0)
    if column.kind == "moment":
        told = moment.astimezone(UTC)
        return told.isoformat() if dialect == "postgresql" else told.replace(tzinfo=None).isoformat(" ")
    if not zone:
        raise ValueError(f"times of this column have no zone ({column.native}): say which one the table is in")
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat(" ")


def _as_list(column: Column, value: Json, dialect: str) -> str:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is no list")
    texts = [_as_text(one) for one in value]
    if column.kind == "set":
        if wrong := [one for one in texts if "," in one]:
            raise ValueError(f"{wrong[0]!r} has a comma, which a set of this database cannot hold")
        return ",".join(texts)
    quoted = (one.replace("\\", "\\\\").replace('"', '\\"') for one in texts)
    return "{" + ",".join(f'"{one}"' for one in quoted) + "}"
