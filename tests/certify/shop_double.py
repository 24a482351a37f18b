"""The double of the invented shop. ``traps`` switches on what real systems were seen to do."""

from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, ClassVar

from flask import request
from flask.typing import ResponseReturnValue

from syncapp.doubles.base import Clock, Delivery, Double, Handshake
from syncapp.doubles.shelf import Change, Row, merged

KEY = b"shop-webhook-secret"
KNOWN = {"name", "note", "price", "shelf"}
TRAPS = {
    "stranger": "a wrong key is answered 200, as a guest",
    "cursor_once": "a cursor is good for one use",
    "cap": "pages are cut to 10, silently",
    "short_list": "the listing leaves the note out",
    "offset": "pages are counted, so deleted records move the rest up",
    "coarse": "times are cut to a second, with a blank instead of a T, and `since` leaves its own second out",
    "slow_index": "the listing knows of a change two seconds and a half later",
    "behind": "times in records are two seconds behind those of the Date header",
    "never_updated": "the time of change is null until the first update",
    "replace": "an update replaces the record",
    "no_if_match": "If-Match is taken and ignored",
    "no_key": "the idempotency key is taken and ignored",
    "only_id": "a write answers with nothing but the id",
    "silent_drop": "the note is taken and dropped",
    "folded": "names are folded: accents gone, lower case",
    "no_clear": "null is ignored, an empty text clears",
    "omits": "empty fields are left out of an answer",
    "needs_shelf": "goods have to stand on a shelf, and the refusal names no field",
    "no_price": "a price is refused, and the refusal names no field",
    "closed": "goods without a name are listed only when all are asked for",
    "made_since": "what changed since is told by the time of creation",
    "nobody_403": "an id that there never was is answered 403",
    "gone_403": "a deleted id is answered 403",
    "gone_200": "a deleted id is answered 200, as if it lived",
    "found_dead": "a look-up shows deleted records",
    "delete_twice_500": "the second delete breaks",
    "update_raises_dead": "an update of a deleted id makes it live again",
    "other_greeting": "the handshake is a body with a challenge",
}  # fmt: skip


class Behind(Clock):
    def exact(self) -> datetime:
        return super().exact() - timedelta(seconds=2)


class Shop(Double):
    slug: ClassVar[str] = "shop"
    objects: ClassVar[tuple[str, ...]] = ("goods",)
    traps: Collection[str] = ()

    def routes(self) -> None:
        self.clock.resolution = 1.0 if "coarse" in self.traps else 0.001
        if "behind" in self.traps:
            self.shelf.clock = Behind()
        if "closed" in self.traps:
            self.shelf.add("goods", {"note": "nameless"}, actor="ann")
        self.keys: dict[str, str] = {}
        self.cursors: set[str] = set()
        self.shelf.watch(self.announce)
        self.app.before_request(self.check)
        add = self.app.add_url_rule
        add("/me", view_func=self.me)
        add("/goods", view_func=self.list)
        add("/goods", view_func=self.create, methods=["POST"])
        add("/goods/<id>", view_func=self.read)
        add("/goods/<id>", view_func=self.update, methods=["PATCH"])
        add("/goods/<id>", view_func=self.delete, methods=["DELETE"])

    def secrets(self) -> dict[str, str]:
        return {"token": "shop-token", "webhook": KEY.decode()}

    def known(self) -> bool:
        return request.headers.get("Authorization") == "Bearer shop-token"

    def check(self) -> ResponseReturnValue | None:
        open_to_all = request.path.startswith("/_double/") or "stranger" in self.traps
        return None if open_to_all or self.known() else ({"message": "who are you?"}, 401)

    def me(self) -> ResponseReturnValue:
        return {"name": "hub" if self.known() else "guest"}

    def list(self) -> ResponseReturnValue:
        found_by, since = request.args.get("name"), request.args.get("since")
        rows = sorted(self.shelf.rows("goods", deleted=True), key=lambda row: (row.updated, row.number))
        if "offset" in self.traps:
            rows = [row for row in self.shelf.rows("goods", deleted=True) if since or not row.deleted]
        rows = [row for row in rows if self.listed(row, since)]
        if found_by is not None:
            rows = [row for row in rows if row.fields.get("name") == self.stored({"name": found_by})["name"]]
        return self.page(rows, short="short_list" in self.traps)

    def listed(self, row: Row, since: str | None) -> bool:
        if row.deleted and since is None and not ("found_dead" in self.traps and "name" in request.args):
            return False
        if "closed" in self.traps and row.fields.get("name") is None and request.args.get("status") != "all":
            return False
        if "slow_index" in self.traps and self.clock.exact() - row.updated < timedelta(seconds=2.5):
            return False
        floor = None if since is None else datetime.fromisoformat(since)
        if floor is None:
            return True
        if "made_since" in self.traps:
            return row.created >= floor
        return row.updated > floor if "coarse" in self.traps else row.updated >= floor

    def page(self, rows: list[Row], short: bool) -> ResponseReturnValue:
        size, after = (
            min(int(request.args.get("limit", 20)), 10 if "cap" in self.traps else 20),
            request.args.get("after"),
        )
        if after is not None and "cursor_once" in self.traps:
            if after in self.cursors:
                return {"message": "this cursor was used"}, 400
            self.cursors.add(after)
        start = self.start(rows, after)
        some = rows[start : start + size]
        left = [self.shown(row) | ({"gone": False} if "found_dead" in self.traps else {}) for row in some]
        for one in left if short else ():
            one.pop("note", None)
        more = start + size < len(rows)
        return {"goods": left, "after": self.place(some[-1], start + size) if more else None}

    def start(self, rows: list[Row], after: str | None) -> int:
        if after is None:
            return 0
        if "offset" in self.traps:
            return int(after)
        moment, number = after.split("~")
        place = (datetime.fromisoformat(moment), int(number))
        return sum((row.updated, row.number) <= place for row in rows)

    def place(self, row: Row, count: int) -> str:
        return str(count) if "offset" in self.traps else f"{row.updated.isoformat()}~{row.number}"

    def create(self) -> ResponseReturnValue:
        key = request.headers.get("Idempotency-Key", "")
        if key in self.keys and "no_key" not in self.traps:
            return self.told(self.shelf.rows("goods", deleted=True)[int(self.keys[key])]), 201
        given = request.get_json()
        if "needs_shelf" in self.traps and given.get("shelf") not in ("s1", "s2"):
            return {"message": "Shelf cannot be blank"}, 422
        if "no_price" in self.traps and given.get("price") is not None:
            return {"message": "something is wrong"}, 422
        row = self.shelf.add("goods", self.stored(given))
        self.keys[key] = str(len(self.shelf.rows("goods", deleted=True)) - 1)
        return self.told(row), 201

    def stored(self, given: dict[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in given.items() if name in KNOWN}
        if "silent_drop" in self.traps:
            kept.pop("note", None)
        if "no_clear" in self.traps:
            kept = {name: value or None for name, value in kept.items() if value is not None}
        if "folded" in self.traps and isinstance(kept.get("name"), str):
            kept["name"] = unicodedata.normalize("NFKD", kept["name"]).encode("ascii", "ignore").decode().lower()
        return kept

    def read(self, id: str) -> ResponseReturnValue:
        row = self.shelf.get("goods", id, deleted=True)
        if row is None:
            return {"message": "no such goods"}, 403 if "nobody_403" in self.traps else 404
        if row.deleted and "gone_200" in self.traps:
            return {**self.shown(row), "gone": False}
        return ({"message": "deleted"}, 403 if "gone_403" in self.traps else 404) if row.deleted else self.shown(row)

    def update(self, id: str) -> ResponseReturnValue:
        row = self.shelf.get("goods", id, deleted=True)
        if row is not None and row.deleted and "update_raises_dead" in self.traps:
            row.deleted = False
        if row is None or row.deleted:
            return {"message": "no such goods"}, 404
        wanted = request.headers.get("If-Match")
        if wanted not in (None, f'"{row.number}"') and "no_if_match" not in self.traps:
            return {"message": "somebody was here"}, 412
        given = self.stored(request.get_json())
        replaces = "replace" in self.traps
        self.shelf.change("goods", id, lambda known: given if replaces else merged(known, given))
        return self.told(row)

    def delete(self, id: str) -> ResponseReturnValue:
        if self.shelf.get("goods", id) is None:
            return {"message": "no such goods"}, 500 if "delete_twice_500" in self.traps else 404
        self.shelf.remove("goods", id)
        return {}, 200

    def told(self, row: Row) -> dict[str, Any]:
        return {"id": row.id} if "only_id" in self.traps else self.shown(row)

    def shown(self, row: Row) -> dict[str, Any]:
        fields = {name: row.fields.get(name) for name in KNOWN}
        if "omits" in self.traps:
            fields = {name: value for name, value in fields.items() if value is not None}
        text = row.updated.strftime("%Y-%m-%d %H:%M:%S") if "coarse" in self.traps else row.updated.isoformat()
        fresh = "never_updated" in self.traps and row.version == 1
        return {
            **fields, "id": row.id, "revision": row.number, "gone": row.deleted,
            "changed": None if fresh else text, "made": row.created.isoformat(),
        }  # fmt: skip

    def edit(self, object: str, id: str, fields: dict[str, Any]) -> None:
        self.shelf.change(object, id, lambda known: merged(known, self.stored(fields)), actor="ann")

    def erase(self, object: str, id: str) -> None:
        self.shelf.remove(object, id, actor="ann")

    def announce(self, change: Change) -> None:
        told = {"id": f"ev{change.number}", "type": f"goods.{change.kind}", "goods": change.row.id, "by": change.actor}
        body = json.dumps(told).encode()
        headers = self.sign(body, at=self.clock.exact())
        about = ((change.object, change.row.id, change.kind),)
        self.sent.append(Delivery("POST", self.hook_url, headers, body, about))

    def sign(self, body: bytes, *, at: datetime) -> dict[str, str]:
        stamp = str(int(at.timestamp()))
        digest = hmac.new(KEY, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        return {"Content-Type": "application/json", "X-Shop-Time": stamp, "X-Shop-Signature": digest}

    def handshake(self) -> Handshake:
        if "other_greeting" in self.traps:
            body, headers = b'{"greeting": "abc"}', {"Content-Type": "application/json"}
            return Handshake("POST", self.hook_url, headers, body, 200, b"abc")
        return Handshake("GET", f"{self.hook_url}?hello=abc", {}, b"", 200, b"abc")
