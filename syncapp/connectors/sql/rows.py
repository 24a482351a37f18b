"""One table compiled for one database: what is selected, how a row becomes an Item, and where conditions look."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import BigInteger, FetchedValue, MetaData, Select, Text, and_, cast, func, literal_column, or_, select
from sqlalchemy import Column as SqlColumn
from sqlalchemy import Table as SqlTable
from sqlalchemy.types import UserDefinedType

from syncapp.connectors import times
from syncapp.connectors.records import Item
from syncapp.connectors.sql.columns import loader
from syncapp.connectors.sql.tables import TIMES, VALUES, XMIN, Column, Table, key_text, key_values

LONGEST_ID = 255
# What PostgreSQL is asked to tell as text: its driver would fail at an infinite date, and with it the whole page.
AS_TEXT = ("moment", "local", "date", "time", "decimal", "float", "json", "uuid", "choice")


class Plain(UserDefinedType[Any]):
    """A type by the database's own name: values pass as they are, and the column says what they become."""

    cache_ok = True

    def __init__(self, native: str) -> None:
        self.native = native

    def get_col_spec(self, **more: Any) -> str:
        return self.native


class Faulty(ValueError):
    """A row that cannot be an item."""


class Rows:
    """A chosen table as SQLAlchemy has it."""

    def __init__(self, table: Table, dialect: str, clock: Callable[[], float]) -> None:
        self.table, self.dialect, self.clock = table, dialect, clock
        self.sql = SqlTable(
            table.name, MetaData(), *(self._column(one) for one in table.columns.values()), schema=table.schema or None
        )
        self.keys = [self.sql.c[name] for name in table.key]
        self._loaders = [(name, loader(column, table.zone)) for name, column in table.columns.items()]

    def _column(self, column: Column) -> SqlColumn[Any]:
        keyed = column.name in self.table.key
        if not keyed or column.kind != "integer":
            given = FetchedValue() if column.default else None
            native = Plain(column.native or "TEXT")
            return SqlColumn(column.name, native, primary_key=keyed, autoincrement=False, server_default=given)
        counted = column.default and len(self.table.key) == 1
        return SqlColumn(column.name, BigInteger(), primary_key=True, autoincrement=counted)

    def select(self) -> Select[Any]:
        parts = [self._told(column) for column in self.table.columns.values()]
        version = [cast(literal_column("xmin"), Text)] if self.table.version == XMIN else []
        return select(*parts, *version).select_from(self.sql)

    def _told(self, column: Column) -> Any:
        found = self.sql.c[column.name]
        if self.dialect != "postgresql":
            return found
        if column.kind == "list":
            return cast(func.to_jsonb(found), Text)
        odd = column.kind == "text" and not column.native.upper().startswith(("VARCHAR", "TEXT", "CHAR"))
        return cast(found, Text) if column.kind in AS_TEXT or odd else found

    # A row as an item

    def item(self, row: Sequence[Any], asked_at: float) -> Item:
        """Raises Faulty for a row that has no usable key."""
        body = {name: load(value) for (name, load), value in zip(self._loaders, row, strict=False)}
        key = tuple(body[name] for name in self.table.key)
        if any(part is None for part in key):
            raise Faulty(f"a row of {self.table.full_name} has no value in its key ({', '.join(self.table.key)})")
        id = key_text(key)
        if len(id) > LONGEST_ID:
            raise Faulty(f"the key {id[:60]!r}… is longer than {LONGEST_ID} characters")
        created = self._time(body, self.table.created_at)
        updated = self._time(body, self.table.updated_at) or (created if self.table.updated_at else None)
        actor = body[self.table.actor] if self.table.actor else None
        return Item(
            id, self._version(body, row), updated, self._deleted(body), str(actor) if actor is not None else None, body,
            asked_at, created,
        )  # fmt: skip

    def _version(self, body: dict[str, Any], row: Sequence[Any]) -> str | None:
        if self.table.version == XMIN:
            return str(row[-1])
        if self.table.version == VALUES:
            return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
        value = body[self.table.version]
        return None if value is None else str(value)

    def _deleted(self, body: dict[str, Any]) -> bool:
        if not self.table.deleted:
            return False
        value = body[self.table.deleted]
        if self.table.deleted_value is not None:
            return bool(value == self.table.deleted_value)
        return value is True if self.table.columns[self.table.deleted].kind == "boolean" else value is not None

    def _time(self, body: dict[str, Any], name: str) -> datetime | None:
        value = body[name] if name else None
        if value is None:
            return None
        try:
            return times.parse(value, "iso", self.table.zone or "UTC")
        except (ValueError, TypeError, OverflowError):
            return None  # the field itself is refused by name; nothing may be decided by such a time

    # Conditions

    def named(self, ids: Sequence[str]) -> Any | None:
        """Rows with one of these ids; None where no row can have any of them."""
        known = [values for one in ids if (values := key_values(self.table, one)) is not None]
        if not known:
            return None
        if len(self.keys) == 1:
            return self.keys[0].in_([values[0] for values in known])
        return or_(*(and_(*(key == part for key, part in zip(self.keys, values, strict=True))) for values in known))

    def standing(self) -> Any | None:
        """Rows that are not marked as deleted; None where none can be."""
        if not self.table.deleted:
            return None
        flag = self.sql.c[self.table.deleted]
        kind, value = self.table.columns[self.table.deleted].kind, self.table.deleted_value
        if value is None and kind in TIMES:
            return flag.is_(None)
        return or_(flag.is_(None), flag != (True if value is None else value))

    def when(self, name: str) -> Any:
        """A column of times as the database orders it. SQLite's are text, in any spelling of a time."""
        column = self.sql.c[name]
        return func.strftime("%Y-%m-%d %H:%M:%f", column) if self.dialect == "sqlite" else column

    def moment(self, at: datetime, name: str) -> str:
        """The time as `when` compares it."""
        column = self.table.columns[name]
        zone = ZoneInfo(self.table.zone) if column.kind == "local" else UTC
        told = at.astimezone(zone)
        if self.dialect == "postgresql" and column.kind == "moment":
            return told.isoformat()
        naive = told.replace(tzinfo=None)
        return naive.isoformat(" ", "milliseconds" if self.dialect == "sqlite" else "microseconds")
