"""The feed of deletions, for a sandbox that reports them nowhere else: GET /api/archived, GET /v1/deleted."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from syncapp.sandbox.book import Shelf
from syncapp.sandbox.gate import Gate, milliseconds, refusal, whole_number
from syncapp.sandbox.refusals import Missing, Refused
from syncapp.sandbox.values import Json

PATHS = {"crm": "/api/archived", "billing": "/v1/deleted"}


def archive(shelf: Shelf, gate: Gate) -> Blueprint:
    dialect = shelf.people.dialect
    api = Blueprint("archive", __name__)
    gate.guard(api)

    @api.get(PATHS[dialect.name], endpoint="archived")
    def archived() -> Response:
        """Tombstones since a time (inclusive), oldest first; `last` says whether there may be more."""
        book = shelf.book(request.args.get("object"))
        if book.deletes == "never":
            raise Missing("Deletions are reported nowhere here. Read a record by its id.")
        since = milliseconds(request.args["after"], "after") if "after" in request.args else 0
        number, size = whole_number("page", 1, 1, 10**9), whole_number("limit", 100, 1, 500)
        where = "WHERE deleted = 1 AND updated >= ? ORDER BY updated, number LIMIT ? OFFSET ?"
        found = book.table.records(where, [since, size + 1, (number - 1) * size])
        results = [dialect.body(record, False) for record in found[:size]]
        page: dict[str, Json] = {"results": results, "page": number, "last": len(found) <= size}
        return jsonify(page)

    @api.errorhandler(Refused)
    def refused(error: Refused) -> tuple[Response, int]:
        return refusal(error)

    return api
