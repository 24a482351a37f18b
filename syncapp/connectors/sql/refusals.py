"""What a database said no to, sorted by what the caller should do about it, in the database's own words.

The words are those of the driver's error alone: statements and parameters are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from syncapp.connectors.errors import (
    ConnectorError,
    Misconfigured,
    Rejected,
    Retryable,
    Unauthorised,
    Unavailable,
)
from syncapp.connectors.sql.tables import Column

AGAIN, BUSY, DENIED, READ_ONLY, CHANGED, LOGIN = "again", "busy", "denied", "read_only", "changed", "login"
POSTGRESQL = {
    "40001": AGAIN, "40P01": AGAIN, "55P03": AGAIN, "57014": BUSY, "53300": BUSY, "57P01": BUSY, "57P02": BUSY,
    "57P03": BUSY, "25P03": BUSY, "42501": DENIED, "25006": READ_ONLY, "42P01": CHANGED, "42703": CHANGED,
    "3F000": CHANGED, "42804": CHANGED, "28P01": LOGIN, "28000": LOGIN, "3D000": LOGIN,
}  # fmt: skip
MYSQL = {
    1205: AGAIN, 1213: AGAIN, 1020: AGAIN, 1040: BUSY, 1203: BUSY, 1317: BUSY, 1969: BUSY, 3024: BUSY, 1053: BUSY,
    1142: DENIED, 1143: DENIED, 1227: DENIED, 1370: DENIED, 1290: READ_ONLY, 1792: READ_ONLY, 1836: READ_ONLY,
    1146: CHANGED, 1054: CHANGED, 1044: LOGIN, 1045: LOGIN, 1049: LOGIN, 1698: LOGIN,
}  # fmt: skip
SQLITE = (
    ("locked", AGAIN), ("busy", AGAIN), ("readonly", READ_ONLY), ("no such table", CHANGED),
    ("no such column", CHANGED),
    ("has no column named", CHANGED), ("unable to open", LOGIN), ("not a database", LOGIN),
)  # fmt: skip
# What refuses the values: PostgreSQL's classes of SQLSTATE, MySQL's numbers, SQLite's word.
VALUES_22_23 = ("22", "23", "P0001", "44000", "428C9")
VALUES_MYSQL = frozenset(
    (1048, 1062, 1216, 1217, 1264, 1265, 1292, 1364, 1366, 1406, 1451, 1452, 1557, 1586, 1644, 1690, 3819, 3105, 4025)
)
NAMED = (
    re.compile(r"Key \((?P<names>[^)]*)\)="),
    re.compile(r"(?:column|Column|field|Field) [\"'`](?P<names>[^\"'`]+)[\"'`]"),
    re.compile(r"(?:NOT NULL|UNIQUE) constraint failed: (?P<names>.+)"),
    re.compile(r"FOREIGN KEY \(`(?P<names>[^)]+)`\)"),
    re.compile(r"for key '(?:\w+\.)?(?P<names>[^']+)'"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked when it went wrong: the statement in one word, on what, by whom, and with which values."""

    verb: str
    table: str
    user: str = ""
    columns: Mapping[str, Column] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def where(self) -> str:
        return f"{self.verb} {self.table}".strip()


def lost(error: SQLAlchemyError) -> bool:
    """The connection went away under the statement."""
    return isinstance(error, DBAPIError) and (error.connection_invalidated or _code(error) in (2006, 2013, 2014, 2055))


def told(error: SQLAlchemyError, asked: Asked) -> ConnectorError:
    """The error to raise instead. Nothing was changed by what raised it."""
    if not isinstance(error, DBAPIError):
        return Unavailable(f"the database cannot be asked now: {type(error).__name__}", asked.where)
    said = words(error)
    kind = _kind(error, said)
    if kind == "values":
        return Rejected(said, asked.where, fields=_fields(error, said, asked), message=said)
    if kind == AGAIN:
        return Retryable(said, asked.where, "it is tried again", retry_after=1.0)
    if kind == DENIED:
        return Unauthorised(said, asked.where, _grant(asked), status=403)
    if kind == LOGIN:
        return Unauthorised(said, asked.where, "check user, password and database of the account", status=401)
    if kind == READ_ONLY:
        return Misconfigured(said, asked.where, "a server that takes writes, or an account that only reads")
    if kind == CHANGED:
        return Misconfigured(f"the table is not as it was chosen: {said}", asked.where, "look at the table again")
    return Unavailable(said, asked.where)


def words(error: DBAPIError) -> str:
    """The driver's own sentence."""
    orig: Any = error.orig
    diag = getattr(orig, "diag", None)
    parts = [getattr(diag, "message_primary", None), getattr(diag, "message_detail", None)]
    if not parts[0]:
        args: tuple[Any, ...] = getattr(orig, "args", ())
        parts = [str(args[1]) if len(args) > 1 and isinstance(args[0], int) else str(orig)]
    return "; ".join(part.strip() for part in parts if part)[:1000] or type(orig).__name__


def _code(error: DBAPIError) -> Any:
    orig: Any = error.orig
    args = getattr(orig, "args", ())
    # MySQL's own numbers say more than the class that its driver may tell beside them.
    return args[0] if args and isinstance(args[0], int) else getattr(orig, "sqlstate", None)


def _kind(error: DBAPIError, said: str) -> str:
    code = _code(error)
    if isinstance(code, str):
        return "values" if code.startswith(VALUES_22_23) else POSTGRESQL.get(code, BUSY)
    if isinstance(code, int):
        return "values" if code in VALUES_MYSQL else MYSQL.get(code, BUSY)
    if "constraint failed" in said or type(error.orig).__name__ in ("DataError", "IntegrityError"):
        return "values"
    if re.search(r"authentication failed|no pg_hba|does not exist|certificate|SSL|no password", said):
        return LOGIN
    return next((kind for part, kind in SQLITE if part in said.lower()), BUSY)


def _fields(error: DBAPIError, said: str, asked: Asked) -> dict[str, str]:
    """Columns that the database complained about; where it named none, those that it can only have meant."""
    named = getattr(getattr(error.orig, "diag", None), "column_name", None)
    names = [named] if named else [name for found in _named(said) for name in found]
    known = [name for name in names if name in asked.columns]
    if not known:
        known = _by_constraint(error, said, asked) or _too_long(said, asked)
    if not known and len(asked.body) == 1:
        known = list(asked.body)
    return dict.fromkeys(known, said)


def _named(said: str) -> list[list[str]]:
    found = (pattern.search(said) for pattern in NAMED)
    return [
        [part.strip(" `\"").rpartition(".")[2] for part in match["names"].split(",")] for match in found if match
    ]  # fmt: skip


def _by_constraint(error: DBAPIError, said: str, asked: Asked) -> list[str]:
    """Constraints are usually named after their columns: customers_phone_check."""
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    if not name:
        match = re.search(r"(?:CONSTRAINT|constraint failed:|constraint|key) [`'\"]?([\w.]+)", said)
        name = match[1] if match else ""
    return [column for column in asked.body if column and re.search(rf"(?:^|[_.]){re.escape(column)}(?:_|$)", name)]


def _too_long(said: str, asked: Asked) -> list[str]:
    if "too long" not in said:
        return []
    sizes = {name: column.size for name, column in asked.columns.items() if column.size}
    return [name for name, value in asked.body.items() if name in sizes and len(str(value)) > (sizes[name] or 0)]


def _grant(asked: Asked) -> str:
    verb = asked.verb if asked.verb in ("SELECT", "INSERT", "UPDATE", "DELETE") else "SELECT, INSERT, UPDATE, DELETE"
    return f"GRANT {verb} ON {asked.table} TO {asked.user or 'the role of this account'}"
