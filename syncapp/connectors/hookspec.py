"""What a manifest says about webhooks, as frozen dataclasses: how they are signed, and what an event tells where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from syncapp.connectors.expressions import Source


@dataclass(frozen=True, slots=True)
class StampSpec:
    """A signed time: from a header (or a ``key=`` part of it), in s, ms or iso, and how far it may be off."""

    header: str
    key: str = ""
    format: str = "s"
    tolerance: float = 300.0


@dataclass(frozen=True, slots=True)
class SignatureSpec:
    """``scheme``: standard (Standard Webhooks), hmac, or hash (a plain digest over a text that holds the secret)."""

    scheme: str
    header: str = ""
    algorithm: str = "sha256"
    encoding: str = "hex"
    prefix: str = ""
    separator: str = ""
    template: str = "{body}"
    secret: str = "text"  # noqa: S105
    id_header: str = ""
    timestamp: StampSpec | None = None


@dataclass(frozen=True, slots=True)
class EventSpec:
    """Where the events of a delivery are, and each one's facts: paths or expressions, the first present one."""

    items: Source = ""
    id: tuple[Source, ...] = ("id",)
    id_header: str = ""
    type: tuple[Source, ...] = ("type",)
    types: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    record_id: tuple[Source, ...] = ("data.id",)
    time: tuple[Source, ...] = ()
    time_format: str = "iso"
    actor: tuple[Source, ...] = ()
    origin: tuple[Source, ...] = ()
    version: tuple[Source, ...] = ()
    record: tuple[Source, ...] = ()
    merged_ids: tuple[Source, ...] = ()
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChallengeSpec:
    """A handshake: the value of a query parameter or body field is echoed as text or JSON."""

    query: str = ""
    body: str = ""
    echo: str = "text"
    key: str = ""


@dataclass(frozen=True, slots=True)
class WebhookSpec:
    signature: SignatureSpec
    events: EventSpec
    challenge: ChallengeSpec | None = None
