"""What every part of a provider file is built with: a checked mapping into a frozen dataclass, a path or expression."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from syncapp.connectors.expressions import Expression, Source

T = TypeVar("T")
Raw = Mapping[str, Any]
RENAMED = {"in": "place", "from": "source", "or": "fallback"}


def make(kind: type[T], raw: Raw, **changed: Any) -> T:
    """A dataclass from a mapping: lists become tuples, words of Python other ones, ``changed`` overrides."""
    known = {entry.name for entry in dataclasses.fields(kind)}  # type: ignore[arg-type]
    values = {RENAMED.get(key, key): _frozen(value) for key, value in raw.items()}
    values.update(changed)
    return kind(**{key: value for key, value in values.items() if key in known})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(entry) for entry in value) if isinstance(value, list) else value


def maybe(kind: type[T], raw: Raw | None) -> T | None:
    return None if raw is None else make(kind, raw)


def several(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def source(value: Any, where: str) -> Source:
    """A path, or the expression that stands in its place."""
    return value if isinstance(value, str) else Expression(value["jsonata"], f"{where}.jsonata")


def sources(value: Any, where: str) -> tuple[Source, ...]:
    if isinstance(value, list):
        return tuple(source(entry, f"{where}[{number}]") for number, entry in enumerate(value))
    return (source(value, where),)
