"""Many rows in one statement, at a price that follows their bytes: COPY for what is only added, and one JSON document
for what may be there already.

Lists of parameters are quoted one by one on this side; with JSON in them that took longer than judging did.
"""

# ruff: noqa: S608 - tables and columns come from this package's own code; values are always parameters.
from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson
from django.db import connection

Types = tuple[tuple[str, str], ...]  # (column, its type in SQL)
Row = Sequence[Any]


def dumped(value: Any) -> str:
    """JSON text for a column or a document. Times and UUIDs are written as PostgreSQL reads them."""
    return orjson.dumps(value).decode()


def add(table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """COPY. JSON columns are given as text."""
    if not rows:
        return
    # A COPY ends, and fails, where its block ends: outside the calls whose errors Django translates by itself.
    statement = f"COPY {table} ({_listed(columns)}) FROM STDIN"
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def put(table: str, key: Sequence[str], types: Types, rows: Sequence[Row]) -> None:
    """Insert, or change the row that has this key. JSON columns are given as values."""
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(_upsert(table, tuple(key), types), [document(types, rows)])


def document(types: Types, rows: Sequence[Row]) -> str:
    """The rows as one parameter of a statement that reads them by `recordset`."""
    names = [name for name, _ in types]
    return dumped([dict(zip(names, row, strict=True)) for row in rows])


def recordset(types: Types, alias: str = "d") -> str:
    """What stands in FROM: the rows of a document as a table."""
    columns = ", ".join(f'"{name}" {kind}' for name, kind in types)
    return f"jsonb_to_recordset(%s::jsonb) AS {alias}({columns})"


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


@lru_cache(maxsize=64)
def _upsert(table: str, key: tuple[str, ...], types: Types) -> str:
    names = [name for name, _ in types]
    changed = ", ".join(f'"{name}" = excluded."{name}"' for name in names if name not in key)
    then = f"DO UPDATE SET {changed}" if changed else "DO NOTHING"
    columns = _listed(names)
    return (
        f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {recordset(types)} ON CONFLICT ({_listed(key)}) {then}"
    )
