"""Talk to one account of any provider: list, read, find, create, update, delete, all as its manifest says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import requests

from syncapp.connectors.calls import PATIENCE, Call, Caller, object_of, operation_of
from syncapp.connectors.checking import run_check
from syncapp.connectors.errors import Gone, Malformed, Misconfigured
from syncapp.connectors.filters import Filter, narrowed
from syncapp.connectors.items import ItemReader
from syncapp.connectors.listing import Listing
from syncapp.connectors.many import Many
from syncapp.connectors.records import Check, Item, Page, Written
from syncapp.connectors.renewal import Keeper
from syncapp.connectors.spec import Manifest
from syncapp.connectors.subscribing import Subscribing
from syncapp.connectors.templates import fill
from syncapp.connectors.throttle import Throttle
from syncapp.connectors.transport import USUAL, Timeouts
from syncapp.connectors.writing import Writing


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
        self._listing = Listing(manifest, self._caller, self._readers)
        self._writing = Writing(manifest, self._caller, self._readers, clock)
        self.many = Many(manifest, self._caller, self._readers)
        self.subscriptions = Subscribing(manifest, self._caller)

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
        return self._listing.walk(spec, "list", *narrowed(operation, filters), since, cursor, size)

    def read(self, object: str, id: str) -> Item:
        """One record. Raises Gone if it does not exist, is a tombstone or went into another one."""
        spec, operation = operation_of(self.manifest, object, "read")
        answer = self._caller.send(Call("read", spec, operation, {"id": id}, {}, {}), self._readers[object])
        reader = self._readers[object]
        item = reader.item(answer.part(operation.item or ""), answer.asked_at, answer.headers, id)
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
            for page in self._listing.walk(spec, "read_many", operation, {"ids": some}, None, None, None):
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
        pages = self._listing.walk(spec, "find", operation, {"param": param, "value": value}, None, None, None)
        return [item for page in pages for item in page.items if not item.deleted]

    def create(self, object: str, body: Mapping[str, Any], *, key: str, external_id: str | None = None) -> Written:
        """A new record. The same key never makes two where the provider has an idempotency key or lets us name ids."""
        return self._writing.create(object, body, key=key, external_id=external_id)

    def update(self, object: str, id: str, body: Mapping[str, Any], *, version: str | None, key: str) -> Written:
        """A partial update; with a version, only if the record still has it (else Stale)."""
        return self._writing.update(object, id, body, version=version, key=key)

    def delete(self, object: str, id: str, *, version: str | None = None, key: str) -> None:
        """Delete; with a version, only if the record still has it. Raises Gone if it was not there."""
        self._writing.delete(object, id, version=version, key=key)

    def check(self) -> Check:
        """Try the account as an admin would: reachable, who am I, which objects answer, which limits were seen."""
        return run_check(self, self._caller)

    def close(self) -> None:
        self._caller.transport.close()

    def _read_or_tombstone(self, object: str, id: str) -> Item | None:
        try:
            return self.read(object, id)
        except Gone as gone:
            return gone.item
