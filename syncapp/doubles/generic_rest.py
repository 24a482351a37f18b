"""A plain REST system that nobody documented: well behaved as it is, and with every bad habit that was met elsewhere.

It stands for the API that an administrator describes by hand, so no page describes it; its habits are those of
`generic_rest_traps`, which are off until they are switched on. Without them: JSON, `X-Api-Key` or a bearer token,
`page` (or `after_id`) and `per_page` (100 at most) with `next_page` in the body, `updated_since` (inclusive), ETag with
If-Match and 412, PATCH for parts, 404 for what is gone, the whole record for an answer, and webhooks as Standard
Webhooks has them.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import ClassVar

from flask import Response, g, jsonify, request
from flask.typing import ResponseReturnValue

from syncapp.doubles.answers import iso, read_iso, speak
from syncapp.doubles.base import Delivery, Double
from syncapp.doubles.generic_rest_fields import FIELDS, checked, error
from syncapp.doubles.generic_rest_hooks import bare, event, standard
from syncapp.doubles.generic_rest_traps import CAP, TRAPS, Traps
from syncapp.doubles.shelf import Change, Fields, Row, merged
from syncapp.doubles.tokens import Keyed, Tokens, bearer, consent

LARGEST_PAGE = 100
OPEN_TO_ALL = ("/_double/", "/oauth/")


class GenericRest(Keyed, Double):
    slug: ClassVar[str] = "generic_rest"
    objects: ClassVar[tuple[str, ...]] = ("contacts", "tickets", "comments")
    resolution: ClassVar[float] = 0.001

    def __init__(self, traps: Iterable[str] = ()) -> None:
        self.traps = Traps()
        self.traps.switch(list(traps))
        super().__init__()
        self._cut_times()

    def _cut_times(self) -> None:
        self.clock.resolution = 1.0 if "space_times" in self.traps else self.resolution

    def routes(self) -> None:
        speak(self.app)
        self.tokens = Tokens(self.clock, life=3600, rotates=True, prefix="key-")
        self.hook_secret = f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"
        self._bare: list[tuple[Change, Fields]] = []
        self.shelf.watch(self._announce)
        self.app.before_request(self._gate)
        consent(self.app, "/oauth/authorize", self.tokens)
        add, kind = self.app.add_url_rule, "/api/<any(contacts, tickets):kind>"
        add("/oauth/token", view_func=self.token, methods=["POST"])
        add("/_double/traps", view_func=self.switch, methods=["GET", "POST"])
        add("/api/me", view_func=self.me)
        add(kind, view_func=self.listed)
        add(kind, view_func=self.create, methods=["POST"])
        add(kind, view_func=self.change_by_body, methods=["PUT", "PATCH"])
        add(f"{kind}/<id>", view_func=self.read)
        add(f"{kind}/<id>", view_func=self.change, methods=["PUT", "PATCH"])
        add(f"{kind}/<id>", view_func=self.delete, methods=["DELETE"])
        comments = "/api/tickets/<ticket>/comments"
        add(comments, view_func=self.comments)
        add(comments, view_func=self.comment, methods=["POST"])
        add("/api/comments/<id>", "read comment", lambda id: self.read("comments", id))

    def switch(self) -> ResponseReturnValue:
        """Which traps there are, and which are on."""
        if request.method == "POST":
            try:
                self.traps.switch(list((request.get_json(silent=True) or {}).get("on", [])))
            except ValueError as strange:
                return {"message": str(strange)}, 400
            self._cut_times()
        return {"on": sorted(self.traps), "traps": TRAPS}

    # Keys.

    def secrets(self) -> dict[str, str]:
        return {**self.tokens.secrets(), "webhook": self.hook_secret}

    def token(self) -> ResponseReturnValue:
        form = request.form
        if not self.tokens.is_client(form.get("client_id"), form.get("client_secret")):
            return jsonify(error="invalid_client"), 401
        if form.get("grant_type") == "refresh_token":
            pair = self.tokens.renew(form.get("refresh_token"))
        else:
            pair = self.tokens.redeem(form.get("code"), form.get("redirect_uri"))
        if pair is None:
            return jsonify(error="invalid_grant"), 400
        return {
            "access_token": pair.access, "refresh_token": pair.refresh, "token_type": "Bearer", "expires_in": pair.life,
        }  # fmt: skip

    def _gate(self) -> None:
        if request.path.startswith(OPEN_TO_ALL):
            return
        g.known = self.tokens.good(request.headers.get("X-Api-Key") or bearer())
        if not g.known and not (request.method == "GET" and "anonymous_200" in self.traps):
            raise error(401, "unauthorized", "This key is not known.")

    def refusal(self, status: int) -> Response:
        codes = {401: "unauthorized", 403: "forbidden", 429: "too_many_requests", 503: "unavailable"}
        headers = {"Retry-After": "1", "X-RateLimit-Remaining": "0"} if status == 429 else {}
        return error(status, codes.get(status, "error"), f"Answered with {status}.", headers).answer()

    def me(self) -> ResponseReturnValue:
        return {"id": 1, "name": "Hub"} if g.known else {"id": None, "name": "Anonymous"}

    # Records.

    def listed(self, kind: str) -> ResponseReturnValue:
        return self._paged([row for row in self.shelf.rows(kind) if g.known and self._asked_for(kind, row)])

    def comments(self, ticket: str) -> ResponseReturnValue:
        self._found("tickets", ticket)
        rows = [row for row in self.shelf.rows("comments") if row.fields["ticket_id"] == ticket]
        return self._paged(rows if g.known else [])

    def _asked_for(self, kind: str, row: Row) -> bool:
        wanted, since = request.args.get("status", "all"), request.args.get("updated_since")
        if "closed_hidden" in self.traps and "status" not in request.args and row.fields["status"] == "closed":
            return False
        if wanted != "all" and row.fields["status"] != wanted:
            return False
        for name in ("email", "reference"):
            if name in request.args and row.fields.get(name) != request.args[name]:
                return False
        if since and self._updated(row) is None:
            return False
        created = request.args.get("created_since")
        return not (since and row.updated < _moment(since)) and not (created and row.created < _moment(created))

    def _paged(self, rows: list[Row]) -> ResponseReturnValue:
        """By number; or after an id, which nothing moves under the reader."""
        if "after_id" in request.args:
            after = _number("after_id", 0)
            rows = [row for row in rows if int(row.id) > after]
        number, size = _number("page", 1), min(_number("per_page", 20), LARGEST_PAGE)
        size = min(size, CAP) if "capped" in self.traps else size
        found = [self.shown(row) for row in rows[(number - 1) * size :][:size]]
        more = number * size < len(rows) or "endless_pages" in self.traps
        following = number + 1 if more else None
        if "page_loop" in self.traps and number == 2:
            following = number
        if "next_in_header" not in self.traps:
            return {"items": found, "next_page": following, "total": len(rows)}
        answer = jsonify(found)
        if following:
            answer.headers["X-Next-Page"] = str(following)
        return answer

    def read(self, kind: str, id: str) -> ResponseReturnValue:
        row = self._found(kind, id, show=True)
        answer = jsonify(self.shown(row))
        answer.headers["ETag"] = _etag(row)
        return answer

    def create(self, kind: str) -> ResponseReturnValue:
        fields = {**FIELDS[kind], **checked(kind, _body())}
        return self._written(self.shelf.add(kind, fields), 201)

    def comment(self, ticket: str) -> ResponseReturnValue:
        self._found("tickets", ticket)
        fields = {**FIELDS["comments"], **checked("comments", _body()), "ticket_id": ticket}
        return self._written(self.shelf.add("comments", fields), 201)

    def change(self, kind: str, id: str) -> ResponseReturnValue:
        if "id_in_body" in self.traps:
            raise error(405, "method_not_allowed", "Name the record in the body, and send it to the list.")
        return self._changed(kind, id, _body())

    def change_by_body(self, kind: str) -> ResponseReturnValue:
        given = _body()
        if "id_in_body" not in self.traps:
            raise error(405, "method_not_allowed", "Send a change to the address of the record.")
        return self._changed(kind, str(given.pop("id", "")), given)

    def _changed(self, kind: str, id: str, given: Fields) -> ResponseReturnValue:
        if request.method == "PATCH" and "no_patch" in self.traps:
            raise error(405, "method_not_allowed", "PATCH is not supported.")
        row, match = self._found(kind, id), request.headers.get("If-Match")
        if match and match not in ("*", _etag(row)) and "if_match_ignored" not in self.traps:
            raise error(412, "precondition_failed", "The record was changed meanwhile.")
        whole = request.method == "PUT" and "no_patch" not in self.traps
        fields = merged(FIELDS[kind] if whole else row.fields, checked(kind, given))
        return self._written(self.shelf.change(kind, id, lambda _: fields), 200)

    def delete(self, kind: str, id: str) -> ResponseReturnValue:
        self._found(kind, id)
        self.shelf.remove(kind, id)
        return "", 204

    def _written(self, row: Row, status: int) -> ResponseReturnValue:
        answer = jsonify({"id": row.id} if "only_id" in self.traps else self.shown(row))
        answer.status_code = status
        if "only_id" not in self.traps:
            answer.headers["ETag"] = _etag(row)
        return answer

    def _found(self, kind: str, id: str, *, show: bool = False) -> Row:
        row = self.shelf.get(kind, id, deleted=True)
        if row is not None and row.deleted and "gone_403" in self.traps:
            raise error(403, "forbidden", "You may not see this record.")
        if row is None or (row.deleted and not (show and "gone_200" in self.traps)) or not g.known:
            raise error(404, "not_found", "There is no such record.")
        return row

    def _updated(self, row: Row) -> str | None:
        return None if "null_until_updated" in self.traps and row.version == 1 else self._time(row.updated)

    def _time(self, moment: datetime) -> str:
        if "space_times" in self.traps:
            return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        return iso(moment)

    def shown(self, row: Row) -> Fields:
        told = {"id": row.id, **row.fields, "created_at": self._time(row.created), "updated_at": self._updated(row)}
        if "field_gone" in self.traps:
            told.pop("phone", None)
        return {**told, "deleted": True} if row.deleted else told

    # Webhooks, and people.

    def _announce(self, change: Change) -> None:
        shown = self.shown(change.row)
        if "bare_hooks" in self.traps:
            self._bare.append((change, shown))
            return
        told = event(change, shown, iso(change.at))
        body = json.dumps(told).encode()
        headers = standard(self.hook_secret, told["id"], body, self.clock.exact())
        about = ((change.object, change.row.id, change.kind),)
        self.sent.append(Delivery("POST", self.hook_url, headers, body, about))

    def deliveries(self) -> list[Delivery]:
        told, self._bare = self._bare, []
        for body, changes in bare(told):
            about = tuple((change.object, change.row.id, change.kind) for change in changes)
            self.sent.append(Delivery("POST", self.hook_url, {"Content-Type": "application/json"}, body, about))
        return super().deliveries()

    def sign(self, body: bytes, *, at: datetime) -> dict[str, str]:
        if "bare_hooks" in self.traps:
            raise NotImplementedError("nothing is signed while bare_hooks is on")
        told = json.loads(body) if body.startswith(b"{") else {}
        return standard(self.hook_secret, str(told.get("id", "evt_0")), body, at)

    def edit(self, object: str, id: str, fields: Fields) -> None:
        self.shelf.change(object, id, lambda known: merged(known, fields), actor="ann")

    def erase(self, object: str, id: str) -> None:
        self.shelf.remove(object, id, actor="ann")


def _body() -> Fields:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise error(400, "bad_request", "The body must be a JSON object.")
    return body


def _number(name: str, default: int) -> int:
    text = request.args.get(name, str(default))
    if not text.isdigit() or int(text) < min(1, default):
        raise error(400, "bad_request", f"{name} must be a number from {min(1, default)} on.")
    return int(text)


def _moment(text: str) -> datetime:
    try:
        return read_iso(text if "T" in text else f"{text.replace(' ', 'T')}Z")
    except ValueError:
        raise error(400, "bad_request", f"{text} is no time.") from None


def _etag(row: Row) -> str:
    return f'"{row.version}"'
