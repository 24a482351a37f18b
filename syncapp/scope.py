"""Which records of an account a feed takes: its conditions checked, asked of what is read, and put to the provider.

A condition names a canonical field that the feed tells, and then speaks of canonical values; or a field of the
provider's, and then of its values as the provider's file reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from policies.core.scope import MARKS, Condition, condition, holds
from policies.core.types import FieldType
from policies.core.values import Json, Values

from .connectors import paths
from .connectors.expressions import Expression
from .connectors.filters import Filter, chosen
from .connectors.mapped import MISSING, MappingField, Reader, Unmappable, guarded, reader, writer
from .connectors.mapping import Mapping as Mapped
from .connectors.spec import ObjectSpec

# A value of these types has one spelling only, so a provider's own comparison finds all that the hub's would.
ONE_SPELLING = ("choice", "boolean", "integer", "counter")
Told = tuple[str, str, Any]  # field, operator, value
SAME_BOTH_WAYS = ("is", "not", "in", "not_in", "set", "empty")


class ScopeError(ValueError):
    """A condition that cannot be asked; `at` is its place in the list, and what in it is wrong."""

    def __init__(self, at: tuple[int | str, ...], what: str) -> None:
        self.at = at
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class Scope:
    """The conditions of one feed, compiled."""

    canonical: tuple[Condition, ...] = ()
    theirs: tuple[Condition, ...] = ()
    filters: tuple[Filter, ...] = ()
    _readers: Mapping[str, Reader] = field(default_factory=dict, repr=False, compare=False)

    def takes(self, values: Values, body: Mapping[str, Any], *, partial: bool) -> bool:
        """Is this one of the records that the feed takes? `partial`: the body may leave things out."""
        if not holds(self.canonical, values, partial=partial):
            return False
        return not self.theirs or holds(self.theirs, self._read(body), partial=partial)

    def _read(self, body: Mapping[str, Any]) -> dict[str, Json]:
        found = {name: read(body) for name, read in self._readers.items()}
        return {
            name: value.value if isinstance(value, Unmappable) else value
            for name, value in found.items()
            if value is not MISSING
        }


EVERYTHING = Scope()


def scope_of(
    entries: Sequence[Mapping[str, Any]], mapping: Mapped, spec: ObjectSpec, kinds: Mapping[str, FieldType]
) -> Scope:
    """Raises ScopeError."""
    canonical: list[Condition] = []
    theirs: list[Condition] = []
    asked: list[Told] = []
    readers: dict[str, Reader] = {}
    for number, entry in enumerate(entries):
        name = entry["field"]
        mapped = mapping.fields.get(name)
        ours = mapped is not None and mapped.reads and name in kinds
        their = mapped if mapped is not None and ours else _field(name, spec, mapping, number)
        for op, raw in entry.items():
            if op == "field":
                continue
            try:
                made = condition(name, op, raw, kinds[name] if ours else None)
            except ValueError as error:
                raise ScopeError((number, op), str(error)) from None
            if ours and kinds[name].name == "reference" and op not in MARKS:
                raise ScopeError((number, op), f"{name} is a reference; accepted: {', '.join(MARKS)}")
            (canonical if ours else theirs).append(made)
            asked += _asked(made, their, spec, kinds[name] if ours else None)
        if not ours:
            readers[name] = guarded(name, their, reader)
    return Scope(tuple(canonical), tuple(theirs), chosen(spec.operations.get("list"), asked), readers)


def _field(name: str, spec: ObjectSpec, mapping: Mapped, number: int) -> MappingField:
    known = spec.fields.get(name)
    if known is not None:
        made = Expression(known.jsonata, f"{spec.slug}.{name}") if known.jsonata else None
        return MappingField(known.path, known.transforms, omitted=known.omitted, clear=known.clear, expression=made)
    if spec.open_fields or not spec.fields:
        return MappingField(name, omitted="null" if spec.open_fields else "missing")
    told = ", ".join(dict.fromkeys([*mapping.fields, *spec.fields]))
    raise ScopeError((number, "field"), f"the feed tells no field {name!r}; accepted: {told}")


def _asked(made: Condition, their: MappingField, spec: ObjectSpec, kind: FieldType | None) -> list[Told]:
    """The condition in the provider's words, where the provider cannot leave out what the hub would take."""
    slug = next((slug for slug, known in spec.fields.items() if known.path == their.path), None)
    if slug is None or their.expression is not None or spec.fields[slug].jsonata:
        return []  # what an expression makes of it is no question that the provider could answer
    if kind is not None and not (made.op in SAME_BOTH_WAYS and _spelled_alike(kind, their, spec.fields[slug].type)):
        return []
    try:
        return [(slug, made.op, _their_value(made, their, kind))]
    except (ValueError, TypeError):
        return []  # the provider cannot say the value; what it lists is checked here


def _spelled_alike(kind: FieldType, their: MappingField, type_there: str) -> bool:
    """Does the provider tell values apart exactly where the hub does?"""
    if their.normalised:
        return False
    return kind.name in ONE_SPELLING or (
        kind.name == "text" and type_there in ONE_SPELLING and kind.normalise("A") == "A"
    )


def _their_value(made: Condition, their: MappingField, kind: FieldType | None) -> Any:
    if made.op in MARKS:
        return made.value
    if isinstance(made.value, list):
        return [_their_word(one, their, kind) for one in made.value]
    return _their_word(made.value, their, kind)


def _their_word(value: Json, their: MappingField, kind: FieldType | None) -> Any:
    body: dict[str, Any] = {}
    writer(their)(body, value if kind is None else kind.encode(value))
    return paths.getter(their.path)(body)


def told_to_the_judge(entries: Sequence[Mapping[str, Any]], mapping: Mapped, spec: ObjectSpec) -> tuple[Told, ...]:
    """What a record must hold to be made there: the conditions in canonical terms, where the mapping can say them."""
    out = []
    for entry in entries:
        for op, raw in entry.items():
            if op != "field" and (said := _in_our_words(entry["field"], op, raw, mapping, spec)) is not None:
                out.append(said)
    return tuple(out)


def _in_our_words(name: str, op: str, raw: Any, mapping: Mapped, spec: ObjectSpec) -> Told | None:
    if name in mapping.fields and mapping.fields[name].reads:
        return (name, op, raw)
    known = spec.fields.get(name)
    path = known.path if known is not None else name
    ours = next((ours for ours, mapped in mapping.fields.items() if mapped.path == path and mapped.reads), None)
    made = known is not None and known.jsonata is not None
    if ours is None or made or mapping.fields[ours].expression is not None or op not in SAME_BOTH_WAYS:
        return None
    if op in MARKS:
        return (ours, op, raw)
    their = MappingField(path, known.transforms if known is not None else ())
    values = [_our_word(one, their, ours, mapping) for one in (raw if isinstance(raw, list) else [raw])]
    if any(value is None for value in values):
        return None
    return (ours, op, values if isinstance(raw, list) else values[0])


def _our_word(value: Any, their: MappingField, ours: str, mapping: Mapped) -> Any:
    """The provider's value as the mapping reads it; None where it cannot."""
    body: dict[str, Any] = {}
    try:
        writer(their)(body, value)
    except (ValueError, TypeError):
        return None
    read = mapping.read(body)[ours]
    return None if read is MISSING or isinstance(read, Unmappable) else read
