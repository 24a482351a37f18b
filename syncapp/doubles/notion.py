"""Notion as its documentation describes it: the pages of one data source, and thin webhooks.

Written from https://developers.notion.com/reference/ — intro, versioning, page, post-page, patch-page, retrieve-a-page,
query-a-data-source, retrieve-a-data-source, get-self, status-codes, request-limits, create-a-token, refresh-a-token,
webhooks, webhooks-events-delivery — and the pages that the modules beside this one name.
Unverified: times are cut to the minute (the changelog says so), 10,000 results at most, that refresh tokens rotate,
that a page in the trash can still be read, `in_trash` where `archived` was before.
Left out: blocks, comments, databases, relations, people, formulas, files, moving, locking, the older addresses, and
that webhooks gather several edits.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import uuid
from datetime import datetime
from typing import Any, ClassVar

from flask import Response, request
from flask.typing import ResponseReturnValue

from syncapp.doubles.answers import iso, speak
from syncapp.doubles.base import Delivery, Double, Handshake
from syncapp.doubles.notion_query import found, size
from syncapp.doubles.notion_values import Property, empty, error, invalid, kept, schema
from syncapp.doubles.shelf import HUB, Change, Fields, Row
from syncapp.doubles.tokens import Keyed, Tokens, basic, bearer, consent
from syncapp.doubles.windows import Window

SOURCE, DATABASE = "2f26ee68-df30-4251-aad4-8ddc420cba3d", "668d797c-76fa-4934-9b05-ad288df2d136"
BOT, PERSON = "1edc05f6-2702-81b5-8408-00279347f034", "c7c11cca-1d73-471d-9b6e-bdef51470190"
CAP = 10_000
REFUSALS = {
    401: ("unauthorized", "API token is invalid."),
    403: ("restricted_resource", "API token does not have access to this resource."),
    409: ("conflict_error", "Conflict occurred while saving. Please try again."),
    429: ("rate_limited", "You have been rate limited. Please try again in a few minutes."),
    503: ("service_unavailable", "Notion is unavailable, please try again later."),
}


class Notion(Keyed, Double):
    slug: ClassVar[str] = "notion"
    objects: ClassVar[tuple[str, ...]] = ("pages",)
    resolution: ClassVar[float] = 60.0
    strict = False

    def routes(self) -> None:
        speak(self.app)
        self.tokens = Tokens(self.clock, life=10 * 365 * 86_400, rotates=True, prefix="ntn_")
        self.hook_secret = f"secret_{secrets.token_hex(22)}"
        self.calls = Window(self.clock, 3, 1, strict=self.strict)
        self.properties = schema()
        self._cursors: dict[str, list[str]] = {}
        self.shelf.watch(self._announce)
        self.app.before_request(self._gate)
        consent(self.app, "/v1/oauth/authorize", self.tokens)
        add = self.app.add_url_rule
        add("/v1/oauth/token", view_func=self.token, methods=["POST"])
        add("/v1/users/me", view_func=lambda: {"object": "user", "id": BOT, "type": "bot", "name": "Hub", "bot": {}})
        add(f"/v1/data_sources/{SOURCE}", view_func=self.source)
        add(f"/v1/data_sources/{SOURCE}/query", view_func=self.query, methods=["POST"])
        add("/v1/data_sources/<id>/query", "no source", self.no_source, methods=["POST"])
        add("/v1/pages", view_func=self.create, methods=["POST"])
        add("/v1/pages/<id>", view_func=self.read)
        add("/v1/pages/<id>", view_func=self.update, methods=["PATCH"])

    # Keys.

    def config(self, address: str) -> dict[str, str]:
        return {"server": address, "data_source": SOURCE, "bot": BOT}

    def secrets(self) -> dict[str, str]:
        return {**self.tokens.secrets(), "webhook": self.hook_secret}

    def token(self) -> ResponseReturnValue:
        """JSON in, Basic for the client, and no time of expiry out."""
        given = request.get_json(silent=True) or {}
        if not self.tokens.is_client(*basic()):
            raise error(401, "unauthorized", "Client authentication failed.")
        if given.get("grant_type") == "refresh_token":
            pair = self.tokens.renew(given.get("refresh_token"))
        else:
            pair = self.tokens.redeem(given.get("code"), given.get("redirect_uri"))
        if pair is None:
            raise error(400, "invalid_grant", "Invalid code: this code has been revoked.")
        return {
            "access_token": pair.access, "token_type": "bearer", "refresh_token": pair.refresh, "bot_id": BOT,
            "workspace_id": "13950b26-c203-4f3b-b97d-93ec06319565", "workspace_name": "Concord",
            "owner": {"type": "user", "user": {"object": "user", "id": PERSON}}, "duplicated_template_id": None,
        }  # fmt: skip

    def _gate(self) -> Response | None:
        if not request.path.startswith("/v1/") or request.path.startswith("/v1/oauth/"):
            return None
        if not self.tokens.good(bearer()):
            return self.refusal(401)
        if "Notion-Version" not in request.headers:
            told = "Notion-Version header should be defined, instead was undefined."
            raise error(400, "missing_version", f"Notion-Version header failed validation: {told}")
        return self.refusal(429) if self.calls.take() < 0 else None

    def refusal(self, status: int) -> Response:
        code, told = REFUSALS.get(status, ("internal_server_error", "Unexpected error occurred."))
        headers = {"Retry-After": "1"} if status in (429, 529) else {}
        return error(status, code, told, headers).answer()

    def is_write(self, request: Any) -> bool:
        return super().is_write(request) and not request.path.endswith("/query")

    # Pages.

    def source(self) -> ResponseReturnValue:
        told = {
            name: {
                "id": one.id,
                "name": name,
                "type": one.type,
                one.type: {"options": [{"name": o} for o in one.options]},
            }
            for name, one in self.properties.items()
        }
        return {"object": "data_source", "id": SOURCE, "parent": {"database_id": DATABASE}, "properties": told}

    def no_source(self, id: str) -> ResponseReturnValue:
        raise _missing("data source", id)

    def query(self) -> ResponseReturnValue:
        """What is in the trash is not found."""
        body = _body()
        cursor, most = body.get("start_cursor"), size(body)
        if cursor:
            if cursor not in self._cursors:
                raise invalid("body.start_cursor is not a valid cursor")
            ids = self._cursors[cursor]
        else:
            ids = [row.id for row in found(self.properties, self.shelf.rows("pages"), body)][:CAP]
        rows = [row for id in ids[:most] if (row := self.shelf.get("pages", id))]
        following = str(uuid.uuid4()) if len(ids) > most else None
        if following:
            self._cursors[following] = ids[most:]
        told = {"object": "list", "type": "page_or_data_source", "results": [self.shown(row) for row in rows]}
        return {**told, "next_cursor": following, "has_more": following is not None}

    def read(self, id: str) -> ResponseReturnValue:
        return self.shown(self._found(id))

    def create(self) -> ResponseReturnValue:
        body = _body()
        parent = body.get("parent") or {}
        if parent.get("data_source_id") != SOURCE:
            raise _missing("data source", str(parent.get("data_source_id")))
        fields = kept(self.properties, empty(self.properties), body.get("properties"))
        row = self.shelf.add("pages", fields, str(uuid.uuid4()))
        row.notes["number"] = len(self.shelf.rows("pages", deleted=True))
        return self.shown(row)

    def update(self, id: str) -> ResponseReturnValue:
        row, body = self._found(id), _body()
        trash = body.get("in_trash", body.get("archived", row.deleted))
        if row.deleted and trash and "properties" in body:
            raise error(400, "validation_error", "Can't edit page on block that is in the trash.")
        if trash and not row.deleted:
            return self.shown(self.shelf.remove("pages", row.id))
        if row.deleted and not trash:
            row.deleted = False
            self.shelf.change("pages", row.id, lambda known: known)
        fields = kept(self.properties, row.fields, body.get("properties") or {})
        return self.shown(row if fields == row.fields else self.shelf.change("pages", row.id, lambda _: fields))

    def _found(self, id: str) -> Row:
        row = self.shelf.get("pages", id, deleted=True) or self.shelf.get("pages", _dashed(id), deleted=True)
        if row is None:
            raise _missing("page", id)
        return row

    def shown(self, row: Row) -> Fields:
        own = {"unique_id": {"prefix": None, "number": row.notes["number"]}, "last_edited_time": iso(row.updated)}
        properties = {
            name: {"id": one.id, "type": one.type, one.type: own.get(one.type, row.fields.get(name))}
            for name, one in self.properties.items()
        }
        return {
            "object": "page", "id": row.id, "created_time": iso(row.created), "last_edited_time": iso(row.updated),
            "created_by": {"object": "user", "id": BOT}, "last_edited_by": {"object": "user", "id": _author(row.actor)},
            "cover": None, "icon": None, "in_trash": row.deleted, "archived": row.deleted,
            "parent": {"type": "data_source_id", "data_source_id": SOURCE, "database_id": DATABASE},
            "properties": properties, "url": f"https://www.notion.so/{row.id.replace('-', '')}", "public_url": None,
        }  # fmt: skip

    # Webhooks, and people.

    def _announce(self, change: Change) -> None:
        kind = {"created": "page.created", "updated": "page.properties_updated", "deleted": "page.deleted"}[change.kind]
        before, after = change.before or {}, change.row.fields
        changed = [self.properties[name].id for name in after if before.get(name) != after[name]]
        more = {"updated_properties": changed} if change.kind == "updated" else {}
        told = {
            "id": str(uuid.uuid4()), "timestamp": iso(self.clock.exact()), "workspace_name": "Concord",
            "workspace_id": "13950b26-c203-4f3b-b97d-93ec06319565",
            "subscription_id": "29d75c0d-5546-4414-8459-7b7a92f1fc4b",
            "integration_id": "0ef2e755-4912-8096-91c1-00376a88a5ca", "type": kind,
            "authors": [{"id": _author(change.actor), "type": "bot" if change.actor == HUB else "person"}],
            "accessible_by": [{"id": PERSON, "type": "person"}, {"id": BOT, "type": "bot"}], "attempt_number": 1,
            "api_version": "2025-09-03", "entity": {"id": change.row.id, "type": "page"},
            "data": {"parent": {"id": DATABASE, "type": "database", "data_source_id": SOURCE}, **more},
        }  # fmt: skip
        body = json.dumps(told).encode()
        about = ((change.object, change.row.id, change.kind),)
        self.sent.append(Delivery("POST", self.hook_url, self.sign(body, at=self.clock.exact()), body, about))

    def sign(self, body: bytes, *, at: datetime) -> dict[str, str]:
        """With the token that the handshake told; no time is signed."""
        return signed(self.hook_secret, body)

    def handshake(self) -> Handshake:
        """Not signed: the token in it is the key from then on, once a person has pasted it back."""
        body = json.dumps({"verification_token": self.hook_secret}).encode()
        return Handshake("POST", self.hook_url, {"Content-Type": "application/json"}, body, 200)

    def edit(self, object: str, id: str, fields: Fields) -> None:
        given = fields.get("properties", fields)
        self.shelf.change(object, id, lambda known: kept(self.properties, known, given), actor="ann")

    def erase(self, object: str, id: str) -> None:
        self.shelf.remove(object, id, actor="ann")


def signed(token: str, body: bytes) -> dict[str, str]:
    digest = hmac.new(token.encode(), body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Notion-Signature": f"sha256={digest}"}


def _options(one: Property) -> Fields:
    return {"options": [{"name": name} for name in one.options]} if one.options else {}


def _author(actor: str) -> str:
    return BOT if actor == HUB else PERSON


def _dashed(id: str) -> str:
    """Ids are taken with and without dashes."""
    return f"{id[:8]}-{id[8:12]}-{id[12:16]}-{id[16:20]}-{id[20:]}"


def _missing(what: str, id: str) -> Exception:
    told = 'Make sure the relevant pages and databases are shared with your integration "Hub".'
    return error(404, "object_not_found", f"Could not find {what} with ID: {id}. {told}")


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise error(400, "invalid_json", "Error parsing JSON body.")
    return body
