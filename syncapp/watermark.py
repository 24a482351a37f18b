"""Where a feed's listing stands: a small text that says how to go on, also in the middle of a listing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from .connectors.records import Page


@dataclass(frozen=True, slots=True)
class Watermark:
    """`since` is what is asked from (None: everything); `page` is the provider's cursor of a listing in progress, and
    `then` is where the next delta begins once that listing is through.
    """

    since: datetime | None = None
    page: str | None = None
    then: datetime | None = None

    @classmethod
    def read(cls, text: str) -> Watermark:
        told = orjson.loads(text) if text else {}
        moments = (datetime.fromisoformat(told[name]) if told.get(name) else None for name in ("since", "then"))
        since, then = moments
        return cls(since, told.get("page"), then)

    @property
    def in_full(self) -> bool:
        """A listing of everything is in progress."""
        return self.page is not None and self.since is None

    def text(self) -> str:
        told = {
            "since": self.since.isoformat() if self.since else None,
            "page": self.page,
            "then": self.then.isoformat() if self.then else None,
        }
        told = {name: value for name, value in told.items() if value is not None}
        return orjson.dumps(told).decode() if told else ""

    def after(self, page: Page) -> Watermark:
        """How to go on once this page is durable."""
        then = self.then or began(page)
        if page.last:
            return Watermark(then or self.since)
        return Watermark(self.since, page.cursor, then)


def began(page: Page) -> datetime | None:
    """The provider's own clock just before this page was asked for: what changes later is later than that.

    Its records are stamped by its clock, so ours must not be mixed in. Where no Date header tells, the newest time that
    the page shows is certainly not later either.
    """
    if page.server_date is not None:
        return page.server_date - timedelta(seconds=page.round_trip)
    return max((item.updated_at for item in page.items if item.updated_at is not None), default=None)
