"""Stripe as its documentation describes it: customers and products, form bodies, the event log, idempotency keys.

Written from https://docs.stripe.com/api — authentication, customers, products, events, pagination, errors,
idempotent_requests, request_ids, versioning — https://docs.stripe.com/rate-limits, https://docs.stripe.com/webhooks and
.../webhooks/signature, https://docs.stripe.com/stripe-apps/api-authentication/oauth (token endpoint), and from what the
official library reads (github.com/stripe/stripe-python).
Unverified: the wording of most messages, 403 and expired keys, that a change by a person has no request id, that lists
are newest first among objects of one second by their order of creation, that tokens of apps rotate.
Left out: expand, connected accounts, API versions that differ, v2 events, events older than 30 days, keys that are
stored with a 500 or kept less than for ever, two requests with one key at once (ask for a "409").
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from copy import deepcopy
from datetime import datetime
from typing import Any, ClassVar

from flask import Response, g, jsonify, request
from flask.typing import ResponseReturnValue

from syncapp.doubles.answers import speak
from syncapp.doubles.base import Delivery, Double
from syncapp.doubles.shelf import HUB, Change, Fields, Row, merged
from syncapp.doubles.stripe_forms import EMPTY, error, kept, nested
from syncapp.doubles.stripe_keys import Keys
from syncapp.doubles.stripe_lists import page, searched
from syncapp.doubles.tokens import Keyed, Tokens, basic, bearer, consent
from syncapp.doubles.windows import Window

VERSION = "2025-03-31.basil"
SINGULAR = {"customers": "customer", "products": "product"}
PREFIX = {"customers": "cus_", "products": "prod_"}


class Stripe(Keyed, Double):
    slug: ClassVar[str] = "stripe"
    objects: ClassVar[tuple[str, ...]] = ("customers", "products")
    resolution: ClassVar[float] = 1.0
    strict = False

    def routes(self) -> None:
        speak(self.app)
        self.tokens = Tokens(self.clock, life=3600, rotates=True, prefix="sk_test_")
        self.hook_secret = f"whsec_{secrets.token_hex(16)}"
        self.calls = Window(self.clock, 25, 1, strict=self.strict)
        self.events: list[dict[str, Any]] = []
        self.keys = Keys()
        self.shelf.watch(self._log)
        self.app.before_request(self._gate)
        self.app.after_request(self._signed_off)
        consent(self.app, "/oauth/v2/authorize", self.tokens)
        add, kind = self.app.add_url_rule, "/v1/<any(customers, products):kind>"
        add("/v1/oauth/token", view_func=self.token, methods=["POST"])
        add("/v1/account", view_func=self.account)
        add("/v1/events", view_func=self.list_events)
        add("/v1/events/<id>", view_func=self.event)
        add(kind, view_func=self.listed)
        add(kind, view_func=self.create, methods=["POST"])
        add(f"{kind}/search", view_func=self.search)
        add(f"{kind}/<id>", view_func=self.read)
        add(f"{kind}/<id>", view_func=self.update, methods=["POST"])
        add(f"{kind}/<id>", view_func=self.delete, methods=["DELETE"])

    # Keys.

    def secrets(self) -> dict[str, str]:
        return {**self.tokens.secrets(), "webhook": self.hook_secret}

    def token(self) -> ResponseReturnValue:
        """An app proves itself with its secret key: as the user of Basic, or as `client_secret`."""
        form, (user, _) = request.form, basic()
        if self.tokens.client_secret not in (user, form.get("client_secret"), bearer()):
            return jsonify(error="invalid_client", error_description="No such application"), 401
        if form.get("grant_type") == "refresh_token":
            pair = self.tokens.renew(form.get("refresh_token"))
        else:
            pair = self.tokens.redeem(form.get("code"), form.get("redirect_uri", ""))
        if pair is None:
            told = "This authorization code or refresh token does not exist, was used already, or was revoked"
            return jsonify(error="invalid_grant", error_description=told), 400
        return {
            "access_token": pair.access, "refresh_token": pair.refresh, "token_type": "bearer", "livemode": False,
            "scope": "stripe_apps", "stripe_user_id": "acct_1Nv0FGQ9RKHgCVdK",
            "stripe_publishable_key": "pk_test_0000",
        }  # fmt: skip

    def _gate(self) -> Response | None:
        # Read as it is before anything reads it as a form: a key is kept with the very bytes.
        request.get_data()
        g.request_id = f"req_{secrets.token_hex(7)}"
        g.key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        if not request.path.startswith("/v1/") or request.path == "/v1/oauth/token":
            return None
        self._know(bearer() or basic()[0] or "")
        if self.calls.take() < 0:
            return self.refusal(429)
        if request.method == "POST" and request.mimetype not in ("", "application/x-www-form-urlencoded"):
            told = "Invalid request (check that your POST content type is application/x-www-form-urlencoded)."
            raise error(400, f"{told} If you have questions, we can help at https://support.stripe.com/.")
        return self.keys.again(g.key) if g.key else None

    def _know(self, key: str) -> None:
        ended = self.tokens.ended(key)
        if not key:
            told = "You did not provide an API key. You need to provide your API key in the Authorization header,"
            raise error(401, f"{told} using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').")
        if ended is None or ended >= 0:
            word, code = ("Invalid", {}) if ended is None else ("Expired", {"code": "api_key_expired"})
            raise error(401, f"{word} API Key provided: {key[:8]}{'*' * 20}{key[-4:]}", **code)

    def _signed_off(self, answer: Response) -> Response:
        if not request.path.startswith("/v1/"):
            return answer
        answer.headers["Request-Id"] = g.request_id
        answer.headers["Stripe-Version"] = request.headers.get("Stripe-Version", VERSION)
        if g.key:
            answer.headers["Idempotency-Key"] = g.key
            self.keys.remember(g.key, g.request_id, answer)
        return answer

    def refusal(self, status: int) -> Response:
        if status == 429:
            told = "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits."
            answer = error(429, told, code="rate_limit").answer()
            answer.headers["Stripe-Rate-Limited-Reason"] = "global-rate"
            return answer
        if status == 409:
            told = "There is currently another in-progress request using this Idempotent Key. Please try again later."
            return error(409, told, code="idempotency_key_in_use").answer()
        if status == 401:
            return error(401, "Invalid API Key provided: sk_test_****************0000").answer()
        if status == 403:
            told = "The provided key 'rk_test_****0000' does not have the required permissions for this endpoint."
            return error(403, f"{told} Having the 'rak_customer_read' permission would allow this request.").answer()
        return error(status, "An unknown error occurred", "api_error").answer()

    # Objects.

    def account(self) -> ResponseReturnValue:
        return {"id": "acct_1Nv0FGQ9RKHgCVdK", "object": "account", "country": "DE", "default_currency": "eur"}

    def listed(self, kind: str) -> ResponseReturnValue:
        """A deleted object is not listed, but a page may start after it."""
        asked = _asked()
        shown = [
            {**self.shown(kind, row), "deleted": row.deleted} for row in reversed(self.shelf.rows(kind, deleted=True))
        ]
        shown.sort(key=lambda one: -one["created"])
        if "email" in asked:
            shown = [one for one in shown if one.get("email") == asked["email"]]
        return page(request.path, shown, asked)

    def search(self, kind: str) -> ResponseReturnValue:
        return searched(request.path, [self.shown(kind, row) for row in reversed(self.shelf.rows(kind))], _asked())

    def read(self, kind: str, id: str) -> ResponseReturnValue:
        row = self.shelf.get(kind, id, deleted=True)
        if row is None:
            raise _missing(kind, id)
        return _gone(kind, id) if row.deleted else self.shown(kind, row)

    def create(self, kind: str) -> ResponseReturnValue:
        given = nested(request.form.items(multi=True))
        if kind == "products" and "name" not in given:
            raise error(400, "Missing required param: name.", code="parameter_missing", param="name")
        values = kept(kind, deepcopy(EMPTY[kind]), given)
        return self.shown(kind, self.shelf.add(kind, values, f"{PREFIX[kind]}{secrets.token_hex(7)}"))

    def update(self, kind: str, id: str) -> ResponseReturnValue:
        row = self._found(kind, id)
        values = kept(kind, row.fields, nested(request.form.items(multi=True)))
        # No event tells of a call that changed nothing.
        row = row if values == row.fields else self.shelf.change(kind, id, lambda _: values)
        return self.shown(kind, row)

    def delete(self, kind: str, id: str) -> ResponseReturnValue:
        self._found(kind, id)
        self.shelf.remove(kind, id)
        return _gone(kind, id)

    def _found(self, kind: str, id: str) -> Row:
        row = self.shelf.get(kind, id)
        if row is None:
            raise _missing(kind, id)
        return row

    def shown(self, kind: str, row: Row) -> Fields:
        own = {"id": row.id, "object": SINGULAR[kind], "created": int(row.created.timestamp())}
        # Products tell when they were changed, customers do not.
        changed = {"updated": int(row.updated.timestamp())} if kind == "products" else {}
        return {**own, **deepcopy(row.fields), **changed}

    # Events, and people.

    def list_events(self) -> ResponseReturnValue:
        asked = _asked()
        types = asked.get("types")
        wanted = list(types.values()) if isinstance(types, dict) else [asked["type"]] if "type" in asked else None
        newest = [event for event in reversed(self.events) if wanted is None or event["type"] in wanted]
        newest.sort(key=lambda event: -event["created"])
        return page(request.path, newest, asked)

    def event(self, id: str) -> ResponseReturnValue:
        found = next((event for event in self.events if event["id"] == id), None)
        if found is None:
            raise error(404, f"No such event: '{id}'", code="resource_missing", param="id")
        return found

    def _log(self, change: Change) -> None:
        ours = change.actor == HUB
        by = {"id": g.request_id if ours else None, "idempotency_key": g.key if ours else None}
        previous = _previous(change.before or {}, change.row.fields) if change.kind == "updated" else None
        self._tell(change.object, change.row, change.kind, change.at, by, previous)

    def _tell(
        self, object: str, row: Row, kind: str, at: datetime, by: dict[str, Any], previous: Fields | None
    ) -> None:
        data = {"object": self.shown(object, row), **({"previous_attributes": previous} if previous else {})}
        event = {
            "id": f"evt_{secrets.token_hex(12)}", "object": "event", "api_version": VERSION,
            "created": int(at.timestamp()), "data": data, "livemode": False, "pending_webhooks": 1, "request": by,
            "type": f"{SINGULAR[object]}.{kind}",
        }  # fmt: skip
        self.events.append(event)
        body = json.dumps(event, indent=2).encode()
        about = ((object, row.id, kind),)
        self.sent.append(Delivery("POST", self.hook_url, self.sign(body, at=self.clock.exact()), body, about))

    def edit(self, object: str, id: str, fields: Fields) -> None:
        self.shelf.change(object, id, lambda known: merged(known, fields), actor="dashboard")

    def erase(self, object: str, id: str) -> None:
        self.shelf.remove(object, id, actor="dashboard")

    def stamp(self, object: str, ids: list[str], moment: datetime | None = None) -> None:
        """A customer has no time of change: an event of that time tells of one."""
        at = moment or self.clock.now()
        super().stamp(object, ids, at)
        for id in ids:
            self._tell(object, self._found(object, id), "updated", at, {"id": None, "idempotency_key": None}, {})

    def sign(self, body: bytes, *, at: datetime) -> dict[str, str]:
        """With the secret as it is written, its prefix too."""
        stamp = str(int(at.timestamp()))
        digest = hmac.new(self.hook_secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        return {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": f"t={stamp},v1={digest}"}


def _asked() -> dict[str, Any]:
    return nested(request.args.items(multi=True))


def _previous(before: Fields, after: Fields) -> Fields:
    """What changed, as it was; of an object only the keys that changed."""
    told: Fields = {}
    for name, value in after.items():
        was = before.get(name)
        if was == value:
            continue
        if isinstance(was, dict) and isinstance(value, dict):
            told[name] = {key: was.get(key) for key in {*was, *value} if was.get(key) != value.get(key)}
        else:
            told[name] = was
    return told


def _gone(kind: str, id: str) -> Fields:
    return {"id": id, "object": SINGULAR[kind], "deleted": True}


def _missing(kind: str, id: str) -> Exception:
    return error(404, f"No such {SINGULAR[kind]}: '{id}'", code="resource_missing", param="id")
