"""The body of a delivery as data: JSON, or a form with brackets (``data[merges][FNAME]=Ann``), or JSON in a form."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

import orjson

from syncapp.connectors.errors import Malformed
from syncapp.connectors.hookspec import WebhookSpec
from syncapp.connectors.jsonbody import parse

WHERE = "webhook body"
MOST_FIELDS = 5_000
DEEPEST = 12


def whole(spec: WebhookSpec, body: bytes) -> Any:
    """Raises Malformed."""
    if spec.format == "json":
        return _json(body, "the body is not JSON")
    fields = _fields(body)
    if not spec.json_field:
        return nested(fields)
    text = dict(fields).get(spec.json_field)
    if text is None:
        raise Malformed(f"the form has no field {spec.json_field!r}", WHERE)
    return _json(text.encode(), f"the form's field {spec.json_field!r} is not JSON")


def _json(body: bytes, what: str) -> Any:
    try:
        return parse(body)
    except orjson.JSONDecodeError:
        raise Malformed(what, WHERE) from None


def _fields(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=MOST_FIELDS)
    except ValueError:  # not UTF-8, not key=value, or too many
        raise Malformed("the body is not a form", WHERE, f"at most {MOST_FIELDS:,} fields, as key=value") from None


def nested(fields: list[tuple[str, str]]) -> dict[str, Any]:
    """``a[b]=1`` is {"a": {"b": "1"}}, ``a[]=1`` a list; a key that contradicts another one stays as it is."""
    out: dict[str, Any] = {}
    for name, value in fields:
        steps = _steps(name)
        if not _put(out, steps, value):
            out[name] = value
    return out


def _steps(name: str) -> list[str]:
    head, *rest = name.split("[")
    if not head or not rest or len(rest) > DEEPEST or not all(part.endswith("]") for part in rest):
        return [name]
    steps = [head, *(part[:-1] for part in rest)]
    return steps if all(steps[:-1]) else [name]


def _put(out: dict[str, Any], steps: list[str], value: str) -> bool:
    here: Any = out
    for step, following in pairwise(steps):
        here = here.setdefault(step, [] if following == "" else {})
        if not isinstance(here, list if following == "" else dict):
            return False
    if isinstance(here, list):
        here.append(value)
        return True
    if steps[-1] == "" or isinstance(here.get(steps[-1]), dict | list):
        return False
    here[steps[-1]] = value
    return True
