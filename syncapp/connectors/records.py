"""What comes back from a provider, whatever it speaks: items, pages, receipts of writes, the outcome of a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

Json = Any


@dataclass(frozen=True, slots=True)
class Item:
    """One remote record as it was shown. ``asked_at`` is the clock just before the request that showed it."""

    id: str
    version: str | None
    updated_at: datetime | None
    deleted: bool
    actor: str | None
    body: dict[str, Json]
    asked_at: float
    created_at: datetime | None = None
    # The id of the record that this one went into; such a record is deleted.
    merged_into: str | None = None

    @property
    def raw(self) -> bytes:
        """The body as bytes that are equal when the body is: key order and spacing do not matter."""
        return orjson.dumps(self.body, option=orjson.OPT_SORT_KEYS)


@dataclass(frozen=True, slots=True)
class Quota:
    """The quota of a day as an answer told it: so many calls in all, so many left, until then."""

    limit: int
    remaining: int
    resets_at: datetime | None
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing. ``cursor`` resumes at the next page (None on the last one).

    ``faults`` holds what was wrong with entries that could not become items, by their place on the page. ``ids``:
    records that the page only names. ``marks``: from where the next pass goes on, as far as this page told it.
    ``note``: what the provider did otherwise than asked. ``until``: the end of the time that the pass asks for, where
    it has one.
    """

    items: list[Item]
    cursor: str | None
    last: bool
    asked_at: float
    server_date: datetime | None
    round_trip: float
    faults: Mapping[int, str] = field(default_factory=dict)
    entries: int = 0
    ids: tuple[str, ...] = ()
    marks: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """The receipt of a write. ``item`` is set only when the answer itself carried the record.

    ``existed``: a create found a record that an earlier attempt with the same key had made; read it before believing.
    """

    id: str
    version: str | None
    item: Item | None
    answered_at: float
    existed: bool = False
    server_date: datetime | None = None
    round_trip: float = 0.0


@dataclass(frozen=True, slots=True)
class Check:
    """What an admin's "test this account" shows. ``problems`` is empty when all is well."""

    reachable: bool
    authenticated: bool
    actor: str | None
    objects: Mapping[str, str]
    limits: Mapping[str, str]
    skew: float | None
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.reachable and self.authenticated and not self.problems


@dataclass(frozen=True, slots=True)
class Event:
    """One thing a webhook told. ``fields`` is the record's body if the event carried it, else None.

    ``nameless``: the provider gave no id, and ``id`` is a digest of what was told.
    """

    id: str
    object: str
    record_id: str
    occurred_at: datetime | None
    actor: str | None
    origin: str | None
    kind: str
    version: str | None
    fields: dict[str, Json] | None
    raw: Json
    nameless: bool = False
    # The ids that went into this record, where a merge was told.
    merged: tuple[str, ...] = ()
    # Its place among the events of the delivery, and the subscription that it came by, where one is named.
    place: int = 0
    subscription: str = ""
