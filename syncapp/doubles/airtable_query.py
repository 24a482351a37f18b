"""What a list of Airtable's is asked for, in the address or as a body: which cells, which records, in what order.

From https://airtable.com/developers/web/api/list-records. Unverified: that a page size above 100 is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flask import request

from syncapp.doubles.airtable_errors import error
from syncapp.doubles.airtable_formula import BadFormula, Formula
from syncapp.doubles.airtable_values import Field, named
from syncapp.doubles.shelf import Row

LARGEST_PAGE = 100


@dataclass(frozen=True)
class Asked:
    size: int
    offset: str
    fields: list[str]
    by_id: bool
    formula: str
    most: int
    sort: list[dict[str, str]]

    def names(self, fields: dict[str, Field]) -> set[str]:
        return {named(fields, one) for one in self.fields} or set(fields)


def asked() -> Asked:
    body = request.get_json(silent=True) if request.path.endswith("/listRecords") else None
    told: dict[str, Any] = body if isinstance(body, dict) else _from_address()
    size = _number(told.get("pageSize", LARGEST_PAGE))
    if not 1 <= size <= LARGEST_PAGE:
        raise error(422, "INVALID_REQUEST_UNKNOWN", f"pageSize must be from 1 to {LARGEST_PAGE}")
    by_id = (request.get_json(silent=True) or {}) if request.method in ("POST", "PATCH", "PUT") else told
    return Asked(
        size, str(told.get("offset") or ""), list(told.get("fields") or []),
        str(by_id.get("returnFieldsByFieldId", "")).lower() == "true", str(told.get("filterByFormula") or ""),
        _number(told.get("maxRecords", 10**9)), told.get("sort") or [],
    )  # fmt: skip


def _from_address() -> dict[str, Any]:
    told: dict[str, Any] = dict(request.args.items())
    told["fields"] = request.args.getlist("fields[]") or request.args.getlist("fields")
    sorts: dict[str, dict[str, str]] = {}
    for name, value in request.args.items():
        if match := re.fullmatch(r"sort\[(\d+)\]\[(field|direction)\]", name):
            sorts.setdefault(match[1], {})[match[2]] = value
    told["sort"] = [sorts[at] for at in sorted(sorts, key=int)]
    return told


def _number(text: Any) -> int:
    if not re.fullmatch(r"\d+", str(text)):
        raise error(422, "INVALID_REQUEST_UNKNOWN", f"{text!r} is no number")
    return int(text)


def ordered(fields: dict[str, Field], wanted: Asked, rows: list[Row]) -> list[Row]:
    """Without a sort the order is not promised: here the newest come first."""
    rows = rows[::-1]
    if wanted.formula:
        rows = _filtered(wanted.formula, rows)
    for one in reversed(wanted.sort):
        name = named(fields, one.get("field", ""))
        rows.sort(key=lambda row: _key(row, name), reverse=one.get("direction") == "desc")
    return rows[: wanted.most]


def _key(row: Row, name: str) -> tuple[bool, Any]:
    value = row.updated if name == "Last modified" else row.fields.get(name)
    return value is not None, value if isinstance(value, int | float) else str(value or "")


def _filtered(text: str, rows: list[Row]) -> list[Row]:
    try:
        formula = Formula(text)
        return [
            row for row in rows
            if formula.holds({**row.fields, "id": row.id, "created": row.created, "updated": row.updated})
        ]  # fmt: skip
    except BadFormula as bad:
        told = f"The formula for filtering records is invalid: {bad}"
        raise error(422, "INVALID_FILTER_BY_FORMULA", told) from None
