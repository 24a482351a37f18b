"""Many records in one call, in both dialects: each stands for itself, some may fail and the others are carried out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Blueprint, Response, jsonify

from syncapp.sandbox.book import Book
from syncapp.sandbox.diary import Author
from syncapp.sandbox.gate import json_body
from syncapp.sandbox.refusals import BadValue, Refused, TooMany
from syncapp.sandbox.store import Record
from syncapp.sandbox.values import Json

MOST = 100
Body = Callable[[Record], Json]
Told = Callable[[Refused], tuple[Json, int]]
Outcome = tuple[int, Record | None, Json]


def crm_batches(api: Blueprint, book: Book, author: Author, body_of: Body, told: Told) -> None:
    """`batch/search`, `batch/create` and `batch/update`; the results stand in the order of the inputs."""

    def answer(outcomes: Sequence[Outcome]) -> Response:
        results = [
            {"status": status, "record": body_of(record)} if record else {"status": status, "error": error}
            for status, record, error in outcomes
        ]
        response = jsonify({"results": results})
        response.status_code = 207
        return response

    @api.post("/batch/search")
    def batch_search() -> Response:
        body = json_body({"keys", "externalIds"})
        found = _found(book, _texts(body, "keys"), _texts(body, "externalIds"))
        return jsonify({"results": [body_of(record) for record in found]})

    @api.post("/batch/create")
    def batch_create() -> Response:
        def one(item: dict[str, Json]) -> Record:
            _known(item, {"properties", "externalId", "idempotencyKey"})
            return book.create(author, _fields(item), item.get("externalId"), item.get("idempotencyKey"))

        return answer([_outcome(book, told, one, item, 201) for item in _items("inputs")])

    @api.post("/batch/update")
    def batch_update() -> Response:
        def one(item: dict[str, Json]) -> Record:
            _known(item, {"id", "properties", "version"})
            return book.update(author, str(item.get("id")), _fields(item), _version(item, "version"))

        return answer([_outcome(book, told, one, item, 200) for item in _items("inputs")])


def billing_batches(api: Blueprint, book: Book, author: Author, body_of: Body, told: Told) -> None:
    """`lookup` (also by id), `batch`, `batch/update`; an outcome repeats its entry's `ref` and stands anywhere."""

    def answer(entries: Sequence[dict[str, Json]], outcomes: Sequence[Outcome]) -> Response:
        lines = []
        for entry, (status, record, error) in zip(entries, outcomes, strict=True):
            line = {"ref": entry.get("ref"), "status": status}
            lines.append(line | ({"object": body_of(record)} if record else error))
        return jsonify({"outcomes": list(reversed(lines))})

    @api.post("/lookup")
    def lookup() -> Response:
        body = json_body({"keys", "external_ids", "ids"})
        found = _found(book, _texts(body, "keys"), _texts(body, "external_ids"), _texts(body, "ids"))
        return jsonify({"data": [body_of(record) for record in found]})

    @api.post("/batch")
    def batch_create() -> Response:
        def one(item: dict[str, Json]) -> Record:
            fields = {name: value for name, value in item.items() if name not in ("ref", "external_id")}
            return book.create(author, fields, item.get("external_id"), item.get("ref"))

        entries = _items("entries")
        return answer(entries, [_outcome(book, told, one, item, 201) for item in entries])

    @api.post("/batch/update")
    def batch_update() -> Response:
        def one(item: dict[str, Json]) -> Record:
            fields = {name: value for name, value in item.items() if name not in ("ref", "revision")}
            return book.update(author, str(item.get("ref")), fields, _version(item, "revision"))

        entries = _items("entries")
        return answer(entries, [_outcome(book, told, one, item, 200) for item in entries])


def _outcome(book: Book, told: Told, one: Callable[[dict[str, Json]], Record], item: Json, fine: int) -> Outcome:
    try:
        if not isinstance(item, dict):
            raise BadValue("Each entry must be an object.")
        if book.box.strikes_next("batch_limited"):
            raise TooMany("This entry came too soon after the others. Send it again.", 1)
        return fine, one(item), None
    except Refused as refused:
        body, status = told(refused)
        return status, None, body


def _items(name: str) -> list[dict[str, Json]]:
    items = json_body({name}).get(name)
    if not isinstance(items, list) or len(items) > MOST:
        raise BadValue(f"“{name}” must be a list of at most {MOST} objects.", name)
    return items


def _texts(body: dict[str, Json], name: str) -> list[str]:
    texts = body.get(name, [])
    if not isinstance(texts, list) or len(texts) > 2 * MOST or not all(isinstance(text, str) for text in texts):
        raise BadValue(f"“{name}” must be a list of at most {2 * MOST} texts.", name)
    return texts


def _found(book: Book, keys: Sequence[str], external_ids: Sequence[str], ids: Sequence[str] = ()) -> list[Record]:
    asked = {"find_key": [key.strip().lower() for key in keys], "external_id": external_ids, "id": ids}
    clauses = [f"{column} IN ({', '.join('?' for _ in texts)})" for column, texts in asked.items() if texts]
    if not clauses:
        return []
    values = [text for texts in asked.values() for text in texts]
    return book.table.records(f"WHERE deleted = 0 AND ({' OR '.join(clauses)}) ORDER BY number", values)


def _known(item: dict[str, Json], names: set[str]) -> None:
    if unknown := sorted(set(item) - names):
        raise BadValue(f"“{unknown[0]}” is not known here. Known are: {', '.join(sorted(names))}.", unknown[0])


def _fields(item: dict[str, Json]) -> dict[str, Json]:
    fields = item.get("properties")
    if not isinstance(fields, dict):
        raise BadValue('“properties” must be an object such as {"email": "a@example.com"}.', "properties")
    return fields


def _version(item: dict[str, Json], name: str) -> int | None:
    version = item.get(name)
    if version is not None and (isinstance(version, bool) or not isinstance(version, int)):
        raise BadValue(f"{name} must be the whole number that was last read.", name)
    return version
