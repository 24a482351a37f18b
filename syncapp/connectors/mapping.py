"""Fields of the hub and paths of a provider, both ways, compiled into closures: this runs for every record read."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from typing import Any

from syncapp.connectors import paths
from syncapp.connectors.errors import MappingError
from syncapp.connectors.expressions import Expression
from syncapp.connectors.mapped import (
    ABSENCES,
    CLEARS,
    MappingField,
    Reader,
    Writer,
    guarded,
    not_invertible,
    reader,
    writer,
)
from syncapp.connectors.spec import FieldSpec, ObjectSpec

DIRECTIONS = ("both", "read", "write")
KEYS = (
    "field", "path", "writes_to", "transforms", "values", "direction", "clear", "omitted", "normalises", "jsonata",
    "inverse",
)  # fmt: skip


@dataclass(frozen=True)
class Mapping:
    """Both ways between a provider's body and named values."""

    fields: Dict[str, MappingField]
    _readers: tuple[tuple[str, Reader], ...] = field(init=False, repr=False, compare=False)
    _writers: Dict[str, Writer] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        readers = tuple((name, guarded(name, spec, reader)) for name, spec in self.fields.items() if spec.reads)
        writers = {name: guarded(name, spec, writer) for name, spec in self.fields.items() if spec.writes}
        object.__setattr__(self, "_readers", readers)
        object.__setattr__(self, "_writers", writers)

    def read(self, body: Dict[str, Any]) -> dict[str, Any]:
        """Every readable field: its value, None, MISSING (not told) or Unmappable."""
        return {name: reader(body) for name, reader in self._readers}

    def write(self, values: Dict[str, Any]) -> dict[str, Any]:
        """The body for these values. Raises MappingError that names each field which cannot be said there."""
        body, failed = self.encode(values)
        if failed:
            told = "; ".join(f"{name}: {reason}" for name, reason in failed.items())
            raise MappingError(f"these values cannot be written: {told}", "mapping", fields=failed)
        return body

    def encode(self, values: Dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """The body, and the fields that cannot be said there with the reason; the others are in the body."""
        body: dict[str, Any] = {}
        failed: dict[str, str] = {}
        for name, value in values.items():
            writer = self._writers.get(name)
            if writer is None:
                failed[name] = "the field is not mapped for writing"
                continue
            try:
                writer(body, value)
            except (ValueError, TypeError) as error:
                failed[name] = str(error)
        return body, failed

    def problems(self) -> dict[str, str]:
        """Fields that are mapped for writing but whose way back does not exist, with the reason."""
        found: dict[str, str] = {}
        for name, spec in self.fields.items():
            reason = not_invertible(spec) if spec.writes else None
            if reason:
                found[name] = reason
        return found

    @classmethod
    def parse(cls, raw: Dict[str, Any], where: str = "mapping", spec: ObjectSpec | None = None) -> Mapping:
        """A mapping from plain data: ``field: path`` or ``field: {path, transforms, values, direction …}``.

        With the object's spec, ``field`` (or a text that is one of its fields) inherits path, transforms and rules.
        """
        fields = {name: _field(entry, f"{where}.{name}", spec) for name, entry in raw.items()}
        mapping = cls(fields)
        problems = mapping.problems()
        if problems:
            told = "; ".join(f"{name}: {reason}" for name, reason in problems.items())
            raise MappingError(
                f"these fields cannot be written back: {told}",
                where,
                "direction: read, or an invertible mapping",
                fields=problems,
            )
        return mapping


def _field(entry: Any, where: str, spec: ObjectSpec | None) -> MappingField:
    if isinstance(entry, str):
        entry = {"field": entry} if spec and entry in spec.fields else {"path": entry}
    if not isinstance(entry, dict):
        raise MappingError(f"{entry!r} is no mapping of a field", where, "a path, or a mapping with a path")
    unknown = sorted(set(entry) - set(KEYS))
    if unknown:
        raise MappingError(f"unknown key {unknown[0]!r}", where, ", ".join(KEYS))
    base = _inherited(entry, where, spec)
    reading, back = (_expression(entry, base, key, where) for key in ("jsonata", "inverse"))
    if back and not reading:
        raise MappingError("an inverse without an expression", where, "jsonata beside inverse, or neither")
    known = MappingField(
        path=_text(entry.get("path", base.path), where, whole=reading is not None),
        transforms=tuple(entry.get("transforms", base.transforms)),
        value_map=entry.get("values"),
        direction=entry.get("direction", "both" if base.writable and not (reading and not back) else "read"),
        clear=entry.get("clear", base.clear),
        omitted=entry.get("omitted", base.omitted),
        normalised=bool(entry.get("normalises", base.normalises)),
        writes_to=entry.get("writes_to", base.writes_to if "path" not in entry or entry["path"] == base.path else ""),
        expression=reading,
        inverse=back,
        known=next((slug for slug, one in spec.fields.items() if one is base), "") if spec else "",
    )
    for name, value, accepted in (
        ("direction", known.direction, DIRECTIONS),
        ("clear", known.clear if isinstance(known.clear, str) else "null", (*CLEARS, "omit", "refuse")),
        ("omitted", known.omitted, tuple(ABSENCES)),
    ):
        if value not in accepted:
            raise MappingError(f"{name} {value!r} is not accepted", where, ", ".join(accepted))
    return known


def _inherited(entry: Dict[str, Any], where: str, spec: ObjectSpec | None) -> FieldSpec:
    """What the provider's file says about the field, found by its name or by its path."""
    wanted = entry.get("field")
    if wanted is not None:
        if spec is None or wanted not in spec.fields:
            raise MappingError(
                f"there is no provider field {wanted!r}", where, ", ".join(spec.fields) if spec else "a path"
            )
        return spec.fields[wanted]
    same = [known for known in (spec.fields.values() if spec else ()) if known.path and known.path == entry.get("path")]
    if same:
        return same[0]
    return FieldSpec(path="", omitted="null" if spec and spec.open_fields else "missing")


def _expression(entry: Dict[str, Any], base: FieldSpec, key: str, where: str) -> Expression | None:
    """The entry's own expression; only one that has none of its own inherits the pair of the provider's file."""
    given = entry.get(key) if "jsonata" in entry or "inverse" in entry else getattr(base, key)
    if given is None:
        return None
    if not isinstance(given, str) or not given.strip():
        raise MappingError(f"{given!r} is no expression", f"{where}.{key}", "JSONata, as text")
    return Expression(given, f"{where}.{key}").check()


def _text(path: Any, where: str, whole: bool = False) -> str:
    if whole and path == "":
        return ""
    if not isinstance(path, str) or not path:
        raise MappingError("a path is missing", where, paths.ACCEPTED)
    return path
