"""One field's mapping as a form shows it, and back: nothing that the form does not show is lost."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncapp.connectors.mapping import DIRECTIONS
from syncapp.connectors.spec import ObjectSpec
from syncapp.connectors.transforms import REGISTRY

Entry = str | dict[str, Any]
NOT, FIELD, PATH, OWN = "", "f:", "p:", "="
LONGEST = 4000
# What a form does not show stays, as long as the field is mapped to the same place.
KEPT = ("clear", "omitted", "normalises")
PARTS = ("map", "path", "direction", "values", "transforms", "jsonata", "inverse")


class BadEntry(ValueError):
    """What was typed for one field, and what is accepted; one sentence."""


@dataclass(frozen=True, slots=True)
class Typed:
    """The parts of one field's form, as text."""

    map: str = ""
    path: str = ""
    direction: str = ""
    values: str = ""
    transforms: str = ""
    jsonata: str = ""
    inverse: str = ""

    @property
    def expert(self) -> bool:
        """Something is said beyond which field it is."""
        return bool(self.path or self.direction or self.values or self.transforms or self.jsonata or self.inverse)


def typed(post: Mapping[str, str], name: str) -> Typed:
    return Typed(**{part: post.get(f"{part}-{name}", "").replace("\0", "").strip()[:LONGEST] for part in PARTS})


def shown(entry: Entry | None, spec: ObjectSpec) -> Typed:
    """An entry as the form shows it."""
    if entry is None:
        return Typed()
    told: dict[str, Any] = {"path": entry} if isinstance(entry, str) else entry
    word = told.get("field", told.get("path", ""))
    own = ""
    if word in spec.fields and (isinstance(entry, str) or "field" in told):
        place = FIELD + word
    elif word and (spec.open_fields or not spec.fields):
        place = PATH + word
    else:
        place, own = OWN, word
    lines = [f"{theirs} = {ours}" for theirs, ours in (told.get("values") or {}).items()]
    steps = [step if isinstance(step, str) else _argued(step) for step in told.get("transforms", ())]
    return Typed(
        place, own, told.get("direction", ""), "\n".join(lines), "\n".join(steps),
        told.get("jsonata") or "", told.get("inverse") or "",
    )  # fmt: skip


def _argued(step: Mapping[str, Any]) -> str:
    [(name, argument)] = step.items()
    return f"{name}: {argument}"


def entry_of(given: Typed, old: Entry | None, spec: ObjectSpec) -> Entry | None:
    """The mapping of one field; None where it is not mapped. Raises BadEntry."""
    if given.map == NOT and not given.jsonata:
        return None
    told = _place(given, spec)
    if given.direction:
        if given.direction not in DIRECTIONS:
            raise BadEntry(f"the direction {given.direction!r} is not accepted; accepted: {', '.join(DIRECTIONS)}")
        told["direction"] = given.direction
    if given.values:
        told["values"] = dict(_pairs(given.values))
    if given.transforms:
        told["transforms"] = [_step(line) for line in given.transforms.splitlines() if line.strip()]
    if given.jsonata:
        told["jsonata"] = given.jsonata
    if given.inverse:
        told["inverse"] = given.inverse
    if isinstance(old, dict) and (old.get("field"), old.get("path")) == (told.get("field"), told.get("path")):
        told |= {key: old[key] for key in KEPT if key in old}
    return _plain(told, spec)


def _place(given: Typed, spec: ObjectSpec) -> dict[str, Any]:
    kind, word = given.map[:2], given.map[2:]
    if kind == FIELD:
        if word not in spec.fields:
            raise BadEntry(f"{spec.name} has no field {word!r}; choose one of the list")
        return {"field": word}
    if kind == PATH and word:
        return {"path": word}
    if given.map == OWN and given.path:
        return {"path": given.path}
    if given.jsonata:
        return {"path": ""}
    raise BadEntry("say which field is meant: choose one of the list, or type a path such as address.city")


def _plain(told: dict[str, Any], spec: ObjectSpec) -> Entry:
    """A bare word where that says it all, as people write it in a file."""
    if set(told) == {"field"}:
        return str(told["field"])
    if set(told) == {"path"} and told["path"] not in spec.fields and (spec.open_fields or not spec.fields):
        return str(told["path"])
    return told


def _pairs(text: str) -> Sequence[tuple[str, str]]:
    """A line for each of the provider's words: theirs = ours."""
    out: list[tuple[str, str]] = []
    for line in filter(str.strip, text.splitlines()):
        theirs, sign, ours = line.partition("=")
        if not sign or not ours.strip():
            raise BadEntry(f"the line {line.strip()!r} says no pair; write: provider's word = word here")
        if theirs.strip() in dict(out):
            raise BadEntry(f"{theirs.strip()!r} is given twice; one line for each of the provider's words")
        out.append((theirs.strip(), ours.strip()))
    return out


def _step(line: str) -> str | dict[str, Any]:
    name, sign, argument = line.strip().partition(":")
    if name.strip() not in REGISTRY:
        raise BadEntry(f"there is no transform {name.strip()!r}; accepted: {', '.join(sorted(REGISTRY))}")
    if not sign:
        return name.strip()
    text = argument.strip()
    return {name.strip(): int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else text.strip("\"'")}
