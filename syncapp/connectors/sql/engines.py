"""Connections: one small pool for each database and process, every new connection past the guard and set up alike."""

from __future__ import annotations

import os
import socket
import sqlite3
import ssl
from collections import OrderedDict
from threading import Lock
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Engine, Pool, create_engine, event

from syncapp.connectors.egress import resolve
from syncapp.connectors.errors import Unavailable
from syncapp.connectors.sql.place import Place

CONNECT, STATEMENT, LOCK, IDLE = 10, 60, 5, 120  # seconds
KEPT = 16
NAME = "concord"
DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "sqlite": "sqlite"}

_engines: OrderedDict[tuple[int, Place], Engine] = OrderedDict()
_lock = Lock()


def engine_of(place: Place) -> Engine:
    """The engine of this process for that place; those that were not asked for lately are closed."""
    key = (os.getpid(), place)
    with _lock:
        engine = _engines.pop(key, None) or new_engine(place)
        _engines[key] = engine
        old = [_engines.popitem(last=False)[1] for _ in range(len(_engines) - KEPT)]
    for one in old:
        one.dispose()
    return engine


def new_engine(place: Place, *, pool: type[Pool] | None = None) -> Engine:
    """Parameters are never shown in errors: they are people's data."""
    login = place.user or None, place.password or None
    url = URL.create(DRIVERS[place.dialect], *login, database=place.database or None)
    more: dict[str, Any] = {"hide_parameters": True}
    if place.dialect == "sqlite":
        engine = create_engine("sqlite://", creator=lambda: _open_file(place.path), **more)
        event.listen(engine, "begin", _begin_file)
        return engine
    kept = {"pool_size": 2, "max_overflow": 2, "pool_pre_ping": True, "pool_recycle": 600, "pool_timeout": CONNECT}
    more |= kept if pool is None else {"poolclass": pool}
    engine = create_engine(url, isolation_level="READ COMMITTED", **more)
    event.listen(engine, "do_connect", _dial(place))
    event.listen(engine, "connect", _settle(place))
    return engine


def _open_file(path: str) -> sqlite3.Connection:
    """Never made anew where it is missing. Transactions are begun by hand: reads and writes begin differently."""
    found = sqlite3.connect(
        f"file:{quote(path)}?mode=rw", uri=True, timeout=LOCK, isolation_level=None, check_same_thread=False
    )
    found.execute("PRAGMA foreign_keys = ON")
    return found


def _begin_file(connection: Any) -> None:
    """A write takes its lock at once: begun as a read it would have to wait for itself."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


def _dial(place: Place) -> Any:
    """Resolve, check, and connect to the very address that was checked; the name stays for TLS."""

    def connect(dialect: Any, record: Any, args: Any, given: dict[str, Any]) -> Any:
        given.update(port=place.port, connect_timeout=CONNECT)
        if place.dialect == "postgresql":
            given.update(_postgresql(place))
            return None
        sock = _socket(place)
        given.update(_mysql(place), defer_connect=True)
        connection = dialect.connect(*args, **given)
        connection.connect(sock)
        return connection

    return connect


def _postgresql(place: Place) -> dict[str, Any]:
    told = {"host": place.host, "application_name": f"{NAME}:{place.account}"[:63],
            "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}  # fmt: skip
    if place.is_socket:
        return told
    mode = {"verify": "verify-full", "require": "require", "off": "disable"}[place.tls]
    told |= {"hostaddr": _addresses(place)[0], "sslmode": mode}
    return told | ({"sslrootcert": place.tls_ca or "system"} if place.tls == "verify" else {})


def _mysql(place: Place) -> dict[str, Any]:
    told = {"host": place.host, "charset": "utf8mb4", "program_name": NAME, "read_timeout": STATEMENT + LOCK,
            "write_timeout": STATEMENT + LOCK}  # fmt: skip
    if place.tls == "off":
        return told | {"ssl_disabled": True}
    context = ssl.create_default_context(cafile=place.tls_ca or None)
    if place.tls == "require":
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return told | {"ssl": context}


def _addresses(place: Place) -> list[str]:
    try:
        return resolve(place.host, place.port, place.allow_private)
    except OSError as error:
        raise Unavailable(f"the host {place.host!r} cannot be found ({error.strerror or error})", place.where) from None


def _socket(place: Place) -> socket.socket:
    last: OSError | None = None
    for address in _addresses(place):
        try:
            return socket.create_connection((address, place.port), CONNECT)
        except OSError as error:
            last = error
    raise Unavailable(f"the database does not answer ({last})", place.where)


def _settle(place: Place) -> Any:
    """What every connection agrees on: UTC, ISO dates, and no statement or lock that is waited for without end."""
    if place.dialect == "postgresql":
        words = [
            "SET timezone = 'UTC'", "SET datestyle = 'ISO, YMD'", "SET extra_float_digits = 1",
            f"SET statement_timeout = '{STATEMENT}s'", f"SET lock_timeout = '{LOCK}s'",
            f"SET idle_in_transaction_session_timeout = '{IDLE}s'",
        ]  # fmt: skip
    else:
        words = [
            "SET SESSION time_zone = '+00:00'", f"SET SESSION innodb_lock_wait_timeout = {LOCK}",
            "SET SESSION sql_mode = CONCAT_WS(',', NULLIF(@@SESSION.sql_mode, ''), 'STRICT_ALL_TABLES')",
        ]  # fmt: skip

    def settle(connection: Any, record: Any) -> None:
        with connection.cursor() as cursor:
            for word in words:
                cursor.execute(word)
        connection.commit()

    return settle


def forget() -> None:
    """Close what nobody uses: of every place that was connected to."""
    with _lock:
        old = list(_engines.values())
        _engines.clear()
    for one in old:
        one.dispose()
