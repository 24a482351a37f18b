"""What a mapping makes of one real record, both ways, and what would not read back as it was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from policies.core.invalid import Invalid, invalid_value, is_invalid
from policies.core.norms import norm
from policies.core.types import FieldType
from syncapp.connectors.errors import ConnectorError
from syncapp.connectors.mapped import MISSING, Unmappable
from syncapp.connectors.mapping import Mapping as Mapped
from syncapp.connectors.spec import ObjectSpec
from syncapp.facts import norms_of
from syncapp.words import sentence, text

from .choices import Choice, brief
from .entries import Entry
from .suggest import fits

# A value of each type that comes back changed where the way there and back loses something.
PROBES: Mapping[str, Sequence[Any]] = {
    "text": ["Ada O’Neill-Größe 7"], "long_text": ["First line\nsecond line"], "email": ["ada.lovelace@example.org"],
    "integer": [1234567], "decimal": ["1234.56"], "boolean": [True, False], "date": ["2026-02-28"],
    "datetime": ["2026-02-28T13:14:15.250Z"], "set": [["alpha", "beta"]], "list": [["beta", "alpha"]],
    "counter": [41], "phone": ["+49 30 901820"],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Remark:
    tone: str  # quiet, wait, bad
    said: str


@dataclass(slots=True)
class Told:
    """One field of a preview: what is there, what the hub makes of it, what it would write back."""

    name: str
    there: str = ""
    here: str = ""
    back: str = ""
    remarks: list[Remark] = field(default_factory=list)
    mapped: Mapped | None = None

    @property
    def bad(self) -> bool:
        return any(one.tone == "bad" for one in self.remarks)

    def say(self, tone: str, said: str) -> None:
        self.remarks.append(Remark(tone, sentence(said[:1].upper() + said[1:])))


def previewed(
    name: str, entry: Entry, kind: FieldType, spec: ObjectSpec, body: Mapping[str, Any] | None, choice: Choice | None
) -> Told:
    """Everything that can be told about one mapped field; a wrong mapping is told, never raised."""
    told = Told(name)
    try:
        told.mapped = Mapped.parse({name: entry}, spec=spec)
    except (ConnectorError, ValueError) as error:
        told.say("bad", _reason(error, name))
        return told
    _of_the_file(told, entry, kind, spec, choice)
    if body is not None:
        _of_the_record(told, entry, kind, spec, body)
    if told.mapped.fields[name].writes and kind.name != "reference":
        for probe in _probes(told.mapped, name, kind):
            _there_and_back(told, entry, kind, spec, probe)
    return told


def _reason(error: Exception, name: str) -> str:
    fields = getattr(error, "fields", {})
    said = fields.get(name) or getattr(error, "what", str(error))
    accepted = getattr(error, "accepted", "")
    return f"{said}; accepted: {accepted}" if accepted else str(said)


def _of_the_file(told: Told, entry: Entry, kind: FieldType, spec: ObjectSpec, choice: Choice | None) -> None:
    """What the provider's file says about it."""
    assert told.mapped is not None
    mapped = told.mapped.fields[told.name]
    if choice is not None and not choice.writable and mapped.writes:
        told.say("bad", f"{choice.label} cannot be written at the provider; choose the direction “only read”")
    elif choice is not None and not choice.writable:
        told.say("wait", "only read: the provider lets nobody write it")
    plain = not mapped.transforms and mapped.expression is None and not mapped.value_map
    if choice is not None and plain and not fits(choice.type, kind.name):
        told.say("wait", f"it is {choice.type} there and {kind.name} here: what does not fit is set aside as invalid")
    if mapped.writes and mapped.clear == "refuse":
        told.say("wait", "the provider has no way to empty it: a value that is emptied elsewhere stays there")
    norms = norms_of(spec, entry)
    if mapped.writes and norms:
        names = ", ".join(one if isinstance(one, str) else next(iter(one)) for one in norms)
        told.say(
            "quiet", f"the provider keeps it in a form of its own ({names}); the hub knows, and does not mistake it"
        )


def _of_the_record(told: Told, entry: Entry, kind: FieldType, spec: ObjectSpec, body: Mapping[str, Any]) -> None:
    assert told.mapped is not None
    mapped = told.mapped.fields[told.name]
    if not mapped.reads:
        told.here = "not read"
        return
    raw = told.mapped.read(body)[told.name]
    if raw is MISSING:
        told.say("wait", "this record does not tell it")
        return
    if isinstance(raw, Unmappable):
        told.say("bad", f"this record's value cannot be read: {raw.reason}")
        return
    if kind.name == "reference":
        told.here = f"the record with the id {brief(raw)} there" if raw is not None else text(None)
        return
    value = _read(kind, raw)
    if is_invalid(value):
        told.say("bad", f"this record's value does not fit: {value['reason']}")
        return
    told.here = text(value)
    if mapped.writes and value is not None:
        told.back = _there_and_back(told, entry, kind, spec, value)


def _there_and_back(told: Told, entry: Entry, kind: FieldType, spec: ObjectSpec, value: Any) -> str:
    """The provider's spelling of a value; a remark if reading that gives another one, declared forms aside."""
    assert told.mapped is not None
    if any(one.tone == "bad" for one in told.remarks):
        return ""
    body, failed = told.mapped.encode({told.name: _encoded(kind, value)})
    if failed:
        told.say("bad", f"“{text(value)}” cannot be written: {failed[told.name]}")
        return ""
    spelled = brief(next(iter(_ends(body)), None))
    if not told.mapped.fields[told.name].reads:
        return spelled
    raw = told.mapped.read(body)[told.name]
    again = None if raw is MISSING else {"reason": raw.reason} if isinstance(raw, Unmappable) else _read(kind, raw)
    form = norm(norms_of(spec, entry), kind.name)
    if is_invalid(again) or isinstance(raw, Unmappable) or not kind.same(form(value), form(again)):
        back = again["reason"] if isinstance(again, dict) and "reason" in again else f"“{text(again)}”"
        told.say(
            "bad", f"what you write will not read back the same: “{text(value)}” becomes {spelled} and reads {back}"
        )
    return spelled


def _read(kind: FieldType, raw: Any) -> Any:
    """As the clerk reads it, with what it would set the record aside for told as not fitting."""
    try:
        return kind.read(raw)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        return invalid_value(raw, str(error))


def _encoded(kind: FieldType, value: Any) -> Any:
    try:
        return kind.encode(value)
    except Invalid:
        return value


def _ends(body: Mapping[str, Any]) -> Iterator[Any]:
    for value in body.values():
        if isinstance(value, dict) and len(value) == 1:
            yield from _ends(value)
        else:
            yield value


def _probes(mapping: Mapped, name: str, kind: FieldType) -> list[Any]:
    """Every word of a value map; else what tells a lossy way there and back."""
    mapped = mapping.fields[name]
    if mapped.value_map is not None:
        return list(dict.fromkeys(map(str, mapped.value_map.values()))) if kind.name in ("text", "choice") else []
    out = []
    for probe in PROBES.get(kind.name, ()):
        value = kind.read(probe)
        if not is_invalid(value):
            out.append(value)
    return out


def bodies(told: Sequence[Told], kinds: Mapping[str, FieldType], body: Mapping[str, Any]) -> tuple[str, str]:
    """The whole record as the hub would hold it, and as it would be written there, both as JSON to be looked at."""
    held: dict[str, Any] = {}
    sent: dict[str, Any] = {}
    for one in told:
        if one.mapped is None or one.bad or kinds[one.name].name == "reference":
            continue
        raw = one.mapped.read(body).get(one.name, MISSING)
        if raw is MISSING or isinstance(raw, Unmappable):
            continue
        held[one.name] = _read(kinds[one.name], raw)
        if one.mapped.fields[one.name].writes:
            part, _ = one.mapped.encode({one.name: _encoded(kinds[one.name], held[one.name])})
            _merge(sent, part)
    return _spelled(held), _spelled(sent)


def _merge(body: dict[str, Any], part: Mapping[str, Any]) -> None:
    for key, value in part.items():
        if isinstance(value, dict) and isinstance(body.get(key), dict):
            _merge(body[key], value)
        else:
            body[key] = value


def _spelled(body: Mapping[str, Any]) -> str:
    return orjson.dumps(body, option=orjson.OPT_INDENT_2).decode() if body else "nothing"
