"""Writing to Salesforce: one record, by id or by an external id, and collections of 200 with a result for each.

From https://developer.salesforce.com/docs/platform/api-rest/guide/ — dome-sobject-create, dome-update-fields,
dome-upsert, dome-delete-record, resources-composite-sobjects-collections-create, -update, -delete, -upsert — and
.../intro_rest_conditional_requests.htm (ETag for accounts only; not for DELETE). Unverified: the body of a 412.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from syncapp.doubles.answers import Refused
from syncapp.doubles.salesforce_values import FIELDS, error, kept, long_id, new_id, shown
from syncapp.doubles.shelf import Fields, Row, Shelf

if TYPE_CHECKING:
    from flask import Flask

LARGEST = 200
ROLLED_BACK = "Record rolled back because not all records were valid and the request was using AllOrNone header"
Result = dict[str, Any]


class Rows:
    def __init__(self, app: Flask, shelf: Shelf, base: str) -> None:
        self._shelf, self._count = shelf, 0
        one, kind, many = f"{base}/sobjects/<kind>/<id>", f"{base}/sobjects/<kind>", f"{base}/composite/sobjects"
        app.add_url_rule(kind, "create", self.create, methods=["POST"])
        app.add_url_rule(one, "read", self.read)
        app.add_url_rule(one, "update", self.update, methods=["PATCH"])
        app.add_url_rule(one, "delete", self.delete, methods=["DELETE"])
        app.add_url_rule(f"{kind}/<field>/<value>", "read by", self.read_by)
        app.add_url_rule(f"{kind}/<field>/<value>", "upsert", self.upsert, methods=["PATCH"])
        app.add_url_rule(many, "collection", self.collection, methods=["POST", "PATCH"])
        app.add_url_rule(many, "collection gone", self.collection_gone, methods=["DELETE"])
        app.add_url_rule(f"{many}/<kind>", "collection read", self.collection_read, methods=["GET", "POST"])
        app.add_url_rule(f"{many}/<kind>/<field>", "collection upsert", self.collection_upsert, methods=["PATCH"])

    # One record.

    def create(self, kind: str) -> ResponseReturnValue:
        row = self._added(_kind(kind), self._wanted(kind, None, _body()))
        return jsonify(id=row.id, success=True, errors=[]), 201

    def read(self, kind: str, id: str) -> ResponseReturnValue:
        row = self._found(_kind(kind), id)
        since = _date("If-Modified-Since")
        if since and row.updated <= since:
            return "", 304
        names = request.args.get("fields")
        answer = jsonify(shown(kind, row, names.split(",") if names else None))
        answer.headers.update({"ETag": _etag(row)} if kind == "Account" else {})
        return answer

    def read_by(self, kind: str, field: str, value: str) -> ResponseReturnValue:
        return jsonify(shown(kind, self._one_by(kind, field, value) or _raise(_not_found())))

    def update(self, kind: str, id: str) -> ResponseReturnValue:
        row = self._found(_kind(kind), id)
        before, match = _date("If-Unmodified-Since"), request.headers.get("If-Match")
        if (before and row.updated > before) or (match and kind == "Account" and match != _etag(row)):
            raise error(412, "PRECONDITION_FAILED", "The record was changed meanwhile")
        self._put(kind, row, self._wanted(kind, row, _body()))
        return "", 204

    def upsert(self, kind: str, field: str, value: str) -> ResponseReturnValue:
        row, made = self._upserted(_kind(kind), field, value, _body())
        return jsonify(id=row.id, success=True, errors=[], created=made), 201 if made else 200

    def delete(self, kind: str, id: str) -> ResponseReturnValue:
        self._shelf.remove(kind, self._found(_kind(kind), id).id)
        return "", 204

    # Collections.

    def collection(self) -> ResponseReturnValue:
        return self._each(self._updated_one if request.method == "PATCH" else self._created_one)

    def collection_upsert(self, kind: str, field: str) -> ResponseReturnValue:
        return self._each(lambda one, dry: self._upserted_one(_kind(kind), field, one, dry))

    def collection_gone(self) -> ResponseReturnValue:
        ids = request.args.get("ids", "").split(",")
        return jsonify([self._removed_one(id) for id in _limited(ids)])

    def collection_read(self, kind: str) -> ResponseReturnValue:
        asked: dict[str, Any] = _body() if request.method == "POST" else dict(request.args)
        ids, names = _listed(asked.get("ids")), _listed(asked.get("fields"))
        rows = [self._shelf.get(_kind(kind), long_id(id)) for id in ids]
        return jsonify([shown(kind, row, names) if row else None for row in rows])

    def _each(self, deed: Callable[[Fields, bool], Result]) -> ResponseReturnValue:
        body = _body()
        records = _limited(body.get("records") or [])
        if body.get("allOrNone"):
            tried = [_tried(deed, one, True) for one in records]
            if not all(result["success"] for result in tried):
                return jsonify([result if not result["success"] else _failed(400, ROLLED_BACK) for result in tried])
        return jsonify([_tried(deed, one, False) for one in records])

    def _created_one(self, one: Fields, dry: bool) -> Result:
        kind = _kind(str((one.get("attributes") or {}).get("type")))
        fields = self._wanted(kind, None, one)
        return _done("" if dry else self._added(kind, fields).id)

    def _updated_one(self, one: Fields, dry: bool) -> Result:
        kind = _kind(str((one.get("attributes") or {}).get("type")))
        id = long_id(str(one.get("id") or one.get("Id")))
        row = self._shelf.get(kind, id)
        if row is None:
            raise error(404, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        fields = self._wanted(kind, row, {name: value for name, value in one.items() if name.lower() != "id"})
        if not dry:
            self._put(kind, row, fields)
        return _done(row.id)

    def _upserted_one(self, kind: str, field: str, one: Fields, dry: bool) -> Result:
        given = {name: value for name, value in one.items() if name != field}
        row, made = self._upserted(kind, field, str(one.get(field) or ""), given, dry)
        return {**_done(row.id if row else ""), "created": made}

    def _removed_one(self, id: str) -> Result:
        kind = next((kind for kind in FIELDS if self._shelf.get(kind, long_id(id))), None)
        if kind is None:
            return _failed(404, "invalid cross reference id", "INVALID_CROSS_REFERENCE_KEY")
        self._shelf.remove(kind, long_id(id))
        return _done(long_id(id))

    # What both share.

    def _upserted(self, kind: str, field: str, value: str, given: Fields, dry: bool = False) -> tuple[Any, bool]:
        if field in given:
            told = f"The {field} field should not be specified in the sobject data."
            raise error(400, "INVALID_FIELD", told, field)
        row = self._one_by(kind, field, value)
        fields = self._wanted(kind, row, {**given, field: value})
        if dry:
            return row, row is None
        return (self._put(kind, row, fields), False) if row else (self._added(kind, fields), True)

    def _one_by(self, kind: str, field: str, value: str) -> Row | None:
        known = FIELDS[_kind(kind)].get(field)
        if known is None or not known.unique:
            raise error(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: " + field)
        return next((row for row in self._shelf.rows(kind) if row.fields[field] == value), None)

    def _wanted(self, kind: str, row: Row | None, given: Fields) -> Fields:
        fields = kept(kind, row.fields if row else {}, given)
        for name, field in FIELDS[kind].items():
            if field.unique and fields[name] is not None:
                same = [one for one in self._shelf.rows(kind) if one.fields[name] == fields[name]]
                if same and (row is None or same[0].id != row.id):
                    told = f"duplicate value found: {name} duplicates value on record with id: {same[0].id}"
                    raise error(400, "DUPLICATE_VALUE", told, name)
        return fields

    def _added(self, kind: str, fields: Fields) -> Row:
        self._count += 1
        return self._shelf.add(kind, fields, new_id(kind, self._count))

    def _put(self, kind: str, row: Row, fields: Fields) -> Row:
        """A write that changes nothing moves the time of change all the same."""
        return self._shelf.change(kind, row.id, lambda _: fields)

    def _found(self, kind: str, id: str) -> Row:
        row = self._shelf.get(kind, long_id(id), deleted=True)
        if row is None:
            raise _not_found()
        if row.deleted:
            raise error(404, "ENTITY_IS_DELETED", "entity is deleted")
        return row


def _tried(deed: Callable[[Fields, bool], Result], one: Fields, dry: bool) -> Result:
    try:
        return deed(one, dry)
    except Refused as refused:
        told = refused.body[0]
        return _failed(refused.status, told["message"], told["errorCode"], *told.get("fields", []))


def _done(id: str) -> Result:
    return {"id": id, "success": True, "errors": []}


def _failed(status: int, told: str, code: str = "ALL_OR_NONE_OPERATION_ROLLED_BACK", *fields: str) -> Result:
    return {"success": False, "errors": [{"statusCode": code, "message": told, "fields": list(fields)}]}


def _kind(kind: str) -> str:
    if kind not in FIELDS:
        raise error(404, "NOT_FOUND", "The requested resource does not exist")
    return kind


def _not_found() -> Refused:
    return error(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: Id")


def _raise(refused: Refused) -> Row:
    raise refused


def _body() -> Fields:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise error(400, "JSON_PARSER_ERROR", "Unexpected character at [line:1, column:1]")
    return body


def _limited(items: list[Any]) -> list[Any]:
    if len(items) > LARGEST:
        told = f"The number of records exceeds the limit of {LARGEST}"
        raise error(400, "EXCEEDED_ID_LIMIT", told)
    return items


def _listed(given: Any) -> list[str]:
    return given.split(",") if isinstance(given, str) else list(given or [])


def _etag(row: Row) -> str:
    return f'"{row.number:020d}"'


def _date(header: str) -> datetime | None:
    text = request.headers.get(header)
    if text is None:
        return None
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        raise error(400, "INVALID_HEADER", f"{header} is no date: {text}") from None
