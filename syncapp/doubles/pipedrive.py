"""Pipedrive as its documentation describes it: persons, organizations and deals of API v2, webhooks of v1.

Written from the official client (github.com/pipedrive/client-nodejs, versions v1 and v2: configuration, persons, deals,
organizations, webhooks), https://pipedrive.readme.io/docs/core-api-concepts-authentication,
.../core-api-concepts-rate-limiting, .../marketplace-oauth-authorization and .../guide-for-webhooks-v2.
Unverified: that what is deleted can be read by id and says so, the texts of refusals, the limits' headers.
Left out: v1 of the objects, notes and activities, filters, products, merging, and the daily budget of tokens.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue

from syncapp.doubles.answers import read_iso, speak
from syncapp.doubles.base import Delivery, Double
from syncapp.doubles.pipedrive_hooks import COMPANY, HUB_USER, Hook, event, hooked
from syncapp.doubles.pipedrive_values import NAMED, error, kept, shown
from syncapp.doubles.shelf import Change, Fields, Row
from syncapp.doubles.tokens import Keyed, Tokens, basic, bearer, consent
from syncapp.doubles.windows import Window

LARGEST_PAGE = 500
ORDERS: dict[str, Callable[[Row], Any]] = {
    "id": lambda row: int(row.id), "add_time": lambda row: (row.created, int(row.id)),
    "update_time": lambda row: (row.updated, int(row.id)),
}  # fmt: skip


class Pipedrive(Keyed, Double):
    slug: ClassVar[str] = "pipedrive"
    objects: ClassVar[tuple[str, ...]] = ("persons", "organizations", "deals")
    resolution: ClassVar[float] = 1.0
    strict = False

    def routes(self) -> None:
        speak(self.app)
        self.tokens = Tokens(self.clock, life=3600, rotates=False)
        self.calls = Window(self.clock, 100, 2, strict=self.strict)
        self.by_hand = Hook(1, "", "*", "*", "hub", self.tokens.client_secret[:20])
        self.hooks: dict[int, Hook] = {}
        self._count = 1
        self.shelf.watch(self._announce)
        self.app.before_request(self._gate)
        self.app.after_request(self._figures)
        consent(self.app, "/oauth/authorize", self.tokens)
        add, kind = self.app.add_url_rule, "/api/v2/<any(persons, organizations, deals):kind>"
        add("/oauth/token", view_func=self.token, methods=["POST"])
        add("/api/v1/users/me", view_func=self.me)
        add("/api/v1/webhooks", view_func=self.list_hooks)
        add("/api/v1/webhooks", view_func=self.hook, methods=["POST"])
        add("/api/v1/webhooks/<int:id>", view_func=self.unhook, methods=["DELETE"])
        add(kind, view_func=self.listed)
        add(kind, view_func=self.create, methods=["POST"])
        add(f"{kind}/search", view_func=self.search)
        add(f"{kind}/<int:id>", view_func=self.read)
        add(f"{kind}/<int:id>", view_func=self.update, methods=["PATCH"])
        add(f"{kind}/<int:id>", view_func=self.delete, methods=["DELETE"])

    # Keys and limits.

    def secrets(self) -> dict[str, str]:
        hook = {"webhook": self.by_hand.password, "webhook_user": self.by_hand.user}
        return {**self.tokens.secrets(), **hook}

    def token(self) -> ResponseReturnValue:
        form = request.form
        if not self.tokens.is_client(*basic()):
            return jsonify(success=False, error="invalid_client", message="Client authentication failed"), 401
        if form.get("grant_type") == "refresh_token":
            pair = self.tokens.renew(form.get("refresh_token"))
        else:
            pair = self.tokens.redeem(form.get("code"), form.get("redirect_uri"))
        if pair is None:
            return jsonify(success=False, error="invalid_grant", message="Invalid grant: it is not valid"), 400
        return {
            "access_token": pair.access, "token_type": "bearer", "refresh_token": pair.refresh,
            "scope": "base contacts:full deals:full", "expires_in": pair.life,
            "api_domain": request.url_root.rstrip("/"),
        }  # fmt: skip

    def _gate(self) -> Response | None:
        if not request.path.startswith("/api/"):
            return None
        shown_key = request.headers.get("x-api-token") or request.args.get("api_token") or bearer()
        if not self.tokens.good(shown_key):
            return self.refusal(401)
        return self.refusal(429) if self.calls.take() < 0 else None

    def _figures(self, answer: Response) -> Response:
        if request.path.startswith("/api/"):
            left = str(max(0, self.calls.shown - len(self.calls)))
            told = {"x-ratelimit-limit": str(self.calls.shown), "x-ratelimit-remaining": left, "x-ratelimit-reset": "2"}
            answer.headers.update(told)
        return answer

    def refusal(self, status: int) -> Response:
        told = {401: "unauthorized access", 403: "Scope and URL mismatch", 429: "request over limit"}
        headers = {"Retry-After": "1"} if status == 429 else {}
        return error(status, told.get(status, "Internal server error"), headers).answer()

    def me(self) -> ResponseReturnValue:
        return {"success": True, "data": {"id": HUB_USER, "name": "Hub", "company_id": COMPANY, "is_admin": 1}}

    # Records.

    def listed(self, kind: str) -> ResponseReturnValue:
        asked = request.args
        rows = self.shelf.rows(kind)
        if "ids" in asked:
            rows = [row for row in rows if row.id in asked["ids"].split(",")]
        if "updated_since" in asked:
            since = _moment("updated_since")
            rows = [row for row in rows if row.updated >= since]
        if "updated_until" in asked:
            until = _moment("updated_until")
            rows = [row for row in rows if row.updated < until]
        return self._page(kind, rows)

    def _page(self, kind: str, rows: list[Row]) -> ResponseReturnValue:
        """The cursor names the place of the next record, so that what comes and goes before it moves nothing."""
        field, down = request.args.get("sort_by", "id"), request.args.get("sort_direction") == "desc"
        if field not in ORDERS:
            raise error(400, f"sort_by must be one of {', '.join(ORDERS)}")
        limit, start = _limit(), _place(request.args.get("cursor"), field, down)
        rows = sorted(rows, key=ORDERS[field], reverse=down)
        if start:
            rows = [row for row in rows if (ORDERS[field](row) <= start if down else ORDERS[field](row) >= start)]
        cursor = _cursor(rows[limit], field, down) if len(rows) > limit else None
        found = [shown(kind, row) for row in rows[:limit]]
        return {"success": True, "data": found, "additional_data": {"next_cursor": cursor}}

    def search(self, kind: str) -> ResponseReturnValue:
        term, exact = request.args.get("term", "").lower(), request.args.get("exact_match") == "true"
        if len(term) < (1 if exact else 2):
            raise error(400, "term must have two characters at least")
        hits = [row for row in self.shelf.rows(kind) if any(_hit(term, text, exact) for text in _texts(kind, row))]
        items = [{"result_score": 0.5, "item": {"type": kind[:-1], **shown(kind, row)}} for row in hits[: _limit()]]
        return {"success": True, "data": {"items": items}, "additional_data": {"next_cursor": None}}

    def read(self, kind: str, id: int) -> ResponseReturnValue:
        """What was deleted can be read for 30 days."""
        row = self.shelf.get(kind, str(id), deleted=True)
        if row is None:
            raise _missing(kind)
        return {"success": True, "data": shown(kind, row)}

    def create(self, kind: str) -> ResponseReturnValue:
        row = self.shelf.add(kind, kept(kind, None, _body()), str(self._next()))
        return {"success": True, "data": shown(kind, row)}, 201

    def update(self, kind: str, id: int) -> ResponseReturnValue:
        row = self._found(kind, id)
        fields = kept(kind, row.fields, _body())
        row = row if fields == row.fields else self.shelf.change(kind, row.id, lambda _: fields)
        return {"success": True, "data": shown(kind, row)}

    def delete(self, kind: str, id: int) -> ResponseReturnValue:
        self.shelf.remove(kind, self._found(kind, id).id)
        return {"success": True, "data": {"id": id}}

    def _found(self, kind: str, id: int) -> Row:
        row = self.shelf.get(kind, str(id))
        if row is None:
            raise _missing(kind)
        return row

    def _next(self) -> int:
        self._count += 1
        return self._count

    # Webhooks, and people.

    def list_hooks(self) -> ResponseReturnValue:
        return {"success": True, "data": [hook.as_json() for hook in self.hooks.values()]}

    def hook(self) -> ResponseReturnValue:
        made = hooked(self._next(), _body())
        self.hooks[made.id] = made
        return {"success": True, "data": made.as_json()}, 201

    def unhook(self, id: int) -> ResponseReturnValue:
        if self.hooks.pop(id, None) is None:
            raise error(404, "Webhook not found")
        return {"success": True, "data": {"id": id}}

    def _announce(self, change: Change) -> None:
        """To what was subscribed; where nothing is, to the address that the suite names."""
        for hook in list(self.hooks.values()) or [self.by_hand]:
            if hook.wants(change):
                body = json.dumps(event(change, hook.id)).encode()
                about = ((change.object, change.row.id, change.kind),)
                self.sent.append(Delivery("POST", hook.url or self.hook_url, hook.headers(), body, about))

    def sign(self, body: bytes, *, at: datetime) -> dict[str, str]:
        """Credentials are all there is: no time, and nothing of the body."""
        return self.by_hand.headers()

    def edit(self, object: str, id: str, fields: Fields) -> None:
        self.shelf.change(object, id, lambda known: kept(object, known, fields), actor="ann")

    def erase(self, object: str, id: str) -> None:
        self.shelf.remove(object, id, actor="ann")


def _body() -> Fields:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise error(400, "The body must be a JSON object")
    return body


def _missing(kind: str) -> Exception:
    return error(404, f"{kind[:-1].capitalize()} not found.")


def _limit() -> int:
    text = request.args.get("limit", "100")
    if not text.isdigit() or not 1 <= int(text) <= LARGEST_PAGE:
        raise error(400, f"limit must be from 1 to {LARGEST_PAGE}")
    return int(text)


def _cursor(row: Row, field: str, down: bool) -> str:
    value = row.id if field == "id" else ORDERS[field](row)[0].isoformat()
    told = {"field": field, "fieldValue": value, "sortDirection": "desc" if down else "asc", "id": int(row.id)}
    return base64.b64encode(json.dumps(told).encode()).decode()


def _place(cursor: str | None, field: str, down: bool) -> Any:
    if not cursor:
        return None
    try:
        told = json.loads(base64.b64decode(cursor))
        if (told["field"], told["sortDirection"]) != (field, "desc" if down else "asc"):
            raise ValueError("a cursor of another order")
        return int(told["id"]) if field == "id" else (read_iso(told["fieldValue"]), int(told["id"]))
    except (ValueError, KeyError, TypeError):
        raise error(400, "cursor is not valid") from None


def _moment(name: str) -> datetime:
    try:
        return read_iso(request.args[name])
    except ValueError:
        raise error(400, f"{name} must be in RFC3339 format") from None


def _texts(kind: str, row: Row) -> list[str]:
    told = [
        row.fields[NAMED[kind]],
        *(one["value"] for name in ("emails", "phones") for one in row.fields.get(name, [])),
    ]
    return [str(text).lower() for text in told if text]


def _hit(term: str, text: str, exact: bool) -> bool:
    return term == text if exact else term in text
