"""What a provider file says about a database: its ``sql`` section stands in place of address, auth and objects."""

from __future__ import annotations

from dataclasses import dataclass

DIALECTS = ("postgresql", "mysql", "sqlite")


@dataclass(frozen=True, slots=True)
class SqlSpec:
    """``port`` is the usual one; ``listens``: triggers can tell the hub of changes at once."""

    dialect: str
    port: int = 0
    listens: bool = False
