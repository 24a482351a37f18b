"""What does the provider make of values? Writes probes, reads them back, and says which normalisers to declare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from policies.core.types import is_invalid
from syncapp.certify.bench import Bench
from syncapp.certify.fields import TEXTS, Values
from syncapp.certify.guess import Pair, guess
from syncapp.certify.results import Capability, Check, Failed, NotTried
from syncapp.connectors.errors import MappingError, Permanent, Rejected
from syncapp.connectors.mapped import MISSING

LONG = "abcdefghij"
# As the hub would send them: canonical values. `{mark}` makes a value that no other record has.
TEXT: Mapping[str, str] = {
    "plain text": "Concord check",
    "upper case": "CONCORD Check McX",
    "spaces inside": "a  b   c",
    "accents": "Zoë Čížek ß Æ",
    "emoji": "check 👩‍👩‍👧 🎉",
    "signs of HTML": "1 < 2 & <b>bold</b> \"q\" 'a'",
    "leading zeros": "0042",
    "separators": "a; b, c | d",
    "60 characters": LONG * 6,
    "300 characters": LONG * 30,
    "5000 characters": LONG * 500,
}
PROBES: Mapping[str, Mapping[str, Any]] = {
    "text": TEXT,
    "long_text": {**TEXT, "line breaks": "one\ntwo\n\nthree"},
    "email": {"upper case": "Concord.Check.{mark}@Example.COM", "a plus": "concord+check.{mark}@example.com"},
    "phone": {"+49 in one piece": "+4930901820", "a mobile": "+4915112345678", "abroad": "+442079460018"},
    "integer": {"zero": 0, "negative": -7, "large": 2**31 + 7},
    "counter": {"zero": 0, "large": 2**31 + 7},
    "decimal": {
        "three digits": "1.005", "two digits": "1200.50", "negative": "-3.10", "zero": "0.00", "large": "12345678.99",
    },
    "boolean": {"true": True, "false": False},
    "date": {"a leap day": "2024-02-29", "long ago": "1900-01-01"},
    "datetime": {"milliseconds": "2026-03-29T01:30:00.123Z", "the hour twice": "2026-10-25T00:30:59.999Z"},
    "set": {"order and case": ["vip", "Beta", "alpha"], "accents": ["Ümlaut", "a b"], "none": []},
    "list": {"order and doubles": ["b", "a", "a"], "none": []},
}  # fmt: skip
# Only to be told: the hub's own form has no blanks around a text.
BLANKS = "  blanks around  "


def normalises(on: Bench) -> str:
    """Every probe comes back as its field's `normalises` says."""
    on.operation("update")
    made, _ = on.make()
    pairs, refused = _round_trips(on, made.id)
    if not pairs:
        raise NotTried("no field took a probe")
    wrong = {
        name: told for name, told in pairs.items() if any(not on.fields.same(name, *pair) for pair in told.values())
    }
    if wrong:
        raise Failed(
            "; ".join(_seen(on, name, told) for name, told in wrong.items()),
            "; ".join(_mend(on, name, told) for name, told in wrong.items()),
        )
    count = sum(map(len, pairs.values()))
    notes = [f"{count} probes in {len(pairs)} fields came back as declared", *_blanks(on, made.id)]
    if refused:
        notes.append(f"refused there: {', '.join(sorted(refused))}")
    return "; ".join(notes)


def _round_trips(on: Bench, id: str) -> tuple[dict[str, dict[str, Pair]], set[str]]:
    """field -> probe -> (sent, found), and the probes that were refused. One write for as many fields as can be."""
    found: dict[str, dict[str, Pair]] = {}
    refused: set[str] = set()
    for turn in range(len(PROBES["long_text"])):
        sent: Values = {}
        names: dict[str, str] = {}
        for name, probes in _probes(on).items():
            if turn < len(probes):
                names[name], sent[name] = list(probes.items())[turn]
        for name, pair in _trip(on, id, sent, names, refused).items():
            found.setdefault(name, {})[names[name]] = pair
    return found, refused


def _probes(on: Bench) -> dict[str, dict[str, Any]]:
    out: dict[str, dict[str, Any]] = {}
    for name in on.fields.writable:
        kind = on.fields.specs[name].type
        probes = dict(PROBES.get(kind, {}))
        if kind == "choice":
            probes = {value: value for value in on.fields.choices.get(name, ())[:3]}
        if not on.fields.mapping.fields[name].reads:
            continue
        out[name] = {
            told: value.replace("{mark}", on.mark) if isinstance(value, str) else value
            for told, value in probes.items()
        }
    return out


def _trip(on: Bench, id: str, sent: Values, names: Mapping[str, str], refused: set[str]) -> dict[str, Pair]:
    """Write these and read them back; what is refused is left out, one by one where the provider does not say which."""
    able = {}
    for name, value in sent.items():
        try:
            on.fields.mapping.write({name: value})
            able[name] = value
        except MappingError:
            refused.add(f"{name}: {names[name]} (by the file's own transforms)")
    while able:
        try:
            on.write(id, able)
            held = on.values(id)
            return {name: (value, held[name]) for name, value in able.items()}
        except Rejected as error:
            named = [name for name in on.fields.named(error) if name in able]
            refused.update(f"{name}: {names[name]}" for name in named)
            if not named:
                return _one_by_one(on, id, able, names, refused)
            able = {name: value for name, value in able.items() if name not in named}
    return {}


def _one_by_one(on: Bench, id: str, able: Values, names: Mapping[str, str], refused: set[str]) -> dict[str, Pair]:
    found = {}
    for name, value in able.items():
        try:
            on.write(id, {name: value})
            found[name] = (value, on.values(id)[name])
        except Permanent:
            refused.add(f"{name}: {names[name]}")
    return found


def _seen(on: Bench, name: str, told: Mapping[str, Pair]) -> str:
    wrong = {probe: pair for probe, pair in told.items() if not on.fields.same(name, *pair)}
    probe, (sent, found) = next(iter(wrong.items()))
    short = "nothing at all" if found is MISSING else repr(found)[:60]
    return f"{name}: {probe} {str(sent)[:40]!r} came back as {short}, not as declared ({', '.join(wrong)})"


def _mend(on: Bench, name: str, told: Mapping[str, Pair]) -> str:
    """The words for the file: the normalisers that explain what was seen, else what else there is."""
    field, kind = on.fields.specs[name], on.fields.specs[name].type
    shaped = [(on.fields.kind(name).read(sent), on.fields.shown(name, found)) for sent, found in told.values()]
    pairs = [pair for pair in shaped if pair[1] is not MISSING and not any(map(is_invalid, pair))]
    found = guess(pairs, kind, field.normalises) if len(pairs) == len(shaped) else None
    where = f"`{on.where(f'fields.{name}')}`"
    if found is not None:
        return f"{where}: normalises: {yaml.safe_dump(found, default_flow_style=True).strip()}"
    if any(is_invalid(value) for _, value in shaped):
        return f"{where}: type {kind} does not fit what is read; another type, or a transform between"
    if kind in TEXTS and all(str(sent).lower() != str(sent) or sent == found for sent, found in shaped):
        return (
            f"{where}: no list of normalisers explains it; a transform, a jsonata with its inverse, or writable: false"
        )
    return f"{where}: no list of normalisers explains it: another type, a transform, or writable: false"


def _blanks(on: Bench, id: str) -> list[str]:
    """Blanks around a text are taken away by the hub's own form, so what the provider does with them is only told."""
    names = [
        name for name in on.fields.writable if on.fields.specs[name].type in TEXTS and name not in on.fields.carriers
    ]
    if not names:
        return []
    try:
        on.write(id, {names[0]: BLANKS})
    except Permanent:
        return ["blanks around a text are refused"]
    kept = on.values(id)[names[0]] == BLANKS
    return [f"blanks around a text are {'kept' if kept else 'taken away'} (the hub never sends any)"]


CHECKS = (Check("values.normalises", "values come back as their fields say", Capability.VALUES, normalises),)
