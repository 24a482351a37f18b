"""The fields of one object as the suite writes and compares them: samples by type, and what counts as the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from policies.core.norms import norm
from policies.core.types import FieldType, field_type, is_invalid
from syncapp.connectors.errors import Rejected
from syncapp.connectors.mapped import MISSING, Missing, Unmappable
from syncapp.connectors.mapping import Mapping as Mapped
from syncapp.connectors.opspec import Operation
from syncapp.connectors.spec import FieldSpec, ObjectSpec

Values = dict[str, Any]
TEXTS = ("text", "long_text")
# Types whose values cannot be made up.
SEEN = ("choice", "reference")
# A type that needs to be told more than a provider's file says, with something that takes everything.
WIDE: dict[str, tuple[str, dict[str, Any]]] = {
    "choice": ("text", {}),
    "reference": ("text", {}),
    "decimal": ("decimal", {"scale": 9}),
}
# What the suite writes into a store that has no fields of its own.
OPEN = {
    "check_name": FieldSpec("check_name", omitted="null"),
    "check_note": FieldSpec("check_note", omitted="null"),
    "check_count": FieldSpec("check_count", type="integer", omitted="null"),
    "check_flag": FieldSpec("check_flag", type="boolean", omitted="null"),
    "check_tags": FieldSpec("check_tags", type="list", omitted="null"),
}


class Fields:
    """One object's fields. ``given``: values that every record needs. ``choices``: values that were seen there, which
    is how those of a choice are known; those of a reference are lent only where nothing goes without."""

    def __init__(self, spec: ObjectSpec, given: Mapping[str, Any], columns: Mapping[str, str]) -> None:
        self.given, self.lends = dict(given), False
        own = {path: FieldSpec(path, type=kind, omitted="null") for path, kind in columns.items()}
        if not any(field.writable for field in spec.fields.values()):
            own = own or OPEN
        wanted = {**spec.fields, **(own if spec.open_fields else {})}
        self.specs: Mapping[str, FieldSpec] = wanted
        self.object = replace(spec, fields=wanted)
        self.mapping = Mapped.parse({name: {"field": name} for name in wanted}, spec.slug, self.object)
        self.choices: dict[str, list[Any]] = {}
        self.refused: dict[str, str] = {}
        self._kinds = {name: _kind(field.type) for name, field in wanted.items()}
        self._norms = {name: norm(field.normalises, field.type) for name, field in wanted.items()}
        self.carriers = _carriers(spec, wanted)

    @property
    def writable(self) -> list[str]:
        """Those that the file calls writable and that the provider took so far."""
        known = self.mapping.fields
        return [name for name in self.specs if known[name].writes and name not in self.refused]

    def kind(self, name: str) -> FieldType:
        return self._kinds[name]

    def learn(self, values: Iterable[Values]) -> None:
        for one in values:
            for name, value in one.items():
                known = self.choices.setdefault(name, [])
                if self.specs[name].type in SEEN and isinstance(value, str | int) and value not in known:
                    known.append(value)

    def samples(self, number: int, mark: str, leave: Iterable[str] = ()) -> Values:
        """A value for every writable field that one can be made up for; those that carry the mark are unlike others."""
        made: Values = {}
        for name in self.writable:
            value = None if name in set(leave) else self.given.get(name, self._sample(name, number, mark))
            if value is not None:
                made[name] = value
        return made

    def _sample(self, name: str, number: int, mark: str) -> Any:
        kind, once = self.specs[name].type, f"{mark}-{number}"
        if kind == "choice" or (kind == "reference" and self.lends):
            known = self.choices.get(name)
            return known[number % len(known)] if known else None
        if kind in TEXTS:
            return once if name in self.carriers else f"Check {number}"
        plain: dict[str, Any] = {
            "email": f"{once}@example.com", "phone": f"+49309018{20 + number % 70:02d}", "integer": number,
            "counter": number, "decimal": f"{number}.50", "boolean": number % 2 == 0,
            "date": f"2026-03-{1 + number % 28:02d}", "datetime": f"2026-03-{1 + number % 28:02d}T12:00:00.000Z",
            "set": ["concord-check"], "list": ["concord-check"],
        }  # fmt: skip
        return plain.get(kind)

    def read(self, body: Mapping[str, Any]) -> Values:
        return self.mapping.read(body)

    def kept(self, name: str, sent: Any) -> Any:
        """What the provider should hold after it was sent this: N of its canonical form."""
        shaped = self.kind(name).read(sent)
        return shaped if is_invalid(shaped) else self._norms[name](shaped)

    def shown(self, name: str, found: Any) -> Any:
        """The canonical form of what was read; MISSING and what cannot be read stay themselves."""
        return found if isinstance(found, Missing | Unmappable) else self.kind(name).read(found)

    def same(self, name: str, sent: Any, found: Any) -> bool:
        if isinstance(found, Missing | Unmappable):
            return False
        return self.kind(name).same(self.kept(name, sent), self.shown(name, found))

    def unlike(self, sent: Values, found: Values) -> dict[str, tuple[Any, Any]]:
        """Of what was sent, what was not found: field -> (sent, found)."""
        pairs = {name: (value, found.get(name, MISSING)) for name, value in sent.items()}
        return {name: pair for name, pair in pairs.items() if not self.same(name, *pair)}

    def named(self, refused: Rejected) -> dict[str, str]:
        """Which of our fields the provider complained about, with its words."""
        found = {}
        for name, field in self.specs.items():
            spellings = {name, field.path, field.path.rpartition(".")[2]}
            said = [text for told, text in refused.fields.items() if told in spellings or told.endswith(f".{name}")]
            if said:
                found[name] = said[0]
        return found


def differing(told: Values, read: Values) -> list[str]:
    """The fields that are told otherwise than they are read; what is not told at all is no difference."""
    return [name for name in read if told[name] is not MISSING and told[name] != read[name]]


def _kind(name: str) -> FieldType:
    wide, params = WIDE.get(name, (name, {}))
    return field_type(wide, **params)


def _carriers(spec: ObjectSpec, fields: Mapping[str, FieldSpec]) -> set[str]:
    """The fields that carry the mark: those that a record is looked up by, and at least one that people read."""
    asked = {name for name in ("find", "find_many") if spec.can(name)}
    keys = {field for name in asked for field in spec.operations[name].by}
    found = {name for name in keys & set(fields) if fields[name].writable}
    texts = [name for name, field in fields.items() if field.type in TEXTS and field.writable]
    if not any(fields[name].type in TEXTS for name in found):
        found |= set(sorted(texts, key=lambda name: "name" not in name)[:1])
    return found


def keys_of(operation: Operation, fields: Fields) -> list[str]:
    """The fields by which an operation looks records up."""
    if "*" in operation.by:
        return sorted(fields.carriers)
    return [name for name in operation.by if name in fields.specs]
