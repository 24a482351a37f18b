"""A copy of one sync's state in which everything can be tried: PostgreSQL's own temporary tables, on a connection that
may write nothing else.

PostgreSQL looks for a table among the temporary ones first, so the same code over the same names works on the copy.
The connection is read-only from its first moment, again after any reconnect, and the database lets a read-only
transaction write to temporary tables alone: what the copy lacks cannot be written by accident. No lock is taken on a
real row, and none can be.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, TypeVar

from django.apps import apps
from django.db import connection, models, transaction
from psycopg import sql

from policies.models import Sync

MARK = "CONCORD_OVERLAY"
# Rows made in a copy can be told from real ones, and never have the id of one.
FIRST_ID = 2**62
READ_ONLY = "-c default_transaction_read_only=on -c temp_buffers=64MB"
WAITING = 32  # messages between the two threads
BY_SYNC = "sync_id = %(sync)s"
FEEDS = "SELECT f.id FROM {schema}.syncapp_feed f JOIN policies_role r ON r.id = f.role_id WHERE r.sync_id = %(sync)s"
ACCOUNTS = FEEDS.replace("f.id", "f.account_id", 1)
# Feeds of other syncs whose links say what the references of this one mean.
REFERRED = (
    "SELECT f.id FROM {schema}.syncapp_feed f JOIN policies_role r ON r.id = f.role_id"
    " JOIN policies_sync s ON s.id = r.sync_id JOIN policies_syncfield n ON n.params->>'sync' = s.slug"
    " WHERE n.sync_id = %(sync)s AND n.type = 'reference'"
)
LIVE = " AND state IN ('pending', 'sending')"
# What is copied of each table; of one that is not named here, everything. History is not needed to decide anything.
ROWS = {
    "policies_sync": "true",  # references name other syncs
    "syncapp_account": f"id IN ({ACCOUNTS})",
    "syncapp_feed": f"id IN ({FEEDS} UNION ALL {REFERRED})",
    "syncapp_record": BY_SYNC,
    "syncapp_matchkey": BY_SYNC,
    "syncapp_link": f"feed_id IN ({FEEDS} UNION ALL {REFERRED})",
    "syncapp_held": f"feed_id IN ({FEEDS})",
    "syncapp_conflict": f"{BY_SYNC} AND state = 'open'",
    "syncapp_waiting": f"feed_id IN ({FEEDS})",
    "syncapp_push": f"feed_id IN ({FEEDS}){LIVE}",
    "syncapp_revision": "done_at IS NULL",
    "syncapp_ledger": "false",
    "syncapp_delivery": "false",
    "syncapp_shown": "false",
    "syncapp_tally": "false",
    "syncapp_subscription": f"account_id IN ({ACCOUNTS})",
    "syncapp_sequence": "false",
    "syncapp_run": "false",
    "syncapp_planned": "false",
    "syncapp_approval": "false",
}
T = TypeVar("T")
Tell = Callable[[T], None]


class Left(Exception):
    """Nobody listens any more."""


def overlaid() -> bool:
    """Does this thread work on a copy?"""
    return bool(connection.settings_dict.get(MARK))


def in_overlay(sync: Sync, work: Callable[[Tell[T]], None]) -> Iterator[T | None]:
    """Run `work` on a copy of the sync, in a thread with a connection of its own; what it tells is yielded here.

    None is yielded now and then while it is silent. Its exception is raised here; leaving early ends it.
    """
    messages: queue.Queue[T | BaseException | None] = queue.Queue(WAITING)
    gone = threading.Event()
    thread = threading.Thread(target=_thread, args=(sync.pk, work, messages, gone), name=f"overlay-{sync.slug}")
    thread.daemon = True
    thread.start()
    try:
        yield from _told(messages, thread)
    finally:
        gone.set()
        thread.join()


def _told(messages: queue.Queue[T | BaseException | None], thread: threading.Thread) -> Iterator[T | None]:
    while True:
        try:
            said = messages.get(timeout=1.0)
        except queue.Empty:
            yield None
            continue
        if said is None:
            return
        if isinstance(said, BaseException):
            raise said
        yield said


def _thread(
    sync_id: int,
    work: Callable[[Tell[T]], None],
    messages: queue.Queue[T | BaseException | None],
    gone: threading.Event,
) -> None:
    def tell(said: T | BaseException | None) -> None:
        while not gone.is_set():
            try:
                return messages.put(said, timeout=0.5)
            except queue.Full:
                continue
        raise Left

    try:
        with closing(connection):
            _own_connection()
            make_copy(sync_id)
            work(tell)
        tell(None)
    except Left:
        return
    except BaseException as error:  # noqa: BLE001 - raised again by whoever listens
        if not gone.is_set():
            tell(error)


def _own_connection() -> None:
    """This thread's connection, not opened yet, read-only from its first moment."""
    given = connection.settings_dict
    options = {name: value for name, value in given.get("OPTIONS", {}).items() if name != "pool"}
    options["options"] = f"{options.get('options', '')} {READ_ONLY}".strip()
    connection.settings_dict = {
        **given, "OPTIONS": options, "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": False, MARK: True,
    }  # fmt: skip


def make_copy(sync_id: int) -> None:
    """Every table of the clerk, and the sync itself, as of one moment."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE")
        cursor.execute("SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'policies_sync'::regclass")
        schema = str(cursor.fetchone()[0])
        for model in _models():
            _copy_table(cursor, schema, model, sync_id)


def _models() -> list[type[models.Model]]:
    return [Sync, *(model for model in apps.get_app_config("syncapp").get_models() if model._meta.managed)]


def _copy_table(cursor: Any, schema: str, model: type[models.Model], sync_id: int) -> None:
    name, key = model._meta.db_table, model._meta.pk
    real, temporary = sql.Identifier(schema, name), sql.Identifier("pg_temp", name)
    known = ROWS.get(name, "true").format(schema=sql.Identifier(schema).as_string())
    cursor.execute(sql.SQL("CREATE TEMP TABLE {} (LIKE {} INCLUDING ALL)").format(sql.Identifier(name), real))
    cursor.execute(
        sql.SQL("INSERT INTO {} SELECT * FROM {} WHERE {}").format(temporary, real, sql.SQL(known)), {"sync": sync_id}
    )
    if isinstance(key, models.AutoField | models.BigAutoField):
        restart = "ALTER TABLE {} ALTER COLUMN {} RESTART WITH {}"
        column = sql.Identifier(str(key.column))
        cursor.execute(sql.SQL(restart).format(temporary, column, sql.Literal(FIRST_ID)))
    cursor.execute(sql.SQL("ANALYZE {}").format(temporary))


def analyse() -> None:
    """Nobody else counts temporary tables: without this, queries on a copy that grew are planned as on an empty one."""
    names = sql.SQL(", ").join(sql.Identifier("pg_temp", model._meta.db_table) for model in _models())
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("ANALYZE {}").format(names))
