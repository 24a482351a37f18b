"""What a field of a sync could be mapped to: the fields that a provider's file names, and those a real record shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from syncapp.connectors import paths
from syncapp.connectors.paths import ABSENT
from syncapp.connectors.spec import ObjectSpec

DEEPEST = 4
MOST = 300
SHOWN = 60
PLAIN = re.compile(r"[A-Za-z_][\w-]*")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")


@dataclass(frozen=True, slots=True)
class Choice:
    """`name` is what a mapping says; `sample` is what one real record holds there, ABSENT if nothing."""

    name: str
    path: str
    label: str
    type: str
    writable: bool
    declared: bool
    sample: Any = ABSENT

    @property
    def shown(self) -> str:
        return "" if self.sample is ABSENT or self.sample is None else brief(self.sample)


def brief(value: Any) -> str:
    """A provider's value as it is spelled there, in a line."""
    text = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def choices_of(spec: ObjectSpec, body: Mapping[str, Any] | None) -> list[Choice]:
    """The declared ones first; then, where the object has fields of its owner's making, what the record shows."""
    declared = [
        Choice(slug, told.path, told.label or slug, told.type, told.writable, True, _sample(told.path, body))
        for slug, told in spec.fields.items()
    ]
    if body is None or (spec.fields and not spec.open_fields):
        return declared
    known = {one.path for one in declared} | {spec.id}
    found = [
        Choice(path, path, path, type_of(value), True, False, value)
        for path, value in _leaves(body, "", 0)
        if path not in known
    ]
    return declared + found[:MOST]


def _sample(path: str, body: Mapping[str, Any] | None) -> Any:
    return ABSENT if body is None or not path else paths.getter(path)(body)


def _leaves(part: Mapping[str, Any], before: str, depth: int) -> Iterator[tuple[str, Any]]:
    for key, value in part.items():
        name = key if PLAIN.fullmatch(key) else '["' + key.replace("\\", "\\\\").replace('"', '\\"') + '"]'
        path = f"{before}.{name}" if before and not name.startswith("[") else before + name
        if isinstance(value, dict) and value and depth < DEEPEST:
            yield from _leaves(value, path, depth + 1)
        else:
            yield path, value


def type_of(value: Any) -> str:
    """The type that a value of a real record looks like."""
    if isinstance(value, bool):
        return "boolean"
    for kind, name in ((int, "integer"), (float, "decimal"), (list, "set"), (dict, "json")):
        if isinstance(value, kind):
            return name
    if isinstance(value, str):
        for shape, name in ((EMAIL, "email"), (DAY, "date"), (MOMENT, "datetime")):
            if shape.fullmatch(value):
                return name
    return "text"
