"""Slack's events over HTTP: the envelope, the inner events of users and channels, and the signature of version 0.

From https://docs.slack.dev/apis/events-api/ (envelope), https://docs.slack.dev/reference/events (user_change,
channel_created, channel_rename, channel_archive, channel_deleted, message with channel_topic and channel_purpose),
https://docs.slack.dev/authentication/verifying-requests-from-slack and
https://docs.slack.dev/apis/events-api/using-http-request-urls (handshake). Unverified: that the handshake is signed.
Left out: retries with their headers, app_rate_limited, delayed events.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from datetime import datetime
from typing import Any

from syncapp.doubles.shelf import HUB, Change

Json = Any
TEAM, APP, BOT_USER, PERSON = "T012AB3C4", "A012ABCD0", "U0HUB00001", "U0ANN00001"
TOKEN = "a-verification-token"  # noqa: S105  # the old way to prove oneself; nobody should look at it


def inner(change: Change, shown: dict[str, Json]) -> list[dict[str, Json]]:
    """The events that one change makes; `shown` is the record as the API shows it."""
    by = BOT_USER if change.actor == HUB else PERSON
    stamp = f"{change.at.timestamp():.6f}"
    if change.object == "users":
        kind = "team_join" if change.kind == "created" else "user_change"
        return [{"type": kind, "user": shown, "cache_ts": int(change.at.timestamp()), "event_ts": stamp}]
    id, name = change.row.id, change.row.fields["name"]
    if change.kind == "created":
        channel = {"id": id, "name": name, "created": shown["created"], "creator": by}
        return [{"type": "channel_created", "channel": channel, "event_ts": stamp}]
    if change.kind == "deleted":
        return [{"type": "channel_deleted", "channel": id, "event_ts": stamp}]
    before, after = change.before or {}, change.row.fields
    told: list[dict[str, Json]] = []
    if before["name"] != name:
        channel = {"id": id, "name": name, "created": shown["created"]}
        told.append({"type": "channel_rename", "channel": channel, "event_ts": stamp})
    if before["is_archived"] != after["is_archived"]:
        kind = "channel_archive" if after["is_archived"] else "channel_unarchive"
        told.append({"type": kind, "channel": id, "user": by, "event_ts": stamp})
    for what in ("topic", "purpose"):
        if before[what] != after[what]:
            text = f"set the channel {what}: {after[what]}"
            more = {"user": by, "ts": stamp, "text": text, what: after[what], "channel": id, "event_ts": stamp}
            told.append({"type": "message", "subtype": f"channel_{what}", "channel_type": "channel", **more})
    return told


def envelope(event: dict[str, Json], at: datetime) -> dict[str, Json]:
    seen = {"enterprise_id": None, "team_id": TEAM, "user_id": BOT_USER, "is_bot": True}
    return {
        "token": TOKEN, "team_id": TEAM, "api_app_id": APP, "event": event, "type": "event_callback",
        "event_id": f"Ev{secrets.token_hex(5).upper()}", "event_time": int(at.timestamp()),
        "authorizations": [seen], "is_ext_shared_channel": False, "event_context": f"4-{secrets.token_hex(8)}",
    }  # fmt: skip


def challenge() -> tuple[bytes, str]:
    """The body of the handshake, and what it wants back."""
    text = secrets.token_urlsafe(32)
    return json.dumps({"token": TOKEN, "challenge": text, "type": "url_verification"}).encode(), text


def signed(secret: str, body: bytes, at: datetime) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json", "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}",
    }  # fmt: skip
