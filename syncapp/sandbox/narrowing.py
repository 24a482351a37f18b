"""Filters of a listing: by the value of one field, as both dialects' lists take it in their own words."""

from __future__ import annotations

from syncapp.sandbox.refusals import BadValue
from syncapp.sandbox.values import Json

Where = tuple[list[str], list[Json]]


def by_filter(text: str | None, fields: tuple[str, ...]) -> Where:
    """The CRM's `filter=lifecycle:customer`, or any of several: `filter=lifecycle:customer,lead`."""
    if text is None:
        return [], []
    name, colon, values = text.partition(":")
    if not colon or name not in fields:
        accepted = " or ".join(f"{one}:value" for one in fields)
        raise BadValue(f"filter must be {accepted}, not “{text}”.", "filter")
    return _one_of(name, values.split(","))


def by_value(name: str, value: str | None) -> Where:
    """Billing's `plan=pro`."""
    return ([], []) if value is None else _one_of(name, [value])


def _one_of(name: str, values: list[str]) -> Where:
    marks = ", ".join("?" for _ in values)
    return [f"json_extract(fields, '$.{name}') IN ({marks})"], list(values)
