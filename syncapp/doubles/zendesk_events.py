"""Zendesk's event webhooks: one request for each property that changed, signed over time and body.

From https://developer.zendesk.com/api-reference/webhooks/event-types/webhook-event-types/ and .../user-events (envelope
and detail: ids as text), https://developer.zendesk.com/documentation/webhooks/verifying (base64 of HMAC-SHA256 over
time stamp and body, nothing between them) and .../anatomy-of-a-webhook-request (headers).
Unverified: the types of ticket events. Left out: webhooks called by triggers (their body is whatever somebody wrote).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from datetime import datetime
from typing import Any

from syncapp.doubles.answers import iso
from syncapp.doubles.shelf import Change
from syncapp.doubles.zendesk_records import SINGULAR

ACCOUNT = 12_514_403
NAMED = {
    "users": {
        "name": "name_changed", "external_id": "external_id_changed", "tags": "tags_changed", "notes": "notes_changed",
        "details": "details_changed", "role": "role_changed", "identities": "identity_created",
        "user_fields": "custom_field_changed", "organization_id": "organization_membership_created",
    },
    "tickets": {
        "subject": "subject_changed", "status": "status_changed", "priority": "priority_changed",
        "tags": "tags_changed", "custom_fields": "custom_field_changed", "comments": "comment_added",
        "external_id": "external_id_changed", "type": "type_changed", "requester_id": "requester_changed",
    },
}  # fmt: skip
DETAIL = {
    "users": ("email", "external_id", "organization_id", "role"),
    "tickets": ("subject", "status", "priority", "external_id", "requester_id", "tags"),
}


def events(change: Change) -> list[dict[str, Any]]:
    kind = SINGULAR[change.object]
    if change.kind == "created":
        told: list[tuple[str, dict[str, Any]]] = [("created", {})]
    elif change.kind == "deleted":
        told = [("deleted" if kind == "user" else "soft_deleted", {})]
    else:
        before, after = change.before or {}, change.row.fields
        changed = [name for name in after if before.get(name) != after[name]]
        names = NAMED[change.object]
        # What has no type of its own, a phone number say, is told as a change of the details.
        told = [
            (names.get(name, "details_changed" if kind == "user" else "updated"),
             {"current": after[name], "previous": before.get(name)})
            for name in changed
        ]  # fmt: skip
    return [_event(change, kind, type, event) for type, event in told]


def _event(change: Change, kind: str, type: str, event: dict[str, Any]) -> dict[str, Any]:
    row = change.row
    detail = {name: row.fields[name] for name in DETAIL[change.object]}
    times = {"created_at": iso(row.created, 0), "updated_at": iso(row.updated, 0)}
    return {
        "type": f"zen:event-type:{kind}.{type}", "account_id": ACCOUNT, "id": str(uuid.uuid4()),
        "time": iso(change.at, 0), "zendesk_event_version": "2022-06-20", "subject": f"zen:{kind}:{row.id}",
        "detail": {**detail, **times, "id": row.id}, "event": event,
    }  # fmt: skip


def signed(secret: str, body: bytes, at: datetime) -> dict[str, str]:
    stamp = iso(at, 0)
    digest = hmac.new(secret.encode(), stamp.encode() + body, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json", "X-Zendesk-Account-Id": str(ACCOUNT),
        "X-Zendesk-Webhook-Id": "01EJFTSCC78X5V07NPY2MHR00M", "X-Zendesk-Webhook-Invocation-Id": uuid.uuid4().hex,
        "X-Zendesk-Webhook-Signature": base64.b64encode(digest).decode(),
        "X-Zendesk-Webhook-Signature-Timestamp": stamp,
    }  # fmt: skip
