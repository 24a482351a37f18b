"""Pages of a table by keyset: each goes on behind the last row of the one before, so that nothing is skipped.

A delta is ordered by time and key, a full listing by key alone. Rows that were never updated have the time of their
creation; where the table does not keep that either, they are part of every delta, since nothing tells when they came.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Connection, Text, and_, bindparam, cast, func, literal_column, or_, select, tuple_
from sqlalchemy.dialects.mysql import DATETIME

from syncapp.connectors import times
from syncapp.connectors.errors import Malformed, Misconfigured
from syncapp.connectors.filters import Filter
from syncapp.connectors.records import Item, Page
from syncapp.connectors.sql.columns import dump
from syncapp.connectors.sql.objects import PAGE, resolution
from syncapp.connectors.sql.rows import Faulty, Rows
from syncapp.connectors.sql.session import Session

LARGEST = 10_000
LONG_AGO = datetime(1970, 1, 2, tzinfo=UTC)
# No zone sets its clocks back further, or more often than once in such a while.
SET_BACK = timedelta(hours=4)
CLOCKS = {
    "postgresql": "extract(epoch from clock_timestamp())",
    "mysql": "unix_timestamp(now(6))",
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
}


@dataclass(frozen=True, slots=True)
class Behind:
    """The row that a page goes on behind: its time (in a delta) and its key, as the database told them."""

    when: str | None
    key: tuple[Any, ...]

    def text(self) -> str:
        return orjson.dumps({"when": self.when, "key": list(self.key)}).decode()

    @classmethod
    def read(cls, text: str, where: str) -> Behind:
        try:
            told = orjson.loads(text)
            return cls(told["when"], tuple(told["key"]))
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise Malformed("the cursor is none of this listing's", where, "the listing from its beginning") from None


class Keyset:
    """The listings of one table."""

    def __init__(self, rows: Rows, session: Session) -> None:
        self.rows, self.table, self.session = rows, rows.table, session

    def pages(
        self, since: datetime | None, cursor: str | None, size: int | None, filters: Sequence[Filter]
    ) -> Iterator[Page]:
        behind = None if cursor is None else Behind.read(cursor, self.table.full_name)
        most = max(1, min(size or PAGE, LARGEST))
        narrowed = [self._filter(one) for one in filters]
        while True:
            page, behind = self._page(since, behind, most, narrowed)
            yield page
            if page.last:
                return

    def _page(
        self, since: datetime | None, behind: Behind | None, most: int, filters: Sequence[Any]
    ) -> tuple[Page, Behind | None]:
        order = [] if since is None else [self._when()]
        wanted = [*filters, *([self._changed(since)] if since is not None else [])]
        if behind is not None:
            wanted.append(self._after([*order, *self.rows.keys], [*([behind.when] if order else []), *behind.key]))
        asking = self.rows.select().add_columns(*(self._shown(one) for one in order))
        asking = asking.where(*wanted).order_by(*order, *self.rows.keys).limit(most + 1)
        with self.session.reading(self.session.asked("SELECT", self.table.full_name)) as connection:
            asked_at = self.rows.clock()
            server_date, round_trip = database_clock(connection, self.rows.dialect)
            found = connection.execute(asking).all()
        items, faults = self._items(found[:most], asked_at)
        last = len(found) <= most
        behind = None if last else self._behind(found[most - 1], bool(order))
        cursor = None if behind is None else behind.text()
        return Page(items, cursor, last, asked_at, server_date, round_trip, faults), behind

    def _items(self, found: Sequence[Sequence[Any]], asked_at: float) -> tuple[list[Item], dict[int, str]]:
        items: list[Item] = []
        faults: dict[int, str] = {}
        for place, row in enumerate(found):
            try:
                items.append(self.rows.item(row, asked_at))
            except Faulty as fault:
                faults[place] = str(fault)
        return items, faults

    def _behind(self, row: Sequence[Any], in_order: bool) -> Behind:
        keys = [list(self.table.columns).index(name) for name in self.table.key]
        return Behind(str(row[-1]) if in_order else None, tuple(_plain(row[at]) for at in keys))

    def _shown(self, when: Any) -> Any:
        return cast(when, Text) if self.rows.dialect == "postgresql" else when

    # Time

    def _when(self) -> Any:
        """When a row changed last, for every row."""
        table, rows = self.table, self.rows
        names = [name for name in (table.updated_at, table.created_at) if name]
        parts = [rows.when(name) for name in names]
        if not table.columns[table.updated_at].nullable and rows.dialect != "sqlite":
            return parts[0]
        told = rows.moment(LONG_AGO, table.updated_at)
        never = _same_type(rows.sql.c[table.updated_at], told)
        return func.coalesce(*parts, cast(told, DATETIME(fsp=6)) if rows.dialect == "mysql" else never)

    def _changed(self, since: datetime) -> Any:
        """Rows that changed at that time or later, written so that an index on the column is of use."""
        updated, created = self.table.updated_at, self.table.created_at
        later = self.rows.when(updated) >= self._from(since, updated)
        if not self.table.columns[updated].nullable and self.rows.dialect != "sqlite":
            return later
        never = self.rows.when(updated).is_(None)
        if not created:
            return or_(later, never)
        made = self.rows.when(created)
        return or_(later, and_(never, or_(made.is_(None), made >= self._from(since, created))))

    def _from(self, since: datetime, name: str) -> str:
        """Where a zone set its clocks back a moment ago, its times began to come again: from the earlier ones then."""
        column = self.table.columns[name]
        at = times.floor(since - timedelta(seconds=self.table.overlap), resolution(column))
        if column.kind == "local":
            zone = ZoneInfo(self.table.zone)
            before, after = (moment.astimezone(zone).utcoffset() for moment in (at, at + SET_BACK))
            if before is not None and after is not None and after < before:
                at -= before - after
        return self.rows.moment(at, name)

    # Conditions

    def _after(self, columns: Sequence[Any], values: Sequence[Any]) -> Any:
        if len(columns) == 1:
            return columns[0] > values[0]
        if self.rows.dialect != "mysql":
            return tuple_(*columns) > tuple_(*(_same_type(*pair) for pair in zip(columns, values, strict=True)))
        # MySQL uses an index for this, and not for a comparison of rows.
        steps = [
            and_(*(columns[at] == values[at] for at in range(place)), columns[place] > values[place])
            for place in range(len(columns))
        ]
        return and_(columns[0] >= values[0], or_(*steps))

    def _filter(self, one: Filter) -> Any:
        column = self.table.columns[one.spec.field]
        given = one.value if isinstance(one.value, list | tuple) and one.spec.op == "in" else [one.value]
        try:
            values = [dump(column, value, self.table.zone, self.rows.dialect) for value in given]
        except ValueError as error:
            raise Misconfigured(f"the scope asks {column.name} for what it cannot hold: {error}", "scope") from None
        return self.rows.sql.c[column.name].in_(values)


def _same_type(column: Any, value: Any) -> Any:
    return bindparam(None, value, type_=column.type, unique=True)


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | str) else str(value)


def database_clock(connection: Connection, dialect: str) -> tuple[datetime, float]:
    """The database's own time, and how long it took to be told."""
    began = time.monotonic()
    seconds: Any = connection.execute(select(literal_column(CLOCKS[dialect]))).scalar_one()
    return datetime.fromtimestamp(float(seconds), UTC), time.monotonic() - began
