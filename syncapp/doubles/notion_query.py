"""Queries of a Notion data source: filters, sorts, and a cursor over what was there when it began.

From https://developers.notion.com/reference/query-a-data-source, .../filter-data-source-entries and
.../sort-data-source-entries. Of the conditions there are those of texts, numbers, check boxes, options, dates and the
two time stamps. Unverified: 10,000 results at most, no promised order (here the newest first).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import datetime
from typing import Any

from syncapp.doubles.answers import read_iso
from syncapp.doubles.notion_values import Property, invalid, plain
from syncapp.doubles.shelf import Row

Json = Any
LARGEST_PAGE = 100
TIMES: dict[str, Callable[[Any, Any], bool]] = {
    "equals": operator.eq, "after": operator.gt, "before": operator.lt, "on_or_after": operator.ge,
    "on_or_before": operator.le,
}  # fmt: skip
NUMBERS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": operator.eq, "does_not_equal": operator.ne, "greater_than": operator.gt, "less_than": operator.lt,
    "greater_than_or_equal_to": operator.ge, "less_than_or_equal_to": operator.le,
}  # fmt: skip
TEXTS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": lambda have, want: have == want, "does_not_equal": lambda have, want: have != want,
    "contains": lambda have, want: want in (have or ""),
    "does_not_contain": lambda have, want: want not in (have or ""),
    "starts_with": lambda have, want: (have or "").startswith(want),
    "ends_with": lambda have, want: (have or "").endswith(want),
}  # fmt: skip


def found(known: dict[str, Property], rows: list[Row], body: dict[str, Json]) -> list[Row]:
    wanted = body.get("filter")
    rows = [row for row in rows[::-1] if not wanted or _passes(known, wanted, row)]
    for sort in reversed(body.get("sorts") or []):
        key = _key(known, sort)
        rows.sort(key=key, reverse=sort.get("direction") == "descending")
    return rows


def size(body: dict[str, Json]) -> int:
    asked = body.get("page_size", LARGEST_PAGE)
    if not isinstance(asked, int) or not 1 <= asked <= LARGEST_PAGE:
        raise invalid(f"body.page_size should be a number from 1 to {LARGEST_PAGE}")
    return asked


def _named(known: dict[str, Property], key: Json) -> str:
    name = next((name for name, one in known.items() if key in (name, one.id)), None)
    if name is None:
        raise invalid(f"Could not find property with name or id: {key}")
    return name


def _key(known: dict[str, Property], sort: dict[str, Json]) -> Callable[[Row], Any]:
    if sort.get("timestamp") in ("created_time", "last_edited_time"):
        return lambda row: row.created if sort["timestamp"] == "created_time" else row.updated
    name = _named(known, sort.get("property"))

    def key(row: Row) -> tuple[bool, Any]:
        value = plain(row.fields.get(name))
        return value is not None, value if isinstance(value, int | float) else str(value or "")

    return key


def _passes(known: dict[str, Property], wanted: dict[str, Json], row: Row) -> bool:
    if "and" in wanted:
        return all(_passes(known, one, row) for one in wanted["and"])
    if "or" in wanted:
        return any(_passes(known, one, row) for one in wanted["or"])
    if "timestamp" in wanted:
        moment = row.created if wanted["timestamp"] == "created_time" else row.updated
        return _times(moment, wanted.get(wanted["timestamp"]) or {})
    name = _named(known, wanted.get("property"))
    type = known[name].type
    condition = next((wanted[word] for word in (type, "rich_text") if word in wanted), None)
    if not isinstance(condition, dict):
        raise invalid(f"body.filter.{type} should be defined, instead was undefined.")
    return _holds(type, row.fields.get(name), condition)


def _holds(type: str, value: Json, condition: dict[str, Json]) -> bool:
    ((word, wanted),) = condition.items()
    have = plain(value)
    if word in ("is_empty", "is_not_empty"):
        return (have in (None, "", [])) is (word == "is_empty")
    if type == "date":
        return have is not None and _times(_moment(have), condition)
    if type == "number":
        return have is not None and NUMBERS[word](have, wanted)
    if word not in TEXTS:
        raise invalid(f"body.filter.{type}.{word} is not known")
    return TEXTS[word](have, wanted)


def _times(moment: datetime, condition: dict[str, Json]) -> bool:
    for word, text in condition.items():
        if word not in TIMES:
            raise invalid(f"{word} is no condition of a time")
        if not TIMES[word](moment, _moment(text)):
            return False
    return True


def _moment(text: Json) -> datetime:
    try:
        whole = str(text) if "T" in str(text) else f"{text}T00:00:00Z"
        return read_iso(whole if whole[-1] == "Z" or whole[-6] in "+-" else f"{whole}Z")
    except ValueError:
        raise invalid(f"{text} is no ISO 8601 date") from None
