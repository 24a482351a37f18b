"""A SQLite file with one table, as a small company has it: a number as key, and a trigger that dates its rows."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from syncapp.certify.place import Against, NoWorld, Place
from syncapp.connectors.spec import Manifest
from syncapp.connectors.sql.client import SqlClient
from syncapp.connectors.sql.describe import choose
from syncapp.connectors.sql.objects import with_tables
from syncapp.connectors.sql.place import place_of

NOW = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
TABLE = f"""
CREATE TABLE customers (
    id integer PRIMARY KEY AUTOINCREMENT, name varchar(200), email varchar(200), note text, credit decimal(12, 2),
    visits integer, vip boolean, since date, changed_at timestamp NOT NULL DEFAULT ({NOW})
);
CREATE TRIGGER dated AFTER UPDATE ON customers BEGIN UPDATE customers SET changed_at = {NOW} WHERE id = new.id; END;
INSERT INTO customers (name, email) VALUES ('Ann', 'ann@example.com'), ('Bob', 'bob@example.com');
"""  # noqa: S608 - no value in it comes from outside
CHOICE = {"table": "customers", "key": ["id"], "updated_at": "changed_at", "zone": "UTC", "overlap": 2}


class SqliteWorld(NoWorld):
    """People who work with the same file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def edit(self, object: str, id: str, fields: dict[str, Any]) -> None:
        for name, value in fields.items():
            self._run(f'UPDATE customers SET "{name}" = ? WHERE id = ?', value, id)  # noqa: S608 - names of the table

    def erase(self, object: str, id: str) -> None:
        self._run("DELETE FROM customers WHERE id = ?", id)

    def ids(self, object: str) -> list[str]:
        return [str(id) for (id,) in self._run("SELECT id FROM customers")]

    def _run(self, text: str, *values: Any) -> list[Any]:
        with closing(sqlite3.connect(self._path, timeout=10)) as connection, connection:
            return connection.execute(text, values).fetchall()


@contextmanager
def places(manifest: Manifest) -> Iterator[list[Place]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "company.sqlite"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(TABLE)
        config = {"path": str(path)}
        database = place_of(manifest, config, {}, account="check", allow_private=True, folders=(folder,))
        table = choose(database, "customers", CHOICE)
        whole = with_tables(manifest, {"customers": table.as_json()})
        yield [
            Place(
                whole, config, {}, Against.SERVER, SqliteWorld(path),
                opener=lambda: SqlClient(whole, {"customers": table}, database),
            )
        ]  # fmt: skip
