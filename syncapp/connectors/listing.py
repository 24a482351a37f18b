"""Read a listing of one account page by page, as the manifest says: how each page is asked for, and what it shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from syncapp.connectors import paging, times
from syncapp.connectors.calls import Call, Caller
from syncapp.connectors.errors import Malformed
from syncapp.connectors.items import ItemReader
from syncapp.connectors.opspec import Operation
from syncapp.connectors.paths import getter, setter
from syncapp.connectors.records import Page
from syncapp.connectors.spec import Manifest, ObjectSpec
from syncapp.connectors.transport import Answer


class Listing:
    """The listings of one account; shares its connection, limits and credentials."""

    def __init__(self, manifest: Manifest, caller: Caller, readers: Mapping[str, ItemReader]) -> None:
        self.manifest, self._caller, self._readers = manifest, caller, readers

    def walk(
        self, spec: ObjectSpec, name: str, operation: Operation, values: Mapping[str, Any],
        since: datetime | None, cursor: str | None, size: int | None,
    ) -> Iterator[Page]:  # fmt: skip
        endless = paging.Endless(f"{self.manifest.slug}.{spec.slug}.{name}")
        endless.saw(cursor, ())
        while True:
            page = self._page(spec, name, operation, values, since, cursor, size)
            endless.saw(page.cursor, page.items)
            yield page
            if page.cursor is None:
                return
            cursor = page.cursor

    def _page(
        self, spec: ObjectSpec, name: str, operation: Operation, values: Mapping[str, Any],
        since: datetime | None, cursor: str | None, size: int | None,
    ) -> Page:  # fmt: skip
        pager = operation.paging
        amount = max(1, min(size or pager.size, pager.max_size))
        turn = paging.turn(pager, cursor, since)
        places: dict[str, dict[str, str]] = {"query": {}, "header": {}, "body": {}}
        if turn.param is not None and pager.param:
            places[pager.place][pager.param] = turn.param
        if turn.since is not None and operation.delta is not None:
            places["query"].update(operation.delta.query)
            places[operation.delta.place][operation.delta.param] = paging.since_text(
                operation.delta, turn.since, turn.restarted
            )
        known = {**values, "size": amount}
        body = self._caller.body(operation, known, f"{self.manifest.slug}.{spec.slug}.{name}")
        for path, value in places["body"].items():
            body = {} if body is None else body
            setter(path)(body, value)
        call = Call(name, spec, operation, known, places["query"], places["header"], body, turn.url)
        return self._read_page(
            spec, operation, self._caller.send(call, self._readers[spec.slug]), cursor, since, amount
        )

    def _read_page(
        self,
        spec: ObjectSpec,
        operation: Operation,
        answer: Answer,
        cursor: str | None,
        since: datetime | None,
        size: int,
    ) -> Page:
        body = answer.json()
        entries = getter(operation.items or "")(body)
        if not isinstance(entries, list):
            raise Malformed(
                f"there is no list at {operation.items!r} in the answer", answer.where, "check 'items' in the manifest"
            )
        reader, items, faults = self._readers[spec.slug], [], {}
        for place, entry in enumerate(entries):
            try:
                items.append(reader.item(entry, answer.asked_at))
            except Malformed as fault:
                faults[place] = fault.what
        seen = paging.Seen(body, answer.headers, answer.url, len(entries), items, size)
        following = paging.following(operation.paging, cursor, since, seen)
        date = times.header_date(answer.headers.get("Date"))
        return Page(items, following, following is None, answer.asked_at, date, answer.round_trip, faults)
