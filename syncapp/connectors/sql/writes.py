"""Rows made, changed and deleted, many in one transaction: lock, compare versions, write, read back what came of it.

The rows of a batch are locked in the order of their keys, so that two writers never wait for each other. A version is
compared while the lock is held, which no driver and no collation can get wrong; what is read back in the same
transaction is what the database, its defaults and its triggers made of the write.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, update
from sqlalchemy.exc import SQLAlchemyError

from syncapp.connectors.errors import ConnectorError, Gone, Rejected, Stale
from syncapp.connectors.many import Change, New, Result
from syncapp.connectors.paths import split
from syncapp.connectors.records import Item, Written
from syncapp.connectors.sql.columns import as_written, dump
from syncapp.connectors.sql.refusals import Asked, lost, told
from syncapp.connectors.sql.rows import Rows
from syncapp.connectors.sql.tables import TIMES, key_text, key_values

OURS = uuid.UUID("5f3c3b0a-6c7e-4f0e-9d55-0a7f6e1f2d11")
Values = dict[str, Any]


class Writes:
    """The writes of one table, within a transaction that somebody else commits."""

    def __init__(self, rows: Rows, asked: Callable[..., Asked]) -> None:
        self.rows, self.table, self._asked = rows, rows.table, asked

    # Changing

    def update(self, connection: Connection, changes: Sequence[Change]) -> list[Result]:
        """One result for each change, in their order."""
        held = self.locked(connection, [one.id for one in changes])
        results: dict[int, Result] = {}
        entries: dict[int, Values] = {}
        for place, one in enumerate(changes):
            try:
                current = self.standing(one.id, held, one.version)
                entries[place] = self._values(one.body, current)
            except ConnectorError as error:
                results[place] = error
        ids = {place: changes[place].id for place in entries}
        written = self._each(connection, entries, "UPDATE", lambda some: self._update(connection, ids, some))
        results |= self._read_back(connection, written, ids)
        return [results[place] for place in range(len(changes))]

    def _update(self, connection: Connection, ids: Mapping[int, str], some: Mapping[int, Values]) -> None:
        names = list(next(iter(some.values())))
        values: dict[str, Any] = {name: bindparam(f"new_{at}") for at, name in enumerate(names)}
        values |= self._next_version(names)
        if not values:
            return
        wanted = [key == bindparam(f"key_{at}") for at, key in enumerate(self.rows.keys)]
        given = []
        for place, entry in some.items():
            keys = key_values(self.table, ids[place]) or ()
            told = {f"new_{at}": entry[name] for at, name in enumerate(names)}
            given.append(told | {f"key_{at}": part for at, part in enumerate(keys)})
        statement = update(self.rows.sql).where(*wanted).values({self.rows.sql.c[k]: v for k, v in values.items()})
        connection.execute(statement, given)

    def _next_version(self, names: Sequence[str]) -> dict[str, Any]:
        """A counted version is counted on by whoever writes; a trigger that does so itself has the last word."""
        column = self.table.version_column
        if not names or column is None or column.kind != "integer" or not column.writable:
            return {}
        return {column.name: self.rows.sql.c[column.name] + 1}

    def standing(self, id: str, held: Mapping[str, Item], version: str | None) -> Item:
        """The row as it is. Raises Gone or Stale."""
        current = held.get(id)
        where = f"{self.table.full_name} {id}"
        if current is None:
            raise Gone("there is no such row", where)
        if current.deleted:
            raise Gone("the row is marked as deleted", where, item=current)
        if version is not None and current.version != version:
            raise Stale("the row was changed since it was read", where, current=current)
        return current

    def locked(self, connection: Connection, ids: Sequence[str]) -> dict[str, Item]:
        named = self.rows.named(ids)
        if named is None:
            return {}
        asking = self.rows.select().where(named).order_by(*self.rows.keys)
        if self.rows.dialect != "sqlite":  # there the transaction itself is the lock
            asking = asking.with_for_update(of=self.rows.sql if self.rows.dialect == "postgresql" else None)
        return self._items(connection, asking)

    def _items(self, connection: Connection, asking: Any) -> dict[str, Item]:
        asked_at = self.rows.clock()
        found = (self.rows.item(row, asked_at) for row in connection.execute(asking))
        return {item.id: item for item in found}

    # Making

    def create(self, connection: Connection, records: Sequence[New]) -> list[Result]:
        """One result for each record, in order. What an earlier attempt made is found by its external id or key."""
        results: dict[int, Result] = {}
        entries: dict[int, Values] = {}
        for place, one in enumerate(records):
            try:
                entries[place] = self._new_values(one)
            except ConnectorError as error:
                results[place] = error
        results |= self._made_before(connection, records, entries)
        for place in results:
            entries.pop(place, None)
        ids: dict[int, str] = {}
        written = self._each(connection, entries, "INSERT", lambda some: ids.update(self._insert(connection, some)))
        results |= self._read_back(connection, written, ids)
        return [results[place] for place in range(len(records))]

    def _new_values(self, one: New) -> Values:
        """With our own id where the table keeps one, and a key of ours where nobody else gives one."""
        values = self._values(one.body, None)
        if one.external_id is not None and self.table.external_id:
            values[self.table.external_id] = one.external_id
        for name in self.table.key:
            column = self.table.columns[name]
            if name not in values and not column.default and column.kind in ("uuid", "text"):
                values[name] = str(uuid.uuid5(OURS, one.key))
        return values

    def _made_before(
        self, connection: Connection, records: Sequence[New], entries: Mapping[int, Values]
    ) -> dict[int, Result]:
        found: dict[int, Result] = {}
        own = self.table.external_id
        if own:
            column, asked = self.rows.sql.c[own], [one.external_id for one in records if one.external_id]
            known = {item.body[own]: item for item in self._items(
                connection, self.rows.select().where(column.in_(asked))).values()} if asked else {}  # fmt: skip
            pairs = ((place, known.get(records[place].external_id)) for place in entries)
        else:
            ids = {place: self._given_key(records[place], values) for place, values in entries.items()}
            named = self.rows.named([id for id in ids.values() if id is not None])
            known = self._items(connection, self.rows.select().where(named)) if named is not None else {}
            pairs = ((place, known.get(id or "")) for place, id in ids.items())
        for place, item in pairs:
            if item is not None:
                found[place] = Written(item.id, item.version, item, self.rows.clock(), existed=True)
        return found

    def _given_key(self, one: New, values: Values) -> str | None:
        """The key that this very record was given by us; one that a person gives is no proof of an earlier attempt."""
        ours = any(name not in one.body and name in values for name in self.table.key)
        return self._key_of(values) if ours else None

    def _key_of(self, values: Values) -> str | None:
        parts = tuple(values.get(name) for name in self.table.key)
        return None if any(part is None for part in parts) else key_text(parts)

    def _insert(self, connection: Connection, some: Mapping[int, Values]) -> dict[int, str]:
        """The new ids by place."""
        given = list(some.values())
        if all(self._key_of(values) is not None for values in given):
            connection.execute(insert(self.rows.sql), given)
            return {place: str(self._key_of(values)) for place, values in some.items()}
        returning = connection.dialect.insert_executemany_returning_sort_by_parameter_order
        if not returning or len(given) == 1:
            return {place: self._insert_one(connection, values) for place, values in some.items()}
        statement = insert(self.rows.sql).returning(*self.rows.keys, sort_by_parameter_order=True)
        made = connection.execute(statement, given).all()
        return {place: key_text(tuple(key)) for place, key in zip(some, made, strict=True)}

    def _insert_one(self, connection: Connection, values: Values) -> str:
        if connection.dialect.insert_returning:
            row = connection.execute(insert(self.rows.sql).values(values).returning(*self.rows.keys)).one()
            return key_text(tuple(row))
        key = connection.execute(insert(self.rows.sql).values(values)).inserted_primary_key
        return key_text(tuple(key or ()))

    # Deleting

    def delete(self, connection: Connection, id: str, version: str | None) -> None:
        """Marked as deleted where the table has such a column, else removed. Raises Gone or Stale."""
        self.standing(id, self.locked(connection, [id]), version)
        wanted: Any = self.rows.named([id])
        flag = self.table.deleted
        if not flag:
            connection.execute(delete(self.rows.sql).where(wanted))
            return
        statement = update(self.rows.sql).where(wanted)
        values = {flag: self._mark(), **self._next_version([flag])}
        connection.execute(statement.values({self.rows.sql.c[name]: value for name, value in values.items()}))

    def _mark(self) -> Any:
        column, value = self.table.columns[self.table.deleted], self.table.deleted_value
        if value is None and column.kind in TIMES:
            now = datetime.fromtimestamp(self.rows.clock(), UTC)
            return as_written(column, now, self.table.zone, self.rows.dialect)
        return dump(column, True if value is None else value, self.table.zone, self.rows.dialect)

    # What both have in common

    def _values(self, body: Mapping[str, Any], current: Item | None) -> Values:
        """Raises Rejected that names each column which cannot hold what it is given."""
        values: Values = {}
        failed: dict[str, str] = {}
        for path, value in body.items():
            name = str(split(path)[0]) if path not in self.table.columns else path
            column = self.table.columns.get(name)
            if column is None:
                failed[name] = "the table has no such column"
            elif current is not None and name in self.table.key:
                if str(value) != str(current.body[name]):
                    failed[name] = "it is part of the row's key, which names it and is never changed"
            else:
                try:
                    values[name] = dump(column, value, self.table.zone, self.rows.dialect)
                except ValueError as error:
                    failed[name] = str(error)
        if failed:
            what = "; ".join(f"{name}: {reason}" for name, reason in failed.items())
            raise Rejected(what, self.table.full_name, fields=failed)
        return values

    def _each(
        self,
        connection: Connection,
        entries: Mapping[int, Values],
        verb: str,
        write: Callable[[dict[int, Values]], None],
    ) -> dict[int, ConnectorError | None]:
        """Write those with the same columns together; what a database refuses so is tried one by one."""
        groups: dict[tuple[str, ...], dict[int, Values]] = {}
        for place, values in entries.items():
            names = tuple(sorted(values))
            groups.setdefault(names, {})[place] = {name: values[name] for name in names}
        done: dict[int, ConnectorError | None] = {}
        for group in groups.values():
            if self._attempt(connection, verb, group, write) is None:
                done |= dict.fromkeys(group)
            else:
                for place, values in group.items():
                    done[place] = self._attempt(connection, verb, {place: values}, write)
        return done

    def _attempt(
        self, connection: Connection, verb: str, some: dict[int, Values], write: Callable[[dict[int, Values]], None]
    ) -> ConnectorError | None:
        """What the values were refused for; anything else is the whole batch's trouble and raised."""
        try:
            with connection.begin_nested():
                write(some)
        except SQLAlchemyError as error:
            if lost(error):
                raise
            body = next(iter(some.values()))
            refusal = told(error, self._asked(verb, self.table.full_name, columns=self.table.columns, body=body))
            if not isinstance(refusal, Rejected):
                raise
            return refusal
        return None

    def _read_back(
        self, connection: Connection, written: Mapping[int, ConnectorError | None], ids: Mapping[int, str]
    ) -> dict[int, Result]:
        landed = {place: ids[place] for place, error in written.items() if error is None}
        named = self.rows.named(list(landed.values())) if landed else None
        held = self._items(connection, self.rows.select().where(named)) if named is not None else {}
        at = self.rows.clock()
        out: dict[int, Result] = {place: error for place, error in written.items() if error is not None}
        for place, id in landed.items():
            item = held.get(id)
            out[place] = Written(id, item.version if item else None, item, at)
        return out
