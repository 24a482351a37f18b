"""Pipedrive's webhooks, version 2: one event a change with what was there before, and Basic credentials for a proof.

From https://pipedrive.readme.io/docs/guide-for-webhooks-v2 (meta, data, previous; deletes have no data) and
add-webhook-request of the official client (credentials, filters). Left out: retries after 3, 30 and 150
seconds, the ban after ten failures, the visibility of a webhook's user.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from typing import Any

from syncapp.doubles.answers import iso
from syncapp.doubles.pipedrive_values import error, shown
from syncapp.doubles.shelf import HUB, Change

Json = Any
ENTITIES = {"persons": "person", "organizations": "organization", "deals": "deal"}
ACTIONS = {"created": "create", "updated": "change", "deleted": "delete"}
COMPANY, HUB_USER, PERSON = 31_315, 1, 2


@dataclass
class Hook:
    id: int
    url: str
    action: str
    entity: str
    user: str
    password: str

    def wants(self, change: Change) -> bool:
        return self.action in ("*", ACTIONS[change.kind]) and self.entity in ("*", ENTITIES[change.object])

    def headers(self) -> dict[str, str]:
        told = {"Content-Type": "application/json", "User-Agent": "Pipedrive Webhooks"}
        if not self.user:
            return told
        proof = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {**told, "Authorization": f"Basic {proof}"}

    def as_json(self) -> dict[str, Json]:
        return {
            "id": self.id, "company_id": COMPANY, "owner_id": HUB_USER, "user_id": HUB_USER, "is_active": 1,
            "event_action": self.action, "event_object": self.entity, "subscription_url": self.url, "version": "2.0",
            "http_auth_user": self.user or None, "http_auth_password": self.password or None, "type": "general",
        }  # fmt: skip


def hooked(id: int, body: dict[str, Json]) -> Hook:
    for name in ("subscription_url", "event_action", "event_object"):
        if not body.get(name):
            raise error(400, f"{name} is required")
    action, entity = str(body["event_action"]), str(body["event_object"])
    if action not in ("*", *ACTIONS.values()) or entity not in ("*", *ENTITIES.values()):
        raise error(400, f"There is no event {action}.{entity}")
    user, password = str(body.get("http_auth_user") or ""), str(body.get("http_auth_password") or "")
    return Hook(id, str(body["subscription_url"]), action, entity, user, password)


def event(change: Change, hook: int) -> dict[str, Json]:
    row, ours = change.row, change.actor == HUB
    now = shown(change.object, row)
    meta = {
        "action": ACTIONS[change.kind], "entity": ENTITIES[change.object], "entity_id": row.id, "id": str(uuid.uuid4()),
        "company_id": str(COMPANY), "user_id": str(HUB_USER if ours else PERSON), "timestamp": iso(change.at),
        "type": "general", "change_source": "api" if ours else "app", "correlation_id": str(uuid.uuid4()),
        "is_bulk_edit": False, "webhook_id": str(hook), "attempt": 1, "host": "concord.pipedrive.com",
        "version": "2.0", "permitted_user_ids": [str(HUB_USER), str(PERSON)],
    }  # fmt: skip
    if change.kind == "deleted":
        return {"meta": meta, "data": None, "previous": {**now, "is_deleted": False}}
    before = change.before or {}
    previous = {name: before[name] for name in before if before[name] != row.fields[name]}
    return {"meta": meta, "data": now, "previous": previous if change.kind == "updated" else None}
