"""Sense of a provider's subscriptions: slots that have a value, secrets that are had, and an end that is known."""

from __future__ import annotations

from typing import Any

from syncapp.connectors import paths
from syncapp.connectors.located import Located
from syncapp.connectors.subscriptionspec import SUBSCRIPTION_ID
from syncapp.connectors.textsense import Raw, check_templates

PLACE = ("webhook", "subscription")
SLOTS = {"address", "expires", "object", "number", "secret"}
CALLS = ("create", "read", "list", "renew", "delete")


def check_subscription(found: Located, raw: Raw) -> None:
    told = raw["webhook"]["subscription"]
    _objects(found, raw, told)
    config = {f"config.{name}" for name in raw.get("config", {})}
    own = set[str]().union(*told.get("objects", {}).values()) if told.get("objects") else set()
    for name in CALLS:
        slots = (
            config | own | SLOTS | (set() if name in ("create", "list") else {"subscription", "subscription_number"})
        )
        for key in ("path", "query", "headers", "body"):
            check_templates(found, (*PLACE, name, key), told.get(name, {}).get(key, {}), slots)
    for key in ("expires", "secret_path", "address"):
        if key in told:
            _path(found, key, told[key])
    _secret(found, raw, told)
    _end(found, told)


def subscription_slots(raw: Raw) -> set[str]:
    """What the calls of objects may ask of the subscription: the changes that some providers tell stand in its log."""
    told = raw.get("webhook", {}).get("subscription")
    return {SUBSCRIPTION_ID} if told is not None and "objects" not in told else set()


def _objects(found: Located, raw: Raw, told: Raw) -> None:
    values = list(told.get("objects", {}).values())
    for slug, entry in told.get("objects", {}).items():
        if entry.get("object", slug) not in raw["objects"]:
            known = ", ".join(sorted(raw["objects"]))
            raise found.wrong(
                (*PLACE, "objects", slug),
                f"there is no object {entry.get('object', slug)!r}",
                f"{known}, here or as object",
            )
        if set(entry) != set(values[0]):
            names = ", ".join(sorted(set(values[0]))) or "none"
            raise found.wrong((*PLACE, "objects", slug), "every object gives the same slots a value", names)


def _path(found: Located, key: str, text: str) -> None:
    try:
        paths.split(text)
    except paths.PathError as error:
        raise found.wrong((*PLACE, key), str(error), paths.ACCEPTED) from None


def _secret(found: Located, raw: Raw, told: Raw) -> None:
    kind, sent = told.get("secret", "none"), _asks(told["create"], "secret")
    if (kind == "once") != ("secret_path" in told):
        raise found.wrong((*PLACE, "secret"), "a secret that is told once is in the answer", "once, and secret_path")
    if (kind == "made") != sent:
        what = "a secret that the hub makes is sent along"
        raise found.wrong((*PLACE, "secret"), what, "made, and {secret} in create")


def _asks(raw: Any, slot: str) -> bool:
    return f"{{{slot}}}" in repr(raw)


def _end(found: Located, told: Raw) -> None:
    if "renew" in told and not ("lifetime" in told or "expires" in told):
        raise found.wrong((*PLACE, "renew"), "when does a subscription end?", "expires, lifetime or both")
    if _asks(told, "expires") and "lifetime" not in told:
        raise found.wrong(PLACE, "{expires} is asked for, but for how long?", "lifetime: seconds")
    if "list" in told and "items" not in told["list"]:
        raise found.wrong((*PLACE, "list"), "'items' is missing: where is the list in the answer?", "a path")
    if "list" in told and "address" not in told:
        raise found.wrong((*PLACE, "list"), "which of them is ours? 'address' is missing", "the path of its address")
