"""Bodies put together and taken apart: a change into the record it changes, and out of it what other calls write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from syncapp.connectors.expressions import listed
from syncapp.connectors.opspec import KeepSpec, PartSpec
from syncapp.connectors.paths import ABSENT, getter, setter, split

EMPTY: tuple[Any, ...] = (None, "", [], {})


def merged(record: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """The record with the change in it: objects are merged, everything else is replaced. Neither is touched."""
    whole = dict(record)
    for key, value in change.items():
        old = whole.get(key)
        whole[key] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return whole


def kept(record: Mapping[str, Any], change: Mapping[str, Any], keep: KeepSpec) -> dict[str, Any]:
    """The change with the entries of a list in it that are there and that it does not speak of. Neither is touched."""
    now, sent = getter(keep.path)(record), getter(keep.path)(change)
    told = {"now": now if isinstance(now, list) else [], "sent": sent if isinstance(sent, list) else []}
    whole = deepcopy(dict(change))
    setter(keep.path)(whole, listed(keep.merge, told))
    return whole


def without(body: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The body without what is at the path; an object that is empty then goes as well."""
    step, *rest = split(path)
    left = dict(body)
    if not rest:
        left.pop(str(step), None)
        return left
    inner = left.get(str(step))
    if isinstance(inner, Mapping):
        left[str(step)] = without(inner, ".".join(map(_quoted, rest)))
        if not left[str(step)]:
            del left[str(step)]
    return left


def _quoted(step: str | int) -> str:
    return f'"{step}"'


def taken(body: Mapping[str, Any], parts: Sequence[PartSpec]) -> tuple[dict[str, Any], list[tuple[PartSpec, Any]]]:
    """What is left for the call itself, and what each of its parts writes."""
    left, found = dict(body), []
    for part in parts:
        value = getter(part.take)(left)
        if value is ABSENT or (part.when != "any" and (value in EMPTY) != (part.when == "cleared")):
            continue
        found.append((part, value))
        left = without(left, part.take)
    return left, found
