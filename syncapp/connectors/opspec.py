"""What a manifest says about one call: how it is asked, paged, tied to a version, and made for many at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syncapp.connectors.answerspec import ErrorSpec, NewIdSpec, OkSpec
from syncapp.connectors.expressions import Expression, Source
from syncapp.connectors.filters import FilterSpec


@dataclass(frozen=True, slots=True)
class PagingSpec:
    """``kind``: none, cursor, page, offset, last_id, link (Link header), next_url (in the body), next_header.

    ``more``, ``end``: where the answer says whether there is more, or that this is all. ``in: slot``: what is asked for
    stands where a template says ``{cursor}``, in the middle of a query text. ``token``: from the page on that names one
    there, it is asked for by ``token_param`` and no longer counted. ``restart`` (page, offset, cursor; lists ordered by
    time, inclusive delta): ask again from the last time seen instead of going on, because counting skips records that
    move while one reads, and because a query shows no more than ``most``. ``expired``: statuses that say the provider
    has forgotten its own page. ``most_pages``: after so many there is no end.
    """

    kind: str = "none"
    path: str = ""
    param: str = ""
    place: str = "query"
    header: str = ""
    start: int | None = None
    pages: str = ""
    total: str = ""
    more: str = ""
    end: str = ""
    token: str = ""
    token_param: str = ""
    restart: bool = False
    most: int = 0
    expired: tuple[int, ...] = ()
    most_pages: int = 100_000
    size: int = 100
    max_size: int = 100


@dataclass(frozen=True, slots=True)
class DeltaSpec:
    """How "changed since" is asked for.

    ``kind`` since: by time, in a parameter or where a template says ``{since}``; ``overlap`` seconds once more, as
    clocks and indexes lag; ``pattern`` and ``timezone`` where no format fits; ``query``: for deltas only; ``until``: a
    parameter for the end; ``always``: a listing of everything is asked for as what changed since 1970; ``most``: an
    answer as long as that may have left something out. log: by the place in a log of events that was reached last;
    ``from_start``: it is read from its beginning where none is known. link: by the address that the last page gave.
    ``retention``: what is older than so many seconds is not told any more. ``lost``: statuses that say a place is not
    known any more. ``repeats``: one pass may tell the same record several times.
    """

    kind: str = "since"
    param: str = ""
    place: str = "query"
    format: str = "iso"
    pattern: str = ""
    timezone: str = "UTC"
    template: str = "{since}"
    resolution: float = 0.001
    inclusive: bool = True
    overlap: float = 0.0
    query: Mapping[str, str] = field(default_factory=dict)
    until: str = ""
    always: bool = False
    most: int = 0
    from_start: bool = False
    retention: float = 0.0
    lost: tuple[int, ...] = (400, 404, 410, 422)
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class LongSpec:
    """An address longer than ``over`` characters is not asked for: its parameters are posted to ``path`` as a body."""

    path: str
    over: int = 8000


@dataclass(frozen=True, slots=True)
class ConditionalSpec:
    """How a write is tied to a version: in a header or in the body; what a refusal looks like, where the current is.

    A refusal has one of these statuses; with ``codes`` also one of them. ``code_status``: only these need a code then.
    ``required``: nothing is taken without; where no version is known, the record is read for it.
    """

    header: str = ""
    template: str = "{version}"
    body: str = ""
    status: tuple[int, ...] = (412, 428)
    code_path: str = ""
    codes: tuple[str, ...] = ()
    code_status: tuple[int, ...] = ()
    current: str | None = None
    required: bool = False

    @property
    def by_clock(self) -> bool:
        """Tied to the time of the last change: it narrows the window to the clock's ticks, and is never a version."""
        return "{updated_at" in self.template


@dataclass(frozen=True, slots=True)
class EntriesSpec:
    """One call for many records: what stands for each of them in the request, and in the answer.

    ``body`` is the template of one entry. In the answer ``items`` is the list, ``status`` an entry's own status as in
    HTTP (or true, false), ``record`` and ``error`` its bodies, ``id`` a new record's id where there is no body.
    ``mark``: where an entry repeats the key (or, in an update, the id) of what it answers; without it entries come in
    the order of the request.
    """

    body: Any
    items: Source = ""
    status: Source = ""
    record: Source = ""
    error: Source = ""
    mark: Source = ""
    id: Source | None = None


@dataclass(frozen=True, slots=True)
class ReplaceSpec:
    """An update that replaces the whole record: it is read, changed and sent, less what may not be sent."""

    drop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeepSpec:
    """A list that an update replaces and a field is one entry of: it is read, and ``merge`` gives what is sent, of
    ``{now, sent}``.
    """

    path: str
    merge: Expression


@dataclass(frozen=True, slots=True)
class PartSpec:
    """A call of its own for the value at one path: always, or only where it is set or cleared."""

    take: str
    operation: Operation
    when: str = "any"


@dataclass(frozen=True, slots=True)
class Operation:
    """One call. ``items``, ``item``: where the list or record is in the answer ("" = the whole body, None = absent).

    ``ids``: the answer only names records, which are read by id: in each entry of ``items``, else in the whole body.
    ``mark``: where the answer says from where to go on next time. ``gone``: statuses by which a read also says that a
    record is not there; believed only if another record can be read at the time.
    ``content``: what the body is sent as (json, form, graphql, text); ``lists``: how a form names their entries;
    ``graphql``: the document, whose variables are the body. ``errors``: where this call's answers differ from others.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content: str = "json"
    lists: str = "index"
    graphql: str = ""
    success: tuple[int, ...] = ()
    ok: tuple[OkSpec, ...] = ()
    errors: ErrorSpec | None = None
    new_id: NewIdSpec | None = None
    replaces: ReplaceSpec | None = None
    keeps: tuple[KeepSpec, ...] = ()
    parts: tuple[PartSpec, ...] = ()
    items: Source | None = None
    ids: Source | None = None
    mark: Source | None = None
    long: LongSpec | None = None
    gone: tuple[int, ...] = ()
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
    bucket: str = ""
    cost: float = 1.0
