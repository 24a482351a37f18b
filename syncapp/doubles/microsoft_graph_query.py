"""The query options of Graph's lists: $top, $select, $orderby, and a little of $filter.

From https://learn.microsoft.com/graph/query-parameters and .../graph/filter-query-parameter. Unverified: the codes of
refusals, 10 a page where nothing is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC
from typing import Any
from urllib.parse import quote

from flask import request

from syncapp.doubles.answers import read_iso
from syncapp.doubles.microsoft_graph_contact import SCALARS
from syncapp.doubles.microsoft_graph_errors import error
from syncapp.doubles.shelf import Fields, Row

ANY = re.compile(r"emailAddresses/any\(\s*(\w+)\s*:\s*\1/address eq '(.*)'\s*\)")
COMPARE = re.compile(r"(\w+) (eq|ge|gt|le|lt) (?:'(.*)'|(\S+))")


def link(query: dict[str, str]) -> str:
    return f"{request.base_url}?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())


def size() -> int:
    asked = re.search(r"odata\.maxpagesize=(\d+)", request.headers.get("Prefer", ""))
    text = request.args.get("$top") or (asked[1] if asked else "10")
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise error(400, "ErrorInvalidUrlQuery", f"Invalid value '{text}' for $top: from 1 to 1000")
    return int(text)


def selected(shown: Fields, select: str) -> Fields:
    if not select:
        return shown
    names = {"id", "@odata.etag", *select.split(",")}
    return {name: value for name, value in shown.items() if name in names}


def ordered(rows: list[Row]) -> list[Row]:
    name, _, direction = request.args.get("$orderby", "").partition(" ")
    keys: dict[str, Callable[[Row], Any]] = {
        "lastModifiedDateTime": lambda row: row.updated,
        "createdDateTime": lambda row: row.created,
    }
    if name and name not in keys and name not in SCALARS:
        raise error(400, "ErrorInvalidUrlQuery", f"$orderby by {name} is not supported")
    key = keys.get(name, lambda row: row.fields[name] or "")
    return sorted(rows, key=key, reverse=direction == "desc") if name else rows


def passes(shown: Fields) -> bool:
    wanted = request.args.get("$filter", "")
    if not wanted:
        return True
    if match := ANY.fullmatch(wanted):
        return any(one["address"].lower() == match[2].lower() for one in shown["emailAddresses"])
    return all(_clause(clause, shown) for clause in wanted.split(" and "))


def _clause(clause: str, shown: Fields) -> bool:
    match = COMPARE.fullmatch(clause.strip())
    if match is None or match[1] not in shown:
        raise error(400, "ErrorInvalidUrlQueryFilter", f"The query filter {clause!r} is invalid.")
    name, sign, text, bare = match.groups()
    if bare is None:
        return sign == "eq" and shown[name] == text.replace("''", "'")
    try:
        have, want = read_iso(shown[name]), read_iso(bare).astimezone(UTC)
    except (TypeError, ValueError):
        raise error(400, "ErrorInvalidUrlQueryFilter", f"{bare} is no time") from None
    signs = {"eq": have == want, "ge": have >= want, "gt": have > want, "le": have <= want, "lt": have < want}
    return signs[sign]
