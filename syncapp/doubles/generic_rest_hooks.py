"""Webhooks of the plain system: as the standard has it, or bare, without anything to hold on to.

From https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md: `webhook-id`,
`webhook-timestamp`, `webhook-signature: v1,` + base64 of HMAC-SHA256 over id, time and body, the secret base64 after
`whsec_`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime
from itertools import groupby
from typing import Any

from syncapp.doubles.shelf import Change

MOST_ROWS = 10


def standard(secret: str, id: str, body: bytes, at: datetime) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json", "webhook-id": id, "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }  # fmt: skip


def event(change: Change, shown: dict[str, Any], time: str) -> dict[str, Any]:
    type = f"{change.object.removesuffix('s')}.{change.kind}"
    return {"id": f"evt_{change.number}", "type": type, "timestamp": time, "data": shown}


def bare(changes: list[tuple[Change, dict[str, Any]]]) -> list[tuple[bytes, list[Change]]]:
    """Neighbours of one kind share a body; each kind has a form of its own."""
    bodies: list[tuple[bytes, list[Change]]] = []
    for (object, kind), group in groupby(changes, key=lambda one: (one[0].object, one[0].kind)):
        rows = list(group)
        for at in range(0, len(rows), MOST_ROWS):
            part = rows[at : at + MOST_ROWS]
            told = _told(object, kind, [shown for _, shown in part])
            bodies.append((json.dumps(told).encode(), [change for change, _ in part]))
    return bodies


def _told(object: str, kind: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    if kind == "created":
        return {"action": "create", "table": object, "rows": rows}
    if kind == "updated":
        return {f"{object}_changed": [{"id": row["id"]} for row in rows]}
    return {"removed": {object: [row["id"] for row in rows]}}
