"""The checked webhook section of a provider file into the frozen dataclasses of ``hookspec``."""

from __future__ import annotations

from typing import Any

from syncapp.connectors.hookspec import (
    AnswerSpec,
    ChallengeSpec,
    EventSpec,
    SequenceSpec,
    SignatureSpec,
    StampSpec,
    WebhookSpec,
)
from syncapp.connectors.making import Raw, make, maybe, several, source, sources
from syncapp.connectors.opbuild import operation
from syncapp.connectors.opspec import Operation
from syncapp.connectors.subscriptionspec import AliveSpec, SubscriptionSpec

SOURCES = ("id", "type", "record_id", "time", "actor", "origin", "version", "record", "merged_ids", "subscription")
CALLS = ("create", "read", "list", "renew", "delete")


def webhook(whole: Raw, file: str) -> WebhookSpec | None:
    if "webhook" not in whole:
        return None
    raw = whole["webhook"]
    first, *others = map(_signature, listed(raw["signature"]))
    return make(
        WebhookSpec,
        raw,
        signature=first,
        others=tuple(others),
        events=_events(raw["events"], f"{file} at webhook.events"),
        challenges=tuple(make(ChallengeSpec, entry) for entry in listed(raw.get("challenge", []))),
        answer=make(AnswerSpec, raw.get("answer", {})),
        subscription=_subscription(raw["subscription"], file) if "subscription" in raw else None,
    )


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _signature(raw: Raw) -> SignatureSpec:
    return make(SignatureSpec, raw, timestamp=maybe(StampSpec, raw.get("timestamp")))


def _events(raw: Raw, at: str) -> EventSpec:
    lists = {key: sources(raw[key], f"{at}.{key}") for key in SOURCES if key in raw}
    sequence = raw.get("sequence")
    return make(
        EventSpec,
        raw,
        items=source(raw.get("items", ""), f"{at}.items"),
        types={name: (entry["object"], entry["kind"]) for name, entry in raw["types"].items()},
        sequence=None if sequence is None else _sequence(sequence, f"{at}.sequence"),
        **lists,
    )


def _sequence(raw: Raw, at: str) -> SequenceSpec:
    return SequenceSpec(source(raw["last"], f"{at}.last"), source(raw.get("first", ""), f"{at}.first"))


def _subscription(raw: Raw, file: str) -> SubscriptionSpec:
    at = f"{file} at webhook.subscription"
    calls = {
        name: _call(raw[name], f"{at}.{name}") for name in ("create", "read", "list", "renew", "delete") if name in raw
    }
    id = several(raw.get("id", "id"))
    return make(SubscriptionSpec, raw, id=id, alive=maybe(AliveSpec, raw.get("alive")), **calls)


def _call(raw: Raw, at: str) -> Operation:
    return operation(raw, at)
