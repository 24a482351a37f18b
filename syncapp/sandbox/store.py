"""The sandbox's own SQLite file: records, outbox, logs. One connection, one lock, immediate transactions."""

# ruff: noqa: S608 - table names, columns and clauses come from this package's own code; values are always bound.
from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from syncapp.sandbox.values import Json

TABLE = """
CREATE TABLE IF NOT EXISTS {name} (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    external_id TEXT,
    fields TEXT NOT NULL,
    version INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    actor_kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    merged_into TEXT,
    merged TEXT NOT NULL,
    find_key TEXT,
    search TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS {name}_updated ON {name} (updated, id);
CREATE INDEX IF NOT EXISTS {name}_find ON {name} (find_key);
CREATE UNIQUE INDEX IF NOT EXISTS {name}_external ON {name} (external_id) WHERE deleted = 0;
"""
LOGS = """
CREATE TABLE IF NOT EXISTS edits (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, object TEXT NOT NULL, id TEXT NOT NULL,
    action TEXT NOT NULL, field TEXT, before TEXT NOT NULL, typed TEXT NOT NULL, stored TEXT NOT NULL,
    actor_type TEXT NOT NULL, actor TEXT NOT NULL, version INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS writes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, object TEXT NOT NULL, id TEXT NOT NULL,
    action TEXT NOT NULL, sent TEXT NOT NULL, before TEXT NOT NULL, stored TEXT NOT NULL, changed INTEGER NOT NULL,
    idempotency_key TEXT, actor TEXT NOT NULL, version INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, webhook_id TEXT NOT NULL, body TEXT NOT NULL,
    due REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL, marks TEXT NOT NULL,
    answer TEXT
);
CREATE INDEX IF NOT EXISTS outbox_due ON outbox (due, seq) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, time REAL NOT NULL, record TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS chores (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, due REAL NOT NULL, id TEXT NOT NULL, rule TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS grants (
    token TEXT PRIMARY KEY, kind TEXT NOT NULL, family TEXT NOT NULL, expires REAL, used INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Record:
    number: int
    id: str
    external_id: str | None
    fields: dict[str, Json]
    version: int
    created: int
    updated: int
    deleted: bool
    actor_kind: str
    actor: str
    # The id of the record that this one went into, and the ids of those that went into this one.
    merged_into: str | None = None
    merged: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, row: sqlite3.Row) -> Record:
        given = {name: row[name] for name in cls.__dataclass_fields__}
        opened = {name: json.loads(row[name]) for name in ("fields", "merged")}
        return cls(**{**given, **opened, "deleted": bool(row["deleted"])})

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Record:
        return cls(**json.loads(text))


COLUMNS = (*Record.__dataclass_fields__, "find_key", "search")


class Store:
    """The file: settings, logs and the outbox; records stand in a `Table` for each sort of object."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(LOGS)
        # Every request asks for some of them, and this process alone changes them.
        self._settings: dict[str, Json] | None = None

    def table(self, name: str, key: str) -> Table:
        """The table of a sort of object, made if missing; `key` is the field that its records are found by."""
        self._connection.executescript(TABLE.format(name=name))
        return Table(self, name, key)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; the lock makes versions and times of one process strictly ordered."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                self._settings = None
                raise
            self._connection.execute("COMMIT")

    def rows(self, query: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def run(self, statement: str, values: Sequence[object] | Mapping[str, object] = ()) -> int:
        """Carry a statement out; the answer is how many rows it touched."""
        with self._lock:
            return self._connection.execute(statement, values).rowcount

    def lines(self, log: str, after: int, limit: int) -> list[sqlite3.Row]:
        """Lines of a log, oldest first."""
        return self.rows(f"SELECT * FROM {log} WHERE seq > ? ORDER BY seq LIMIT ?", [after, limit])

    def append(self, table: str, line: dict[str, object]) -> None:
        marks = ", ".join("?" for _ in line)
        self.run(f"INSERT INTO {table} ({', '.join(line)}) VALUES ({marks})", list(line.values()))

    def setting(self, name: str) -> Json:
        with self._lock:
            if self._settings is None:
                self._settings = self._read_settings()
            return self._settings.get(name)

    def set_setting(self, name: str, value: Json) -> None:
        with self._lock:
            self.run("INSERT OR REPLACE INTO settings VALUES (?, ?)", [name, json.dumps(value)])
            if self._settings is not None:
                self._settings[name] = value

    def _read_settings(self) -> dict[str, Json]:
        return {row[0]: json.loads(row[1]) for row in self.rows("SELECT name, value FROM settings")}


class Table:
    """The records of one sort of object."""

    def __init__(self, store: Store, name: str, key: str) -> None:
        self._store, self.name, self._key = store, name, key

    def records(self, rest: str, values: Sequence[object] = ()) -> list[Record]:
        return [Record.of(row) for row in self._store.rows(f"SELECT * FROM {self.name} {rest}", values)]

    def record(self, identifier: str) -> Record | None:
        return next(iter(self.records("WHERE id = ?", [identifier])), None)

    def count(self, rest: str = "", values: Sequence[object] = ()) -> int:
        return int(self._store.rows(f"SELECT COUNT(*) FROM {self.name} {rest}", values)[0][0])

    def next_number(self) -> int:
        """One more than there ever was, also where a restored state knows of fewer: ids are never reused."""
        highest = self._store.rows(f"SELECT COALESCE(MAX(number), 0) FROM {self.name}")[0][0]
        return max(int(highest), self._store.setting(f"highest {self.name}") or 0) + 1

    def put(self, record: Record) -> None:
        """Insert or replace; call it inside a transaction."""
        words = " ".join(str(value) for value in record.fields.values() if value not in (None, [], ""))
        found_by = record.fields.get(self._key)
        values = {
            **asdict(record),
            "fields": json.dumps(record.fields),
            "merged": json.dumps(record.merged),
            "find_key": found_by.lower() if found_by else None,
            "search": f"{record.id} {words}".lower(),
        }
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        # Not INSERT OR REPLACE: that would delete another record with the same external id.
        updates = ", ".join(f"{name} = excluded.{name}" for name in values)
        self._store.run(
            f"INSERT INTO {self.name} ({names}) VALUES ({marks}) ON CONFLICT (number) DO UPDATE SET {updates}", values
        )
