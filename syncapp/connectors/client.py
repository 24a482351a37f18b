"""Talk to one account of any provider: list, read, find, create, update, delete, all as its manifest says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import requests

from syncapp.connectors.calls import PATIENCE, Caller, operation_of
from syncapp.connectors.checking import run_check
from syncapp.connectors.columns import columns
from syncapp.connectors.errors import Misconfigured
from syncapp.connectors.filters import Filter, narrowed
from syncapp.connectors.items import ItemReader
from syncapp.connectors.listing import Listing, Query, whole
from syncapp.connectors.many import Many
from syncapp.connectors.paths import Step, split
from syncapp.connectors.reading import Reading
from syncapp.connectors.records import Check, Item, Page, Written
from syncapp.connectors.renewal import Keeper
from syncapp.connectors.rounds import Asked, Rounds, is_plain
from syncapp.connectors.spec import Manifest
from syncapp.connectors.subscribing import Subscribing
from syncapp.connectors.subscriptionspec import SUBSCRIPTION_ID
from syncapp.connectors.templates import fill
from syncapp.connectors.throttle import Throttle
from syncapp.connectors.transport import USUAL, Timeouts
from syncapp.connectors.writing import Writing

NONE: Mapping[str, str] = {}


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
        subscription: str = "",
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
        if subscription:
            self._caller.config[SUBSCRIPTION_ID] = subscription
        self._readers = {slug: ItemReader(spec) for slug, spec in manifest.objects.items()}
        self._listing = Listing(manifest, self._caller, self._readers)
        self._reading = Reading(manifest, self._caller, self._readers, self._listing)
        self._rounds = Rounds(manifest, self._listing, self._reading)
        self._writing = Writing(manifest, self._caller, self._readers, self._reading, clock)
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
        marks: Mapping[str, str] = NONE,
    ) -> Iterator[Page]:
        """Pages of a pass: over everything, or over what changed ``since`` (overlap and resolution are taken care of)
        and the ``marks`` that the pages of the pass before told; or resumed at ``cursor``.
        """
        spec, operation = operation_of(self.manifest, object, "list")
        if since is not None and not spec.tells_changes:
            raise Misconfigured(
                f"{spec.name} cannot be listed by time of change",
                f"{self.manifest.slug}.{object}.list",
                "a full listing, without since",
            )
        narrow, values = narrowed(operation, filters)
        if is_plain(spec, since):
            return self._listing.walk(whole(spec, narrow, values, since, size), cursor)
        return self._rounds.walk(Asked(spec, narrow, values, since, marks, size), cursor)

    def read(self, object: str, id: str) -> Item:
        """One record. Raises Gone if it does not exist, is a tombstone or went into another one."""
        return self._reading.one(object, id)

    def read_many(self, object: str, ids: Iterable[str]) -> dict[str, Item]:
        """Records by id, in batches where the provider offers them. Missing ids are absent; tombstones are shown."""
        return self._reading.many(object, ids)

    def columns(self, object: str) -> list[tuple[Step, ...]]:
        """The ways in a record to the columns that the object has now."""
        return columns(self.manifest, self._caller, object)

    def find(self, object: str, field: str, value: str) -> list[Item]:
        """Live records whose field has this value, asked of the provider itself (before a create)."""
        spec, operation = operation_of(self.manifest, object, "find")
        param = operation.by.get(field)
        if param is None and "*" in operation.by:
            path = spec.fields[field].path if field in spec.fields else field
            param = fill(operation.by["*"], {"path": path, "name": str(split(path)[-1])})
        if param is None:
            raise Misconfigured(
                f"{spec.name} cannot be looked up by {field!r}",
                f"{self.manifest.slug}.{object}.find",
                ", ".join(sorted(operation.by)),
            )
        pages = self._listing.walk(Query(spec, "find", operation, {"param": param, "value": value}))
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
