"""Zendesk Support as its documentation describes it: users, tickets and their comments, bulk jobs, exports, webhooks.

Written from https://developer.zendesk.com/api-reference/ — ticketing/users/users/, ticketing/tickets/tickets/,
ticketing/tickets/ticket_comments/, ticketing/account-configuration/usage_limits/, ticketing/oauth/grant_type_tokens/,
introduction/pagination/ — and the pages that the modules beside this one name.
Unverified: `Idempotency-Key` on new tickets (seen in a published client), the codes of refusals, that a write which
changes nothing leaves `updated_at` alone.
Left out: organizations, side-loading, search, macros, merging, redaction, permanent deletion, the limit of ten exports
a minute, and that the exports withhold the last minute (set `withheld` to have it).
"""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from typing import Any, ClassVar

from flask import Response, request
from flask.typing import ResponseReturnValue

from syncapp.doubles.answers import Refused, iso, speak
from syncapp.doubles.base import Delivery, Double
from syncapp.doubles.shelf import Change, Fields, Row
from syncapp.doubles.tokens import Keyed, Tokens, basic, bearer, consent
from syncapp.doubles.windows import Window
from syncapp.doubles.zendesk_events import events, signed
from syncapp.doubles.zendesk_jobs import Jobs
from syncapp.doubles.zendesk_lists import export, page
from syncapp.doubles.zendesk_records import SAFETY, SINGULAR, invalid, kept, shown

EMAIL = "hub@example.org"
FIRST_ID = 35_436


class Zendesk(Keyed, Double):
    slug: ClassVar[str] = "zendesk"
    objects: ClassVar[tuple[str, ...]] = ("users", "tickets")
    resolution: ClassVar[float] = 1.0
    # Seconds that an export does not tell of yet: a minute over there.
    withheld = 0.0
    strict = False

    def routes(self) -> None:
        speak(self.app)
        self.tokens = Tokens(self.clock, life=86_400, rotates=True)
        self.hook_secret = secrets.token_urlsafe(32)
        self.calls = Window(self.clock, 400, 60, strict=self.strict)
        self._ids = FIRST_ID
        self._keys: dict[str, tuple[bytes, Any]] = {}
        self.shelf.watch(self._announce)
        self.app.before_request(self._gate)
        self.app.after_request(self._figures)
        self.app.wsgi_app = _without_json(self.app.wsgi_app)  # type: ignore[method-assign]
        consent(self.app, "/oauth/authorizations/new", self.tokens)
        add, kind = self.app.add_url_rule, "/api/v2/<any(users, tickets):kind>"
        add("/oauth/tokens", view_func=self.token, methods=["POST"])
        add("/api/v2/users/me", view_func=lambda: {"user": {"id": 1, "name": "Hub", "email": EMAIL, "role": "admin"}})
        add("/api/v2/users/create_or_update", view_func=self.create_or_update, methods=["POST"])
        add("/api/v2/incremental/<any(users, tickets):kind>/cursor", view_func=self.export)
        add("/api/v2/tickets/<id>/comments", view_func=self.comments)
        add("/api/v2/users/<id>/identities", view_func=self.identities)
        add(kind, view_func=self.listed)
        add(kind, view_func=self.create, methods=["POST"])
        add(f"{kind}/show_many", view_func=self.show_many)
        add(f"{kind}/<id>", view_func=self.read)
        add(f"{kind}/<id>", view_func=self.update, methods=["PUT"])
        add(f"{kind}/<id>", view_func=self.delete, methods=["DELETE"])
        Jobs(self.app, kind, {
            "create_many": lambda kind, item: int(self._added(kind, item).id),
            "update_many": lambda kind, item: int(self._changed(kind, item, safe=kind == "tickets").id),
            "destroy_many": lambda kind, item: int(self._removed(kind, str(item["id"])).id),
            "create_or_update_many": lambda kind, item: int(self._upserted(item)[0].id),
        })  # fmt: skip

    # Keys and limits.

    def secrets(self) -> dict[str, str]:
        return {**self.tokens.secrets(), "email": EMAIL, "user": f"{EMAIL}/token", "webhook": self.hook_secret}

    def token(self) -> ResponseReturnValue:
        given = request.get_json(silent=True) or {}
        if not self.tokens.is_client(given.get("client_id"), given.get("client_secret")):
            raise _refused(401, "invalid_client", "Client authentication failed")
        grant = given.get("grant_type")
        if grant == "refresh_token":
            # The access token before is not good any more either.
            pair = self.tokens.renew(given.get("refresh_token"), ends=True)
        elif grant == "client_credentials":
            pair = self.tokens.issue()
        else:
            verifier = given.get("code_verifier", "")
            pair = self.tokens.redeem(given.get("code"), given.get("redirect_uri"), verifier)
        if pair is None:
            raise _refused(400, "invalid_grant", "The provided authorization grant is invalid, expired or revoked")
        told = {"access_token": pair.access, "token_type": "bearer", "scope": "read write", "expires_in": pair.life}
        more = {"refresh_token": pair.refresh, "refresh_token_expires_in": 2_592_000}
        return {**told, **({} if grant == "client_credentials" else more)}, 201

    def _gate(self) -> Response | None:
        if not request.path.startswith("/api/"):
            return None
        user, password = basic()
        by_token = user == f"{EMAIL}/token" and password == self.tokens.fixed
        if not by_token and not self.tokens.good(bearer()):
            return self.refusal(401)
        return self.refusal(429) if self.calls.take() < 0 else None

    def _figures(self, answer: Response) -> Response:
        if request.path.startswith("/api/"):
            left = str(max(0, self.calls.shown - len(self.calls)))
            answer.headers.update({"X-Rate-Limit": str(self.calls.shown), "X-Rate-Limit-Remaining": left})
            reset = {"ratelimit-limit": str(self.calls.shown), "ratelimit-remaining": left, "ratelimit-reset": "60"}
            answer.headers.update(reset)
        return answer

    def refusal(self, status: int) -> Response:
        if status == 401:
            return Refused(401, {"error": "Couldn't authenticate you"}).answer()
        if status == 403:
            told = {"title": "Forbidden", "message": "You do not have access to this page."}
            return Refused(403, {"error": told}).answer()
        if status == 429:
            told = {"description": "Rate limit for ticket updates exceeded", "error": "TooManyRequests"}
            return Refused(429, told, {"Retry-After": "1"}).answer()
        return _refused(status, "ServiceUnavailable" if status == 503 else "InternalError", "Try again later").answer()

    # Records.

    def listed(self, kind: str) -> ResponseReturnValue:
        rows = self.shelf.rows(kind)
        for name in ("external_id", "role"):
            if name in request.args:
                rows = [row for row in rows if _same(row.fields.get(name), request.args[name])]
        return page(kind, rows, lambda row: self.shown(kind, row))

    def show_many(self, kind: str) -> ResponseReturnValue:
        ids, external = request.args.get("ids", ""), request.args.get("external_ids", "")
        wanted = (ids or external).split(",")
        if len(wanted) > 100:
            raise _refused(400, "TooManyValues", "100 ids at most")
        if ids:
            rows = [row for id in wanted if (row := self.shelf.get(kind, id))]
        else:
            rows = [row for row in self.shelf.rows(kind) if any(_same(row.fields["external_id"], id) for id in wanted)]
        return {kind: [self.shown(kind, row) for row in rows], "count": len(rows), "next_page": None}

    def export(self, kind: str) -> ResponseReturnValue:
        horizon = self.clock.exact().timestamp() - self.withheld
        return export(kind, self.shelf.rows(kind, deleted=True), lambda row: self.shown(kind, row), horizon)

    def read(self, kind: str, id: str) -> ResponseReturnValue:
        row = self.shelf.get(kind, id, deleted=kind == "users")
        return {SINGULAR[kind]: self.shown(kind, row or _missing())}

    def comments(self, id: str) -> ResponseReturnValue:
        row = self._found("tickets", id)
        told = [{"id": int(id) * 1000 + at, "type": "Comment", **one} for at, one in enumerate(row.fields["comments"])]
        return {"comments": told, "count": len(told), "next_page": None}

    def identities(self, id: str) -> ResponseReturnValue:
        row = self._found("users", id)
        told = [
            {"id": int(id) * 100 + at, "type": "email", "value": mail, "primary": mail == row.fields["email"]}
            for at, mail in enumerate(row.fields["identities"])
        ]
        return {"identities": told, "count": len(told)}

    def create(self, kind: str) -> ResponseReturnValue:
        key = request.headers.get("Idempotency-Key") if kind == "tickets" else None
        if key and key in self._keys:
            body, answer = self._keys[key]
            if body != request.get_data():
                raise _refused(400, "IdempotentRequestError", "The key was used for another request")
            return answer, 201, {"x-idempotency-lookup": "hit"}
        row = self._added(kind, _body(kind))
        answer = {SINGULAR[kind]: self.shown(kind, row)}
        if key:
            self._keys[key] = (request.get_data(), answer)
        headers = {"Location": answer[SINGULAR[kind]]["url"], **({"x-idempotency-lookup": "miss"} if key else {})}
        return answer, 201, headers

    def create_or_update(self) -> ResponseReturnValue:
        row, made = self._upserted(_body("users"))
        return {"user": self.shown("users", row)}, 201 if made else 200

    def update(self, kind: str, id: str) -> ResponseReturnValue:
        row = self._changed(kind, {**_body(kind), "id": id})
        return {SINGULAR[kind]: self.shown(kind, row)}

    def delete(self, kind: str, id: str) -> ResponseReturnValue:
        row = self._removed(kind, id)
        return ({"user": self.shown(kind, row)}, 200) if kind == "users" else ("", 204)

    def _added(self, kind: str, given: Fields) -> Row:
        fields = kept(kind, None, given)
        self._unique(kind, fields, None)
        self._ids += 1
        return self.shelf.add(kind, fields, str(self._ids))

    def _changed(self, kind: str, given: Fields, *, safe: bool = False) -> Row:
        row = self._found(kind, str(given.get("id")))
        stamp = given.get("updated_stamp")
        # Any value of safe_update asks for safety, even false.
        if kind == "tickets" and ("safe_update" in given or (safe and stamp)) and stamp != iso(row.updated, 0):
            raise Refused(409, {"error": "UpdateConflict", "description": "The ticket was updated meanwhile"})
        fields = kept(kind, row.fields, {name: value for name, value in given.items() if name not in ("id", *SAFETY)})
        self._unique(kind, fields, row)
        return row if fields == row.fields else self.shelf.change(kind, row.id, lambda _: fields)

    def _upserted(self, given: Fields) -> tuple[Row, bool]:
        mail, external = str(given.get("email") or "").lower(), given.get("external_id")
        for row in self.shelf.rows("users"):
            if (mail and mail in row.fields["identities"]) or (external and _same(row.fields["external_id"], external)):
                return self._changed("users", {**given, "id": row.id}), False
        return self._added("users", given), True

    def _removed(self, kind: str, id: str) -> Row:
        return self.shelf.remove(kind, self._found(kind, id).id)

    def _unique(self, kind: str, fields: Fields, row: Row | None) -> None:
        for other in self.shelf.rows("users") if kind == "users" else []:
            if row is None or other.id != row.id:
                if same := set(fields["identities"]) & set(other.fields["identities"]):
                    raise invalid(email=f"{same.pop()} is already being used by another user")
                if fields["external_id"] and _same(fields["external_id"], other.fields["external_id"]):
                    raise invalid(external_id="has already been taken")

    def _found(self, kind: str, id: str) -> Row:
        return self.shelf.get(kind, id) or _missing()

    def shown(self, kind: str, row: Row) -> Fields:
        return shown(kind, row, request.url_root.rstrip("/"))

    # People, and webhooks.

    def _announce(self, change: Change) -> None:
        for event in events(change):
            body = json.dumps(event).encode()
            about = ((change.object, change.row.id, change.kind),)
            self.sent.append(Delivery("POST", self.hook_url, self.sign(body, at=self.clock.exact()), body, about))

    def sign(self, body: bytes, *, at: datetime) -> dict[str, str]:
        return signed(self.hook_secret, body, at)

    def edit(self, object: str, id: str, fields: Fields) -> None:
        told = {name: value for name, value in fields.items() if name != "email"}
        mail = {"email": fields["email"]} if "email" in fields else {}
        self.shelf.change(object, id, lambda known: {**kept(object, known, told), **mail}, actor="ann")

    def erase(self, object: str, id: str) -> None:
        self.shelf.remove(object, id, actor="ann")

    def stamp(self, object: str, ids: list[str], moment: datetime | None = None) -> None:
        """The export tells of it too."""
        for id in ids:
            self.shelf.change(object, id, lambda fields: fields, actor="ann")
        super().stamp(object, ids, moment)


def _body(kind: str) -> Fields:
    body = request.get_json(silent=True)
    given = body.get(SINGULAR[kind]) if isinstance(body, dict) else None
    if not isinstance(given, dict):
        raise _refused(400, "ParameterMissing", f"The request lacks {SINGULAR[kind]}")
    return given


def _same(left: Any, right: Any) -> bool:
    """External ids are compared without regard to case."""
    return left is not None and str(left).lower() == str(right).lower()


def _refused(status: int, error: str, told: str) -> Refused:
    return Refused(status, {"error": error, "description": told})


def _missing() -> Row:
    raise _refused(404, "RecordNotFound", "Not found")


def _without_json(app: Any) -> Any:
    """Addresses may end in .json, and mean the same."""

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        environ["PATH_INFO"] = environ["PATH_INFO"].removesuffix(".json")
        return app(environ, start_response)

    return answer
