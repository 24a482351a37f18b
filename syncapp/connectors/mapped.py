"""One mapped field, compiled into closures: how it is read from a provider's body, and how it is written into one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from typing import Any, Final

from syncapp.connectors import paths
from syncapp.connectors.errors import MappingError
from syncapp.connectors.expressions import Expression, ExpressionError
from syncapp.connectors.paths import ABSENT
from syncapp.connectors.spec import Norm
from syncapp.connectors.transforms import Transform, transform

CLEARS: Dict[str, Any] = {"null": None, "empty": "", "list": []}


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
    absent: bool = False


@dataclass(frozen=True, slots=True)
class MappingField:
    """One field: where it is, how it is spelled there, what its values are called here (provider's word -> ours)."""

    path: str
    transforms: tuple[Norm, ...] = ()
    value_map: Dict[Any, Any] | None = None
    direction: str = "both"
    clear: str | Dict[str, Any] = "null"
    omitted: str = "missing"
    normalised: bool = False
    writes_to: str = field(default="", repr=False)
    expression: Expression | None = None
    inverse: Expression | None = field(default=None, repr=False)  # writes only: what is read stays as it was
    known: str = field(default="", repr=False, compare=False)  # the field of the provider's file that it is, if any

    @property
    def reads(self) -> bool:
        return self.direction != "write"

    @property
    def writes(self) -> bool:
        return self.direction != "read"


GONE = Unmappable("the provider no longer tells this field; check that it still exists there", None, absent=True)
ABSENCES: Dict[str, Any] = {"null": None, "missing": MISSING, "never": GONE}

Reader = Callable[[Any], Any]
Writer = Callable[[dict[str, Any], Any], None]


def guarded(name: str, spec: MappingField, make: Callable[[MappingField], Any]) -> Any:
    try:
        return make(spec)
    except ExpressionError:
        raise
    except ValueError as error:
        raise MappingError(str(error), name) from None


def reader(spec: MappingField) -> Reader:
    get = paths.getter(spec.path)
    steps: list[Callable[[Any], Any]] = [] if spec.expression is None else [spec.expression.check()]
    steps += [transform(entry).forward for entry in _steps(spec)]
    if spec.value_map is not None:
        steps.append(_translation(spec.value_map))
    absent: Any = ABSENCES[spec.omitted]
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
                if value is ABSENT:
                    return absent
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


def writer(spec: MappingField) -> Writer:
    target = spec.writes_to or spec.path
    put = paths.setter(target) if target else _merge
    backs = [_back(transform(entry)) for entry in reversed(_steps(spec))]
    if spec.value_map is not None:
        backs.insert(0, _back_translation(spec.value_map))
    if spec.inverse is not None:
        backs.append(_told(spec.inverse.check()))
    clear = CLEARS.get(spec.clear) if isinstance(spec.clear, str) else spec.clear["value"]

    def write(body: dict[str, Any], value: Any) -> None:
        if value is None:
            if spec.clear == "refuse":
                raise ValueError("the provider has no way to clear this field")
            if not target and spec.inverse is not None:
                put(body, _told(spec.inverse)(None))
            elif spec.clear != "omit":
                put(body, list(clear) if isinstance(clear, list) else clear)
            return
        for back in backs:
            value = back(value)
        put(body, value)

    return write


def _told(inverse: Expression) -> Callable[[Any], Any]:
    def back(value: Any) -> Any:
        made = inverse(value)
        if made is ABSENT:
            raise inverse.wrong(f"it gives nothing for {value!r}", "something for every value of the field")
        return made

    return back


def _merge(body: dict[str, Any], made: Any) -> None:
    """The keys of what an inverse made, into the body; where another field said something else there, an error."""
    if not isinstance(made, dict):
        raise ValueError(f"an inverse without a path has to make an object, not {made!r}")
    for key, value in made.items():
        if isinstance(value, dict) and isinstance(body.get(key), dict):
            _merge(body[key], value)
        elif isinstance(value, list) and isinstance(body.get(key), list):
            body[key] = body[key] + value  # entries of a list that several fields share, such as numbered fields
        elif key in body and body[key] != value:
            raise ValueError(f"another field says {body[key]!r} at {key!r}, this one {value!r}")
        else:
            body[key] = value


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


def not_invertible(spec: MappingField) -> str | None:
    if spec.expression is not None and spec.inverse is None:
        return "its expression has no inverse; give one, or direction: read"
    for entry in _steps(spec):
        step = transform(entry)
        if step.back is None:
            return f"the transform {step.name!r} has no way back: {step.why}"
    if spec.value_map is None or spec.normalised:
        return None
    ours = [_key(value) for value in spec.value_map.values()]
    twice = [value for value in spec.value_map.values() if ours.count(_key(value)) > 1]
    return f"several provider values mean {twice[0]!r}, so it cannot be written back" if twice else None
