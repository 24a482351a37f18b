"""Lossless JSON for the judge's frozen values: how states, questions and ledger lines are kept.

The fields of each class come from the class itself, the spelling of each field from its annotation, so a field added
there is kept here too, and an annotation without a spelling fails at once. Defaults are left out to keep rows small.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from operator import attrgetter
from typing import Any, TypeVar

from .planned import Closed, Line, Saw
from .seen import Context, Observation
from .spelling import PLAIN, Spelling, listed, mapped, optional
from .values import Base, Belief, Candidate, Failed, Json, Link, Question, Record, Said, Sending, Span, Window

T = TypeVar("T")
Slot = tuple[str, Any, Spelling]
Writing = tuple[Callable[[Any], tuple[Any, ...]], tuple[tuple[str, Any, Callable[[Any], Any]], ...]]
Reading = tuple[Mapping[str, Callable[[Any], Any]], frozenset[str]]
KEPT: Mapping[str, type[Any]] = {
    cls.__name__: cls
    for cls in (
        Span, Observation, Said, Belief, Failed, Base, Sending, Window, Link, Candidate, Question, Record, Context,
        Line, Saw, Closed,
    )
}  # fmt: skip


def to_json(value: Any) -> Json:
    """The JSON of one frozen value. Raises ValueError for a class that is never kept."""
    taken, slots = _WRITING.get(type(value)) or _writing(type(value))
    return {
        name: encode(held)
        for held, (name, default, encode) in zip(taken(value), slots, strict=True)
        if held is not default and held != default
    }


def from_json(cls: type[T], data: Mapping[str, Json]) -> T:
    """The frozen value that `to_json` was given. Raises ValueError that names unknown or missing fields."""
    spellings, needed = _READING.get(cls) or _reading(cls)
    try:
        read = {name: spellings[name](held) for name, held in data.items()}
    except KeyError:
        if unknown := data.keys() - spellings.keys():
            raise ValueError(f"{cls.__name__} has no field {', '.join(sorted(unknown))}") from None
        raise  # of something within a field
    if not read.keys() >= needed:
        missing = [name for name, _, _ in _slots(cls) if name in needed and name not in read]
        raise ValueError(f"{cls.__name__} needs the field {', '.join(missing)}")
    return cls(**read)


def _reader(cls: type[T]) -> Callable[[Mapping[str, Json]], T]:
    def read(data: Mapping[str, Json]) -> T:
        return from_json(cls, data)

    return read


def _slots(cls: type[Any]) -> tuple[Slot, ...]:
    if cls not in _SLOTS:
        raise ValueError(f"{cls.__name__} is never kept; kept are {', '.join(KEPT)}")
    return _SLOTS[cls]


def _default(slot: Field[Any]) -> Any:
    return slot.default if slot.default_factory is MISSING else slot.default_factory()


def _spelling(annotation: str) -> Spelling:
    """How a field of this annotation is written and read."""
    if annotation in PLAIN:
        return PLAIN[annotation]
    if annotation in KEPT:
        return (to_json, _reader(KEPT[annotation]))
    if annotation.endswith(" | None"):
        return optional(_spelling(annotation.removesuffix(" | None")))
    if annotation.startswith("Mapping[str, ") and annotation.endswith("]"):
        return mapped(_spelling(annotation[len("Mapping[str, ") : -1]))
    if annotation.startswith("tuple[") and annotation.endswith(", ...]"):
        return listed(_spelling(annotation[len("tuple[") : -len(", ...]")]))
    raise ValueError(f"the codec has no spelling for fields of type {annotation}; add one to `spelling.PLAIN`")


_SLOTS: Mapping[type[Any], tuple[Slot, ...]] = {
    cls: tuple((slot.name, _default(slot), _spelling(str(slot.type))) for slot in fields(cls)) for cls in KEPT.values()
}


def _writing(cls: type[Any]) -> Writing:
    """How all fields of a class are taken at once, and how each is written unless it is its default."""
    slots = _slots(cls)
    taken = attrgetter(*(name for name, _, _ in slots))
    return taken, tuple((name, default, encode) for name, default, (encode, _) in slots)


def _reading(cls: type[Any]) -> Reading:
    """How the fields of a class are read back, and which of them must be there."""
    slots = _slots(cls)
    needed = frozenset(name for name, default, _ in slots if default is MISSING)
    return {name: decode for name, _, (_, decode) in slots}, needed


# Made once: a page reads hundreds of these values.
_WRITING: Mapping[type[Any], Writing] = {cls: _writing(cls) for cls in _SLOTS}
_READING: Mapping[type[Any], Reading] = {cls: _reading(cls) for cls in _SLOTS}

record_from_json = _reader(Record)
link_from_json = _reader(Link)
belief_from_json = _reader(Belief)
base_from_json = _reader(Base)
question_from_json = _reader(Question)
observation_from_json = _reader(Observation)
context_from_json = _reader(Context)
saw_from_json = _reader(Saw)
line_from_json = _reader(Line)
closed_from_json = _reader(Closed)
line_to_json = closed_to_json = to_json
