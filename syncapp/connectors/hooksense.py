"""Sense of the webhook section of a provider file: what proves a delivery, and what its events are about."""

from __future__ import annotations

from typing import Any

from syncapp.connectors import templates
from syncapp.connectors.hookspec import EVERY, EXPIRING, LOST, POLL, RECORD_KINDS
from syncapp.connectors.located import Located, Place
from syncapp.connectors.subscriptionsense import check_subscription
from syncapp.connectors.textsense import Raw, check_path

SIGNED = {"method", "url", "timestamp", "id", "body", "secret"}
DIGESTS = ("hmac", "hash")
# Which keys say where the token is, by the place that it is in.
TOKEN = {"body": "path", "item": "path", "query": "query", "header": "header"}


def check_webhook(found: Located, raw: Raw) -> None:
    told = raw["webhook"]
    _events(found, raw)
    for place, signature in _each(told["signature"], ("webhook", "signature")):
        _signature(found, place, signature, told)
    for place, challenge in _each(told.get("challenge", []), ("webhook", "challenge")):
        _challenge(found, place, challenge)
    if "json_field" in told and told.get("format") != "form":
        raise found.wrong(("webhook", "json_field"), "only a form has fields", "format: form beside it")
    if "subscription" in told:
        check_subscription(found, raw)


def _each(value: Any, place: Place) -> list[tuple[Place, Raw]]:
    return [((*place, at), entry) for at, entry in enumerate(value)] if isinstance(value, list) else [(place, value)]


def _events(found: Located, raw: Raw) -> None:
    events, place = raw["webhook"]["events"], ("webhook", "events")
    for name, entry in events["types"].items():
        at = (*place, "types", name)
        about_records = entry["kind"] in RECORD_KINDS
        if entry["object"] not in raw["objects"] and (about_records or entry["object"] != EVERY):
            accepted = [*sorted(raw["objects"]), *([] if about_records else [f"{EVERY!r} for all of them"])]
            raise found.wrong((*at, "object"), f"there is no object {entry['object']!r}", ", ".join(accepted))
        if about_records and "record_id" not in events:
            raise found.wrong(
                at, "which record is it about? 'record_id' is missing", f"record_id in events, or kind: {POLL}"
            )
        if entry["kind"] in (LOST, EXPIRING) and _proves_nothing(raw["webhook"]["signature"]):
            what = "what nothing proves may not end or renew a subscription"
            raise found.wrong((*at, "kind"), what, f"kind: {POLL}")
        if entry["kind"] == "merged" and "merged_ids" not in events:
            raise found.wrong(
                at, "a merge has to name the records that went away", "'merged_ids' in events: the path of their ids"
            )


def _proves_nothing(signature: Any) -> bool:
    return any(one["scheme"] == "none" for _, one in _each(signature, ()))


def _signature(found: Located, place: Place, raw: Raw, told: Raw) -> None:
    scheme = raw["scheme"]
    if scheme in DIGESTS:
        _digest(found, place, raw)
    elif scheme == "token":
        needed = TOKEN[raw.get("in", "body")]
        if not raw.get(needed):
            accepted = f"{needed} beside in: {raw.get('in', 'body')}"
            raise found.wrong(place, f"{needed!r} is missing: where is the token?", accepted)
        if raw.get("in") == "item" and isinstance(told["signature"], list):
            raise found.wrong(place, "a token in each item is the only proof that is looked at", "one signature")
    elif scheme == "none" and "record" in told["events"]:
        raise found.wrong(
            ("webhook", "events", "record"),
            "what nothing proves is not believed: values of such an event are never read",
            "no 'record' where the signature is none",
        )
    _stamp(found, (*place, "timestamp"), raw.get("timestamp", {}))


def _stamp(found: Located, place: Place, raw: Raw) -> None:
    if "path" in raw:
        check_path(found, (*place, "path"), raw["path"])
        if "header" in raw:
            raise found.wrong(place, "a time is in one place", "header or path")


def _digest(found: Located, place: Place, raw: Raw) -> None:
    if not raw.get("header"):
        raise found.wrong(place, "'header' is missing: where is the signature?", "the name of a request header")
    asked = {slot for slot in templates.names(raw.get("template", "{body}")) if not slot.startswith("header:")}
    at = (*place, "template")
    if asked - SIGNED:
        told = ", ".join(sorted(SIGNED)) + ", header:NAME"
        raise found.wrong(at, f"{{{min(asked - SIGNED)}}} is not something that is signed", told)
    if "body" not in asked:
        raise found.wrong(at, "a signature that does not cover the body proves nothing", "{body} among the slots")
    if ("secret" in asked) != (raw["scheme"] == "hash"):
        raise found.wrong(at, "{secret} belongs into the text of scheme hash, and only there", "scheme: hash")
    for slot, key in (("timestamp", "timestamp"), ("id", "id_header")):
        if slot in asked and key not in raw:
            raise found.wrong(at, f"{{{slot}}} is signed, but {key!r} does not say where it is", key)


def _challenge(found: Located, place: Place, raw: Raw) -> None:
    places = [key for key in ("query", "body", "header") if raw.get(key)]
    if len(places) != 1:
        raise found.wrong(place, "a handshake's value is in exactly one place", "query, body or header")
    if raw.get("signed") and places != ["body"]:
        raise found.wrong((*place, "signed"), "only a body is signed", "signed beside body")
    if raw.get("keep") and raw.get("signed", True) and places == ["body"]:
        raise found.wrong(
            (*place, "keep"), "a secret that is told now cannot have signed this body", "signed: false beside keep"
        )
    if raw.get("echo") == "header" and not (raw.get("key") or raw.get("header")):
        raise found.wrong((*place, "echo"), "into which header?", "key: its name")
    for path in raw.get("when", {}):
        check_path(found, (*place, "when", path), path)
