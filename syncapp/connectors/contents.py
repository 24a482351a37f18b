"""A request's content as bytes: JSON, a form with brackets, a GraphQL document with its variables, or plain text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import orjson

from syncapp.connectors.errors import Rejected
from syncapp.connectors.opspec import Operation

FORM = "application/x-www-form-urlencoded"


def encode(operation: Operation, body: Any, where: str) -> tuple[bytes, str] | None:
    """The bytes and what they are; None if there is nothing to send. Raises Rejected."""
    if body is None and operation.content != "graphql":
        return None
    return CONTENTS[operation.content](operation, body, where)


def _json(operation: Operation, body: Any, where: str) -> tuple[bytes, str]:
    try:
        return orjson.dumps(body), "application/json"
    except orjson.JSONEncodeError as error:
        raise Rejected(
            f"the values cannot be written as JSON: {error}", where, "text, numbers below 2^64, lists"
        ) from None


def _graphql(operation: Operation, body: Any, where: str) -> tuple[bytes, str]:
    return _json(operation, {"query": operation.graphql, "variables": body or {}}, where)


def _form(operation: Operation, body: Any, where: str) -> tuple[bytes, str]:
    if not isinstance(body, Mapping):
        raise Rejected("a form is made of named fields", where, "an object as the body")
    return urlencode(list(_pairs("", body, operation.lists))).encode(), FORM


def _text(operation: Operation, body: Any, where: str) -> tuple[bytes, str]:
    if not isinstance(body, str):
        raise Rejected("a body of plain text has to be text", where, "a template that makes text")
    return body.encode(), "text/plain; charset=utf-8"


def _pairs(name: str, value: Any, lists: str) -> Iterator[tuple[str, str]]:
    """What a nested value is in a form: ``a[b]=``; what is empty, cleared or null is an empty text under its name."""
    if isinstance(value, Mapping) and (value or not name):
        for key, inner in value.items():
            yield from _pairs(f"{name}[{key}]" if name else str(key), inner, lists)
    elif isinstance(value, list) and value:
        for place, inner in enumerate(value):
            yield from _pairs(LISTS[lists](name, place), inner, lists)
    else:
        yield name, "" if value in (None, [], {}) else spelled(value)


def spelled(value: Any) -> str:
    """A value as text: booleans as words, numbers without an exponent."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value)


LISTS: dict[str, Callable[[str, int], str]] = {
    "index": lambda name, place: f"{name}[{place}]",
    "brackets": lambda name, place: f"{name}[]",
    "repeat": lambda name, place: name,
}
CONTENTS = {"json": _json, "form": _form, "graphql": _graphql, "text": _text}
