"""What an admin's "test this account" tries of a database: who am I there, and does each chosen table answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import literal_column, select

from syncapp.connectors.errors import ConnectorError, Unauthorised
from syncapp.connectors.records import Check
from syncapp.connectors.sql.keyset import database_clock

if TYPE_CHECKING:
    from syncapp.connectors.sql.client import SqlClient

WHO = {"postgresql": "current_user", "mysql": "current_user()", "sqlite": "NULL"}


def run_check(client: SqlClient) -> Check:
    """The whole test. Never raises a ConnectorError: what went wrong is in ``problems``."""
    dialect, session = client.place.dialect, client.session
    try:
        with session.reading(session.asked("connect", client.place.where)) as connection:
            actor = connection.execute(select(literal_column(WHO[dialect]))).scalar_one_or_none()
            asked = client.clock()
            date, took = database_clock(connection, dialect)
    except ConnectorError as error:
        return Check(isinstance(error, Unauthorised), False, None, {}, {}, None, (str(error),))
    objects = {slug: _tried(client, slug) for slug in client.tables}
    problems = tuple(f"{slug}: {told}" for slug, told in objects.items() if told != "ok")
    skew = date.timestamp() - (asked + took / 2)
    return Check(True, True, str(actor) if actor is not None else None, objects, {}, skew, problems)


def _tried(client: SqlClient, slug: str) -> str:
    try:
        next(iter(client.pages(slug, size=1)))
    except ConnectorError as error:
        return str(error)
    return "ok"
