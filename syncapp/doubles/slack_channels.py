"""Slack's channels and the two ways to say something in them: a method of the API, and an address that is a secret.

From https://docs.slack.dev/reference/methods/ (conversations.*, chat.postMessage) and
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks (plain text answers, real statuses).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from flask import Flask, request
from flask.typing import ResponseReturnValue

from syncapp.doubles.clock import Clock
from syncapp.doubles.shelf import Fields, Row, Shelf
from syncapp.doubles.slack_answers import args, page_of, plain
from syncapp.doubles.slack_events import APP, BOT_USER
from syncapp.doubles.slack_profile import channel_name, escaped, no

LONGEST_TOPIC = 250


class Channels:
    def __init__(
        self, app: Flask, shelf: Shelf, clock: Clock, incoming: str, shown: Callable[[str, Row], Fields]
    ) -> None:
        self._shelf, self._clock, self._shown, self._posted = shelf, clock, shown, 0
        app.add_url_rule(incoming, view_func=self.incoming_webhook, methods=["POST"])
        app.add_url_rule("/services/<path:rest>", "no hook", _no_service, methods=["POST"])

    def methods(self) -> dict[str, Callable[[], ResponseReturnValue]]:
        return {
            "conversations.list": self.listed, "conversations.info": self.read, "conversations.create": self.create,
            "conversations.rename": self.rename, "conversations.setTopic": lambda: self.set_text("topic"),
            "conversations.setPurpose": lambda: self.set_text("purpose"),
            "conversations.archive": lambda: self.archive(True),
            "conversations.unarchive": lambda: self.archive(False), "chat.postMessage": self.post,
        }  # fmt: skip

    def listed(self) -> ResponseReturnValue:
        hidden = str(args().get("exclude_archived", "")).lower() in ("true", "1")
        page, cursor = page_of(
            self._shelf.rows("conversations", deleted=True),
            lambda row: not row.deleted and not (hidden and row.fields["is_archived"]),
        )
        shown = [self._shown("conversations", row) for row in page]
        return {"ok": True, "channels": shown, "response_metadata": {"next_cursor": cursor}}

    def read(self) -> ResponseReturnValue:
        return {"ok": True, "channel": self._shown("conversations", self._channel())}

    def create(self) -> ResponseReturnValue:
        name = self._free(channel_name(args().get("name")))
        fields = {"name": name, "topic": "", "purpose": "", "is_archived": False}
        row = self._shelf.add("conversations", fields, f"C0{secrets.token_hex(4).upper()}")
        return {"ok": True, "channel": self._shown("conversations", row)}

    def rename(self) -> ResponseReturnValue:
        row, name = self._channel(open=True), channel_name(args().get("name"))
        return self._put(row, name=name if name == row.fields["name"] else self._free(name))

    def set_text(self, what: str) -> ResponseReturnValue:
        text = args().get(what)
        if text is None:
            raise no("invalid_arguments", response_metadata={"messages": [f"[ERROR] missing required field: {what}"]})
        if len(str(text)) > LONGEST_TOPIC:
            raise no("too_long")
        return self._put(self._channel(open=True), **{what: escaped(str(text))})

    def archive(self, closed: bool) -> ResponseReturnValue:
        row = self._channel()
        if row.fields["is_archived"] is closed:
            raise no("already_archived" if closed else "not_archived")
        self._put(row, is_archived=closed)
        return {"ok": True}

    def _put(self, row: Row, **changes: Any) -> ResponseReturnValue:
        if {**row.fields, **changes} != row.fields:
            row = self._shelf.change("conversations", row.id, lambda fields: {**fields, **changes})
        return {"ok": True, "channel": self._shown("conversations", row)}

    def _channel(self, *, open: bool = False) -> Row:
        row = self._shelf.get("conversations", str(args().get("channel")))
        if row is None:
            raise no("channel_not_found")
        if open and row.fields["is_archived"]:
            raise no("is_archived")
        return row

    def _free(self, name: str) -> str:
        if any(row.fields["name"] == name for row in self._shelf.rows("conversations")):
            raise no("name_taken")
        return name

    def post(self) -> ResponseReturnValue:
        row, text = self._channel(open=True), args().get("text")
        if not text and not args().get("blocks"):
            raise no("no_text")
        self._posted += 1
        ts = f"{int(self._clock.exact().timestamp())}.{self._posted:06d}"
        message = {"type": "message", "text": escaped(str(text)), "user": BOT_USER, "ts": ts, "app_id": APP}
        return {"ok": True, "channel": row.id, "ts": ts, "message": message}

    def incoming_webhook(self) -> ResponseReturnValue:
        """Plain text, and real statuses."""
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            return plain("invalid_payload", 400)
        if not body.get("text") and not body.get("blocks"):
            return plain("no_text", 400)
        self._posted += 1
        return plain("ok", 200)


def _no_service(rest: str) -> ResponseReturnValue:
    return plain("no_service", 404)
