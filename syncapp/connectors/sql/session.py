"""One transaction for each look and each write, and what its end means: done, not done, or nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from syncapp.connectors.errors import LooksOnly, Unavailable, Unknown
from syncapp.connectors.sql.engines import engine_of
from syncapp.connectors.sql.place import Place
from syncapp.connectors.sql.refusals import Asked, lost, told

LOOKS = "SELECT"


class Session:
    """Reads and writes at one place. ``before_write`` may raise."""

    def __init__(self, place: Place, *, looks_only: bool, before_write: Callable[[], None]) -> None:
        self.place, self.looks_only, self.before_write = place, looks_only, before_write

    def asked(self, verb: str, table: str, **more: Any) -> Asked:
        return Asked(verb, table, self.place.user, **more)

    @contextmanager
    def reading(self, asked: Asked) -> Iterator[Connection]:
        """A transaction that the database itself keeps from writing, where it can."""
        more = {"postgresql_readonly": True} if self.place.dialect == "postgresql" else {}
        try:
            with engine_of(self.place).connect().execution_options(**more) as connection:
                yield connection
        except SQLAlchemyError as error:
            raise told(error, asked) from None

    @contextmanager
    def writing(self, asked: Asked) -> Iterator[Connection]:
        """Committed at its end. Raises Unknown only where the connection was lost while it committed."""
        if self.looks_only:
            raise LooksOnly("this client only looks; nothing was sent", asked.where, LOOKS)
        self.before_write()
        try:
            engine = engine_of(self.place).execution_options(writes=True)
            with engine.connect() as connection, connection.begin() as transaction:
                yield connection
                self._commit(transaction, asked)
        except SQLAlchemyError as error:
            if lost(error):
                raise Unavailable("the connection was lost before anything was kept", asked.where) from None
            raise told(error, asked) from None

    def _commit(self, transaction: Any, asked: Asked) -> None:
        try:
            transaction.commit()
        except SQLAlchemyError as error:
            if lost(error):
                raise Unknown("the connection was lost during the commit", asked.where, "read the rows") from None
            raise
