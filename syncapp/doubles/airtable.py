"""Airtable as its documentation describes it: records of a base, upserts, and the log of changes behind webhooks.

Written from https://airtable.com/developers/web/api/ — list-records, get-record, create-records, update-record,
update-multiple-records, delete-multiple-records, field-model, errors, rate-limits, oauth-reference, webhooks-overview,
list-webhook-payloads, get-base-schema — https://support.airtable.com/docs/airtable-api-common-troubleshooting, and
the public clients pyairtable and airtable.js where the pages were out of reach.
Unverified: 404 of a missing record and 403 of an unknown table, five minutes of life of an iterator, that a refused
call costs 30 seconds, that a batch is refused as a whole, PKCE and the rotation of refresh tokens.
Left out: views, cellFormat, attachments, comments, changes of the schema, `user` scopes, the limit of the address.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue

from syncapp.doubles.airtable_errors import error, no_model, refused, unauthorized
from syncapp.doubles.airtable_hooks import USER, signed
from syncapp.doubles.airtable_log import BASE, TABLES, Hooks
from syncapp.doubles.airtable_query import Asked, asked, ordered
from syncapp.doubles.airtable_values import COLUMNS, kept, named, tables
from syncapp.doubles.answers import iso, speak
from syncapp.doubles.base import Double
from syncapp.doubles.shelf import Fields, Row
from syncapp.doubles.tokens import Keyed, Tokens, basic, bearer, consent
from syncapp.doubles.windows import Window

BATCH = 10
PENALTY = timedelta(seconds=30)
ITERATOR = timedelta(minutes=5)


@dataclass
class Iterator:
    ids: list[str]
    ends: datetime


class Airtable(Keyed, Double):
    slug: ClassVar[str] = "airtable"
    objects: ClassVar[tuple[str, ...]] = ("Contacts", "Companies")
    # An account sees one table.
    aliases: ClassVar[Mapping[str, str]] = {"records": "Contacts"}
    columns: ClassVar[Mapping[str, Mapping[str, str]]] = {"records": COLUMNS}
    resolution: ClassVar[float] = 0.001
    strict = False

    def routes(self) -> None:
        speak(self.app)
        self.tokens = Tokens(self.clock, life=3600, rotates=True, prefix="pat")
        self.calls = Window(self.clock, 5, 1, strict=self.strict)
        self._barred: datetime | None = None
        self.fields = tables()
        self._iterators: dict[str, Iterator] = {}
        self.hooks = Hooks(self, f"/v0/bases/{BASE}/webhooks")
        self.app.before_request(self._gate)
        consent(self.app, "/oauth2/v1/authorize", self.tokens, pkce=True)
        add, table = self.app.add_url_rule, f"/v0/{BASE}/<table>"
        add("/oauth2/v1/token", view_func=self.token, methods=["POST"])
        add("/v0/meta/whoami", view_func=lambda: {"id": USER["id"], "scopes": ["data.records:read"]})
        add(f"/v0/meta/bases/{BASE}/tables", view_func=self.schema)
        add(table, view_func=self.listed)
        add(f"{table}/listRecords", "list by body", self.listed, methods=["POST"])
        add(table, view_func=self.create, methods=["POST"])
        add(table, view_func=self.update_many, methods=["PATCH", "PUT"])
        add(table, view_func=self.delete_many, methods=["DELETE"])
        add(f"{table}/<id>", view_func=self.read)
        add(f"{table}/<id>", view_func=self.update, methods=["PATCH", "PUT"])
        add(f"{table}/<id>", view_func=self.delete, methods=["DELETE"])
        self.app.register_error_handler(404, lambda _: (jsonify(error="NOT_FOUND"), 404))

    # Keys.

    def config(self, address: str) -> dict[str, str]:
        """`subscription`: the webhook that is there already, in whose log changes stand."""
        where = {"server": address, "login": address, "base": BASE, "table": TABLES["Contacts"]}
        return {**where, "subscription": self.hooks.by_hand.id}

    def secrets(self) -> dict[str, str]:
        return {**self.tokens.secrets(), "webhook": self.hooks.by_hand.secret}

    def token(self) -> ResponseReturnValue:
        form, given = request.form, basic()
        if not self.tokens.is_client(*given):
            return jsonify(error="invalid_client", error_description="Unknown client or wrong secret"), 401
        if form.get("grant_type") == "refresh_token":
            pair = self.tokens.renew(form.get("refresh_token"))
        else:
            pair = self.tokens.redeem(form.get("code"), form.get("redirect_uri"), form.get("code_verifier", ""))
        if pair is None:
            return jsonify(error="invalid_grant", error_description="The grant is expired, revoked or unknown"), 400
        return {
            "access_token": pair.access, "refresh_token": pair.refresh, "token_type": "Bearer",
            "scope": "data.records:read data.records:write", "expires_in": pair.life, "refresh_expires_in": 5_184_000,
        }  # fmt: skip

    def _gate(self) -> Response | None:
        if not request.path.startswith("/v0/"):
            return None
        token, now = bearer(), self.clock.exact()
        if not self.tokens.good(token):
            raise unauthorized(token)
        if (self._barred and now < self._barred) or self.calls.take() < 0:
            self._barred = now + PENALTY if not self._barred or now >= self._barred else self._barred
            return self.refusal(429)
        if f"/{BASE}" not in request.path and "/meta/whoami" not in request.path:
            raise no_model()
        return None

    def refusal(self, status: int) -> Response:
        return refused(status).answer()

    def is_write(self, request: Any) -> bool:
        return super().is_write(request) and not request.path.endswith("/listRecords")

    # Records.

    def schema(self) -> ResponseReturnValue:
        told = []
        for name, id in TABLES.items():
            fields = [
                {"id": field.id, "name": label, "type": field.type, "options": {"choices": field.options}}
                for label, field in self.fields[name].items()
            ]
            told.append({"id": id, "name": name, "primaryFieldId": fields[0]["id"], "fields": fields, "views": []})
        return {"tables": told}

    def listed(self, table: str) -> ResponseReturnValue:
        name, wanted = _table(table), asked()
        if wanted.offset:
            iterator, ids = self._going_on(wanted.offset)
        else:
            rows = ordered(self.fields[name], wanted, self.shelf.rows(name))
            iterator, ids = f"itr{secrets.token_hex(7)}", [row.id for row in rows]
            self._iterators[iterator] = Iterator(ids, self.clock.exact() + ITERATOR)
        shown = [self.shown(name, row, wanted) for id in ids[: wanted.size] if (row := self.shelf.get(name, id))]
        more = {"offset": f"{iterator}/{ids[wanted.size]}"} if len(ids) > wanted.size else {}
        return {"records": shown, **more}

    def _going_on(self, offset: str) -> tuple[str, list[str]]:
        name, _, start = offset.partition("/")
        iterator = self._iterators.get(name)
        if iterator is None or start not in iterator.ids or iterator.ends < self.clock.exact():
            raise error(422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE", "The iterator is not available any more")
        return name, iterator.ids[iterator.ids.index(start) :]

    def read(self, table: str, id: str) -> ResponseReturnValue:
        name = _table(table)
        row = self.shelf.get(name, id)
        if row is None:
            raise error(404, "NOT_FOUND")
        return self.shown(name, row, asked())

    def create(self, table: str) -> ResponseReturnValue:
        name, body = _table(table), _body()
        typecast = bool(body.get("typecast"))
        if "records" not in body:
            row = self._add(name, kept(self.fields[name], {}, body.get("fields"), typecast))
            return self.shown(name, row, asked())
        made = [kept(self.fields[name], {}, one.get("fields"), typecast) for one in _records(body)]
        return {"records": [self.shown(name, self._add(name, fields), asked()) for fields in made]}

    def update(self, table: str, id: str) -> ResponseReturnValue:
        name, body = _table(table), _body()
        if self.shelf.get(name, id) is None:
            raise error(404, "NOT_FOUND")
        fields = self._written(name, id, body.get("fields"), bool(body.get("typecast")))
        return self.shown(name, self._put(name, id, fields), asked())

    def update_many(self, table: str) -> ResponseReturnValue:
        name, body = _table(table), _body()
        records, typecast = _records(body), bool(body.get("typecast"))
        merge = (body.get("performUpsert") or {}).get("fieldsToMergeOn") or []
        ids = [one.get("id") or self._match(name, merge, one.get("fields") or {}) for one in records]
        # Everything is looked at before anything is written: one bad record refuses all.
        written = [self._written(name, id, one.get("fields"), typecast) for id, one in zip(ids, records, strict=True)]
        rows = [
            self._put(name, id, fields) if id else self._add(name, fields)
            for id, fields in zip(ids, written, strict=True)
        ]  # fmt: skip
        answer: dict[str, Any] = {"records": [self.shown(name, row, asked()) for row in rows]}
        if merge:
            made = [row.id for id, row in zip(ids, rows, strict=True) if not id]
            answer |= {"createdRecords": made, "updatedRecords": [row.id for row in rows if row.id not in made]}
        return answer

    def _match(self, name: str, merge: list[str], given: Fields) -> str:
        """The record that an upsert means, or "" for a new one."""
        if not 1 <= len(merge) <= 3:
            raise error(422, "INVALID_REQUEST_UNKNOWN", "A record without id needs one to three fieldsToMergeOn")
        names = [named(self.fields[name], field) for field in merge]
        wanted = kept(self.fields[name], {}, given, True)
        same = [
            row.id for row in self.shelf.rows(name)
            if all(row.fields.get(field) == wanted.get(field) for field in names)
        ]  # fmt: skip
        if len(same) > 1:
            told = "Cannot update more than one record with the same values in fieldsToMergeOn"
            raise error(422, "INVALID_VALUE_FOR_COLUMN", told)
        return same[0] if same else ""

    def _written(self, name: str, id: str, given: Any, typecast: bool) -> Fields:
        row = self.shelf.get(name, id) if id else None
        if id and row is None:
            raise error(422, "ROW_DOES_NOT_EXIST", f"Record ID {id} does not exist in this table")
        known = row.fields if row and request.method != "PUT" else {}
        return kept(self.fields[name], known, given, typecast)

    def _put(self, name: str, id: str, fields: Fields) -> Row:
        row = self.shelf.get(name, id)
        assert row is not None
        return row if row.fields == fields else self.shelf.change(name, id, lambda _: fields)

    def _add(self, name: str, fields: Fields) -> Row:
        return self.shelf.add(name, fields, f"rec{secrets.token_hex(7)}")

    def delete(self, table: str, id: str) -> ResponseReturnValue:
        name = _table(table)
        if self.shelf.get(name, id) is None:
            raise error(404, "NOT_FOUND")
        self.shelf.remove(name, id)
        return {"id": id, "deleted": True}

    def delete_many(self, table: str) -> ResponseReturnValue:
        name, ids = _table(table), request.args.getlist("records[]") or request.args.getlist("records")
        if not 1 <= len(ids) <= BATCH:
            raise error(422, "INVALID_RECORDS", f"From one to {BATCH} records can be deleted at once")
        for id in ids:
            if self.shelf.get(name, id) is None:
                raise error(422, "ROW_DOES_NOT_EXIST", f"Record ID {id} does not exist in this table")
        for id in ids:
            self.shelf.remove(name, id)
        return {"records": [{"id": id, "deleted": True} for id in ids]}

    def shown(self, name: str, row: Row, wanted: Asked) -> Fields:
        """Empty cells are not there."""
        cells = {**row.fields, "Last modified": iso(row.updated)}
        names = wanted.names(self.fields[name])
        shown = {
            (field.id if wanted.by_id else label): cells[label]
            for label, field in self.fields[name].items() if label in cells and label in names
        }  # fmt: skip
        return {"id": row.id, "createdTime": iso(row.created), "fields": shown}

    # People, and webhooks.

    def sign(self, body: bytes, *, at: datetime) -> dict[str, str]:
        """No time is signed."""
        return signed(self.hooks.by_hand.key, body)

    def stamp(self, object: str, ids: list[str], moment: datetime | None = None) -> None:
        """The log tells of it too."""
        for id in ids:
            self.shelf.change(object, id, lambda cells: cells, actor="ann")
        super().stamp(object, ids, moment)

    def edit(self, object: str, id: str, fields: Fields) -> None:
        known = self.fields[object]
        given = fields.get("fields", fields)
        self.shelf.change(object, id, lambda cells: kept(known, cells, given, True), actor="ann")

    def erase(self, object: str, id: str) -> None:
        self.shelf.remove(object, id, actor="ann")


def _table(name: str) -> str:
    found = next((label for label, id in TABLES.items() if name in (label, id)), None)
    if found is None:
        raise no_model()
    return found


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise error(422, "INVALID_REQUEST_UNKNOWN", "Invalid request: parameter validation failed. Check your request.")
    return body


def _records(body: dict[str, Any]) -> list[dict[str, Any]]:
    records = body.get("records")
    if not isinstance(records, list) or not 1 <= len(records) <= BATCH:
        raise error(422, "INVALID_RECORDS", f"You must provide an array of up to {BATCH} record objects")
    return records
