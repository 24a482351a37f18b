"""Look at one table: its columns as the hub can read them, and those that it cannot, each with why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, inspect, types
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.engine.interfaces import ReflectedColumn

from syncapp.connectors.sql.tables import Column

NOT_MAPPABLE = "holds bytes or a type that has no counterpart among the hub's fields"
AS_TEXT = ("INET", "CIDR", "MACADDR", "MACADDR8", "CITEXT", "MONEY", "XML", "OID", "INTERVAL", "YEAR")


@dataclass(frozen=True, slots=True)
class Reflected:
    """A table as it is. ``left_out``: columns that cannot be fields, with why; ``unique``: sets of unique columns."""

    name: str
    schema: str
    view: bool
    columns: Mapping[str, Column]
    left_out: Mapping[str, str]
    key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    refers: Mapping[str, str] = field(default_factory=dict)


def reflect(connection: Connection, name: str, schema: str | None) -> Reflected:
    """Raises SQLAlchemy's NoSuchTableError."""
    looking = inspect(connection)
    dialect = connection.dialect.name.replace("mariadb", "mysql")
    told = looking.get_columns(name, schema)
    found = {one["name"]: _column(one, connection, dialect) for one in told}
    readable = {column: known for column, known in found.items() if known is not None}
    view = name in looking.get_view_names(schema)
    key = () if view else tuple(looking.get_pk_constraint(name, schema)["constrained_columns"])
    unique = [] if view else _unique(looking, name, schema)
    refers = {} if view else _refers(looking, name, schema)
    if dialect == "sqlite" and len(key) == 1 and readable.get(key[0]) is not None:
        readable[key[0]] = _counted(readable[key[0]])
    left_out = {column: f"{_native(one, connection)} {NOT_MAPPABLE}" for one in told
                if (column := one["name"]) not in readable}  # fmt: skip
    return Reflected(name, schema or "", view, readable, left_out, key, tuple(unique), refers)


def _unique(looking: Any, name: str, schema: str | None) -> list[tuple[str, ...]]:
    found = [tuple(one["column_names"]) for one in looking.get_unique_constraints(name, schema)]
    indexes = (one for one in looking.get_indexes(name, schema) if one.get("unique"))
    found += [tuple(one["column_names"]) for one in indexes if all(one["column_names"])]
    return list(dict.fromkeys(found))


def _refers(looking: Any, name: str, schema: str | None) -> dict[str, str]:
    keys = looking.get_foreign_keys(name, schema)
    return {
        one["constrained_columns"][0]: one["referred_table"] for one in keys if len(one["constrained_columns"]) == 1
    }


def _counted(column: Column) -> Column:
    """SQLite counts an INTEGER PRIMARY KEY by itself, and says so nowhere."""
    if column.native.upper() != "INTEGER":
        return column
    return Column(column.name, column.kind, column.native, column.nullable, column.writable, default=True)


def _column(told: ReflectedColumn, connection: Connection, dialect: str) -> Column | None:
    native, kind = _native(told, connection), _kind(told["type"], dialect)
    if kind is None:
        return None
    identity: Any = told.get("identity") or {}
    has_default = told.get("default") is not None or bool(identity) or told.get("autoincrement") is True
    given = bool(told.get("computed")) or bool(identity.get("always"))
    return Column(
        told["name"],
        kind,
        native,
        nullable=bool(told.get("nullable", True)),
        writable=not given,
        default=has_default or given,
        size=getattr(told["type"], "length", None) if kind == "text" else None,
        scale=_scale(told["type"]) if kind == "decimal" else None,
        precision=_precision(told["type"], dialect),
        options=tuple(getattr(told["type"], "enums", None) or ()) if kind == "choice" else (),
        folded=_folded(told["type"], native, dialect),
    )


def _native(told: ReflectedColumn, connection: Connection) -> str:
    """The database's own name of the type, without its collation."""
    try:
        name = told["type"].compile(connection.dialect)
    except Exception:  # noqa: BLE001 - a type that SQLAlchemy itself cannot name has no better one
        name = type(told["type"]).__name__
    return re.sub(r"\s+(CHARACTER SET|COLLATE)\s+\S+", "", str(name))


def _kind(kind: Any, dialect: str) -> str | None:
    if isinstance(kind, postgresql.ARRAY):
        inner = _kind(kind.item_type, dialect)
        return "list" if inner in ("text", "integer", "uuid", "choice") else None
    if isinstance(kind, mysql.TINYINT) and kind.display_width == 1:
        return "boolean"
    if isinstance(kind, mysql.BIT):
        return "boolean" if (kind.length or 1) == 1 else None
    for known, name in _KINDS:
        if isinstance(kind, known):
            return name if name != "times" else _times(kind, dialect)
    return "text" if type(kind).__name__.upper() in AS_TEXT else None


_KINDS: tuple[tuple[Any, str], ...] = (
    (types.Boolean, "boolean"),
    (types.Uuid, "uuid"),
    (mysql.SET, "set"),
    (types.Enum, "choice"),
    (types.Integer, "integer"),
    (types.Float, "float"),
    (types.Numeric, "decimal"),
    (types.JSON, "json"),
    (types.DateTime, "times"),
    (types.Date, "date"),
    (types.Time, "time"),
    (types.String, "text"),
)


def _times(kind: Any, dialect: str) -> str:
    """A point in time where the database knows the zone: timestamptz, and MySQL's TIMESTAMP, which is kept in UTC."""
    aware = kind.timezone if dialect == "postgresql" else isinstance(kind, mysql.TIMESTAMP)
    return "moment" if aware else "local"


def _scale(kind: Any) -> int | None:
    return kind.scale if kind.scale is not None or kind.precision is None else 0


def _precision(kind: Any, dialect: str) -> int:
    if dialect == "mysql" and isinstance(kind, mysql.DATETIME | mysql.TIMESTAMP):
        return kind.fsp or 0
    told = getattr(kind, "precision", None) if isinstance(kind, types.DateTime) else None
    return told if isinstance(told, int) else 3 if dialect == "sqlite" else 6


def _folded(kind: Any, native: str, dialect: str) -> bool:
    """Texts that differ only in case are the same to it."""
    collation = str(getattr(kind, "collation", "") or "")
    if dialect == "mysql" and isinstance(kind, types.String):
        return not collation.endswith(("_bin", "_cs"))
    return "CITEXT" in native.upper() or collation.upper() == "NOCASE"
