"""The outbox of a PostgreSQL table: triggers note which row was changed, by whom, and in which transaction's time.

A note becomes visible when its transaction commits, and is removed when it was read: so nothing is lost to one that
commits late, however the numbers of the notes stand to each other, and there is no place to remember.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from syncapp.connectors.errors import Misconfigured
from syncapp.connectors.sql.engines import NAME, new_engine
from syncapp.connectors.sql.place import Place
from syncapp.connectors.sql.refusals import told
from syncapp.connectors.sql.session import Session
from syncapp.connectors.sql.tables import Table, key_text

CHANNEL = BOX = "concord_outbox"
ROWS, ALL = f"{BOX}_rows", f"{BOX}_all"
LONGEST_NAME = 63
NOTE = "INSERT INTO {box} (relation, key, operation, who, application) VALUES ({relation}, {key}, TG_OP, session_user, current_setting('application_name', true));"  # noqa: E501
CLAIM = """
DELETE FROM {box} WHERE id IN (
    SELECT id FROM {box} WHERE relation = ANY(:relations) ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED
) RETURNING id, relation, key, operation, at, who, application
"""


@dataclass(frozen=True, slots=True)
class Note:
    """One change. ``id`` names the row; "" is the whole table, which was emptied."""

    table: str
    id: str
    operation: str
    at: datetime
    who: str
    ours: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether the triggers are there, and what waits in the box."""

    installed: bool
    waiting: int = 0
    oldest: datetime | None = None


def installing(table: Table, role: str) -> list[str]:
    """The statements, as a person may read them first or run them in the hub's stead."""
    _demand_key(table)
    box, function, relation = _names(table)
    given = [
        f"CREATE TABLE IF NOT EXISTS {box} (\n"
        "    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n"
        "    relation text NOT NULL,\n"
        "    key text[],\n"
        "    operation text NOT NULL,\n"
        "    at timestamptz NOT NULL DEFAULT transaction_timestamp(),\n"
        "    who text,\n"
        "    application text\n"
        ")",
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql\n"
        "SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $concord$\n" + _body(table, box) + "$concord$",
    ]
    for name, event, each in (
        (ROWS, "INSERT OR UPDATE OR DELETE", "ROW"),
        (ALL, "TRUNCATE", "STATEMENT"),
    ):
        given.append(f"DROP TRIGGER IF EXISTS {name} ON {relation}")
        given.append(f"CREATE TRIGGER {name} AFTER {event} ON {relation} FOR EACH {each} EXECUTE FUNCTION {function}()")
    return [*given, f"GRANT SELECT, DELETE ON {box} TO {quoted(role)}"]


def uninstalling(table: Table, *, last: bool = False) -> list[str]:
    """``last``: no other table of the schema has an outbox, so the box itself goes too."""
    box, function, relation = _names(table)
    gone = [f"DROP TRIGGER IF EXISTS {name} ON {relation}" for name in (ROWS, ALL)]
    gone.append(f"DROP FUNCTION IF EXISTS {function}()")
    cleared = f"DELETE FROM {box} WHERE relation = {literal(table.name)}"  # noqa: S608 - names and texts are quoted
    return [*gone, f"DROP TABLE IF EXISTS {box}" if last else cleared]


def _demand_key(table: Table) -> None:
    if table.view:
        raise Misconfigured("a view has no outbox", table.full_name, "the tables that it is made of")


def _body(table: Table, box: str) -> str:
    """Of a change of the key, both keys: one row went, another came."""
    old, new = (f"ARRAY[{', '.join(f'{side}.{quoted(name)}::text' for name in table.key)}]" for side in ("OLD", "NEW"))
    relation = literal(table.name)
    note = {side: NOTE.format(box=box, relation=relation, key=key) for side, key in (
        ("old", old), ("new", new), ("all", "NULL"))}  # fmt: skip
    return f"""BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        {note["all"]}
    ELSIF TG_OP = 'DELETE' THEN
        {note["old"]}
    ELSE
        {note["new"]}
        IF TG_OP = 'UPDATE' THEN
            IF {old} IS DISTINCT FROM {new} THEN
                {note["old"]}
            END IF;
        END IF;
    END IF;
    PERFORM pg_notify('{CHANNEL}', '');
    RETURN NULL;
END
"""


def _names(table: Table) -> tuple[str, str, str]:
    schema = quoted(table.schema or "public")
    function = f"{BOX}_{table.name}".encode()[:LONGEST_NAME].decode(errors="ignore")
    return f"{schema}.{BOX}", f"{schema}.{quoted(function)}", f"{schema}.{quoted(table.name)}"


def quoted(name: str) -> str:
    """Always in quotes where it is not the plainest of names."""
    plain = re.fullmatch(r"[a-z_][a-z0-9_]*", name) is not None
    return name if plain else '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    return ("E'" if "\\" in value else "'") + value.replace("\\", "\\\\").replace("'", "''") + "'"


# Doing it


def _session(place: Place) -> Session:
    return Session(place, looks_only=False, before_write=lambda: None)


def install(place: Place, table: Table) -> None:
    """Raises Unauthorised where the role may not; then somebody who may runs what `installing` says."""
    _carry_out(place, table, installing(table, place.user))


def uninstall(place: Place, table: Table) -> None:
    _carry_out(place, table, uninstalling(table, last=not _others(place, table)))


def _carry_out(place: Place, table: Table, statements: Sequence[str]) -> None:
    session = _session(place)
    with session.writing(session.asked("TRIGGER", table.full_name)) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement.replace("%", "%%"))


def _others(place: Place, table: Table) -> bool:
    session = _session(place)
    with session.reading(session.asked("SELECT", "the catalogue")) as connection:
        return bool(connection.execute(text(
            "SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE t.tgname = :rows AND n.nspname = :schema AND c.relname <> :table"),
            {"rows": ROWS, "schema": table.schema or "public", "table": table.name},
        ).scalar_one())  # fmt: skip


def standing(place: Place, table: Table) -> Standing:
    session, schema = _session(place), table.schema or "public"
    with session.reading(session.asked("SELECT", table.full_name)) as connection:
        there = connection.execute(text(
            "SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n"
            " ON n.oid = c.relnamespace WHERE t.tgname = :rows AND n.nspname = :schema AND c.relname = :table"),
            {"rows": ROWS, "schema": schema, "table": table.name}).scalar_one()  # fmt: skip
        if not there:
            return Standing(False)
        box, _, _ = _names(table)
        asking = f"SELECT count(*), min(at) FROM {box} WHERE relation = :table"  # noqa: S608 - the name is quoted
        row = connection.execute(text(asking), {"table": table.name}).one()
        return Standing(True, row[0], row[1])


@contextmanager
def claimed(place: Place, tables: Sequence[Table], most: int = 500) -> Iterator[list[Note]]:
    """The oldest notes that nobody else has. They are gone once the block ends well; an error in it leaves them."""
    session = _session(place)
    notes: list[Note] = []
    with session.writing(session.asked("DELETE", BOX)) as connection:
        for schema in sorted({table.schema for table in tables}):
            slugs = {table.name: table.slug for table in tables if table.schema == schema}
            asking = text(CLAIM.format(box=f"{quoted(schema or 'public')}.{BOX}"))
            found = connection.execute(asking, {"relations": list(slugs), "most": most}).all()
            notes += [_note(place, slugs, row) for row in sorted(found, key=lambda row: int(row[0]))]
        yield notes


def _note(place: Place, slugs: dict[str, str], row: Any) -> Note:
    key = tuple(row[2]) if row[2] else ()
    ours = str(row[6] or "") == f"{NAME}:{place.account}"[:63]
    return Note(slugs[row[1]], key_text(key) if key else "", row[3], row[4], row[5] or "", ours)


@contextmanager
def listening(place: Place) -> Iterator[Callable[[float], bool]]:
    """A connection of its own that hears of every commit with notes. What it gives waits so many seconds for one, and
    says whether one came. Raises what a client raises, also when the connection is lost while it waits.
    """
    asked = _session(place).asked("LISTEN", CHANNEL)
    engine = new_engine(place, pool=NullPool)
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"LISTEN {CHANNEL}")
            driver: Any = connection.connection.driver_connection

            def wait(seconds: float) -> bool:
                try:
                    return any(True for _ in driver.notifies(timeout=seconds, stop_after=1))
                except engine.dialect.loaded_dbapi.Error as error:
                    raise told(_wrapped(error), asked) from None

            yield wait
    except SQLAlchemyError as error:
        raise told(error, asked) from None
    finally:
        engine.dispose()


def _wrapped(error: Exception) -> SQLAlchemyError:
    return OperationalError("LISTEN", None, error)
