"""The CRM dialect's API: nested properties, keyset cursor, ETag and If-Match, bearer token, archived records."""

from __future__ import annotations

import base64
import json

from flask import Blueprint, Response, jsonify, request

from syncapp.sandbox.batches import crm_batches
from syncapp.sandbox.book import Book
from syncapp.sandbox.dialects import CRM
from syncapp.sandbox.diary import Author
from syncapp.sandbox.gate import Gate, json_body, json_object, milliseconds, whole_number
from syncapp.sandbox.narrowing import by_filter
from syncapp.sandbox.refusals import BadValue, Missing, Refused, VersionMoved
from syncapp.sandbox.store import Record
from syncapp.sandbox.values import Json

BATCH = 100


def crm_api(book: Book, gate: Gate, author: Author) -> Blueprint:
    api = Blueprint(f"crm {book.sort.name}", __name__, url_prefix=book.sort.path)
    gate.guard(api)

    def body_of(record: Record) -> Json:
        return CRM.body(record, not book.box.now.no_actor)

    def answer(record: Record, status: int = 200) -> Response:
        response = jsonify(body_of(record))
        response.status_code = status
        response.headers["ETag"] = f'"{record.version}"'
        return response

    @api.get("", endpoint="list")
    def list_page() -> Response:
        limit = whole_number("limit", 100, 1, 500)
        clauses, values = _where(book.deletes == "delta")
        rest = f"WHERE {' AND '.join(clauses)} ORDER BY updated, id LIMIT ?"
        records = book.table.records(rest, [*values, limit + 1])
        page: dict[str, Json] = {"results": [body_of(record) for record in records[:limit]]}
        if len(records) > limit:
            page["paging"] = {"next": {"after": cursor_of(records[limit - 1])}}
        return jsonify(page)

    @api.get("/search")
    def search() -> Response:
        clauses: list[str] = ["deleted = 0"]
        values: list[Json] = []
        if found_by := request.args.get(book.sort.key, "").strip():
            clauses, values = [*clauses, "find_key = ?"], [*values, found_by.lower()]
        if external := request.args.get("externalId"):
            clauses, values = [*clauses, "external_id = ?"], [*values, external]
        if not values:
            raise BadValue(f"Search needs ?{book.sort.key}=… or ?externalId=….", book.sort.key)
        found = book.table.records(f"WHERE {' AND '.join(clauses)} ORDER BY number LIMIT 100", values)
        return jsonify({"results": [body_of(record) for record in found]})

    @api.post("/batch/read")
    def batch_read() -> Response:
        wanted = json_body({"ids"}).get("ids")
        if not isinstance(wanted, list) or len(wanted) > BATCH or not all(isinstance(one, str) for one in wanted):
            raise BadValue(f'“ids” must be a list of at most {BATCH} ids, for example ["1001"].', "ids")
        marks = ", ".join("?" for _ in wanted)
        found = book.table.records(f"WHERE deleted = 0 AND id IN ({marks}) ORDER BY number", wanted)
        return jsonify({"results": [body_of(record) for record in found]})

    @api.get("/<identifier>")
    def read(identifier: str) -> Response:
        """Who asks for a record that was merged gets the one that it went into, under that one's id."""
        return answer(book.live(book.winner(book.find(identifier)).id))

    @api.post("")
    def create() -> Response:
        body = json_body({"properties", "externalId"})
        key = request.headers.get("Idempotency-Key")
        return answer(book.create(author, json_object(body, "properties"), body.get("externalId"), key), 201)

    @api.patch("/<identifier>")
    def update(identifier: str) -> Response:
        properties = json_object(json_body({"properties"}), "properties")
        return answer(book.update(author, identifier, properties, _expected()))

    @api.delete("/<identifier>")
    def delete(identifier: str) -> Response:
        book.delete(author, identifier, _expected())
        return Response(status=204)

    def told(error: Refused) -> tuple[Json, int]:
        # The status word of HTTP for a lost If-Match is 412; other dialects call it a conflict.
        moved = isinstance(error, VersionMoved)
        category = "PRECONDITION_FAILED" if moved else error.code.upper()
        body = {"status": "error", "category": category, "message": error.message}
        body |= {"field": error.param} if error.param else {}
        body |= {"current": body_of(error.current)} if error.current else {}
        return body, 412 if moved else 404 if isinstance(error, Missing) else error.status

    @api.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        body, status = told(error)
        response = jsonify(body)
        response.status_code = status
        response.headers.update(error.headers)
        return response

    crm_batches(api, book, author, body_of, told)
    return api


def _where(tells_deletes: bool) -> tuple[list[str], list[Json]]:
    """Archived only on request, and in a delta beside the living; nowhere, if deletions are not told in lists."""
    clauses, values = [], []
    since, archived = request.args.get("updated_after"), request.args.get("archived")
    if archived not in (None, "true", "false"):
        raise BadValue(f"archived must be true or false, not “{archived}”.", "archived")
    if since is not None:
        clauses.append("updated >= ?")
        values.append(milliseconds(since, "updated_after"))
    if not tells_deletes:
        clauses.append("deleted = 0")
    if archived == "true":
        clauses.append("deleted = 1")
    elif archived == "false" or since is None:
        clauses.append("deleted = 0")
    if after := request.args.get("after"):
        clauses.append("(updated, id) > (?, ?)")
        values += place_of(after)
    narrowing, wanted = by_filter(request.args.get("filter"), ("lifecycle",))
    return [*clauses, *narrowing] or ["1"], [*values, *wanted]


def cursor_of(record: Record) -> str:
    return base64.urlsafe_b64encode(json.dumps([record.updated, record.id]).encode()).decode().rstrip("=")


def place_of(cursor: str) -> list[Json]:
    try:
        updated, identifier = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [int(updated), str(identifier)]
    except (ValueError, TypeError):
        raise BadValue("after must be a cursor from an earlier page, unchanged.", "after") from None


def _expected() -> int | None:
    """The version in If-Match; a weak tag never matches, as the standard has it."""
    text = request.headers.get("If-Match", "*").strip()
    if text == "*":
        return None
    bare = text.strip('"')
    return int(bare) if bare.isascii() and bare.isdigit() and len(bare) <= 15 else -1
