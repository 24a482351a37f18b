"""What a manifest says about webhooks, as frozen dataclasses: how they are proven, greeted, answered, and what an
event tells where. Subscriptions have a module of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from syncapp.connectors.expressions import Source
from syncapp.connectors.subscriptionspec import SubscriptionSpec

# What happened to a record …
RECORD_KINDS = ("created", "updated", "deleted", "merged")
# … or, without one: read the feed now; this subscription is gone; this subscription wants to be renewed.
POLL, LOST, EXPIRING = "poll", "lost", "expiring"
# Only among the hub's own hints: read all of the feed.
WHOLE = "whole"
KINDS = (*RECORD_KINDS, POLL, LOST, EXPIRING)
EVERY = "*"


@dataclass(frozen=True, slots=True)
class StampSpec:
    """A signed time: in a header (or a ``key=`` part of it) or at a path of the body; in s, ms, iso or any of them."""

    header: str = ""
    key: str = ""
    format: str = "s"
    tolerance: float = 300.0
    path: str = ""


@dataclass(frozen=True, slots=True)
class SignatureSpec:
    """How a delivery proves where it comes from.

    ``standard`` (Standard Webhooks), ``hmac``, ``hash`` (a plain digest over a text that holds the secret), ``jwt``
    (HS256), ``basic``, ``token`` (the secret itself, ``in`` the body, each item, the query or a header), ``address``
    (only the unguessable address), ``none``: nothing proves it, so it is never more than a hint, ``limit`` a minute.
    """

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
    user: str = ""
    place: str = "body"
    path: str = ""
    query: str = ""
    limit: int = 60

    @property
    def proves(self) -> bool:
        return self.scheme != "none"

    @property
    def by_item(self) -> bool:
        return self.scheme == "token" and self.place == "item"


@dataclass(frozen=True, slots=True)
class SequenceSpec:
    """Numbers that count deliveries: where the first and the last of this one are, in the whole body."""

    last: Source
    first: Source = ""


@dataclass(frozen=True, slots=True)
class EventSpec:
    """Where the events of a delivery are, and each one's facts: paths or expressions, the first present one.

    ``headers``: where an event's facts stand in headers too, it is read from {headers, body} instead of the body.
    """

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
    subscription: tuple[Source, ...] = ()
    ignore: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    sequence: SequenceSpec | None = None


@dataclass(frozen=True, slots=True)
class ChallengeSpec:
    """A handshake: the value of a query parameter, header or body field is echoed, or kept as the account's secret.

    ``signed``: one in the body counts only in a delivery that proves itself. ``when``: a path that has this value.
    """

    query: str = ""
    body: str = ""
    header: str = ""
    echo: str = "text"
    key: str = ""
    keep: bool = False
    signed: bool = True
    when: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AnswerSpec:
    """What the provider wants to hear of a delivery that was taken, and within how many seconds."""

    status: int = 202
    body: str | None = None
    within: float = 10.0


@dataclass(frozen=True, slots=True)
class WebhookSpec:
    signature: SignatureSpec
    events: EventSpec
    challenges: tuple[ChallengeSpec, ...] = ()
    # Further ways to sign; the first whose header is there decides.
    others: tuple[SignatureSpec, ...] = ()
    format: str = "json"
    json_field: str = ""
    greets: bool = False
    answer: AnswerSpec = AnswerSpec()
    subscription: SubscriptionSpec | None = None
    setup: str = ""

    def kept_headers(self) -> tuple[str, ...]:
        """Beside the body, because facts of an event stand in them; never a signature."""
        return tuple(name.lower() for name in (self.events.id_header, *self.events.headers) if name)
