"""Handshakes: what a provider sends to find out who listens, and what it wants to hear then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from syncapp.connectors import bodies
from syncapp.connectors.errors import Malformed
from syncapp.connectors.hookspec import ChallengeSpec, WebhookSpec
from syncapp.connectors.paths import as_text, getter

LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Challenge:
    """What to answer to a handshake. ``keep``: a secret that it told, which signs what comes from now on."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    keep: str = ""


def challenge(
    spec: WebhookSpec,
    method: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    verified: bool = True,
) -> Challenge | None:
    """The answer to a handshake, or None if this is none. Before a delivery is ``verified``, only those that cannot
    be signed, or need not be, are looked for."""
    for wanted in spec.challenges:
        if wanted.body and wanted.signed and not verified:
            continue
        value = _value(spec, wanted, query, headers, body)
        if value and len(value) <= LONGEST and (wanted.echo != "header" or value.isprintable()):
            return _answer(wanted, value)
    if spec.greets and method in ("GET", "HEAD"):
        return Challenge(200, "text/plain; charset=utf-8", b"")
    return None


def _value(
    spec: WebhookSpec, wanted: ChallengeSpec, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
) -> str | None:
    if wanted.query:
        return query.get(wanted.query)
    if wanted.header:
        return next((text for name, text in headers.items() if name.lower() == wanted.header.lower()), None)
    if not body:
        return None
    try:
        told = bodies.whole(spec, body)
    except Malformed:
        return None  # said once more, aloud, when its events are read
    if any(as_text(getter(path)(told)) != value for path, value in wanted.when.items()):
        return None
    return as_text(getter(wanted.body)(told))


def _answer(wanted: ChallengeSpec, value: str) -> Challenge:
    keep = value if wanted.keep else ""
    if wanted.echo == "json":
        name = wanted.key or (wanted.body or wanted.query).rpartition(".")[2]
        return Challenge(200, "application/json", orjson.dumps({name: value}), keep=keep)
    if wanted.echo == "header":
        return Challenge(200, "text/plain; charset=utf-8", b"", {wanted.key or wanted.header: value}, keep)
    content = value.encode() if wanted.echo == "text" else b""
    return Challenge(200, "text/plain; charset=utf-8", content, keep=keep)
