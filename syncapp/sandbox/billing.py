"""The billing dialect's API: flat body, numbered pages, revision in the body, API key; deleted records can be read."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from syncapp.sandbox.batches import billing_batches
from syncapp.sandbox.book import Book
from syncapp.sandbox.dialects import BILLING
from syncapp.sandbox.diary import Author
from syncapp.sandbox.gate import Gate, json_body, whole_number
from syncapp.sandbox.narrowing import by_value
from syncapp.sandbox.refusals import BadValue, Merged, Missing, Refused, VersionMoved
from syncapp.sandbox.store import Record
from syncapp.sandbox.values import Json

CODES = {"version_moved": "revision_conflict", "not_found": "resource_missing"}
ORDERS = {"created": "number", "modified": "updated, number"}


def billing_api(book: Book, gate: Gate, author: Author) -> Blueprint:
    api = Blueprint(f"billing {book.sort.name}", __name__, url_prefix=book.sort.path)
    fields = set(book.sort.by_name)
    gate.guard(api)

    def body_of(record: Record) -> Json:
        return BILLING.body(record, not book.box.now.no_actor)

    @api.get("", endpoint="list")
    def list_page() -> Response:
        page, size = whole_number("page", 1, 1, 10**9), whole_number("per_page", 50, 1, 500)
        where, values = _where(book.sort.key, book.deletes == "delta")
        total = book.table.count(where, values)
        rest = f"{where} ORDER BY {_order()} LIMIT ? OFFSET ?"
        records = book.table.records(rest, [*values, size, (page - 1) * size])
        data = [body_of(record) for record in records]
        return jsonify({"data": data, "page": page, "pages": max(1, -(-total // size)), "total": total})

    @api.get("/<identifier>")
    def read(identifier: str) -> Response:
        found = book.find(identifier)
        return jsonify(body_of(book.live(identifier) if found.merged_into else found))

    @api.post("")
    def create() -> tuple[Response, int]:
        body = json_body(fields | {"external_id"})
        external = body.pop("external_id", None)
        record = book.create(author, body, external, request.headers.get("Idempotency-Key"))
        return jsonify(body_of(record)), 201

    @api.post("/<identifier>")
    def update(identifier: str) -> Response:
        body = json_body(fields | {"revision"})
        revision = body.pop("revision", None)
        if revision is not None and (isinstance(revision, bool) or not isinstance(revision, int)):
            raise BadValue("revision must be the whole number that was last read.", "revision")
        return jsonify(body_of(book.update(author, identifier, body, revision)))

    @api.delete("/<identifier>")
    def delete(identifier: str) -> Response:
        try:
            return jsonify(body_of(book.delete(author, identifier)))
        except Merged:
            raise
        except Missing:
            # Deleting twice is fine here; an id that never was is not.
            return jsonify(body_of(book.find(identifier)))

    def told(error: Refused) -> tuple[dict[str, Json], int]:
        code = CODES.get(error.code, error.code)
        body: dict[str, Json] = {"error": {"code": code, "message": error.message, "param": error.param}}
        if isinstance(error, Merged):
            body["error"]["merged_into"] = error.into
        if error.current and isinstance(error, VersionMoved):
            body["current"] = body_of(error.current)
        return body, error.status

    @api.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        body, status = told(error)
        response = jsonify(body)
        response.status_code = status
        response.headers.update(error.headers)
        return response

    billing_batches(api, book, author, body_of, told)
    return api


def _where(key: str, tells_deletes: bool) -> tuple[str, list[Json]]:
    """Deleted ones are listed in a delta only."""
    clauses: list[str] = ["1"]
    values: list[Json] = []
    if "modified_since" in request.args:
        clauses.append("updated >= ?")
        values.append(whole_number("modified_since", 0, 0, 10**12) * 1000)
    if "modified_since" not in request.args or not tells_deletes:
        clauses.append("deleted = 0")
    if found_by := request.args.get(key):
        clauses.append("find_key = ?")
        values.append(found_by.lower())
    if external := request.args.get("external_id"):
        clauses.append("external_id = ?")
        values.append(external)
    narrowing, wanted = by_value("plan", request.args.get("plan"))
    return f"WHERE {' AND '.join([*clauses, *narrowing])}", [*values, *wanted]


def _order() -> str:
    """Numbered pages slip when rows move, so the standing order is that of creation."""
    sort = request.args.get("sort", "created")
    if sort not in ORDERS:
        raise BadValue(f"sort must be one of {', '.join(ORDERS)}, not “{sort}”.", "sort")
    return ORDERS[sort]
