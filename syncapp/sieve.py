"""What looks at a page of a listing before it is mapped, and again before it is judged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from policies.core.seen import Observation

from .translate import Seen


class Sieve(Protocol):
    """What looks at a page before it is mapped, and says which of its records are worth it."""

    def keep(self, page: Sequence[Seen], read_at: datetime, last: bool) -> Sequence[Seen]: ...

    def hold(self, seen: Sequence[Observation]) -> Sequence[Observation]:
        """Of a page that is to be judged: those that may be."""
        ...

    def set_aside(self, records: Sequence[tuple[str, str]]) -> None:
        """(remote id or "", reason) of records that could not be taken in."""
        ...


class KeepAll:
    """A sieve that lets everything through."""

    def keep(self, page: Sequence[Seen], read_at: datetime, last: bool) -> Sequence[Seen]:
        return page

    def hold(self, seen: Sequence[Observation]) -> Sequence[Observation]:
        return seen

    def set_aside(self, records: Sequence[tuple[str, str]]) -> None:
        return None
