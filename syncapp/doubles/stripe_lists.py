"""Stripe's lists: newest first, pages by the id of an object, filters by time; and search by its query text.

From https://docs.stripe.com/api/pagination, https://docs.stripe.com/api/customers/list and
https://docs.stripe.com/search. Of the query language there is `field:"value"`, `metadata["key"]:"value"`, `created>1`
and AND. Unverified: what is answered to a cursor that is unknown.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

from syncapp.doubles.stripe_forms import error

Json = Any
COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le,
}  # fmt: skip
SIGNS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
CLAUSE = re.compile(r"""(\w+)(?:\[["'](.+?)["']\])?\s*(:|>=|<=|>|<)\s*["']?(.*?)["']?""")


def page(path: str, items: Sequence[dict[str, Json]], asked: dict[str, Json]) -> dict[str, Json]:
    """One page of what is given newest first; what is marked as deleted only holds its place."""
    limit, ids = size(asked), [item["id"] for item in items]
    if "ending_before" in asked:
        before = _shown(items[: _place(ids, asked["ending_before"], "ending_before")], asked)
        return _listed(path, before[-limit:], len(before) > limit)
    start = _place(ids, asked["starting_after"], "starting_after") + 1 if "starting_after" in asked else 0
    rest = _shown(items[start:], asked)
    return _listed(path, rest[:limit], len(rest) > limit)


def _shown(items: Sequence[dict[str, Json]], asked: dict[str, Json]) -> list[dict[str, Json]]:
    living = [item for item in items if not item.get("deleted") and _created(item, asked.get("created"))]
    return [{name: value for name, value in item.items() if name != "deleted"} for item in living]


def size(asked: dict[str, Json]) -> int:
    text = str(asked.get("limit", "10"))
    if not text.isdigit():
        raise error(400, f"Invalid integer: {text}", code="parameter_invalid_integer", param="limit")
    if not 1 <= int(text) <= 100:
        bound = "greater than or equal to 1" if int(text) < 1 else "less than or equal to 100"
        raise error(400, f"This value must be {bound}.", code="parameter_invalid_integer", param="limit")
    return int(text)


def _listed(path: str, data: Sequence[dict[str, Json]], more: bool) -> dict[str, Json]:
    return {"object": "list", "url": path, "has_more": more, "data": list(data)}


def _place(ids: list[str], id: Json, param: str) -> int:
    if id not in ids:
        raise error(400, f"No such object: '{id}'", code="resource_missing", param=param)
    return ids.index(id)


def _created(item: dict[str, Json], wanted: Json) -> bool:
    if wanted is None:
        return True
    if not isinstance(wanted, dict):
        return bool(item["created"] == int(wanted))
    if strange := sorted(set(wanted) - set(COMPARED)):
        raise error(400, f"Received unknown parameter: created[{strange[0]}]", param="created")
    return all(COMPARED[name](item["created"], int(value)) for name, value in wanted.items())


def searched(path: str, items: Sequence[dict[str, Json]], asked: dict[str, Json]) -> dict[str, Json]:
    clauses = [_clause(text) for text in re.split(r"\s+AND\s+", str(asked.get("query", "")).strip())]
    found = [item for item in items if all(clause(item) for clause in clauses)]
    start, limit = int(asked.get("page") or 0), size(asked)
    rest = start + limit < len(found)
    return {
        "object": "search_result", "url": path, "has_more": rest, "data": found[start : start + limit],
        "next_page": str(start + limit) if rest else None, "total_count": len(found),
    }  # fmt: skip


def _clause(text: str) -> Callable[[dict[str, Json]], bool]:
    match = CLAUSE.fullmatch(text)
    if match is None:
        raise error(400, f"We were unable to parse your search query: {text}", param="query")
    name, key, sign, value = match.groups()

    def holds(item: dict[str, Json]) -> bool:
        have = (item.get(name) or {}).get(key) if key else item.get(name)
        if have is None:
            return False
        if sign in SIGNS:
            return COMPARED[SIGNS[sign]](have, int(value))
        return str(have).lower() == value.lower()

    return holds
