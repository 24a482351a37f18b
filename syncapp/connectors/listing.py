"""Read a listing of one account page by page, as the manifest says: how each page is asked for, and what it shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from syncapp.connectors import deltas, endless, paging, times
from syncapp.connectors.calls import Call, Caller
from syncapp.connectors.errors import Malformed, PageLost, Rejected
from syncapp.connectors.expressions import listed, reads
from syncapp.connectors.items import ItemReader
from syncapp.connectors.named import named_ids
from syncapp.connectors.opspec import DeltaSpec, Operation
from syncapp.connectors.paths import as_text, setter
from syncapp.connectors.records import Item, Page
from syncapp.connectors.spec import Manifest, ObjectSpec
from syncapp.connectors.subscriptionspec import SUBSCRIPTION_ID
from syncapp.connectors.templates import fill, names
from syncapp.connectors.transport import Answer

EMPTY = (204, 304)  # nothing there, nothing changed; only where 'success' names them


@dataclass(frozen=True, slots=True)
class Query:
    """One listing: by which call, with what in its slots, of which time; ``restarted``: exactly from then."""

    spec: ObjectSpec
    name: str
    operation: Operation
    values: Mapping[str, Any] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    size: int | None = None
    restarted: bool = False

    @property
    def amount(self) -> int:
        pager = self.operation.paging
        return max(1, min(self.size or pager.size, pager.max_size))


def whole(
    spec: ObjectSpec, operation: Operation, values: Mapping[str, Any], since: datetime | None, size: int | None = None
) -> Query:
    """The listing itself; where it cannot be asked for without a time, from the beginning of time."""
    always = since is None and operation.delta is not None and operation.delta.always
    return Query(spec, "list", operation, values, times.EPOCH if always else since, size=size)


class Listing:
    """The listings of one account; shares its connection, limits and credentials."""

    def __init__(self, manifest: Manifest, caller: Caller, readers: Mapping[str, ItemReader]) -> None:
        self.manifest, self._caller, self._readers = manifest, caller, readers

    def where(self, query: Query) -> str:
        return f"{self.manifest.slug}.{query.spec.slug}.{query.name}"

    def has_log(self, query: Query) -> bool:
        """Where changes stand in the log of a subscription: the account has one."""
        return SUBSCRIPTION_ID not in names(query.operation.path) or SUBSCRIPTION_ID in self._caller.config

    def walk(self, query: Query, cursor: str | None = None) -> Iterator[Page]:
        watched = endless.Endless(self.where(query), query.operation.paging.most_pages)
        watched.saw(cursor, ())
        while True:
            page = self._page(query, cursor)
            watched.saw(page.cursor, _shown(query.operation.delta, page))
            yield page
            if page.cursor is None:
                return
            cursor = page.cursor

    def _page(self, query: Query, cursor: str | None) -> Page:
        turn = paging.turn(query.operation.paging, cursor, query.since)
        call = self._call(query, turn)
        try:
            answer = self._caller.send(call, self._readers[query.spec.slug])
        except Rejected as refused:
            if cursor is not None and refused.status in query.operation.paging.expired:
                raise PageLost(refused.what, refused.where, "the listing begins again") from None
            raise
        return self._read_page(query, answer, cursor)

    def _call(self, query: Query, turn: paging.Turn) -> Call:
        operation = query.operation
        places: dict[str, dict[str, Any]] = {"query": {}, "header": {}, "body": {}, "slot": {}}
        if turn.param is not None:
            places[operation.paging.place]["cursor" if operation.paging.place == "slot" else turn.name] = turn.param
        known: dict[str, Any] = {**query.values, "size": query.amount}
        if turn.since is not None and operation.delta is not None:
            self._ask_since(operation.delta, query, turn, places, known)
        known |= places["slot"]
        body = self._caller.body(operation, known, self.where(query))
        for path, value in places["body"].items():
            body = {} if body is None else body
            setter(path)(body, value)
        call = Call(query.name, query.spec, operation, known, places["query"], places["header"], body, turn.url)
        return self._shortened(call) if operation.long is not None else call

    def _ask_since(
        self,
        delta: DeltaSpec,
        query: Query,
        turn: paging.Turn,
        places: dict[str, dict[str, Any]],
        known: dict[str, Any],
    ) -> None:
        assert turn.since is not None
        zone = deltas.zone_of(fill(delta.timezone, self._caller.config))
        known["since"] = deltas.since_text(delta, turn.since, turn.restarted or query.restarted, zone)
        if delta.kind != "since":
            return
        places["query"].update(delta.query)
        if delta.param:
            places[delta.place][delta.param] = known["since"]
        if query.until is not None:
            known["until"] = deltas.spelled(delta, query.until, zone)
            if delta.until:
                places[delta.place][delta.until] = known["until"]

    def _shortened(self, call: Call) -> Call:
        """The same as a POST, if its address would be longer than the provider takes."""
        long = call.operation.long
        assert long is not None
        if call.url is not None or len(self._caller.address(call)) <= long.over:
            return call
        told = self._caller.parameters(call)
        posted = replace(call.operation, method="POST", path=long.path, query={})
        return replace(call, operation=posted, query={}, body={**told, **(call.body or {})})

    def _read_page(self, query: Query, answer: Answer, cursor: str | None) -> Page:
        date = times.header_date(answer.headers.get("Date"))
        if answer.status in EMPTY:
            return Page([], None, True, answer.asked_at, date, answer.round_trip)
        operation, body = query.operation, answer.json()
        entries = _entries(operation, body, answer)
        ids: tuple[str, ...] = ()
        items: list[Item] = []
        faults: dict[int, str] = {}
        if operation.ids is None:
            items, faults = self._read_items(query, entries, answer)
        else:
            ids = named_ids(operation.ids, entries if operation.items is not None else [body], answer.where)
        count = len(entries) if operation.ids is None or operation.items is not None else len(ids)
        shown = ids or [item.id for item in items] + [""] * (count - 1 in faults)
        seen = paging.Seen(body, answer.headers, answer.url, count, items, query.amount, answer.where, shown)
        following = paging.following(operation.paging, cursor, query.since, seen)
        again = paging.repeated(operation.paging, cursor)
        items = items[1:] if again and items and items[0].id == again else items
        return Page(
            items, following, following is None, answer.asked_at, date, answer.round_trip, faults,
            count, ids, _marks(operation, body, query), _note(query, count, following),
        )  # fmt: skip

    def _read_items(self, query: Query, entries: list[Any], answer: Answer) -> tuple[list[Item], dict[int, str]]:
        reader, items, faults = self._readers[query.spec.slug], [], {}
        if (parent := query.values.get("parent")) is not None:
            for entry in entries:
                reader.adopt(entry, parent)
        for place, entry in enumerate(entries):
            try:
                items.append(reader.item(entry, answer.asked_at))
            except Malformed as fault:
                faults[place] = fault.what
        return items, faults

    def latest(self, query: Query) -> str | None:
        """The place that the provider is at now, by a call that tells nothing else."""
        answer = self._caller.send(self._call(query, paging.Turn()), self._readers[query.spec.slug])
        return _marks(query.operation, answer.json(), query).get(query.name)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._caller.clock(), UTC)


def _entries(operation: Operation, body: Any, answer: Answer) -> list[Any]:
    if operation.items is None:
        return []
    entries = listed(operation.items, body)
    if entries is None:
        raise Malformed(
            f"there is no list at {operation.items!r} in the answer", answer.where, "check 'items' in the manifest"
        )
    return entries


def _marks(operation: Operation, body: Any, query: Query) -> dict[str, str]:
    found = as_text(reads(operation.mark)(body)) if operation.mark is not None else None
    return {query.name: found} if found else {}


def _shown(delta: DeltaSpec | None, page: Page) -> endless.Shown:
    """What makes a page the same as another. One busy record is a page again and again: of a log, each of its changes
    may be one, and a listing that restarts shows it whenever it has a new time.
    """
    if delta is not None and (delta.kind == "log" or delta.repeats):
        return ()
    return page.ids or tuple((item.id, item.updated_at) for item in page.items)


def _note(query: Query, count: int, following: str | None) -> str:
    """A page that is shorter than asked for and not the last: the provider's own size, unless it filters."""
    if following is None or not 0 < count < query.amount:
        return ""
    return f"{query.amount} records a page were asked for and {count} came: the provider makes its pages smaller"
