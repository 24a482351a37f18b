"""What a manifest says about webhooks, as frozen dataclasses: how they are signed, and what an event tells where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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
    """Where the events of a delivery are, and each one's facts; of several paths the first present one counts."""

    items: str = ""
    id: tuple[str, ...] = ("id",)
    id_header: str = ""
    type: tuple[str, ...] = ("type",)
    types: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    record_id: tuple[str, ...] = ("data.id",)
    time: tuple[str, ...] = ()
    time_format: str = "iso"
    actor: tuple[str, ...] = ()
    origin: tuple[str, ...] = ()
    version: tuple[str, ...] = ()
    record: tuple[str, ...] = ()
    merged_ids: tuple[str, ...] = ()
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
