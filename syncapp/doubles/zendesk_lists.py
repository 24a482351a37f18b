"""Zendesk's two kinds of pages, and the incremental exports with their cursor.

From https://developer.zendesk.com/api-reference/introduction/pagination/ and
.../ticketing/ticket-management/incremental_exports/: cursors (`page[size]`, `meta`, `links`) or numbers (`page`,
`per_page`, `next_page`, `count`); exports from `start_time`, deleted tickets among them, `end_of_stream`, and the last
minute not yet. Here nothing is withheld unless `withheld` says how many seconds.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from flask import request

from syncapp.doubles.answers import Refused
from syncapp.doubles.shelf import Row

Json = Any
LARGEST_PAGE, LARGEST_EXPORT = 100, 1000
OFFSET_CAP = 10_000
Shown = Callable[[Row], dict[str, Json]]


def page(kind: str, rows: list[Row], shown: Shown) -> dict[str, Json]:
    if "page[size]" in request.args or "page[after]" in request.args:
        return _by_cursor(kind, rows, shown)
    number, size = _number("page", 1), min(_number("per_page", LARGEST_PAGE), LARGEST_PAGE)
    if number * size > OFFSET_CAP:
        raise Refused(422, {"error": "InvalidValue", "description": "You have exceeded the page limit"})
    more = number * size < len(rows)
    link = f"{request.base_url}?page={number + 1}&per_page={size}"
    found = [shown(row) for row in rows[(number - 1) * size :][:size]]
    return {kind: found, "next_page": link if more else None, "previous_page": None, "count": len(rows)}


def _by_cursor(kind: str, rows: list[Row], shown: Shown) -> dict[str, Json]:
    size, after = min(_number("page[size]", LARGEST_PAGE), LARGEST_PAGE), request.args.get("page[after]", "")
    start = _read(after) if after else 0
    # By id: what comes or goes meanwhile moves nothing.
    rest = [row for row in sorted(rows, key=lambda row: int(row.id)) if int(row.id) > start]
    found = rest[:size]
    more = len(rest) > size
    cursor = _cursor(int(found[-1].id)) if found else None
    link = f"{request.base_url}?page[size]={size}&page[after]={cursor}"
    meta = {"has_more": more, "after_cursor": cursor, "before_cursor": None}
    return {kind: [shown(row) for row in found], "meta": meta, "links": {"next": link if more else None, "prev": None}}


def export(kind: str, rows: list[Row], shown: Shown, horizon: float) -> dict[str, Json]:
    """`rows`: with those that are deleted. `horizon`: what is younger is not shown yet."""
    size, cursor = min(_number("per_page", LARGEST_EXPORT), LARGEST_EXPORT), request.args.get("cursor")
    rows = sorted(rows, key=lambda row: row.number)
    ready = []
    for row in rows:
        if row.updated.timestamp() > horizon:
            break
        ready.append(row)
    rest = [row for row in ready if row.number > _read(cursor)] if cursor else _from_start(ready, horizon)
    if request.args.get("exclude_deleted") == "true":
        rest = [row for row in rest if not row.deleted]
    found = rest[:size]
    after = _cursor(found[-1].number) if found else cursor or _cursor(ready[-1].number if ready else 0)
    told = {kind: [shown(row) for row in found], "after_cursor": after, "end_of_stream": len(rest) <= size}
    return {**told, "after_url": f"{request.base_url}?cursor={after}", "before_url": None, "before_cursor": None}


def _from_start(rows: list[Row], horizon: float) -> list[Row]:
    start = _number("start_time", 0)
    if start > horizon:
        told = "Too recent start_time. Use a start_time older than 60 seconds"
        raise Refused(400, {"error": "StartTimeTooRecent", "description": told})
    return [row for row in rows if row.updated.timestamp() >= start]


def _number(name: str, default: int) -> int:
    text = request.args.get(name, str(default))
    if not text.isdigit():
        raise Refused(400, {"error": "InvalidPaginationParameter", "description": f"{name} is invalid: {text}"})
    return int(text)


def _cursor(number: int) -> str:
    return base64.urlsafe_b64encode(f"at|{number}".encode()).decode().rstrip("=")


def _read(cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        return int(text.removeprefix("at|"))
    except ValueError:
        told = "The cursor is invalid"
        raise Refused(400, {"error": "InvalidPaginationParameter", "description": told}) from None
