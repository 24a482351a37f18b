"""HubSpot's CRM objects as its documentation describes them: contacts, companies and deals, API v3.

Written from https://developers.hubspot.com/docs/api-reference/ — legacy/crm/objects/contacts/guide,
legacy/crm/search-the-crm, legacy/crm/properties/guide, error-handling, legacy/authentication/manage-oauth-tokens —
developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines (limits and their headers), the public OpenAPI
files in github.com/HubSpot/HubSpot-public-api-spec-collection, and for webhooks docs/api/webhooks and
docs/apps/developer-platform/build-apps/authentication/request-validation.
Unverified (seen in published code, not in the documentation): the texts of the 401 and 404 answers, the 409 of an
e-mail address that exists, OBJECT_NOT_FOUND in batches, `changeSource: INTEGRATION` with the app's id as `sourceId`,
that an update answers only the properties that it set.
Left out: associations, merge, gdpr-delete, propertiesWithHistory, owners, imports, the webhooks journal, the date-based
twins of the addresses, and that search lags behind (set `lag` to have it).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from flask import Response, g, request
from flask.typing import ResponseReturnValue

from syncapp.doubles.answers import iso, speak
from syncapp.doubles.base import Delivery, Double
from syncapp.doubles.hubspot_batch import batches
from syncapp.doubles.hubspot_errors import error, missing_scopes, not_found, oauth_error, too_many, unknown_token
from syncapp.doubles.hubspot_hooks import APP, PORTAL, events, signed
from syncapp.doubles.hubspot_search import LONGEST_QUERY, BadSearch, search
from syncapp.doubles.hubspot_values import DEFAULTS, PROPERTIES, BadValue, described, modified, stored
from syncapp.doubles.shelf import Change, Fields, Row
from syncapp.doubles.tokens import Keyed, Tokens, bearer, consent
from syncapp.doubles.windows import Window

FIRST_ID = 33_451
LARGEST_PAGE = 100


class HubSpot(Keyed, Double):
    slug: ClassVar[str] = "hubspot"
    objects: ClassVar[tuple[str, ...]] = ("contacts", "companies", "deals")
    resolution: ClassVar[float] = 0.001
    # Results that one query gives at most; smaller in tests.
    cap = 10_000
    # Seconds until search knows of a change.
    lag = 0.0
    # Whether the documented limits are enforced.
    strict = False

    def routes(self) -> None:
        speak(self.app)
        self.tokens = Tokens(self.clock, life=1800, rotates=False, prefix="pat-na1-")
        self.calls = Window(self.clock, 190, 10, strict=self.strict)
        self.searches = Window(self.clock, 5, 1, strict=self.strict)
        self._ids = FIRST_ID
        self._event = 0
        self.shelf.watch(self._announce)
        self.app.before_request(self._gate)
        self.app.after_request(self._figures)
        consent(self.app, "/oauth/authorize", self.tokens)
        add, kind = self.app.add_url_rule, "/crm/v3/objects/<any(contacts, companies, deals):kind>"
        add("/oauth/v1/token", "token1", self.token, methods=["POST"])
        add("/oauth/v3/token", "token3", self.token, methods=["POST"])
        add("/account-info/v3/details", view_func=self.details)
        add("/crm/v3/properties/<any(contacts, companies, deals):kind>", view_func=self.properties)
        add(kind, view_func=self.list)
        add(kind, view_func=self.create, methods=["POST"])
        add(f"{kind}/search", view_func=self.search, methods=["POST"])
        add(f"{kind}/<id>", view_func=self.read)
        add(f"{kind}/<id>", view_func=self.update, methods=["PATCH"])
        add(f"{kind}/<id>", view_func=self.archive, methods=["DELETE"])
        batches(self, f"{kind}/batch")

    # Keys.

    def secrets(self) -> dict[str, str]:
        return {**self.tokens.secrets(), "webhook": self.tokens.client_secret, "app_id": str(APP)}

    def token(self) -> ResponseReturnValue:
        form = request.form
        if not self.tokens.is_client(form.get("client_id"), form.get("client_secret")):
            return oauth_error("invalid_client", "BAD_CLIENT_ID", "missing or unknown client id or secret")
        if form.get("grant_type") == "authorization_code":
            pair = self.tokens.redeem(form.get("code"), form.get("redirect_uri"))
            bad = ("invalid_grant", "BAD_AUTH_CODE", "missing or unknown auth code")
        elif form.get("grant_type") == "refresh_token":
            pair = self.tokens.renew(form.get("refresh_token"))
            bad = ("invalid_grant", "BAD_REFRESH_TOKEN", "refresh token is invalid, expired or revoked")
        else:
            return oauth_error("unsupported_grant_type", "BAD_GRANT_TYPE", "missing or unknown grant type")
        if pair is None:
            return oauth_error(*bad)
        return {
            "token_type": "bearer", "refresh_token": pair.refresh, "access_token": pair.access, "hub_id": PORTAL,
            "scopes": ["oauth", "crm.objects.contacts.read", "crm.objects.contacts.write"], "expires_in": pair.life,
        }  # fmt: skip

    def _gate(self) -> None:
        if not request.path.startswith(("/crm/", "/account-info/")):
            return
        self._know(bearer())
        window = self.searches if request.path.endswith("/search") else self.calls
        left = window.take()
        if left < 0:
            raise too_many("SECONDLY" if window is self.searches else "TEN_SECONDLY_ROLLING")
        g.left = left if window is self.calls else None

    def _know(self, token: str) -> None:
        ended = self.tokens.ended(token)
        if ended is None:
            raise unknown_token()
        if ended >= 0:
            when = iso(self.clock.exact() - timedelta(seconds=ended))
            told = f"The OAuth token used to make this call expired {int(ended)} second(s) ago."
            raise error(401, "EXPIRED_AUTHENTICATION", told, context={"expire time": [when]})

    def _figures(self, answer: Response) -> Response:
        """Search answers carry none."""
        if g.get("left") is not None:
            answer.headers["X-HubSpot-RateLimit-Max"] = str(self.calls.shown)
            answer.headers["X-HubSpot-RateLimit-Remaining"] = str(g.left)
            answer.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = str(int(self.calls.seconds * 1000))
            answer.headers["X-HubSpot-RateLimit-Daily"] = "625000"
            answer.headers["X-HubSpot-RateLimit-Daily-Remaining"] = "624000"
        return answer

    def refusal(self, status: int) -> Response:
        if status == 429:
            return too_many("TEN_SECONDLY_ROLLING").answer()
        if status == 401:
            return unknown_token().answer()
        if status == 403:
            return missing_scopes("crm.objects.contacts.read").answer()
        if status in (502, 503, 504):
            return Response("upstream request timeout", status, mimetype="text/plain")
        return error(status, None, "internal error").answer()

    def is_write(self, request: Any) -> bool:
        return super().is_write(request) and not request.path.endswith(("/search", "/batch/read"))

    # Records.

    def details(self) -> ResponseReturnValue:
        return {"portalId": PORTAL, "accountType": "STANDARD", "timeZone": "UTC", "companyCurrency": "EUR"}

    def properties(self, kind: str) -> ResponseReturnValue:
        return {"results": described(kind)}

    def list(self, kind: str) -> ResponseReturnValue:
        """`after` is the id of the next record; archived ones are a list of their own."""
        limit, gone = _limit(request.args.get("limit", "10")), request.args.get("archived") == "true"
        after = int(request.args.get("after") or 0)
        rows = [row for row in self.shelf.rows(kind, deleted=True) if row.deleted is gone and int(row.id) >= after]
        names = _names(kind, request.args.get("properties"))
        answer: dict[str, Any] = {"results": [self.shown(kind, row, names) for row in rows[:limit]]}
        if len(rows) > limit:
            link = f"{request.base_url}?limit={limit}&after={rows[limit].id}"
            answer["paging"] = {"next": {"after": rows[limit].id, "link": link}}
        return answer

    def search(self, kind: str) -> ResponseReturnValue:
        if len(request.get_data()) > LONGEST_QUERY:
            raise error(400, "VALIDATION_ERROR", f"The query is longer than {LONGEST_QUERY} characters")
        query = _body()
        horizon = self.clock.exact() - timedelta(seconds=self.lag)
        rows = [row for row in self.shelf.rows(kind) if not self.lag or row.updated <= horizon]
        try:
            found = search(kind, ((row.id, self.values(kind, row)) for row in rows), query, self.cap)
        except BadSearch as bad:
            raise error(400, "VALIDATION_ERROR", str(bad)) from None
        ids, total, after = found
        names = _names(kind, ",".join(query.get("properties") or []))
        shown = [self.shown(kind, row, names) for id in ids if (row := self.shelf.get(kind, id))]
        return {"total": total, "results": shown, **({"paging": {"next": {"after": after}}} if after else {})}

    def read(self, kind: str, id: str) -> ResponseReturnValue:
        gone = request.args.get("archived") == "true"
        row = self.found(kind, id, request.args.get("idProperty"), deleted=gone)
        return self.shown(kind, row, _names(kind, request.args.get("properties")))

    def create(self, kind: str) -> ResponseReturnValue:
        row = self.add(kind, _body().get("properties") or {})
        return self.shown(kind, row, (*DEFAULTS[kind], *row.fields)), 201

    def update(self, kind: str, id: str) -> ResponseReturnValue:
        given = _body().get("properties") or {}
        row = self.change(kind, self.found(kind, id, request.args.get("idProperty")), given)
        return self.shown(kind, row, (modified(kind), "createdate", "hs_object_id", *given))

    def archive(self, kind: str, id: str) -> ResponseReturnValue:
        row = self.shelf.get(kind, id, deleted=True)
        if row is None:
            raise not_found(id)
        if not row.deleted:
            self.shelf.remove(kind, row.id)
        return "", 204

    # What views and batches share.

    def add(self, kind: str, given: Fields) -> Row:
        values = self._stored(kind, {}, given)
        if kind == "contacts" and not {"email", "firstname", "lastname"} & set(values):
            raise error(400, "VALIDATION_ERROR", "At least one of email, firstname or lastname is required")
        self._unique(kind, values, None)
        self._ids += 1
        return self.shelf.add(kind, values, str(self._ids))

    def change(self, kind: str, row: Row, given: Fields, actor: str = "api") -> Row:
        values = self._stored(kind, row.fields, given)
        self._unique(kind, values, row)
        # Writing what is there already changes nothing, and no event tells of it.
        return row if values == row.fields else self.shelf.change(kind, row.id, lambda _: values, actor=actor)

    def found(self, kind: str, id: str, property: str | None = None, *, deleted: bool = False) -> Row:
        if not property:
            row = self.shelf.get(kind, id, deleted=deleted)
        else:
            lower = PROPERTIES[kind].get(property, PROPERTIES[kind]["hs_object_id"]).lower
            row = self.having(kind, property, id.lower() if lower else id)
        if row is None or (deleted and not row.deleted):
            raise not_found(id)
        return row

    def having(self, kind: str, name: str, value: str) -> Row | None:
        return next((row for row in self.shelf.rows(kind) if row.fields.get(name) == value), None)

    def _stored(self, kind: str, known: Fields, given: Fields) -> dict[str, str]:
        try:
            return stored(kind, known, given)
        except BadValue as bad:
            told = json.dumps([bad.as_json(PORTAL)], separators=(",", ":"))
            raise error(400, "VALIDATION_ERROR", f"Property values were not valid: {told}") from None

    def _unique(self, kind: str, values: dict[str, str], row: Row | None) -> None:
        for name, property in PROPERTIES[kind].items():
            other = self.having(kind, name, values[name]) if property.unique and name in values else None
            if other and (row is None or other.id != row.id):
                word = {"contacts": "Contact", "companies": "Company", "deals": "Deal"}[kind]
                raise error(409, "CONFLICT", f"{word} already exists. Existing ID: {other.id}")

    def values(self, kind: str, row: Row) -> dict[str, str]:
        own = {"createdate": iso(row.created), "hs_object_id": row.id, modified(kind): iso(row.updated)}
        return {**row.fields, **own}

    def shown(self, kind: str, row: Row, names: Iterable[str]) -> dict[str, Any]:
        """What was asked for and has no value is null; what does not exist is not shown."""
        values = self.values(kind, row)
        properties = {name: values.get(name) for name in dict.fromkeys(names) if name in PROPERTIES[kind]}
        shown = {"id": row.id, "properties": properties, "createdAt": iso(row.created), "updatedAt": iso(row.updated)}
        return {**shown, "archived": row.deleted, **({"archivedAt": iso(row.updated)} if row.deleted else {})}

    # People, and webhooks.

    def edit(self, object: str, id: str, fields: Fields) -> None:
        self.change(object, self.found(object, id), fields.get("properties", fields), actor="userId:514")

    def erase(self, object: str, id: str) -> None:
        self.shelf.remove(object, id, actor="userId:514")

    def _announce(self, change: Change) -> None:
        told = events(change, self._event)
        if not told:
            return
        self._event += len(told)
        body = json.dumps(told, separators=(",", ":")).encode()
        about = ((change.object, change.row.id, change.kind),)
        self.sent.append(Delivery("POST", self.hook_url, self.sign(body, at=self.clock.exact()), body, about))

    def sign(self, body: bytes, *, at: datetime) -> dict[str, str]:
        return signed(self.tokens.client_secret, "POST", self.hook_url, body, at)


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise error(400, "VALIDATION_ERROR", "Invalid input JSON: a JSON object is expected")
    return body


def _limit(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= LARGEST_PAGE:
        raise error(400, "VALIDATION_ERROR", f"limit must be a number from 1 to {LARGEST_PAGE}, not {text}")
    return int(text)


def _names(kind: str, asked: str | None) -> tuple[str, ...]:
    always = ("createdate", modified(kind), "hs_object_id")
    return (*always, *asked.split(",")) if asked else DEFAULTS[kind]
