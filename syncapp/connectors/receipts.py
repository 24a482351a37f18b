"""The receipt of a write: what its answer tells of the record, believed only as far as it tells it whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from syncapp.connectors import times
from syncapp.connectors.answerspec import NewIdSpec
from syncapp.connectors.errors import Malformed
from syncapp.connectors.expressions import ExpressionError, reads
from syncapp.connectors.items import ItemReader
from syncapp.connectors.jsonbody import soft
from syncapp.connectors.opspec import Operation
from syncapp.connectors.paths import ABSENT, as_text, getter
from syncapp.connectors.records import Item, Written
from syncapp.connectors.transport import Answer


def receipt(
    reader: ItemReader, operation: Operation, answer: Answer, id: str | None, sent: Mapping[str, Any]
) -> Written | None:
    """None if the answer does not say which record it is. A write that succeeded is never turned into an error here."""
    body = soft(answer.body)
    record = ABSENT if operation.item is None else getter(operation.item)(body)
    item = _item(reader, record, answer, headers=answer.headers)
    found = id or (item.id if item else None) or new_id(operation.new_id, reader, answer, body)
    if found is None:
        return None
    if item is None or item.id != found:
        version = reader.version(body, answer.headers) if operation.item is None else None
        return written(found, version, None, answer)
    return written(found, item.version, item if reader.holds(item.body, sent) else None, answer)


def of_entry(
    reader: ItemReader, record: Any, answer: Answer, id: str | None, sent: Mapping[str, Any]
) -> Written | None:
    """The same for one record of many, as far as its entry carries it."""
    item = _item(reader, record, answer)
    if item is None or (id is not None and item.id != id):
        return None if id is None else written(id, None, None, answer)
    return written(item.id, item.version, item if reader.holds(item.body, sent) else None, answer)


def written(id: str, version: str | None, item: Item | None, answer: Answer) -> Written:
    date = times.header_date(answer.headers.get("Date"))
    return Written(id, version, item, answer.answered_at, False, date, answer.round_trip)


def new_id(spec: NewIdSpec | None, reader: ItemReader, answer: Answer, body: Any) -> str | None:
    if spec is None:
        return reader.id_of(body)
    if spec.path is not None:
        try:
            return as_text(reads(spec.path)(body)) or None
        except ExpressionError:
            return None  # the record is there, and looked up by its key
    found = re.search(spec.match, answer.headers.get(spec.header, ""))
    return found.group(1) if found else None


def _item(reader: ItemReader, record: Any, answer: Answer, headers: Mapping[str, str] | None = None) -> Item | None:
    """Only a body that names its id is taken for the record: it becomes what is believed to be stored there."""
    try:
        return None if record is ABSENT else reader.item(record, answer.asked_at, headers)
    except Malformed:
        return None  # it landed, and the read that follows will show it
