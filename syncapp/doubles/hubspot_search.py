"""HubSpot's search: filter groups, one sort, pages by offset, and its limits.

From https://developers.hubspot.com/docs/api-reference/legacy/crm/search-the-crm: OR of groups of AND; values without
regard to case but for choices; 10 a page unless asked, 200 at most, 10,000 results in all, 3,000 characters of query,
5 groups, 6 filters each, 18 in all; archived records never appear; a record may take a while to appear (`lag`).
Unverified: the wording of its refusals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from syncapp.doubles.hubspot_values import PROPERTIES, Property, moment

DEFAULT_LIMIT, LARGEST_LIMIT = 10, 200
LONGEST_QUERY, GROUPS, FILTERS, FILTERS_IN_ALL = 3000, 5, 6, 18
Values = dict[str, str]


class BadSearch(Exception):
    """The query is refused; the text is the message."""


def search(
    kind: str, rows: Iterable[tuple[str, Values]], query: dict[str, Any], cap: int
) -> tuple[list[str], int, str]:
    """Ids of one page, the total, and where the next page starts ("" if there is none)."""
    start, limit = _number(query.get("after") or 0, "after"), _number(query.get("limit") or DEFAULT_LIMIT, "limit")
    if limit > LARGEST_LIMIT:
        raise BadSearch(f"The limit of {limit} is larger than the largest that is supported: {LARGEST_LIMIT}")
    if start + limit > cap:
        raise BadSearch(f"The search endpoints are limited to {cap} total results for any given query")
    groups = _groups(query)
    found = [(id, values) for id, values in rows if not groups or any(_all(kind, group, values) for group in groups)]
    ordered = _sorted(kind, found, query.get("sorts") or [])
    page = [id for id, _ in ordered[start : start + limit]]
    return page, len(found), str(start + limit) if start + limit < len(found) else ""


def _number(text: Any, name: str) -> int:
    if not re.fullmatch(r"\d+", str(text)):
        raise BadSearch(f"{name} must be an integer, not {text}")
    return int(text)


def _groups(query: dict[str, Any]) -> list[list[dict[str, Any]]]:
    groups = [group.get("filters") or [] for group in query.get("filterGroups") or []]
    groups += [query["filters"]] if query.get("filters") else []
    if len(groups) > GROUPS or any(len(group) > FILTERS for group in groups) or sum(map(len, groups)) > FILTERS_IN_ALL:
        raise BadSearch(f"At most {GROUPS} filterGroups, {FILTERS} filters in each and {FILTERS_IN_ALL} in all")
    return groups


def _all(kind: str, filters: list[dict[str, Any]], values: Values) -> bool:
    return all(_passes(kind, one, values) for one in filters)


def _property(kind: str, name: Any) -> Property:
    property = PROPERTIES[kind].get(str(name))
    if property is None:
        raise BadSearch(f"There was a problem with the request: property {name} does not exist")
    return property


def _passes(kind: str, filter: dict[str, Any], values: Values) -> bool:
    name, operator = str(filter.get("propertyName")), str(filter.get("operator"))
    property = _property(kind, name)
    if operator not in OPERATORS:
        raise BadSearch(f"Invalid operator {operator}; there are {', '.join(OPERATORS)}")
    if name not in values:
        return operator in ("NOT_HAS_PROPERTY", "NEQ", "NOT_IN", "NOT_CONTAINS_TOKEN")
    return OPERATORS[operator](_comparable(property, values[name]), filter, property)


def _comparable(property: Property, text: Any) -> Any:
    try:
        if property.type == "number":
            return float(text)
        if property.type in ("date", "datetime"):
            return moment(str(text)).timestamp()
    except ValueError:
        raise BadSearch(f"{text} is no valid {property.type}") from None
    return str(text) if property.type == "enumeration" else str(text).lower()


def _value(filter: dict[str, Any], property: Property, name: str = "value") -> Any:
    if filter.get(name) is None:
        raise BadSearch(f"a filter by {filter.get('operator')} needs {name}")
    return _comparable(property, filter[name])


def _within(have: Any, filter: dict[str, Any], property: Property) -> bool:
    low, high = _value(filter, property), _value(filter, property, "highValue")
    return bool(low <= have <= high)


def _one_of(have: Any, filter: dict[str, Any], property: Property) -> bool:
    wanted = filter.get("values") or []
    # Text is searched in lower case only: a capital letter in the query finds nothing.
    plain = property.type == "string"
    return have in [str(one) if plain else _comparable(property, one) for one in wanted]


def _token(have: Any, filter: dict[str, Any], property: Property) -> bool:
    pattern = re.escape(str(filter.get("value", "")).lower()).replace(r"\*", ".*")
    text = str(have).lower()
    return any(re.fullmatch(pattern, part) for part in [text, *re.split(r"[\s;]+", text)])


OPERATORS: dict[str, Callable[[Any, dict[str, Any], Property], bool]] = {
    "EQ": lambda have, filter, property: have == _value(filter, property),
    "NEQ": lambda have, filter, property: have != _value(filter, property),
    "LT": lambda have, filter, property: have < _value(filter, property),
    "LTE": lambda have, filter, property: have <= _value(filter, property),
    "GT": lambda have, filter, property: have > _value(filter, property),
    "GTE": lambda have, filter, property: have >= _value(filter, property),
    "BETWEEN": _within,
    "IN": _one_of,
    "NOT_IN": lambda have, filter, property: not _one_of(have, filter, property),
    "HAS_PROPERTY": lambda have, filter, property: True,
    "NOT_HAS_PROPERTY": lambda have, filter, property: False,
    "CONTAINS_TOKEN": _token,
    "NOT_CONTAINS_TOKEN": lambda have, filter, property: not _token(have, filter, property),
}


def _sorted(kind: str, found: list[tuple[str, Values]], sorts: list[Any]) -> list[tuple[str, Values]]:
    if not sorts:
        return sorted(found, key=lambda one: (one[1]["createdate"], int(one[0])))
    if len(sorts) > 1:
        raise BadSearch("Only one sort is supported")
    rule = sorts[0] if isinstance(sorts[0], dict) else {"propertyName": sorts[0]}
    name = str(rule.get("propertyName"))
    property = _property(kind, name)
    # Ties come in no promised order: here the newest id first, so that nobody relies on one.
    having = sorted((one for one in found if name in one[1]), key=lambda one: -int(one[0]))
    having.sort(key=lambda one: _comparable(property, one[1][name]), reverse=rule.get("direction") == "DESCENDING")
    return having + [one for one in found if name not in one[1]]
