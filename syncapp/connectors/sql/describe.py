"""Which tables there are, and choosing one: what names its rows, what dates them, and what is not possible with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import NoSuchTableError

from syncapp.connectors.errors import Misconfigured
from syncapp.connectors.sql.place import Place
from syncapp.connectors.sql.reflect import Reflected, reflect
from syncapp.connectors.sql.session import Session
from syncapp.connectors.sql.tables import TIMES, VALUES, XMIN, Column, Table, checked

UPDATED = ("updated_at", "updatedat", "modified_at", "updated_on", "last_modified", "modified", "updated", "changed_at",
           "write_date", "mtime")  # fmt: skip
CREATED = ("created_at", "createdat", "created_on", "created", "inserted_at", "create_date", "date_created")
DELETED = ("deleted_at", "deleted", "is_deleted", "archived_at", "archived")
VERSIONS = ("version", "row_version", "lock_version", "revision")
OURS = ("external_id", "concord_id", "hub_id")
_MYSQL_ROWS = (
    "SELECT table_name, table_rows FROM information_schema.tables"
    " WHERE table_schema = coalesce(:schema, database()) AND table_rows IS NOT NULL"
)
ESTIMATES = {
    "postgresql": "SELECT c.relname, c.reltuples::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = coalesce(:schema, current_schema()) AND c.reltuples >= 0",
    "mysql": _MYSQL_ROWS,
    "mariadb": _MYSQL_ROWS,
}
CHOICES = (
    "table", "key", "columns", "updated_at", "created_at", "version", "deleted", "deleted_value", "external_id",
    "actor", "zone", "overlap", "outbox",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Described:
    """One table to choose from. ``suggested`` is what `choose` would take by itself; ``notes`` are sentences."""

    name: str
    schema: str
    view: bool
    columns: tuple[Column, ...]
    left_out: Mapping[str, str]
    key: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    updated_at: tuple[str, ...]
    created_at: tuple[str, ...]
    deleted: tuple[str, ...]
    versions: tuple[str, ...]
    refers: Mapping[str, str]
    rows: int | None
    notes: tuple[str, ...]
    suggested: Mapping[str, Any] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


def describe(place: Place, schema: str | None = None) -> list[Described]:
    """Every table and view of the schema, by name. Raises what a client raises."""
    with _looking(place) as connection:
        wanted = _schema(place, schema)
        looking = inspect(connection)
        names = [*looking.get_table_names(wanted), *looking.get_view_names(wanted)]
        rows = _estimates(connection, wanted)
        return [
            _described(place, reflect(connection, name, wanted), rows.get(name))
            for name in sorted(names) if not name.startswith("concord_")
        ]  # fmt: skip


def describe_one(place: Place, name: str) -> Described:
    """One table by its name, with its schema before a dot if it is not the account's. Raises Misconfigured."""
    with _looking(place) as connection:
        found = _reflected(connection, place, name)
        return _described(place, found, _estimates(connection, found.schema or None).get(found.name))


def choose(place: Place, slug: str, choice: Mapping[str, Any]) -> Table:
    """The table that an admin chose, looked at now. Raises Misconfigured with what does not fit."""
    if unknown := sorted(set(choice) - set(CHOICES)):
        raise Misconfigured(f"unknown choice {unknown[0]!r}", f"table {slug}", ", ".join(CHOICES))
    with _looking(place) as connection:
        found = _reflected(connection, place, str(choice.get("table", slug)))
    wanted: Sequence[str] = choice.get("columns") or list(found.columns)
    told = {**_described(place, found, None).suggested, **{k: v for k, v in choice.items() if v is not None}}
    key = tuple([told["key"]] if isinstance(told.get("key"), str) else told.get("key", ()))
    needed = [*key, *(str(told.get(name) or "") for name in ("updated_at", "created_at", "deleted", "version", "actor",
                                                             "external_id"))]  # fmt: skip
    if missing := [name for name in wanted if name not in found.columns]:
        reason = found.left_out.get(missing[0], "there is no such column")
        raise Misconfigured(f"{missing[0]}: {reason}", f"table {found.name}", ", ".join(found.columns))
    columns = {name: column for name, column in found.columns.items() if name in (*wanted, *needed)}
    rest = {name: told[name] for name in CHOICES[3:] if told.get(name) is not None}
    return checked(Table(slug, found.name, columns, key, found.schema, view=found.view, **rest))


def _looking(place: Place) -> Any:
    session = Session(place, looks_only=True, before_write=lambda: None)
    return session.reading(session.asked("SELECT", "the catalogue"))


def _schema(place: Place, schema: str | None) -> str | None:
    return schema or place.schema or None


def _reflected(connection: Connection, place: Place, name: str) -> Reflected:
    schema, _, bare = name.rpartition(".") if place.dialect != "sqlite" else ("", "", name)
    wanted = _schema(place, schema)
    try:
        return reflect(connection, bare, wanted)
    except NoSuchTableError:
        looking = inspect(connection)
        known = [*looking.get_table_names(wanted), *looking.get_view_names(wanted)]
        raise Misconfigured(f"there is no table {name!r} that this account can see", place.where,
                            ", ".join(sorted(known)[:50]) or "grant it to the account first") from None  # fmt: skip


def _described(place: Place, found: Reflected, rows: int | None) -> Described:
    columns = found.columns
    updated, created = _times(columns, UPDATED), _times(columns, CREATED)
    deleted = [name for name in DELETED if name in columns and columns[name].kind in ("boolean", *TIMES)]
    counted = [name for name in VERSIONS if name in columns and columns[name].kind == "integer"]
    own = [XMIN] if place.dialect == "postgresql" and not found.view else []
    versions = (*counted, *own, VALUES)
    keys = tuple(dict.fromkeys([*([found.key] if found.key else []), *_not_null(found)]))
    suggested = _suggested(place, found, keys, updated, created, deleted, own)
    return Described(
        found.name, found.schema, found.view, tuple(columns.values()), found.left_out, found.key, keys, tuple(updated),
        tuple(created), tuple(deleted), versions, found.refers, rows, tuple(_notes(place, found, keys, updated)),
        suggested,
    )  # fmt: skip


def _times(columns: Mapping[str, Column], names: Sequence[str]) -> list[str]:
    """The likely ones first, then every other column of times."""
    times = [name for name, column in columns.items() if column.kind in TIMES]
    likely = [one for name in names for one in times if one.lower() == name]
    return list(dict.fromkeys([*likely, *(times if names is UPDATED else [])]))


def _not_null(found: Reflected) -> list[tuple[str, ...]]:
    """Unique columns that always have a value name a row as well as its key does."""
    known = [one for one in found.unique if all(name in found.columns for name in one)]
    return [one for one in known if not any(found.columns[name].nullable for name in one)]


def _suggested(
    place: Place, found: Reflected, keys: Sequence[tuple[str, ...]], updated: Sequence[str], created: Sequence[str],
    deleted: Sequence[str], own: Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    likely = next((one for one in updated if one.lower() in UPDATED), "")
    known = next((one for one in OURS if one in found.columns), "")
    told: dict[str, Any] = {"key": list(keys[0]) if keys else [], "version": own[0] if own else VALUES}
    zoned = likely and (found.columns[likely].kind == "moment" or place.dialect == "sqlite")
    if zoned:
        told["updated_at"] = likely
        same = [one for one in created if found.columns[one].kind == found.columns[likely].kind]
        told |= {"created_at": same[0]} if same else {}
    if place.dialect == "sqlite" and zoned:
        told["zone"] = "UTC"  # what its own CURRENT_TIMESTAMP writes
    return told | ({"deleted": deleted[0]} if deleted else {}) | ({"external_id": known} if known else {})


def _notes(
    place: Place, found: Reflected, keys: Sequence[tuple[str, ...]], updated: Sequence[str]
) -> Iterator[str]:  # fmt: skip
    if found.view:
        yield "It is a view: it can be read, and is never written."
    if not keys:
        yield "It has no key: choose the columns that together name a row."
    if not updated:
        yield "No column says when a row changed: without the outbox, every look is a listing of everything."
    for name in updated[:1]:
        column = found.columns[name]
        if column.kind == "local":
            yield f"The times of {name!r} have no zone: say which one the table is in."
        if column.nullable:
            yield f"{name!r} may be empty: give it a default, or choose when a row was created as well."
        if place.dialect == "mysql" and column.precision == 0:
            yield f"{name!r} keeps whole seconds: which of two changes of one second was later is not known."
    for name, why in found.left_out.items():
        yield f"The column {name!r} cannot be a field: {why}."
    for name, column in found.columns.items():
        if column.kind == "float":
            yield f"{name!r} is a float: what is read may differ from what was written in its last digits."


def _estimates(connection: Connection, schema: str | None) -> dict[str, int]:
    """How many rows the database itself thinks there are; where it keeps no such number, none is told."""
    asking = ESTIMATES.get(connection.dialect.name)
    if asking is None:
        return {}
    return {str(name): int(rows) for name, rows in connection.execute(text(asking), {"schema": schema})}
