"""A table as an admin chose it: what names and dates its rows, and its columns as they were reflected then.

Kept with the account as plain JSON, so that what the table can do is known while the database is away.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from syncapp.connectors.errors import Misconfigured

# ``moment`` is a point in time; ``local`` is a date and a time of day that somebody has to say the zone of.
KINDS = (
    "integer", "decimal", "float", "boolean", "text", "uuid", "date", "time", "moment", "local", "json", "list", "set",
    "choice",
)  # fmt: skip
TIMES = ("moment", "local")
NAMING = ("integer", "text", "uuid", "choice", "date", "decimal")
VALUES, XMIN = "values", "xmin"


@dataclass(frozen=True, slots=True)
class Column:
    """``native`` is the database's own name of its type; ``default``: the database fills it where nothing is given."""

    name: str
    kind: str
    native: str = ""
    nullable: bool = True
    writable: bool = True
    default: bool = False
    size: int | None = None
    scale: int | None = None
    precision: int = 6
    options: tuple[str, ...] = ()
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """``version``: a column's name, ``xmin`` (PostgreSQL's own mark of a row's last write) or ``values`` (a digest).

    ``zone`` is the time zone of columns that hold times without one; ``overlap`` seconds are looked at once more with
    every delta, because a transaction that takes long makes rows visible that are older than what was seen.
    """

    slug: str
    name: str
    columns: Mapping[str, Column]
    key: tuple[str, ...]
    schema: str = ""
    updated_at: str = ""
    created_at: str = ""
    version: str = VALUES
    deleted: str = ""
    deleted_value: Any = None
    external_id: str = ""
    actor: str = ""
    zone: str = ""
    overlap: float = 60.0
    view: bool = False
    outbox: bool = False

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name

    @property
    def version_column(self) -> Column | None:
        return self.columns.get(self.version)

    def as_json(self) -> dict[str, Any]:
        told = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "columns"}
        told = {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}
        return {**told, "columns": [_column_json(column) for column in self.columns.values()]}


def _column_json(column: Column) -> dict[str, Any]:
    usual = Column(column.name, column.kind)
    told = {field.name: getattr(column, field.name) for field in dataclasses.fields(column)}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in told.items()
        if name in ("name", "kind") or value != getattr(usual, name)
    }


def from_json(raw: Mapping[str, Any]) -> Table:
    """The table that ``as_json`` told. Raises Misconfigured where somebody changed it by hand into something else."""
    known = {field.name for field in dataclasses.fields(Table)}
    try:
        columns = {entry["name"]: _column(entry) for entry in raw["columns"]}
        told = {name: value for name, value in raw.items() if name in known and name not in ("columns", "key")}
        return checked(Table(**told, columns=columns, key=tuple(raw["key"])))
    except (KeyError, TypeError) as error:
        raise Misconfigured(f"what is kept about this table is not complete ({error})", str(raw.get("slug", "")),
                            "choose the table again") from None  # fmt: skip


def _column(raw: Mapping[str, Any]) -> Column:
    return Column(**{**raw, "options": tuple(raw.get("options", ()))})


def checked(table: Table) -> Table:
    """The table, or Misconfigured with what does not fit together and what would."""
    where, names = f"table {table.full_name}", ", ".join(table.columns)
    if not table.key:
        raise Misconfigured("a row has to be named by something", where, f"key: one or more of {names}")
    for part, name in (*(("key", name) for name in table.key), *_named(table)):
        if name and name not in table.columns:
            raise Misconfigured(f"there is no column {name!r} for {part} that the hub can read", where, names)
    if odd := [name for name in table.key if table.columns[name].kind not in NAMING]:
        raise Misconfigured(f"{odd[0]!r} holds {table.columns[odd[0]].native}, which names no row reliably", where,
                            f"a key of {', '.join(NAMING)}")  # fmt: skip
    if table.created_at and table.updated_at:
        _same_kind(table, where)
    for part in ("updated_at", "created_at"):
        _check_time(table, part, getattr(table, part), where)
    if table.deleted and table.deleted_value is None and table.columns[table.deleted].kind not in ("boolean", *TIMES):
        raise Misconfigured(f"which value of {table.deleted!r} says that a row is deleted?", where, "deleted_value")
    return table


def _same_kind(table: Table, where: str) -> None:
    updated, created = table.columns[table.updated_at], table.columns[table.created_at]
    if updated.kind != created.kind:
        raise Misconfigured(
            f"{updated.name!r} is {updated.native}, {created.name!r} is {created.native}: they are not compared", where,
            "two columns of one type, or only updated_at",
        )  # fmt: skip


def _named(table: Table) -> list[tuple[str, str]]:
    named = [(part, getattr(table, part)) for part in ("updated_at", "created_at", "deleted", "external_id", "actor")]
    return [*named, *([("version", table.version)] if table.version not in (VALUES, XMIN) else [])]


def _check_time(table: Table, part: str, name: str, where: str) -> None:
    if not name:
        return
    column = table.columns[name]
    if column.kind not in TIMES:
        times = [one.name for one in table.columns.values() if one.kind in TIMES]
        raise Misconfigured(f"{part}: {name!r} is no column of dates with times", where, ", ".join(times) or "none")
    if column.kind == "local" and not table.zone:
        raise Misconfigured(
            f"{part}: the times of {name!r} have no zone ({column.native})",
            where,
            "zone: UTC, or such as Europe/Berlin",
        )


def key_text(values: tuple[Any, ...]) -> str:
    """The one text that names a row: its key as it is, several columns as a JSON list."""
    texts = [str(value) for value in values]
    return texts[0] if len(texts) == 1 else orjson.dumps(texts).decode()


def key_values(table: Table, text: str) -> tuple[Any, ...] | None:
    """The key's values as the database compares them; None where no row can be named so."""
    try:
        parts = [text] if len(table.key) == 1 else orjson.loads(text)
        if not isinstance(parts, list) or len(parts) != len(table.key):
            return None
        return tuple(_key_value(table.columns[name], part) for name, part in zip(table.key, parts, strict=True))
    except ValueError:
        return None


def _key_value(column: Column, text: Any) -> Any:
    """Raises ValueError for text that no such column can hold: asked for it, a database answers with an error, or with
    another row."""
    if not isinstance(text, str) or "\0" in text:
        raise ValueError(text)
    if column.kind == "integer":
        if not text.lstrip("-").isdigit() or abs(int(text)) >= 2**63:
            raise ValueError(text)
        return int(text)
    return str(uuid.UUID(text)) if column.kind == "uuid" else text
