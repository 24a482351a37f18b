"""Speak to the chosen tables of one database as ``connectors.client.Client`` speaks to any other account."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, func, or_

from syncapp.connectors.errors import ConnectorError, Gone, Misconfigured
from syncapp.connectors.filters import Filter
from syncapp.connectors.many import Change, New, Result
from syncapp.connectors.paths import Step
from syncapp.connectors.records import Check, Item, Page, Written
from syncapp.connectors.speaks import NONE
from syncapp.connectors.spec import Manifest
from syncapp.connectors.sql.checking import run_check
from syncapp.connectors.sql.columns import dump
from syncapp.connectors.sql.keyset import Keyset
from syncapp.connectors.sql.objects import MOST
from syncapp.connectors.sql.place import Place
from syncapp.connectors.sql.rows import Rows
from syncapp.connectors.sql.session import Session
from syncapp.connectors.sql.tables import Table
from syncapp.connectors.sql.writes import Writes


class SqlClient:
    """One account. Cheap to make: connections belong to the process. `before_write` may raise."""

    def __init__(
        self,
        manifest: Manifest,
        tables: Mapping[str, Table],
        place: Place,
        *,
        clock: Callable[[], float] = time.time,
        looks_only: bool = False,
        before_write: Callable[[], None] = lambda: None,
    ) -> None:
        self.manifest, self.tables, self.place, self.clock = manifest, tables, place, clock
        self.session = Session(place, looks_only=looks_only, before_write=before_write)
        self.rows = {slug: Rows(table, place.dialect, clock) for slug, table in tables.items()}
        self.many = SqlMany(self)

    def rows_of(self, object: str) -> Rows:
        if object not in self.rows:
            raise Misconfigured(
                f"no table was chosen for {object!r}",
                self.manifest.slug,
                ", ".join(self.rows) or "choose a table",
            )
        return self.rows[object]

    def pages(
        self,
        object: str,
        *,
        since: datetime | None = None,
        cursor: str | None = None,
        size: int | None = None,
        filters: Sequence[Filter] = (),
        marks: Mapping[str, str] = NONE,
    ) -> Iterator[Page]:
        """Pages of a listing, from ``since`` (overlap and resolution are taken care of) or resumed at ``cursor``; a
        table has no other ``marks``."""
        rows = self.rows_of(object)
        if since is not None and not rows.table.updated_at:
            raise Misconfigured(
                f"{rows.table.full_name} cannot be listed by time of change", object, "a full listing, without since"
            )
        return Keyset(rows, self.session).pages(since, cursor, size, filters)

    def read(self, object: str, id: str) -> Item:
        """One row. Raises Gone if it does not exist or is marked as deleted."""
        item = self.read_many(object, [id]).get(id)
        where = f"{self.rows_of(object).table.full_name} {id}"
        if item is None:
            raise Gone("there is no such row", where)
        if item.deleted:
            raise Gone("the row is marked as deleted", where, item=item)
        return item

    def columns(self, object: str) -> list[tuple[Step, ...]]:
        """Every row shows all that it has."""
        return []

    def read_many(self, object: str, ids: Iterable[str]) -> dict[str, Item]:
        """Rows by id. Missing ids are absent; tombstones are shown."""
        rows, wanted = self.rows_of(object), list(dict.fromkeys(ids))
        found: dict[str, Item] = {}
        for start in range(0, len(wanted), MOST):
            named = rows.named(wanted[start : start + MOST])
            if named is not None:
                found |= {item.id: item for item in self._select(rows, [named])}
        # Asked for by one spelling of a key and told by another: such a row is not the one that was meant.
        return {id: found[id] for id in wanted if id in found}

    def find(self, object: str, field: str, value: str) -> list[Item]:
        """Live rows whose column has this value (text: whatever its case), asked before a create."""
        return self.many.find(object, {field: [value]})

    def create(self, object: str, body: Mapping[str, Any], *, key: str, external_id: str | None = None) -> Written:
        """A new row. The same key makes no second one where the table keeps our id or lets us name its rows."""
        return _only(self.many.create(object, [New(body, key, external_id)]))

    def update(self, object: str, id: str, body: Mapping[str, Any], *, version: str | None, key: str) -> Written:
        """Only the columns in the body; with a version, only if the row still has it (else Stale)."""
        return _only(self.many.update(object, [Change(id, body, version, key)]))

    def delete(self, object: str, id: str, *, version: str | None = None, key: str) -> None:
        """Remove the row, or mark it as deleted where a column is there for that. Raises Gone if it was not there."""
        rows = self.rows_of(object)
        asked = self.session.asked("DELETE", rows.table.full_name)
        with self.session.writing(asked) as connection:
            Writes(rows, self.session.asked).delete(connection, id, version)

    def check(self) -> Check:
        """Try the account as an admin would: reachable, who am I, which tables answer and still are as chosen."""
        return run_check(self)

    def close(self) -> None:
        """Nothing to let go of: connections go back to the process after each transaction."""

    def _select(self, rows: Rows, wanted: Sequence[Any]) -> list[Item]:
        with self.session.reading(self.session.asked("SELECT", rows.table.full_name)) as connection:
            asked_at = self.clock()
            found = connection.execute(rows.select().where(*wanted)).all()
        return [rows.item(row, asked_at) for row in found]


class SqlMany:
    """Many rows in one transaction, as ``connectors.many.Many`` has it."""

    def __init__(self, client: SqlClient) -> None:
        self._client = client

    def find(self, object: str, wanted: Mapping[str, Sequence[str]]) -> list[Item]:
        """Live rows of which some column has one of these values: column -> values."""
        rows = self._client.rows_of(object)
        named = [_any_of(rows, field, values) for field, values in wanted.items() if values]
        asked = [condition for condition in named if condition is not None]
        if not asked:
            return []
        standing = rows.standing()
        return self._client._select(rows, [or_(*asked), *([standing] if standing is not None else [])])

    def create(self, object: str, records: Sequence[New]) -> list[Result]:
        """One result per record, in order."""
        rows, session = self._client.rows_of(object), self._client.session
        with session.writing(session.asked("INSERT", rows.table.full_name)) as connection:
            return Writes(rows, session.asked).create(connection, records)

    def update(self, object: str, changes: Sequence[Change]) -> list[Result]:
        """One result per change, in order."""
        rows, session = self._client.rows_of(object), self._client.session
        with session.writing(session.asked("UPDATE", rows.table.full_name)) as connection:
            return Writes(rows, session.asked).update(connection, changes)


def _any_of(rows: Rows, field: str, values: Sequence[str]) -> Any | None:
    """None where no value of that column can be one of these."""
    table = rows.table
    name = table.external_id if field == "external_id" and field not in table.columns else field
    if name not in table.columns:
        raise Misconfigured(f"{table.full_name} cannot be looked up by {field!r}", table.slug, ", ".join(table.columns))
    column, found = table.columns[name], rows.sql.c[name]
    known = [value for text in values if (value := _comparable(rows, name, text)) is not None]
    if not known:
        return None
    if column.kind != "text" or column.folded or name == table.external_id:
        return (cast(found, Text) if column.kind == "choice" and rows.dialect == "postgresql" else found).in_(known)
    return or_(found.in_(known), func.lower(found).in_([str(one).lower() for one in known]))


def _comparable(rows: Rows, name: str, text: str) -> Any:
    try:
        return dump(rows.table.columns[name], text, rows.table.zone, rows.dialect)
    except ValueError:
        return None


def _only(results: Sequence[Result]) -> Written:
    [result] = results
    if isinstance(result, ConnectorError):
        raise result
    return result
