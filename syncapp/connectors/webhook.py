"""A webhook after the door: is it proven, and what does its body tell?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from syncapp.connectors import bodies, expressions, proofs, times
from syncapp.connectors.errors import Malformed
from syncapp.connectors.expressions import ExpressionError, Source
from syncapp.connectors.handshakes import Challenge, challenge
from syncapp.connectors.hookspec import EVERY, RECORD_KINDS, EventSpec, SignatureSpec, WebhookSpec
from syncapp.connectors.paths import ABSENT, as_text
from syncapp.connectors.proofs import Shown
from syncapp.connectors.records import Event
from syncapp.connectors.signatures import BadSignature

# The paths of a provider file are read once, not once for each event.
first, reads = lru_cache(maxsize=4096)(expressions.first), lru_cache(maxsize=4096)(expressions.reads)
WHERE = "webhook body"
# So many events of one delivery are read; a body of a megabyte holds fewer that are worth it.
MOST_EVENTS = 10_000
LONGEST_ID = 255


@dataclass(slots=True)
class Told:
    """What a delivery told. Of what could not be read there are sentences; ``unread`` names the objects concerned."""

    events: list[Event] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    refused: int = 0
    sequence: tuple[int, int] | None = None


def verify(
    spec: WebhookSpec,
    secrets: str | Sequence[str],
    method: str,
    url: str | Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    now: float,
    query: Mapping[str, str] | None = None,
) -> None:
    """Nothing, or BadSignature. Several addresses: those that the sender may have meant."""
    urls = [url] if isinstance(url, str) else list(url)
    shown = Shown(method, urls, query or {}, headers, body, now)
    known = [secrets] if isinstance(secrets, str) else list(secrets)
    proofs.verify(signature_of(spec, headers), known, shown, lambda: _items_to_prove(spec, body, headers))


def signature_of(spec: WebhookSpec, headers: Mapping[str, str]) -> SignatureSpec:
    """Of several ways to sign, the first whose header came along; else the first."""
    there = {name.lower() for name in headers}
    several = (spec.signature, *spec.others)
    return next((one for one in several if (one.header or _usual(one)).lower() in there), spec.signature)


def _usual(spec: SignatureSpec) -> str:
    return "authorization" if spec.scheme in ("jwt", "basic") else ""


def _items_to_prove(spec: WebhookSpec, body: bytes, headers: Mapping[str, str]) -> list[Any]:
    try:
        return _items(spec.events, _envelope(spec.events, bodies.whole(spec, body), headers))
    except (Malformed, ExpressionError):
        raise BadSignature("missing") from None


def events(spec: WebhookSpec, body: bytes, headers: Mapping[str, str] | None = None) -> list[Event]:
    """What happened, in the order told; what is to be ignored is left out. Raises Malformed if nothing can be read."""
    found = told(spec, body, headers or {})
    wrong = [*found.faults, *found.unknown]
    if wrong and not found.events:
        raise Malformed(wrong[0], WHERE)
    return found.events


def told(
    spec: WebhookSpec, body: bytes, headers: Mapping[str, str], believes: Callable[[str | None], bool] | None = None
) -> Told:
    """All of it. Raises Malformed where the body as a whole cannot be read.

    ``believes``: whether the token that an item repeats is ours, where each item has to prove itself; one that is not
    believed is only counted.
    """
    whole = bodies.whole(spec, body)
    out = Told()
    try:
        shown = _envelope(spec.events, whole, headers)
        entries = _items(spec.events, shown)
        delivery = _delivery_id(spec.events, headers)
        out.sequence = _sequence(spec.events, whole)
        for place, entry in enumerate(entries[:MOST_EVENTS]):
            if believes and spec.signature.by_item and not believes(proofs.token_of(spec.signature, entry)):
                out.refused += 1
                continue
            _take(out, spec, entry, delivery, place, len(entries))
    except ExpressionError as error:
        raise Malformed(error.what, error.where, error.accepted) from None
    return out


def _envelope(spec: EventSpec, whole: Any, headers: Mapping[str, str]) -> Any:
    if not spec.headers:
        return whole
    wanted = {name.lower() for name in spec.headers}
    return {"headers": {name.lower(): text for name, text in headers.items() if name.lower() in wanted}, "body": whole}


def _items(spec: EventSpec, shown: Any) -> list[Any]:
    found = reads(spec.items)(shown)
    if found is ABSENT:
        if isinstance(spec.items, str):
            raise Malformed(f"there are no events at {expressions.told(spec.items)!r}", WHERE)
        return []
    return found if isinstance(found, list) else [found]


def _delivery_id(spec: EventSpec, headers: Mapping[str, str]) -> str | None:
    wanted = spec.id_header.lower()
    return next((value for name, value in headers.items() if name.lower() == wanted), None) if wanted else None


def _sequence(spec: EventSpec, whole: Any) -> tuple[int, int] | None:
    if spec.sequence is None:
        return None
    last = as_text(reads(spec.sequence.last)(whole))
    begun = as_text(reads(spec.sequence.first)(whole)) if spec.sequence.first else last
    if last is None or begun is None or not (last.isdecimal() and begun.isdecimal()):
        return None
    return int(begun), int(last)


def _take(out: Told, spec: WebhookSpec, raw: Any, delivery: str | None, place: int, among: int) -> None:
    """One entry: an event, or a sentence about what is wrong with it."""
    how = spec.events
    kind = as_text(first(how.type)(raw))
    if kind in how.ignore:
        return
    if kind is None or kind not in how.types:
        out.unknown.append(f"unknown event {kind!r}; known are {', '.join(sorted((*how.types, *how.ignore)))}")
        return
    object_slug, happened = how.types[kind]
    record = as_text(first(how.record_id)(raw)) if happened in RECORD_KINDS else ""
    if record is None or (happened in RECORD_KINDS and not _is_id(record)):
        places = " or ".join(map(expressions.told, how.record_id))
        out.faults.append(f"an event {kind!r} without a record id at {places}")
        out.unread.add(object_slug)
        return
    id, nameless = _event_id(how, raw, delivery, place if among > 1 else None)
    if happened not in RECORD_KINDS:
        id, nameless = f"{kind}:{id}", True  # said again it means the same again, and does no harm
    named = _text(how.subscription, raw) or ""
    event = Event(
        id, object_slug, record, None, None, None, happened, None, None, raw, nameless,
        place=place, subscription=named if _is_id(named) else "",
    )  # fmt: skip
    out.events.append(_with_facts(out, how, event) if spec.signature.proves else event)


def _is_id(text: str) -> bool:
    """What may name a record at all: no database can keep a NUL, and no id is a page long."""
    return 0 < len(text) <= LONGEST_ID and "\0" not in text


def _with_facts(out: Told, how: EventSpec, event: Event) -> Event:
    """What is more than a hint: only of a delivery that proved itself."""
    raw = event.raw
    fields = first(how.record)(raw) if how.record else ABSENT
    return Event(
        event.id,
        event.object,
        event.record_id,
        _time(out, how, raw),
        _text(how.actor, raw),
        _text(how.origin, raw),
        event.kind,
        _text(how.version, raw),
        fields if isinstance(fields, dict) else None,
        raw,
        event.nameless,
        _merged(how, raw),
        event.place,
        event.subscription,
    )


def _merged(spec: EventSpec, raw: Any) -> tuple[str, ...]:
    """The ids that went into the record, told as a list or as one."""
    found = first(spec.merged_ids)(raw) if spec.merged_ids else ABSENT
    several = [as_text(one) for one in (found if isinstance(found, list) else [found])]
    return tuple(id for id in several if id)


def _event_id(spec: EventSpec, raw: Any, delivery: str | None, place: int | None) -> tuple[str, bool]:
    """The provider's id, in as many parts as it takes; where it gives none (True), a digest of the event, so that a
    repeated one is known again."""
    if delivery is not None:
        return (delivery if place is None else f"{delivery}:{place}"), False
    parts = [as_text(reads(path)(raw)) or "" for path in spec.id]
    if parts and parts[0]:
        return ":".join(parts), False
    try:
        content = orjson.dumps(raw, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        raise Malformed("the event is nested too deeply", WHERE) from None
    return "sha256:" + hashlib.sha256(content).hexdigest(), True


def _text(paths: tuple[Source, ...], raw: Any) -> str | None:
    return as_text(first(paths)(raw)) if paths else None


def _time(out: Told, spec: EventSpec, raw: Any) -> datetime | None:
    """None where it cannot be read: the event still happened."""
    value = first(spec.time)(raw) if spec.time else ABSENT
    if value is ABSENT:
        return None
    try:
        return times.parse(value, spec.time_format)
    except (ValueError, TypeError, OverflowError):
        out.faults.append(f"the event's time {value!r} is not {spec.time_format}")
        return None


__all__ = ["EVERY", "BadSignature", "Challenge", "Event", "Told", "challenge", "events", "told", "verify"]
