"""Where a pass stands that is made of several listings: a text that a later process goes on from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from syncapp.connectors.errors import PageLost


@dataclass(frozen=True, slots=True)
class Place:
    """``leg`` is the listing, ``page`` its next page. ``after``: of the records that this page names, those with a
    greater id are still to be read, and then it goes on at ``then``. ``start``, ``width``: the part of the time that is
    asked for now. ``parent``: whose records are listed, one of page ``beside`` of the parents; ``done``: up to whose.
    """

    leg: str = ""
    page: str | None = None
    after: str | None = None
    then: str | None = None
    start: str | None = None
    width: float | None = None
    beside: str | None = None
    parent: str | None = None
    done: str | None = None

    @classmethod
    def read(cls, text: str | None) -> Place:
        try:
            told: dict[str, Any] = orjson.loads(text) if text else {}
            return cls(**told)
        except (ValueError, TypeError):
            raise PageLost(
                f"{str(text)[:60]!r} is not a place in this listing", "cursor", "one that an earlier page gave"
            ) from None

    def text(self) -> str:
        told = {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}
        return orjson.dumps(told).decode()

    def at(self, page: str | None) -> Place:
        """At another page of the same listing."""
        return replace(self, page=page, after=None, then=None)

    def part(self, start: datetime, width: float) -> Place:
        """At the beginning of another part of the time."""
        return replace(self, page=None, after=None, then=None, start=start.isoformat(), width=width)

    @property
    def begun(self) -> bool:
        return self.page is not None or self.after is not None

    @property
    def since(self) -> datetime | None:
        return datetime.fromisoformat(self.start) if self.start else None
