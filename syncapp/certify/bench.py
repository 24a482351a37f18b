"""Where one object is tried: written, listed and looked at as the hub would."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from syncapp.certify.fields import Values
from syncapp.certify.making import MOST_PAGES, Making
from syncapp.certify.place import Against, World
from syncapp.certify.results import Failed, NotOffered, NotTried
from syncapp.connectors.errors import ConnectorError
from syncapp.connectors.opspec import DeltaSpec
from syncapp.connectors.records import Item, Page, Written
from syncapp.doubles.control import NoControl
from syncapp.watermark import Watermark

# Seconds until a listing or a look-up knows of a change: far away, and on this machine.
LONGEST_LAG, LOCAL_LAG = 30.0, 6.0
T = TypeVar("T")


class Bench(Making):
    """One object at one place."""

    @property
    def world(self) -> World:
        return self.place.world

    def where(self, key: str = "") -> str:
        """A path in the provider's file."""
        return ".".join(part for part in ("objects", self.object, key) if part)

    def write(self, id: str, values: Values) -> Written:
        """An update as the hub makes it: tied to the version that the record has, where that is offered."""
        version = self.read(id).version if self.spec.conditional else None
        body = self.fields.mapping.write(values)
        return self.client.update(self.object, id, body, version=version, key=self.key())

    def values(self, id: str) -> Values:
        return self.fields.read(self.read(id).body)

    def touched(self, id: str) -> None:
        """Somebody changes the record: a person over there where that can be arranged, else we."""
        name = self.changeable()
        value = self.fields.samples(self.next(), self.mark)[name]
        try:
            self.world.edit(self.object, id, self.fields.mapping.write({name: value}))
        except NoControl:
            self.write(id, {name: value})

    def changeable(self) -> str:
        """A field whose samples differ, for changes that have to be changes. Raises NotTried."""
        first, second = self.fields.samples(1, self.mark), self.fields.samples(2, self.mark)
        unlike = [name for name in first if first[name] != second.get(name)]
        plain = [name for name in unlike if name not in self.fields.carriers]
        if not unlike:
            raise NotTried("there is no writable field whose value could be changed")
        return (plain or unlike)[0]

    # Listing

    def ids(self, *, size: int | None = None, since: datetime | None = None) -> list[str]:
        return [item.id for item in self.items(size=size, since=since)]

    def mark_now(self) -> Watermark:
        """Where the hub would go on, had it just read everything; of a long listing, its first pages."""
        self.delta()
        mark = Watermark()
        for number, page in enumerate(self.client.pages(self.object), 1):
            mark = mark.after(page)
            if number >= MOST_PAGES:
                return Watermark(mark.then, marks=mark.found)
        return mark

    def delta(self) -> None:
        """Raises NotOffered."""
        self.operation("list")
        if not self.spec.tells_changes:
            raise NotOffered(f"the file declares no way to ask what changed in {self.object}")

    def delta_by_time(self) -> DeltaSpec:
        """Raises NotOffered where what changed is told by other means than a time."""
        self.delta()
        delta = self.spec.operations["list"].delta
        if delta is None or delta.kind != "since" or self.spec.can("changes"):
            raise NotOffered("what changed is not asked for by time")
        return delta

    def delta_pages(self, mark: Watermark, size: int | None = None) -> Iterator[Page]:
        return self.client.pages(self.object, since=mark.since, marks=mark.marks, cursor=mark.page, size=size)

    def changed(self, mark: Watermark, size: int | None = None) -> tuple[dict[str, Item], Watermark]:
        """A delta sync as the hub makes it: what it showed (the last state of each), and where the next one begins."""
        found: dict[str, Item] = {}
        for page in self.delta_pages(mark, size):
            found.update((item.id, item) for item in page.items)
            mark = mark.after(page)
        return found, mark

    def settle(self) -> None:
        """Wait until listings and look-ups know of what was just done, as long as the file says that takes."""
        time.sleep(min(self.spec.lag, LONGEST_LAG))

    def eventually(self, look: Callable[[], T | None], seconds: float | None = None) -> tuple[T | None, float]:
        """What `look` finds within these seconds, and how long it took: some providers show things later."""
        if seconds is None:
            seconds = LONGEST_LAG if self.place.against is Against.ACCOUNT else LOCAL_LAG
        start, pause = time.monotonic(), 0.05
        while True:
            found = look()
            took = time.monotonic() - start
            if found is not None or took >= seconds:
                return found, took
            time.sleep(pause)
            pause = min(pause * 2, 2.0)

    # Trouble

    @contextmanager
    def trouble(self, kind: str, only: str = "any", headers: dict[str, str] | None = None) -> Iterator[None]:
        if self.manifest.sql is not None:
            raise NotOffered("a database is not spoken to over HTTP")
        try:
            self.world.fail(kind, 1, only, headers)
        except NoControl as none:
            raise NotTried(f"needs a provider that can be told to fail: {none}") from None
        try:
            yield
        finally:
            self.world.calm()

    @contextmanager
    def blame(self, mend: str) -> Iterator[None]:
        """What the provider refuses in this block is to be mended like this."""
        try:
            yield
        except ConnectorError as error:
            raise Failed(str(error), mend) from None

    def expect(self, seen: bool, told: str, mend: str) -> None:
        if not seen:
            raise Failed(told, mend)
