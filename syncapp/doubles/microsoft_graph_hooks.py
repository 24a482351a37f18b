"""Graph's subscriptions: made with a handshake, ended by their time, and notifications that nobody signs.

From https://learn.microsoft.com/graph/api/subscription-post-subscriptions,
https://learn.microsoft.com/graph/change-notifications-delivery-webhooks (validation, bodies, `clientState`) and
.../graph/api/resources/subscription (contacts: 4,230 minutes at most). Addresses without TLS are taken here.
Unverified: the codes of refusals. Left out: lifecycle notifications, encrypted resource data, delivery itself.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import requests

from syncapp.doubles.answers import iso, read_iso
from syncapp.doubles.microsoft_graph_errors import TENANT, error
from syncapp.doubles.shelf import Change

LONGEST = timedelta(minutes=4230)
USER = "8ee44408-0679-472c-bc2a-692812af3437"
REQUIRED = ("changeType", "notificationUrl", "resource", "expirationDateTime")


@dataclass
class Subscription:
    url: str
    kinds: list[str]
    resource: str
    expires: datetime
    state: str | None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def as_json(self) -> dict[str, Any]:
        return {
            "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#subscriptions/$entity", "id": self.id,
            "resource": self.resource, "applicationId": "24d3b144-21ae-4080-943f-7067b395b913",
            "changeType": ",".join(self.kinds), "clientState": self.state, "notificationUrl": self.url,
            "expirationDateTime": iso(self.expires, 7), "creatorId": USER,
        }  # fmt: skip


def until(text: Any, now: datetime) -> datetime:
    try:
        moment = read_iso(str(text))
    except ValueError:
        raise error(400, "InvalidRequest", f"expirationDateTime {text!r} is no time") from None
    if not now < moment <= now + LONGEST:
        told = f"Subscription expiration can only be {int(LONGEST.total_seconds() // 60)} minutes in the future."
        raise error(400, "InvalidRequest", told)
    return moment


def subscribed(body: dict[str, Any], now: datetime) -> Subscription:
    """A subscription whose address answered the handshake. Raises Refused."""
    for name in REQUIRED:
        if not body.get(name):
            raise error(400, "InvalidRequest", f"Property {name} is required")
    kinds = str(body["changeType"]).split(",")
    if not set(kinds) <= {"created", "updated", "deleted"}:
        raise error(400, "InvalidRequest", f"changeType {body['changeType']} is not supported")
    if len(str(body.get("clientState") or "")) > 128:
        raise error(400, "InvalidRequest", "clientState is longer than 128 characters")
    expires = until(body["expirationDateTime"], now)
    _validate(body["notificationUrl"])
    return Subscription(body["notificationUrl"], kinds, body["resource"], expires, body.get("clientState"))


def challenge(url: str) -> tuple[str, str]:
    """Where the handshake goes, and the text that it wants back: what is in the address is that text, encoded."""
    token = f"Validation: Testing client application reachability for subscription {secrets.token_hex(8)} + 100%"
    return f"{url}{'&' if '?' in url else '?'}validationToken={quote(token, safe='')}", token


def _validate(url: str) -> None:
    asked, token = challenge(url)
    told = "Subscription validation request failed."
    try:
        answer = requests.post(asked, headers={"Content-Type": "text/plain; charset=utf-8"}, timeout=10)
    except requests.RequestException as problem:
        raise error(400, "ValidationError", f"{told} {type(problem).__name__}") from None
    plain = answer.headers.get("Content-Type", "").startswith("text/plain")
    if answer.status_code != 200 or not plain or answer.text != token:
        told = f"{told} Notification endpoint must respond with 200 OK to validation request."
        raise error(400, "ValidationError", told)


def notification(subscription: Subscription, change: Change, etag: str) -> dict[str, Any]:
    resource = f"Users/{USER}/Contacts/{change.row.id}"
    return {
        "value": [{
            "id": str(uuid.uuid4()), "subscriptionId": subscription.id,
            "subscriptionExpirationDateTime": iso(subscription.expires, 7), "clientState": subscription.state,
            "changeType": change.kind, "resource": resource, "tenantId": TENANT,
            "resourceData": {
                "@odata.type": "#Microsoft.Graph.Contact", "@odata.id": resource, "@odata.etag": etag,
                "id": change.row.id,
            },
        }],
    }  # fmt: skip
