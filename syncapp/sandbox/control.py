"""The back door under /_sandbox: for scripts and tests that play people, change faults and read the logs."""

from __future__ import annotations

import json
from sqlite3 import Row

from flask import Blueprint, Response, jsonify, request

from syncapp.sandbox.book import Book, Shelf
from syncapp.sandbox.diary import Author
from syncapp.sandbox.faults import Faults
from syncapp.sandbox.gate import Stats, json_body, json_object, refusal, whole_number
from syncapp.sandbox.merging import merge
from syncapp.sandbox.outbox import Address
from syncapp.sandbox.refusals import BadValue, Refused
from syncapp.sandbox.store import Record
from syncapp.sandbox.values import Json

PAGE = 1000
AS_JSON = {"before", "typed", "stored", "sent"}


def person_called(name: Json) -> Author:
    """The person who edits; people who give no name are somebody all the same."""
    if name is not None and (not isinstance(name, str) or len(name) > 80):
        raise BadValue("The name of the person must be a text of at most 80 characters.", "actor")
    return Author("user", (name or "").strip() or "Somebody")


def flat(record: Record) -> Json:
    return {
        "id": record.id, "external_id": record.external_id, "fields": record.fields, "version": record.version,
        "deleted": record.deleted, "updated": record.updated, "actor": record.actor,
        "merged_into": record.merged_into, "merged": record.merged,
    }  # fmt: skip


def unfold(row: Row) -> dict[str, Json]:
    """A log line with its JSON columns opened."""
    return {name: json.loads(value) if name in AS_JSON else value for name, value in zip(row.keys(), row, strict=True)}


def control(shelf: Shelf, stats: Stats, title: str) -> Blueprint:
    door = Blueprint("control", __name__, url_prefix="/_sandbox")
    people = shelf.people

    def asked(known: set[str]) -> tuple[Book, Author, dict[str, Json]]:
        """The book that the call is about, who does it, and all that was sent."""
        body = json_body(known | {"actor", "object"})
        return shelf.book(body.get("object")), person_called(body.get("actor")), body

    def log(table: str) -> Response:
        after = whole_number("after", 0, 0, 10**15)
        rows = people.store.lines(table, after, PAGE)
        return jsonify({table: [unfold(row) for row in rows], "last": rows[-1]["seq"] if rows else after})

    @door.get("/edits")
    def edits() -> Response:
        return log("edits")

    @door.get("/writes")
    def writes() -> Response:
        return log("writes")

    @door.post("/edit")
    def edit() -> Response:
        book, author, body = asked({"id", "fields"})
        return jsonify(flat(book.update(author, str(body.get("id")), json_object(body, "fields"))))

    @door.post("/create")
    def create() -> tuple[Response, int]:
        book, author, body = asked({"fields", "external_id"})
        return jsonify(flat(book.create(author, json_object(body, "fields"), body.get("external_id")))), 201

    @door.post("/delete")
    def delete() -> Response:
        book, author, body = asked({"id"})
        return jsonify(flat(book.delete(author, str(body.get("id")))))

    @door.post("/merge")
    def merge_two() -> Response:
        book, author, body = asked({"winner", "loser"})
        return jsonify(flat(merge(book, author, str(body.get("winner")), str(body.get("loser")))))

    @door.post("/unarchive")
    def unarchive() -> Response:
        book, author, body = asked({"id"})
        return jsonify(flat(book.unarchive(author, str(body.get("id")))))

    @door.get("/dump")
    def dump() -> Response:
        book = shelf.book(request.args.get("object"))
        return jsonify({"records": [flat(record) for record in book.table.records("ORDER BY number")]})

    @door.get("/health")
    def health() -> Response:
        records = people.table.count("WHERE deleted = 0")
        return jsonify({"status": "ok", "title": title, "dialect": people.dialect.name, "records": records})

    @door.get("/stats")
    def counts() -> Response:
        return jsonify(stats.as_json() | {"webhooks": people.outbox.counts()})

    @door.get("/faults")
    def faults() -> Response:
        return jsonify(people.box.now.as_json())

    @door.put("/faults")
    def change_faults() -> Response:
        """Replace the faults: what is not named goes back to its default."""
        wanted = Faults.read(json_body(set(Faults.__dataclass_fields__)))
        people.store.set_setting("faults", wanted.as_json())
        people.box.change(wanted)
        return jsonify(wanted.as_json())

    @door.put("/webhook")
    def webhook() -> Response:
        address = Address.read(json_body({"url", "secret"}))
        people.outbox.point_at(address)
        return jsonify({"url": address.url, "secret": "kept, not shown"})

    @door.delete("/webhook")
    def no_webhook() -> Response:
        people.outbox.point_at(None)
        return Response(status=204)

    @door.errorhandler(Refused)
    def refused(error: Refused) -> tuple[Response, int]:
        return refusal(error)

    return door
