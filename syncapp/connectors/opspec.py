"""What a manifest says about one call: how it is asked, paged, tied to a version, and made for many at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syncapp.connectors.expressions import Expression
from syncapp.connectors.filters import FilterSpec


@dataclass(frozen=True, slots=True)
class PagingSpec:
    """``kind``: none, cursor, page, offset, last_id, link (Link header), next_url (in the body), next_header.

    ``restart`` (page and offset, lists ordered by time, inclusive delta): ask again from the last time seen instead of
    counting on, because counting skips records that move while one reads.
    """

    kind: str = "none"
    path: str = ""
    param: str = ""
    place: str = "query"
    header: str = ""
    start: int = 1
    pages: str = ""
    total: str = ""
    more: str = ""
    restart: bool = False
    size: int = 100
    max_size: int = 100


@dataclass(frozen=True, slots=True)
class DeltaSpec:
    """How "changed since" is asked for; ``overlap`` seconds once more, as clocks lag; ``query``: for deltas only."""

    param: str
    place: str = "query"
    format: str = "iso"
    template: str = "{since}"
    resolution: float = 0.001
    inclusive: bool = True
    overlap: float = 0.0
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConditionalSpec:
    """How a write is tied to a version: in a header or in the body; what a refusal looks like, where the current is."""

    header: str = ""
    template: str = "{version}"
    body: str = ""
    status: tuple[int, ...] = (412,)
    code_path: str = ""
    codes: tuple[str, ...] = ()
    current: str | None = None


@dataclass(frozen=True, slots=True)
class EntriesSpec:
    """One call that writes many records: what stands for each of them in the request, and in the answer.

    ``body`` is the template of one entry. In the answer ``items`` is the list, ``status`` an entry's own status as in
    HTTP, ``record`` and ``error`` its bodies. ``mark``: where an entry repeats the key (or, in an update, the id) of
    what it answers; without it entries come in the order of the request.
    """

    body: Any
    items: str
    status: str
    record: str = ""
    error: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call. ``items``, ``item``: where the list or record is in the answer ("" = the whole body, None = absent)."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    success: tuple[int, ...] = ()
    ok_path: str = ""
    ok_value: Any = True
    ok_test: Expression | None = None
    items: str | None = None
    item: str | None = None
    paging: PagingSpec = PagingSpec()
    delta: DeltaSpec | None = None
    conditional: ConditionalSpec | None = None
    idempotency: Mapping[str, str] = field(default_factory=dict)
    exists: tuple[int, ...] = ()
    max_ids: int = 1
    by: Mapping[str, str] = field(default_factory=dict)
    entries: EntriesSpec | None = None
    filters: tuple[FilterSpec, ...] = ()
