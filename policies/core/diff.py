"""Sameness at a link, and the lift: reading back through what a provider did to the values it stores.

Two values are the same at a link when they are equal in that provider's as-stored form N. A lifted value is what an
observed value stands for: parts that the provider merely shows again are read as what was meant by them, so what a
provider cut or lower-cased never travels back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .merge import Overlap, lift_text
from .rules import Field, Role, Unit
from .types import same as equal
from .values import Base, Json, Values

Norm = Callable[[Json], Json]


def equal_values(a: Values, b: Values) -> bool:
    return all(equal(value, b.get(name)) for name, value in a.items())


def same_at(role: Role, told: Values, other: Values) -> bool:
    """Are the told members the same as `other`'s at this link? Members that were not told dispute nothing."""
    norms = role.norms
    for name, value in told.items():
        theirs = other.get(name)
        if not equal(value, theirs):
            norm = norms.get(name)
            if norm is None or not equal(norm(value), norm(theirs)):
                return False
    return True


def holds(role: Role, stored: Values, value: Values) -> bool:
    """Does the link hold the whole value? A member that was never read there proves nothing."""
    return stored.keys() >= value.keys() and same_at(role, stored, value)


def stored_form(role: Role, values: Values) -> dict[str, Json]:
    """N of every member."""
    norms = role.norms
    return {name: norms[name](value) if name in norms else value for name, value in values.items()}


def told(unit: Unit, fields: Mapping[str, Json]) -> dict[str, Json]:
    """The members of a unit that an observation tells; empty when it tells none."""
    return {member.name: fields[member.name] for member in unit.members if member.name in fields}


def is_null(values: Values) -> bool:
    """Null as a whole. An empty set, list or map is a value."""
    for value in values.values():  # noqa: SIM110 - asked for every field of every record, and `all` costs three times this
        if value is not None:
            return False
    return True


def empty(unit: Unit) -> dict[str, Json]:
    return {member.name: None for member in unit.members}


def lift(unit: Unit, role: Role, x: Values, base: Base | None) -> dict[str, Json]:
    """All members of the unit as `x` stands for them; members that were not told come from what is meant there."""
    if base is None:
        return {member.name: x.get(member.name) for member in unit.members}
    return {
        member.name: _lift_member(member, role, x[member.name], base)
        if member.name in x
        else base.meant.get(member.name)
        for member in unit.members
    }


def _lift_member(member: Field, role: Role, x: Json, base: Base) -> Json:
    name = member.name
    if name not in base.stored:
        return x
    stored, meant = base.stored.get(name), base.meant.get(name)
    if equal(stored, meant):
        return x
    norm = role.norms.get(name, _same)
    if equal(norm(x), norm(stored)):
        return meant
    if isinstance(x, list) and isinstance(stored, list) and isinstance(meant, list):
        return _lift_elements(x, stored, meant, norm) if member.kind == "set" else x
    if isinstance(x, dict) and isinstance(stored, dict) and isinstance(meant, dict) and member.kind == "map":
        dropped = {k: v for k, v in meant.items() if k not in stored}
        return {
            **dropped,
            **{k: meant[k] if k in meant and k in stored and equal(v, stored[k]) else v for k, v in x.items()},
        }
    if member.kind == "counter" and isinstance(x, int) and isinstance(stored, int) and isinstance(meant, int):
        return meant + (x - stored)
    if member.kind == "long_text" and isinstance(x, str) and isinstance(stored, str) and isinstance(meant, str):
        try:
            return lift_text(stored, x, meant)
        except Overlap:
            return x
    return x


def _lift_elements(x: list[Json], stored: list[Json], meant: list[Json], norm: Norm) -> list[Json]:
    """Elements that the provider merely shows again are read as the ones that were meant; those that it dropped when
    they were written were removed by nobody.
    """
    held = {_element(norm, e) for e in stored}
    known: dict[Json, list[Json]] = {}
    for element in meant:
        known.setdefault(_element(norm, element), []).append(element)
    out = {element for key, elements in known.items() if key not in held for element in elements}
    for element in x:
        key = _element(norm, element)
        out.update(known.get(key, [element]) if key in held else [element])
    return sorted(out)


def _element(norm: Norm, element: Json) -> Json:
    stored = norm([element])
    return stored[0] if stored else None


def _same(value: Json) -> Json:
    return value
