"""Airtable's webhooks: a signed ping that says nothing, and a log of changes that is read with a cursor.

From https://airtable.com/developers/web/api/webhooks-overview, .../create-a-webhook, .../list-webhook-payloads,
.../refresh-a-webhook and what the public client pyairtable reads: the MAC key is the base64-decoded secret, shown once;
cells are keyed by field id; seven days of life; 50 payloads a page.
Unverified: ten webhooks a base at most, the types of refusals. One change is one transaction here. Left out: select
cells as objects in payloads, changes of tables and fields, retries and the result of the last notification.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from syncapp.doubles.airtable_errors import error
from syncapp.doubles.airtable_values import Field
from syncapp.doubles.answers import iso
from syncapp.doubles.shelf import HUB, Change

LIFE = timedelta(days=7)
MOST, PAYLOADS = 10, 50
VERBS = {"created": "add", "updated": "update", "deleted": "remove"}
USER = {"id": "usrHub00000000001", "email": "hub@example.org", "name": "Hub", "permissionLevel": "create"}
PERSON = {"id": "usrAnn00000000001", "email": "ann@example.org", "name": "Ann", "permissionLevel": "create"}


@dataclass
class Hook:
    url: str | None
    specification: dict[str, Any]
    expires: datetime
    id: str = field(default_factory=lambda: f"ach{secrets.token_hex(7)}")
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    enabled: bool = True
    log: list[dict[str, Any]] = field(default_factory=list)

    @property
    def secret(self) -> str:
        return base64.b64encode(self.key).decode()

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id, "type": "client", "notificationUrl": self.url, "cursorForNextPayload": len(self.log) + 1,
            "isHookEnabled": True, "areNotificationsEnabled": self.enabled and self.url is not None,
            "expirationTime": iso(self.expires), "lastNotificationResult": None, "lastSuccessfulNotificationTime": None,
            "specification": self.specification,
        }  # fmt: skip

    def wants(self, change: Change, table: str, source: str) -> bool:
        filters = self.specification.get("options", {}).get("filters", {})
        return (
            filters.get("recordChangeScope", table) == table
            and VERBS[change.kind] in filters.get("changeTypes", list(VERBS.values()))
            and source in filters.get("fromSources", [source])
        )

    def payloads(self, cursor: int, limit: int) -> dict[str, Any]:
        if not 1 <= limit <= PAYLOADS or not 1 <= cursor <= len(self.log) + 1:
            raise error(422, "INVALID_REQUEST_UNKNOWN", f"cursor or limit is out of range: {cursor}, {limit}")
        found = self.log[cursor - 1 :][:limit]
        after = cursor + len(found)
        return {"payloads": found, "cursor": after, "mightHaveMore": after <= len(self.log), "payloadFormat": "v0"}


def hooked(body: dict[str, Any], now: datetime) -> Hook:
    specification = body.get("specification")
    filters = specification.get("options", {}).get("filters") if isinstance(specification, dict) else None
    if not isinstance(filters, dict) or not filters.get("dataTypes"):
        raise error(422, "INVALID_WEBHOOK_SPECIFICATION", "specification.options.filters.dataTypes is required")
    assert isinstance(specification, dict)
    return Hook(body.get("notificationUrl"), specification, now + LIFE)


def source_of(change: Change) -> str:
    return "publicApi" if change.actor == HUB else "client"


def payload(hook: Hook, change: Change, table: str, fields: dict[str, Field]) -> dict[str, Any]:
    before, after = change.before or {}, change.row.fields
    told: dict[str, Any]
    if change.kind == "created":
        made = {"createdTime": iso(change.row.created), "cellValuesByFieldId": _cells(fields, after, list(after))}
        told = {"createdRecordsById": {change.row.id: made}}
    elif change.kind == "deleted":
        told = {"destroyedRecordIds": [change.row.id]}
    else:
        told = {"changedRecordsById": {change.row.id: _changed(hook, fields, before, after)}}
    person = USER if change.actor == HUB else PERSON
    return {
        "timestamp": iso(change.at), "baseTransactionNumber": change.number, "payloadFormat": "v0",
        "actionMetadata": {"source": source_of(change), "sourceMetadata": {"user": person}},
        "changedTablesById": {table: told},
    }  # fmt: skip


def _changed(
    hook: Hook, fields: dict[str, Field], before: dict[str, Any], after: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    names = [name for name in fields if before.get(name) != after.get(name)]
    includes = hook.specification.get("options", {}).get("includes", {})
    told = {"current": {"cellValuesByFieldId": _cells(fields, after, names)}}
    if includes.get("includePreviousCellValues"):
        told["previous"] = {"cellValuesByFieldId": _cells(fields, before, names)}
    if includes.get("includeCellValuesInFieldIds") == "all":
        rest = [name for name in after if name not in names]
        told["unchanged"] = {"cellValuesByFieldId": _cells(fields, after, rest)}
    return told


def _cells(fields: dict[str, Field], values: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """What was cleared is null here, not left out."""
    return {fields[name].id: values.get(name) for name in names}


def signed(key: bytes, body: bytes) -> dict[str, str]:
    digest = hmac.new(key, body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Airtable-Content-MAC": f"hmac-sha256={digest}"}
