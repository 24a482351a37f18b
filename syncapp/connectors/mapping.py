"""Fields of the hub and paths of a provider, both ways, compiled into closures: this runs for every record read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from typing import Any, Final

from syncapp.connectors import paths
from syncapp.connectors.errors import MappingError
from syncapp.connectors.paths import ABSENT
from syncapp.connectors.spec import FieldSpec, Norm, ObjectSpec
from syncapp.connectors.transforms import Transform, transform

DIRECTIONS = ("both", "read", "write")
CLEARS: Dict[str, Any] = {"null": None, "empty": "", "list": []}
KEYS = ("field", "path", "transforms", "values", "direction", "clear", "omitted", "normalises", "jsonata")
EXPRESSIONS = "expressions are not available yet; use a path with transforms and values"


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing()
Missing = _Missing


@dataclass(frozen=True, slots=True)
class Unmappable:
    """A value that was there and cannot be said in the hub's words."""

    reason: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class MappingField:
    """One field: where it is, how it is spelled there, what its values are called here (provider's word -> ours)."""

    path: str
    transforms: tuple[Norm, ...] = ()
    value_map: Dict[Any, Any] | None = None
    direction: str = "both"
    clear: str = "null"
    omitted: str = "missing"
    normalised: bool = False
    expression: str | None = None

    @property
    def reads(self) -> bool:
        return self.direction != "write"

    @property
    def writes(self) -> bool:
        return self.direction != "read"


Reader = Callable[[Any], Any]
Writer = Callable[[dict[str, Any], Any], None]


@dataclass(frozen=True)
class Mapping:
    """Both ways between a provider's body and named values."""

    fields: Dict[str, MappingField]
    _readers: tuple[tuple[str, Reader], ...] = field(init=False, repr=False, compare=False)
    _writers: Dict[str, Writer] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        readers = tuple((name, _guarded(name, spec, _reader)) for name, spec in self.fields.items() if spec.reads)
        writers = {name: _guarded(name, spec, _writer) for name, spec in self.fields.items() if spec.writes}
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
            reason = _not_invertible(spec) if spec.writes else None
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
    if "jsonata" in entry:
        raise MappingError(EXPRESSIONS, where)
    base = _inherited(entry, where, spec)
    known = MappingField(
        path=_text(entry.get("path", base.path), where),
        transforms=tuple(entry.get("transforms", base.transforms)),
        value_map=entry.get("values"),
        direction=entry.get("direction", "both" if base.writable else "read"),
        clear=entry.get("clear", base.clear),
        omitted=entry.get("omitted", base.omitted),
        normalised=bool(entry.get("normalises", base.normalises)),
    )
    for name, value, accepted in (
        ("direction", known.direction, DIRECTIONS),
        ("clear", known.clear, (*CLEARS, "omit", "refuse")),
        ("omitted", known.omitted, ("null", "missing")),
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
    same = [known for known in (spec.fields.values() if spec else ()) if known.path == entry.get("path")]
    if same:
        return same[0]
    return FieldSpec(path="", omitted="null" if spec and spec.open_fields else "missing")


def _text(path: Any, where: str) -> str:
    if not isinstance(path, str) or not path:
        raise MappingError("a path is missing", where, paths.ACCEPTED)
    return path


def _guarded(name: str, spec: MappingField, make: Callable[[MappingField], Any]) -> Any:
    if spec.expression is not None:
        raise MappingError(EXPRESSIONS, name)
    try:
        return make(spec)
    except ValueError as error:
        raise MappingError(str(error), name) from None


def _reader(spec: MappingField) -> Reader:
    get = paths.getter(spec.path)
    steps: list[Callable[[Any], Any]] = [transform(entry).forward for entry in _steps(spec)]
    if spec.value_map is not None:
        steps.append(_translation(spec.value_map))
    absent: Any = None if spec.omitted == "null" else MISSING
    if not steps:
        return _plain_reader(get, absent)
    return _stepping_reader(get, absent, steps)


def _plain_reader(get: Reader, absent: Any) -> Reader:
    def read(body: Any) -> Any:
        value = get(body)
        return absent if value is ABSENT else value

    return read


def _stepping_reader(get: Reader, absent: Any, steps: Sequence[Callable[[Any], Any]]) -> Reader:
    def read(body: Any) -> Any:
        value = get(body)
        if value is ABSENT:
            return absent
        found = value
        try:
            for step in steps:
                if value is None:
                    return None
                value = step(value)
        except (ValueError, TypeError, OverflowError) as error:
            return Unmappable(str(error), found)
        return value

    return read


def _translation(values: Dict[Any, Any]) -> Callable[[Any], Any]:
    known = {_key(value): ours for value, ours in values.items()}
    told = ", ".join(map(str, values))

    def translate(value: Any) -> Any:
        try:
            return known[_key(value)]
        except KeyError:
            raise ValueError(f"{value!r} is not one of the mapped values ({told})") from None

    return translate


def _key(value: Any) -> Any:
    """Keep true and 1 apart, and make lists comparable by their text."""
    return (type(value), value) if isinstance(value, str | int | float) else repr(value)


def _writer(spec: MappingField) -> Writer:
    put = paths.setter(spec.path)
    backs = [_back(transform(entry)) for entry in reversed(_steps(spec))]
    if spec.value_map is not None:
        backs.insert(0, _back_translation(spec.value_map))
    clear = CLEARS.get(spec.clear)

    def write(body: dict[str, Any], value: Any) -> None:
        if value is None:
            if spec.clear == "refuse":
                raise ValueError("the provider has no way to clear this field")
            if spec.clear != "omit":
                put(body, list(clear) if isinstance(clear, list) else clear)
            return
        for back in backs:
            value = back(value)
        put(body, value)

    return write


def _back(step: Transform) -> Callable[[Any], Any]:
    if step.back is not None:
        return step.back

    def refuse(value: Any) -> Any:
        raise ValueError(f"the transform {step.name!r} has no way back: {step.why}")

    return refuse


def _back_translation(values: Dict[Any, Any]) -> Callable[[Any], Any]:
    """Our word back to the provider's; where several have the same meaning, the first one given is written."""
    known: dict[Any, Any] = {}
    for theirs, ours in values.items():
        known.setdefault(_key(ours), theirs)
    told = ", ".join(str(ours) for ours in values.values())

    def translate(value: Any) -> Any:
        if _key(value) not in known:
            raise ValueError(f"{value!r} has no counterpart at the provider (mapped: {told})")
        return known[_key(value)]

    return translate


def _steps(spec: MappingField) -> list[Any]:
    return list(spec.transforms)


def _not_invertible(spec: MappingField) -> str | None:
    for entry in _steps(spec):
        step = transform(entry)
        if step.back is None:
            return f"the transform {step.name!r} has no way back: {step.why}"
    if spec.value_map is None or spec.normalised:
        return None
    ours = [_key(value) for value in spec.value_map.values()]
    twice = [value for value in spec.value_map.values() if ours.count(_key(value)) > 1]
    return f"several provider values mean {twice[0]!r}, so it cannot be written back" if twice else None
