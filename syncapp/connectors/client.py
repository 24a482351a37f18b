"""Talk to one account of any provider: list, read, find, create, update, delete, all as its manifest says."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import requests

from syncapp.connectors import paging, times
from syncapp.connectors.calls import PATIENCE, Call, Caller, as_sent, object_of, operation_of
from syncapp.connectors.checking import run_check
from syncapp.connectors.errors import Gone, Malformed, Misconfigured, Rejected, Unknown
from syncapp.connectors.filters import Filter, narrowed
from syncapp.connectors.items import ItemReader
from syncapp.connectors.many import Many
from syncapp.connectors.paths import ABSENT, getter, setter
from syncapp.connectors.records import Check, Item, Page, Written
from syncapp.connectors.renewal import Keeper
from syncapp.connectors.spec import Manifest, ObjectSpec, Operation
from syncapp.connectors.templates import fill
from syncapp.connectors.throttle import Throttle
from syncapp.connectors.transport import USUAL, Answer, Timeouts

OWN_IDS = uuid.UUID("6b0f3c0e-9f0c-5d0a-8a7e-2f6f3d1c7a55")


class Client:
    """One account. Not shared between threads; cheap to make, keeps one connection open. `before_write` may raise."""

    def __init__(
        self,
        manifest: Manifest,
        config: Mapping[str, Any],
        secrets: Mapping[str, str],
        *,
        allow_private: bool = False,
        clock: Callable[[], float] = time.time,
        session: requests.Session | None = None,
        timeouts: Timeouts = USUAL,
        account: str = "",
        throttle: Throttle | None = None,
        patience: float = PATIENCE,
        sleep: Callable[[float], None] = time.sleep,
        max_bytes: int = 32 * 1024 * 1024,
        looks_only: bool = False,
        before_write: Callable[[], None] = lambda: None,
        keeper: Keeper | None = None,
    ) -> None:
        self.manifest = manifest
        self.clock = clock
        self._caller = Caller(
            manifest,
            config,
            secrets,
            account=account,
            allow_private=allow_private,
            clock=clock,
            session=session,
            timeouts=timeouts,
            throttle=throttle,
            patience=patience,
            sleep=sleep,
            max_bytes=max_bytes,
            before_write=before_write,
            keeper=keeper,
        )
        self._caller.looks_only = looks_only
        self._readers = {slug: ItemReader(spec) for slug, spec in manifest.objects.items()}
        self.many = Many(manifest, self._caller, self._readers)

    def pages(
        self,
        object: str,
        *,
        since: datetime | None = None,
        cursor: str | None = None,
        size: int | None = None,
        filters: Sequence[Filter] = (),
    ) -> Iterator[Page]:
        """Pages of a listing, from ``since`` (overlap and resolution are taken care of) or resumed at ``cursor``."""
        spec, operation = operation_of(self.manifest, object, "list")
        if since is not None and operation.delta is None:
            raise Misconfigured(
                f"{spec.name} cannot be listed by time of change",
                f"{self.manifest.slug}.{object}.list",
                "a full listing, without since",
            )
        return self._walk(spec, "list", *narrowed(operation, filters), since, cursor, size)

    def read(self, object: str, id: str) -> Item:
        """One record. Raises Gone if it does not exist, is a tombstone or went into another one."""
        spec, operation = operation_of(self.manifest, object, "read")
        answer = self._send(Call("read", spec, operation, {"id": id}, {}, {}))
        reader = self._readers[object]
        item = reader.item(self._part(answer, operation.item or ""), answer.asked_at, answer.headers, id)
        if spec.merged.other_id and item.id != id:
            told = reader.merged_away(id, item.id, answer.asked_at)
            raise Gone("the record was merged into another one", answer.where, item=told)
        if item.deleted:
            raise Gone("the record is deleted", answer.where, item=item)
        return item

    def read_many(self, object: str, ids: Iterable[str]) -> dict[str, Item]:
        """Records by id, in batches where the provider offers them. Missing ids are absent; tombstones are shown."""
        wanted = list(dict.fromkeys(ids))
        spec = object_of(self.manifest, object)
        operation = spec.operations.get("read_many")
        if operation is None:
            return {item.id: item for id in wanted if (item := self._read_or_tombstone(object, id)) is not None}
        found: dict[str, Item] = {}
        for start in range(0, len(wanted), operation.max_ids):
            some = wanted[start : start + operation.max_ids]
            for page in self._walk(spec, "read_many", operation, {"ids": some}, None, None, None):
                if page.faults:
                    raise Malformed("; ".join(page.faults.values()), f"{self.manifest.slug}.{object}.read_many")
                found.update((item.id, item) for item in page.items if item.id in some)
        return found

    def find(self, object: str, field: str, value: str) -> list[Item]:
        """Live records whose field has this value, asked of the provider itself (before a create)."""
        spec, operation = operation_of(self.manifest, object, "find")
        param = operation.by.get(field)
        if param is None and "*" in operation.by:
            param = fill(operation.by["*"], {"path": spec.fields[field].path if field in spec.fields else field})
        if param is None:
            raise Misconfigured(
                f"{spec.name} cannot be looked up by {field!r}",
                f"{self.manifest.slug}.{object}.find",
                ", ".join(sorted(operation.by)),
            )
        pages = self._walk(spec, "find", operation, {"param": param, "value": value}, None, None, None)
        return [item for page in pages for item in page.items if not item.deleted]

    def create(self, object: str, body: Mapping[str, Any], *, key: str, external_id: str | None = None) -> Written:
        """A new record. The same key never makes two where the provider has an idempotency key or lets us name ids."""
        spec, operation = operation_of(self.manifest, object, "create")
        content = dict(body)
        if external_id is not None and spec.external_id:
            setter(spec.external_id)(content, external_id)
        own_id = str(uuid.uuid5(OWN_IDS, f"{self._caller.base}/{object}/{key}"))
        values = {"body": content, "own_id": own_id, "key": key}
        try:
            answer = self._write("create", spec, operation, values, None)
        except Rejected as refused:
            if refused.status in operation.exists:
                return Written(own_id, None, None, self.clock(), existed=True)
            raise
        written = self._written(spec, operation, answer, None)
        if written is None:
            raise Unknown(
                "the record was created, but the answer does not say its id",
                answer.where,
                "look the record up by its key",
            )
        return written

    def update(self, object: str, id: str, body: Mapping[str, Any], *, version: str | None, key: str) -> Written:
        """A partial update; with a version, only if the record still has it (else Stale)."""
        spec, operation = operation_of(self.manifest, object, "update")
        answer = self._write("update", spec, operation, {"id": id, "body": dict(body), "key": key}, version)
        written = self._written(spec, operation, answer, id)
        return written or Written(id, None, None, answer.answered_at)

    def delete(self, object: str, id: str, *, version: str | None = None, key: str) -> None:
        """Delete; with a version, only if the record still has it. Raises Gone if it was not there."""
        spec, operation = operation_of(self.manifest, object, "delete")
        self._write("delete", spec, operation, {"id": id, "key": key}, version)

    def check(self) -> Check:
        """Try the account as an admin would: reachable, who am I, which objects answer, which limits were seen."""
        return run_check(self, self._caller)

    def close(self) -> None:
        self._caller.transport.close()

    def _walk(
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
        return self._read_page(spec, operation, self._send(call), cursor, since, amount)

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

    def _write(
        self, name: str, spec: ObjectSpec, operation: Operation, values: dict[str, Any], version: str | None
    ) -> Answer:
        where = f"{self.manifest.slug}.{spec.slug}.{name}"
        headers = {header: fill(template, values, where) for header, template in operation.idempotency.items()}
        body = self._caller.body(operation, values, where)
        condition = operation.conditional if version is not None else None
        if condition is not None and condition.header:
            headers[condition.header] = fill(condition.template, {"version": version}, where)
        if condition is not None and condition.body:
            body = dict(body or {})
            setter(condition.body)(body, as_sent(spec, version))
        return self._send(Call(name, spec, operation, values, {}, headers, body, conditional=condition is not None))

    def _written(self, spec: ObjectSpec, operation: Operation, answer: Answer, known_id: str | None) -> Written | None:
        """The receipt, as far as the answer carries one. A write that succeeded is never turned into an error here."""
        reader = self._readers[spec.slug]
        found, version, item = known_id, None, None
        try:
            if operation.item is not None:
                # only a body that names its id is taken for the record: it becomes what we believe is stored there
                item = reader.item(self._part(answer, operation.item), answer.asked_at, answer.headers)
                found, version = item.id, item.version
            elif answer.body:
                body = answer.json()
                found, version = known_id or reader.id_of(body), reader.version(body, answer.headers)
        except Malformed:
            item = None  # it landed, and the read that follows will show it
        if found is None:
            return None
        date = times.header_date(answer.headers.get("Date"))
        return Written(found, version, item, answer.answered_at, False, date, answer.round_trip)

    def _read_or_tombstone(self, object: str, id: str) -> Item | None:
        try:
            return self.read(object, id)
        except Gone as gone:
            return gone.item

    def _part(self, answer: Answer, path: str) -> Any:
        part = getter(path)(answer.json())
        if part is ABSENT:
            raise Malformed(
                f"there is no record at {path!r} in the answer", answer.where, "check 'item' in the manifest"
            )
        return part

    def _send(self, call: Call) -> Answer:
        return self._caller.send(call, self._readers[call.spec.slug])
