"""A provider as data: the frozen dataclasses that a manifest file becomes. Nothing here does anything.

Strings named *template* may hold ``{config.NAME}``, ``{secret.NAME}`` and the names each operation offers
(``{id}``, ``{size}``, ``{cursor}``, ``{since}``, ``{key}``, ``{version}`` …); strings named *path* are dotted paths.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from syncapp.connectors.answerspec import ErrorSpec, OkSpec
from syncapp.connectors.authspec import WAY, AuthSpec, Setting
from syncapp.connectors.errors import Misconfigured
from syncapp.connectors.hookspec import WebhookSpec
from syncapp.connectors.limitspec import LimitSpec
from syncapp.connectors.opspec import Operation
from syncapp.connectors.sqlspec import SqlSpec

Norm = str | Mapping[str, Any]


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
    """A time in a record: where, how it is written (iso, unix, unix_ms, http), how finely, in which zone.

    ``fallback`` (``or``): where the time stands that counts while this one is null, as before the first change.
    """

    path: str
    fallback: str = ""
    format: str = "iso"
    resolution: float = 0.001
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """``jsonata`` reads what is at the path, ``inverse`` makes what is written there; without it, one way.

    ``clear``: what is sent to clear it (null, empty, list, ``{value: …}``), omit or refuse. ``omitted``: what it means
    where it is left out; never: it always is there. ``writes_to``: where it is written, if not where it is read.
    ``required``: no record is made there without it.
    """

    path: str
    type: str = "text"
    writable: bool = True
    clear: str | Mapping[str, Any] = "null"
    normalises: tuple[Norm, ...] = ()
    omitted: str = "missing"
    transforms: tuple[Norm, ...] = ()
    label: str = ""
    jsonata: str | None = None
    inverse: str | None = None
    writes_to: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class DeletedSpec:
    """How a tombstone looks in a body: the path is there, and equals ``value`` or one of several."""

    path: str
    value: Any = True

    @property
    def values(self) -> tuple[Any, ...]:
        return tuple(self.value) if isinstance(self.value, list | tuple) else (self.value,)


@dataclass(frozen=True, slots=True)
class MergedSpec:
    """How one sees that a record went into another: a tombstone that names it (``path``), an error answer to its id
    that names it (``error``), or the other record itself, under its own id, as the answer (``other_id``)."""

    path: str = ""
    error: str = ""
    other_id: bool = False


@dataclass(frozen=True, slots=True)
class DependsSpec:
    """Records that are listed for each record of ``object``, whose id is ``{parent}``.

    ``into``: where the parent's id is put into the body of its record. ``changed``: a change of a record moves its
    parent's time of change, so that only the records of changed parents have to be listed. ``composite``: the id says
    which record it is only inside the parent; everywhere else it is ``parent/id``.
    """

    object: str
    into: str = ""
    changed: bool = False
    composite: bool = False


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
    depends_on: DependsSpec | None = None
    lag: float = 0.0
    errors: ErrorSpec = field(default_factory=ErrorSpec)

    def can(self, operation: str) -> bool:
        return operation in self.operations

    def most(self, operation: str) -> int:
        """How many records one such call may name; 0 where there is none."""
        return self.operations[operation].max_ids if operation in self.operations else 0

    @property
    def tells_changes(self) -> bool:
        """What changed since the last pass can be asked for."""
        by_parent = self.depends_on is not None and self.depends_on.changed
        return by_parent or "changes" in self.operations or self.operations["list"].delta is not None

    def slots(self, id: str) -> dict[str, str]:
        """What stands for one record in a call: its id, and its parent's where the id says nothing without it."""
        if self.depends_on is None or not self.depends_on.composite:
            return {"id": id}
        parent, _, own = id.partition("/")
        return {"id": own, "parent": unquote(parent), "whole_id": id}

    @property
    def conditional(self) -> bool:
        """True if an update here can be tied to the version that was read."""
        update = self.operations.get("update")
        return update is not None and update.conditional is not None and not update.conditional.by_clock


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """The call behind an admin's "test": something cheap that needs the credentials and may name the actor.

    ``ok``: what only somebody who is signed in is told; where a wrong key is answered 200, nothing else tells.
    """

    path: str
    method: str = "GET"
    actor: str = ""
    ok: tuple[OkSpec, ...] = ()
    body: Any = None
    errors: ErrorSpec = field(default_factory=ErrorSpec)


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
    limits: LimitSpec = field(default_factory=LimitSpec)
    webhook: WebhookSpec | None = None
    check: CheckSpec | None = None
    docs: str = ""
    quirks: tuple[str, ...] = ()
    # check of the suite, or object.check -> why the provider cannot pass it
    weaknesses: Mapping[str, str] = field(default_factory=dict)
    sql: SqlSpec | None = None
    file: str = ""
    ways: Mapping[str, AuthSpec] = field(default_factory=dict)

    def chosen(self, config: Mapping[str, Any]) -> Manifest:
        """This provider as an account with these settings uses it: by one way to sign in, if there are several."""
        if not self.ways:
            return self
        name = str(config.get(WAY) or next(iter(self.ways)))
        if name not in self.ways:
            where = f"account of {self.slug}"
            raise Misconfigured(f"there is no way to sign in called {name!r}", where, ", ".join(self.ways))
        auth = self.ways[name]
        return replace(
            self,
            auth=auth,
            base_url=auth.base_url or self.base_url,
            config=_needed(self.config, name),
            secrets=_needed(self.secrets, name),
            ways={},
        )


def _needed(settings: Mapping[str, Setting], way: str) -> dict[str, Setting]:
    """What only other ways need may be given, and need not."""
    return {
        name: replace(one, required=way in one.needed_by, captured=way in one.told_by) for name, one in settings.items()
    }
