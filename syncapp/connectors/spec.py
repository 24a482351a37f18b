"""A provider as data: the frozen dataclasses that a manifest file becomes. Nothing here does anything.

Strings named *template* may hold ``{config.NAME}``, ``{secret.NAME}`` and the names each operation offers
(``{id}``, ``{size}``, ``{cursor}``, ``{since}``, ``{key}``, ``{version}`` …); strings named *path* are dotted paths.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syncapp.connectors.expressions import Expression
from syncapp.connectors.filters import FilterSpec
from syncapp.connectors.hookspec import WebhookSpec

Norm = str | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """Something an account has to give: a config value or a secret."""

    label: str
    required: bool = True
    default: str | None = None
    help: str = ""


@dataclass(frozen=True, slots=True)
class AuthSpec:
    """``none``, ``headers`` (any names), ``bearer``, ``basic`` or ``refresh``; the values are templates.

    ``refresh``: the secret named by ``access`` is renewed at ``token_url`` with the one named by ``refresh``; without a
    refresh token the access token is used as it is.
    """

    type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    user: str = ""
    password: str = ""
    token_url: str = ""
    access: str = "access_token"
    refresh: str = "refresh_token"
    client_id: str = ""
    client_secret: str = ""
    client_auth: str = "body"


@dataclass(frozen=True, slots=True)
class VersionSpec:
    """Where a record's version is. ``exact`` changes with every write; ``ordered`` can also be compared as a number."""

    kind: str = "none"
    path: str = ""
    header: str = ""

    @property
    def exact(self) -> bool:
        return self.kind in ("exact", "ordered")

    @property
    def ordered(self) -> bool:
        return self.kind == "ordered"


@dataclass(frozen=True, slots=True)
class TimeSpec:
    """A time in a record: where, how it is written (iso, unix, unix_ms, http), how finely, in which zone."""

    path: str
    format: str = "iso"
    resolution: float = 0.001
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """``jsonata`` reads what is at the path, ``inverse`` makes what is written there; without it, one way."""

    path: str
    type: str = "text"
    writable: bool = True
    clear: str = "null"
    normalises: tuple[Norm, ...] = ()
    omitted: str = "missing"
    transforms: tuple[Norm, ...] = ()
    label: str = ""
    jsonata: str | None = None
    inverse: str | None = None


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


@dataclass(frozen=True, slots=True)
class DeletedSpec:
    """How a tombstone looks in a body: the path is there, and equals ``value``."""

    path: str
    value: Any = True


@dataclass(frozen=True, slots=True)
class MergedSpec:
    """How one sees that a record went into another: a tombstone that names it (``path``), an error answer to its id
    that names it (``error``), or the other record itself, under its own id, as the answer (``other_id``)."""

    path: str = ""
    error: str = ""
    other_id: bool = False


@dataclass(frozen=True, slots=True)
class ErrorSpec:
    """Where an error answer keeps its sentence, its code and its complaints about single fields."""

    message: tuple[str, ...] = ()
    code: str = ""
    field: str = ""
    items: str = ""
    item_field: str = ""
    item_message: str = ""
    busy: tuple[int, ...] = ()
    limited_codes: tuple[str, ...] = ()
    unauthorised_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ObjectSpec:
    slug: str
    name: str
    id: str
    fields: Mapping[str, FieldSpec]
    operations: Mapping[str, Operation]
    open_fields: bool = False
    version: VersionSpec = VersionSpec()
    updated_at: TimeSpec | None = None
    created_at: TimeSpec | None = None
    deleted: DeletedSpec | None = None
    deletes: str = "never"
    merged: MergedSpec = MergedSpec()
    actor: str = ""
    external_id: str = ""
    lag: float = 0.0
    errors: ErrorSpec = ErrorSpec()

    def can(self, operation: str) -> bool:
        return operation in self.operations

    def most(self, operation: str) -> int:
        """How many records one such call may name; 0 where there is none."""
        return self.operations[operation].max_ids if operation in self.operations else 0

    @property
    def conditional(self) -> bool:
        """True if an update here can be tied to the version that was read."""
        update = self.operations.get("update")
        return update is not None and update.conditional is not None


@dataclass(frozen=True, slots=True)
class DailySpec:
    """The headers in which the provider states the quota of a day: how many calls, how many left, until when."""

    limit: str
    remaining: str
    reset: str = ""
    reset_format: str = "unix"


@dataclass(frozen=True, slots=True)
class LimitSpec:
    """Our own budget (``buckets`` of (requests, seconds)) and the headers in which the provider states its own."""

    buckets: tuple[tuple[int, float], ...] = ()
    remaining: str = ""
    reset: str = ""
    reset_format: str = "seconds"
    retry_after: str = "Retry-After"
    refused: tuple[int, ...] = (429,)
    wait: float = 5.0
    daily: DailySpec | None = None


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """The call behind an admin's "test": something cheap that needs the credentials and may name the actor."""

    path: str
    method: str = "GET"
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    slug: str
    name: str
    base_url: str
    auth: AuthSpec
    objects: Mapping[str, ObjectSpec]
    config: Mapping[str, Setting] = field(default_factory=dict)
    secrets: Mapping[str, Setting] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    limits: LimitSpec = LimitSpec()
    webhook: WebhookSpec | None = None
    check: CheckSpec | None = None
    docs: str = ""
    quirks: tuple[str, ...] = ()
    file: str = ""
