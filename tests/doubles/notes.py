"""A double of an invented API, as small as a double can be: notes with a title, pages by cursor, signed webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime
from typing import ClassVar

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from syncapp.doubles.base import Delivery, Double, Handshake
from syncapp.doubles.shelf import Change, Row, merged

KEY = b"notes-webhook-secret"


class Notes(Double):
    slug: ClassVar[str] = "notes"
    objects: ClassVar[tuple[str, ...]] = ("notes",)

    def routes(self) -> None:
        self.token = "notes-token"
        self.shelf.watch(self.announce)
        self.app.before_request(self.check)
        self.app.add_url_rule("/notes", view_func=self.list)
        self.app.add_url_rule("/notes", view_func=self.create, methods=["POST"])
        self.app.add_url_rule("/notes/<id>", view_func=self.read)
        self.app.add_url_rule("/notes/<id>", view_func=self.update, methods=["PATCH"])
        self.app.add_url_rule("/notes/<id>", view_func=self.delete, methods=["DELETE"])
        self.app.add_url_rule("/oauth/token", view_func=self.renew, methods=["POST"])

    def secrets(self) -> dict[str, str]:
        return {"token": self.token, "refresh_token": "notes-refresh", "webhook": KEY.decode()}

    def check(self) -> ResponseReturnValue | None:
        open_to_all = request.path.startswith(("/_double/", "/oauth/"))
        if open_to_all or request.headers.get("Authorization") == f"Bearer {self.token}":
            return None
        return {"message": "who are you?"}, 401

    def renew(self) -> ResponseReturnValue:
        self.token = f"notes-token-{self.shelf.clock.exact().timestamp()}"
        return {"access_token": self.token, "token_type": "Bearer"}

    def list(self) -> ResponseReturnValue:
        since = request.args.get("since")
        floor = datetime.fromisoformat(since) if since else None
        rows = [row for row in self.shelf.rows("notes") if floor is None or row.updated >= floor]
        start, size = int(request.args.get("after", 0)), min(int(request.args.get("limit", 10)), 50)
        after = str(start + size) if start + size < len(rows) else None
        return {"notes": [shown(row) for row in rows[start : start + size]], "after": after}

    def create(self) -> ResponseReturnValue:
        return shown(self.shelf.add("notes", request.get_json())), 201

    def read(self, id: str) -> ResponseReturnValue:
        row = self.shelf.get("notes", id)
        return shown(row) if row else ({"message": "no such note"}, 404)

    def update(self, id: str) -> ResponseReturnValue:
        if self.shelf.get("notes", id) is None:
            return {"message": "no such note"}, 404
        given = request.get_json()
        return shown(self.shelf.change("notes", id, lambda fields: merged(fields, given)))

    def delete(self, id: str) -> ResponseReturnValue:
        if self.shelf.get("notes", id) is None:
            return {"message": "no such note"}, 404
        self.shelf.remove("notes", id)
        return jsonify({}), 204

    def edit(self, object: str, id: str, fields: dict[str, object]) -> None:
        self.shelf.change(object, id, lambda known: merged(known, fields), actor="ann")

    def erase(self, object: str, id: str) -> None:
        self.shelf.remove(object, id, actor="ann")

    def expire(self) -> None:
        self.token = "nobody has this one"

    def announce(self, change: Change) -> None:
        told = {"id": f"ev{change.number}", "type": f"note.{change.kind}", "note": change.row.id, "by": change.actor}
        body = json.dumps(told).encode()
        headers = self.sign(body, at=self.clock.exact())
        about = ((change.object, change.row.id, change.kind),)
        self.sent.append(Delivery("POST", self.hook_url, headers, body, about))

    def sign(self, body: bytes, *, at: datetime) -> dict[str, str]:
        stamp = str(int(at.timestamp()))
        digest = hmac.new(KEY, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        return {"Content-Type": "application/json", "X-Notes-Time": stamp, "X-Notes-Signature": digest}

    def handshake(self) -> Handshake:
        return Handshake("GET", f"{self.hook_url}?token=abc", {}, b"", 200, b"abc")


def shown(row: Row) -> dict[str, object]:
    return {**row.fields, "id": row.id, "changed": row.updated.isoformat(), "revision": row.version}
