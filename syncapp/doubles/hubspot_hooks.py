"""HubSpot's webhooks: arrays of thin events, one for each property, with the signature of version 3.

From https://developers.hubspot.com/docs/api/webhooks (events) and
https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation (base64 of
HMAC-SHA256 over method, address, body and time in milliseconds). The address is signed as it is: the decoding of some
escapes in it is left out. Unverified: `changeSource` INTEGRATION with `sourceId` as the app's id.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Any

from syncapp.doubles.shelf import HUB, Change

PORTAL, APP = 62_515, 1_160_452
SINGULAR = {"contacts": "contact", "companies": "company", "deals": "deal"}
KINDS = {"created": "creation", "deleted": "deletion"}


def events(change: Change, last: int) -> list[dict[str, Any]]:
    """The events that one change makes; `last` is the number of the last event before."""
    kind, by = SINGULAR[change.object], change.actor
    source = {"changeSource": "INTEGRATION", "sourceId": str(APP)} if by == HUB else {}
    told: list[dict[str, Any]] = []
    if change.kind in KINDS:
        flag = {"changeFlag": change.kind.upper()}
        told.append({"subscriptionType": f"{kind}.{KINDS[change.kind]}", **flag})
    if change.kind != "deleted":
        before, after = change.before or {}, change.row.fields
        for name in sorted(name for name in {*before, *after} if before.get(name) != after.get(name)):
            value = {"propertyName": name, "propertyValue": after.get(name, "")}
            told.append({"subscriptionType": f"{kind}.propertyChange", **value})
    common = {
        "portalId": PORTAL, "appId": APP, "occurredAt": int(change.at.timestamp() * 1000), "attemptNumber": 0,
        "objectId": int(change.row.id), **(source or {"changeSource": "CRM_UI", "sourceId": by}),
    }  # fmt: skip
    return [{"eventId": last + at, "subscriptionId": 24 + at, **common, **one} for at, one in enumerate(told, start=1)]


def signed(secret: str, method: str, url: str, body: bytes, at: datetime) -> dict[str, str]:
    stamp = str(round(at.timestamp() * 1000))
    text = method.encode() + url.encode() + body + stamp.encode()
    digest = hmac.new(secret.encode(), text, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "X-HubSpot-Signature": hashlib.sha256(secret.encode() + body).hexdigest(),
        "X-HubSpot-Signature-Version": "v1",
        "X-HubSpot-Signature-v3": base64.b64encode(digest).decode(),
        "X-HubSpot-Request-Timestamp": stamp,
    }
