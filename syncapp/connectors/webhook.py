"""A webhook after the door: the handshake that some providers ask for, and what a verified body tells."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from syncapp.connectors import expressions, signatures, times
from syncapp.connectors.errors import Malformed
from syncapp.connectors.expressions import ExpressionError, Source, first, reads
from syncapp.connectors.hookspec import EventSpec, WebhookSpec
from syncapp.connectors.jsonbody import parse
from syncapp.connectors.paths import ABSENT, as_text, getter
from syncapp.connectors.records import Event
from syncapp.connectors.signatures import BadSignature

WHERE = "webhook body"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What to answer to a handshake."""

    status: int
    content_type: str
    body: bytes


def verify(
    spec: WebhookSpec,
    secrets: str | list[str],
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    now: float,
) -> None:
    """Nothing, or BadSignature."""
    signatures.verify(spec.signature, secrets, method, url, headers, body, now)


def challenge(
    spec: WebhookSpec, method: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
) -> Challenge | None:
    """The answer to a handshake, or None if this is none."""
    wanted = spec.challenge
    if wanted is None:
        return None
    value = query.get(wanted.query) if wanted.query else _field(body, wanted.body)
    if not value:
        return None
    if wanted.echo == "text":
        return Challenge(200, "text/plain; charset=utf-8", value.encode())
    return Challenge(200, "application/json", orjson.dumps({wanted.key or wanted.body or wanted.query: value}))


def _field(body: bytes, path: str) -> str | None:
    try:
        return as_text(getter(path)(parse(body))) if path else None
    except orjson.JSONDecodeError:
        return None


def events(spec: WebhookSpec, body: bytes, headers: Mapping[str, str] | None = None) -> list[Event]:
    """What happened, in the order told. Raises Malformed; events that the manifest says to ignore are left out."""
    try:
        whole = parse(body)
    except orjson.JSONDecodeError:
        raise Malformed("the body is not JSON", WHERE) from None
    try:
        return _events(spec, whole, headers or {})
    except ExpressionError as error:
        raise Malformed(error.what, error.where, error.accepted) from None


def _events(spec: WebhookSpec, whole: Any, headers: Mapping[str, str]) -> list[Event]:
    found = reads(spec.events.items)(whole)
    if found is ABSENT:
        raise Malformed(f"there are no events at {expressions.told(spec.events.items)!r}", WHERE)
    delivery = _delivery_id(spec.events, headers)
    entries = found if isinstance(found, list) else [found]
    told = [
        _event(spec.events, entry, delivery, place if len(entries) > 1 else None) for place, entry in enumerate(entries)
    ]
    return [event for event in told if event is not None]


def _delivery_id(spec: EventSpec, headers: Mapping[str, str]) -> str | None:
    wanted = spec.id_header.lower()
    return next((value for name, value in headers.items() if name.lower() == wanted), None) if wanted else None


def _event(spec: EventSpec, raw: Any, delivery: str | None, place: int | None) -> Event | None:
    kind = as_text(first(spec.type)(raw))
    if kind in spec.ignore:
        return None
    if kind is None or kind not in spec.types:
        raise Malformed(f"unknown event {kind!r}", WHERE, ", ".join(sorted((*spec.types, *spec.ignore))))
    record = as_text(first(spec.record_id)(raw))
    if record is None:
        places = " or ".join(map(expressions.told, spec.record_id))
        raise Malformed(f"an event {kind!r} without a record id at {places}", WHERE)
    object_slug, happened = spec.types[kind]
    id, nameless = _event_id(spec, raw, delivery, place)
    fields = first(spec.record)(raw) if spec.record else ABSENT
    return Event(
        id=id,
        object=object_slug,
        record_id=record,
        occurred_at=_time(spec, raw),
        actor=_text(spec.actor, raw),
        origin=_text(spec.origin, raw),
        kind=happened,
        version=_text(spec.version, raw),
        fields=fields if isinstance(fields, dict) else None,
        raw=raw,
        nameless=nameless,
        merged=_merged(spec, raw),
    )


def _merged(spec: EventSpec, raw: Any) -> tuple[str, ...]:
    """The ids that went into the record, told as a list or as one."""
    found = first(spec.merged_ids)(raw) if spec.merged_ids else ABSENT
    told = [as_text(one) for one in (found if isinstance(found, list) else [found])]
    return tuple(id for id in told if id)


def _event_id(spec: EventSpec, raw: Any, delivery: str | None, place: int | None) -> tuple[str, bool]:
    """The provider's id; where it gives none (True), a digest of the event, so that a repeated one is known again."""
    if delivery is not None:
        return (delivery if place is None else f"{delivery}:{place}"), False
    parts = [as_text(reads(path)(raw)) for path in spec.id]
    if parts and all(parts):
        return ":".join(str(part) for part in parts), False
    return "sha256:" + hashlib.sha256(orjson.dumps(raw, option=orjson.OPT_SORT_KEYS)).hexdigest(), True


def _text(paths: tuple[Source, ...], raw: Any) -> str | None:
    return as_text(first(paths)(raw)) if paths else None


def _time(spec: EventSpec, raw: Any) -> Any:
    value = first(spec.time)(raw) if spec.time else ABSENT
    if value is ABSENT:
        return None
    try:
        return times.parse(value, spec.time_format)
    except (ValueError, TypeError, OverflowError):
        raise Malformed(f"the event's time {value!r} is not {spec.time_format}", WHERE) from None


__all__ = ["BadSignature", "Challenge", "Event", "challenge", "events", "verify"]
