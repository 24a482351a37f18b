"""Times as providers write them (ISO, unix seconds or milliseconds, HTTP dates), both ways, always aware and in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

FORMATS = ("iso", "iso_seconds", "unix", "unix_ms", "http")
DOTNET = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")  # the offset is for show: the number is UTC
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse(value: Any, form: str = "iso", timezone: str = "UTC") -> datetime:
    """The moment a provider wrote. Raises ValueError with the value in it."""
    if form in ("unix", "unix_ms"):
        return EPOCH + timedelta(milliseconds=float(value) * (1 if form == "unix_ms" else 1000))
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a time written as text")
    if form == "dotnet":
        told = DOTNET.fullmatch(value)
        if told is None:
            raise ValueError(f"{value!r} is not written as /Date(milliseconds)/")
        return EPOCH + timedelta(milliseconds=int(told[1]))
    moment = parsedate_to_datetime(value) if form == "http" else datetime.fromisoformat(value)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(timezone))
    return moment.astimezone(UTC)


def write(moment: datetime, form: str = "iso") -> str:
    """The moment as the provider wants it."""
    moment = moment.astimezone(UTC)
    if form in ("unix", "unix_ms"):
        ticks = (moment - EPOCH) // timedelta(microseconds=1)
        return str(ticks // (1000 if form == "unix_ms" else 1_000_000))
    if form == "http":
        return format_datetime(moment.replace(microsecond=0), usegmt=True)
    precision = "seconds" if form == "iso_seconds" else "milliseconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def floor(moment: datetime, resolution: float) -> datetime:
    """The moment cut down to a multiple of the resolution (in seconds)."""
    step = max(1, round(resolution * 1_000_000))
    ticks = (moment - EPOCH) // timedelta(microseconds=1)
    return EPOCH + timedelta(microseconds=ticks // step * step)


def header_date(text: str | None) -> datetime | None:
    """A Date header, or None if it is missing or nonsense: it decides nothing but skew."""
    if not text:
        return None
    try:
        return parse(text, "http")
    except ValueError:
        return None
