"""The field types: a closed registry of normalise, same and encode. Nothing else compares or shapes values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import phonenumbers

from . import compound, scalars
from .invalid import Invalid, invalid_value, is_invalid, refuse
from .values import Json

__all__ = ["FIELD_TYPES", "FieldType", "Invalid", "field_type", "invalid_value", "is_invalid", "same"]

_PLAIN = (str, type(None))


def same(left: Json, right: Json) -> bool:
    """Whether two canonical values of one type are the same. Unlike `==`, true is not 1, at any depth."""
    if left != right or isinstance(left, _PLAIN):
        return bool(left == right)
    if isinstance(left, dict):
        return all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, (list, tuple)):
        return all(same(*pair) for pair in zip(left, right, strict=True))
    return isinstance(left, bool) == isinstance(right, bool)


def _as_is(value: Json) -> Json:
    return value


@dataclass(frozen=True, slots=True)
class FieldType:
    """One type, its parameters bound. `shape` sees neither None nor a refused value."""

    name: str
    shape: Callable[[Any], Json]
    same: Callable[[Json, Json], bool] = same
    out: Callable[[Json], Json] = _as_is

    def normalise(self, raw: Any) -> Json:
        """The canonical value. Raises Invalid with a reader's sentence."""
        return raw if raw is None or is_invalid(raw) else self.shape(raw)

    def read(self, raw: Any) -> Json:
        """The canonical value, or the refused one as observations carry it."""
        try:
            return self.normalise(raw)
        except Invalid as refusal:
            return invalid_value(raw, refusal.reason)

    def encode(self, value: Json) -> Json:
        """The JSON to hand to an account. A refused value has none: it may never be written anywhere."""
        if is_invalid(value):
            raise Invalid(value, f"a value that {self.name} refused cannot be written: {value['reason']}")
        return self.out(value)


def _text(case_fold: bool = False) -> Callable[[Any], Json]:
    if case_fold not in (True, False):
        raise ValueError(f"text: case_fold must be true or false, got {case_fold!r}")
    return partial(scalars.text, case_fold=case_fold)


def _phone(region: str | None = None) -> Callable[[Any], Json]:
    if region is not None and region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"phone: region must be a two-letter country code in capitals such as DE, got {region!r}")
    return partial(scalars.phone, region=region)


def _decimal(scale: int) -> Callable[[Any], Json]:
    if isinstance(scale, bool) or not isinstance(scale, int) or not 0 <= scale <= 30:
        raise ValueError(f"decimal: scale must be a whole number from 0 to 30, got {scale!r}")
    return partial(scalars.decimal, scale=scale)


def _choice(options: Sequence[str]) -> Callable[[Any], Json]:
    if isinstance(options, str) or not options or not all(isinstance(option, str) for option in options):
        raise ValueError(f"choice: options must be a list of at least one text, got {options!r}")
    known = {scalars.text(option) for option in options} - {None}
    accepted = "one of " + ", ".join(str(option) for option in options)

    def shape(raw: Any) -> Json:
        found = scalars.text(raw)
        return found if found is None or found in known else refuse(raw, accepted)

    return shape


def _reference(sync: str) -> Callable[[Any], Json]:
    if not isinstance(sync, str) or not sync:
        raise ValueError(f"reference: sync must be the name of the sync whose records it refers to, got {sync!r}")
    return scalars.text


def _plain(shape: Callable[[Any], Json]) -> Callable[[], Callable[[Any], Json]]:
    return lambda: shape


FIELD_TYPES: Mapping[str, Callable[..., Callable[[Any], Json]]] = {
    "text": _text,
    "email": _plain(scalars.email),
    "phone": _phone,
    "integer": _plain(scalars.integer),
    "decimal": _decimal,
    "boolean": _plain(scalars.boolean),
    "date": _plain(scalars.day),
    "datetime": _plain(scalars.moment),
    "choice": _choice,
    "set": _plain(compound.text_set),
    "list": _plain(compound.text_list),
    "reference": _reference,
    "json": _plain(compound.free),
    "long_text": _plain(scalars.long_text),
    "counter": _plain(scalars.integer),
    "map": _plain(compound.text_map),
}
_NEEDED = {"decimal": {"scale"}, "choice": {"options"}, "reference": {"sync"}}
_PARAMS = {"text": {"case_fold"}, "phone": {"region"}, **_NEEDED}


def field_type(name: str, **params: Any) -> FieldType:
    """The type of that name. Raises ValueError that names what is accepted."""
    if name not in FIELD_TYPES:
        raise ValueError(f"unknown field type {name!r}; accepted: {', '.join(sorted(FIELD_TYPES))}")
    accepted = _PARAMS.get(name, set())
    if unknown := set(params) - accepted:
        raise ValueError(
            f"{name}: unknown parameter {', '.join(sorted(unknown))}; accepted: {', '.join(sorted(accepted)) or 'none'}"
        )
    if missing := _NEEDED.get(name, set()) - set(params):
        raise ValueError(f"{name}: the parameter {', '.join(missing)} is needed")
    out = compound.free_out if name in ("json", "map") else _as_is
    return FieldType(name, FIELD_TYPES[name](**params), out=out)
