"""Where a feed's listing stands: a small text that says how to go on, also in the middle of a listing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from .connectors.errors import PlaceLost
from .connectors.records import Page

LONGEST = 256 * 1024


@dataclass(frozen=True, slots=True)
class Watermark:
    """`since` is what is asked from (None: everything), and `marks` the provider's own places beside it. `page` is its
    cursor of a listing in progress, with so many `pages` behind it; `then` and `found` are where the next delta begins
    once that listing is through.
    """

    since: datetime | None = None
    page: str | None = None
    then: datetime | None = None
    marks: Mapping[str, str] = field(default_factory=dict)
    found: Mapping[str, str] = field(default_factory=dict)
    pages: int = 0

    @classmethod
    def read(cls, text: str) -> Watermark:
        told: dict[str, Any] = orjson.loads(text) if text else {}
        moments = {name: datetime.fromisoformat(told[name]) for name in ("since", "then") if told.get(name)}
        return cls(**{**told, **moments})

    @property
    def in_full(self) -> bool:
        """A listing of everything is in progress."""
        return self.page is not None and self.since is None

    def text(self) -> str:
        told: dict[str, Any] = {"page": self.page, "marks": self.marks, "found": self.found, "pages": self.pages}
        moments = {"since": self.since, "then": self.then}
        told |= {name: moment.isoformat() for name, moment in moments.items() if moment}
        told = {name: value for name, value in told.items() if value not in (None, {}, 0)}
        text = orjson.dumps(told).decode() if told else ""
        if len(text) > LONGEST:
            raise PlaceLost(
                f"the provider's own places of this feed take {len(text):,} characters", "watermark",
                f"up to {LONGEST:,}; fewer parents to list records of",
            )  # fmt: skip
        return text

    def whole(self) -> Watermark:
        """For a listing of everything. An older place in a log stays good where the listing tells no newer one; places
        of single parents are told anew, or the parent is gone.
        """
        marks = {name: mark for name, mark in self.marks.items() if " " not in name}
        return replace(self, marks=marks) if self.in_full else Watermark(marks=marks)

    def after(self, page: Page) -> Watermark:
        """How to go on once this page is durable."""
        then = self.then or began(page)
        if then is not None and page.until is not None:
            then = min(then, page.until)  # the end was ours to name: the provider's clock may be past it already
        found = {**self.found, **page.marks}
        if page.last:
            return Watermark(then or self.since, marks={**self.marks, **found})
        return Watermark(self.since, page.cursor, then, self.marks, found, self.pages + 1)


def began(page: Page) -> datetime | None:
    """The provider's own clock just before this page was asked for: what changes later is later than that.

    Its records are stamped by its clock, so ours must not be mixed in. Where no Date header tells, the newest time that
    the page shows is certainly not later either.
    """
    if page.server_date is not None:
        return page.server_date - timedelta(seconds=page.round_trip)
    return max((item.updated_at for item in page.items if item.updated_at is not None), default=None)
