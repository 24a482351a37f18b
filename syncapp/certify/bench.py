"""Where one object is tried: makes marked records, writes and reads them as the hub would, and takes them all away."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from syncapp.certify.fields import Fields, Values
from syncapp.certify.place import Place, World
from syncapp.certify.results import Failed, NotOffered, NotTried
from syncapp.connectors.client import Client
from syncapp.connectors.errors import ConnectorError, Gone, Permanent, Rejected
from syncapp.connectors.many import New
from syncapp.connectors.opspec import DeltaSpec, Operation
from syncapp.connectors.records import Item, Page, Written
from syncapp.connectors.spec import Manifest, ObjectSpec
from syncapp.doubles.control import NoControl
from syncapp.watermark import Watermark

MARK = "concord-check"
MOST_PAGES = 60
LONGEST_LAG = 30.0
T = TypeVar("T")


class Bench:
    """One object at one place."""

    def __init__(self, place: Place, object: str, *, writes: bool) -> None:
        self.place, self.object, self.writes = place, object, writes
        self.client: Client = place.connect()
        self.fields = Fields(self.spec)
        self.mark = f"{MARK}-{secrets.token_hex(3)}"
        self.began_at = datetime.now(UTC)
        self.made: dict[str, None] = {}
        self._number = 0

    @property
    def manifest(self) -> Manifest:
        return self.place.manifest

    @property
    def spec(self) -> ObjectSpec:
        return self.manifest.objects[self.object]

    @property
    def world(self) -> World:
        return self.place.world

    def where(self, key: str = "") -> str:
        """A path in the provider's file."""
        return ".".join(part for part in ("objects", self.object, key) if part)

    def operation(self, name: str) -> Operation:
        """Raises NotOffered."""
        if not self.spec.can(name):
            raise NotOffered(f"the file declares no {name!r} for {self.object}")
        return self.spec.operations[name]

    # Making, writing, reading

    def next(self) -> int:
        self._number += 1
        return self._number

    def key(self) -> str:
        return f"{self.mark}-{secrets.token_hex(8)}"

    def make(self, leave: tuple[str, ...] = (), key: str = "", **values: Any) -> tuple[Written, Values]:
        """A new marked record, and what was sent. Fields that the provider refuses by name are left out after that."""
        self.operation("create")
        number = self.next()
        for _ in range(len(self.fields.specs) + 1):
            sent = {**self.fields.samples(number, self.mark, leave), **values}
            try:
                return self.create(sent, key or self.key(), f"{self.mark}-{number}"), sent
            except Rejected as refused:
                named = {name: said for name, said in self.fields.named(refused).items() if name in sent}
                if not named:
                    raise
                self.fields.refused.update(named)
                values = {name: value for name, value in values.items() if name not in named}
        raise NotTried("every field of a new record was refused")

    def create(self, sent: Values, key: str, external_id: str) -> Written:
        own = external_id if self.spec.external_id else None
        written = self.client.create(self.object, self.fields.mapping.write(sent), key=key, external_id=own)
        self.made[written.id] = None
        return written

    def make_some(self, many: int, **values: Any) -> list[str]:
        return [self.make(**values)[0].id for _ in range(many)]

    def fill(self, many: int) -> None:
        """So many more records, in batches where there are any."""
        most = self.spec.most("create_many")
        while many > 0 and most > 1:
            some = [self.new() for _ in range(min(many, most))]
            self.made.update(
                (told.id, None) for told in self.client.many.create(self.object, some) if isinstance(told, Written)
            )
            many -= len(some)
        for _ in range(many):
            self.make()

    def new(self) -> New:
        number = self.next()
        external = f"{self.mark}-{number}" if self.spec.external_id else None
        return New(self.fields.mapping.write(self.fields.samples(number, self.mark)), self.key(), external)

    def remove(self, id: str) -> None:
        """Delete as the hub does: tied to the version where that is offered."""
        operation = self.operation("delete")
        version = self.read(id).version if operation.conditional is not None else None
        self.client.delete(self.object, id, version=version, key=self.key())
        self.made.pop(id, None)

    def write(self, id: str, values: Values) -> Written:
        """An update as the hub makes it: tied to the version that the record has, where that is offered."""
        version = self.read(id).version if self.spec.conditional else None
        body = self.fields.mapping.write(values)
        return self.client.update(self.object, id, body, version=version, key=self.key())

    def read(self, id: str) -> Item:
        return self.client.read(self.object, id)

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

    def items(self, *, size: int | None = None, since: datetime | None = None) -> list[Item]:
        """All items of a listing, or of its first pages where it is long."""
        found: list[Item] = []
        for number, page in enumerate(self.client.pages(self.object, since=since, size=size), 1):
            found += page.items
            if number >= MOST_PAGES:
                break
        return found

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

    def eventually(self, look: Callable[[], T | None], seconds: float = LONGEST_LAG) -> tuple[T | None, float]:
        """What `look` finds within these seconds, and how long it took: some providers show things later."""
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

    # Taking away

    def clean(self) -> list[str]:
        """Delete what was made here, also what a lost answer hid. Answers what could not be removed, and why."""
        left = []
        for id in dict.fromkeys([*self.made, *self._strays()]):
            said = self._remove(id)
            if said:
                left.append(f"{self.object} {id}: {said}")
            else:
                self.made.pop(id, None)
        return left

    def _remove(self, id: str) -> str:
        if not self.spec.can("delete"):
            return "the file declares no delete; remove it by hand"
        try:
            self._delete(id)
        except Gone:
            return ""
        except ConnectorError as error:
            return "" if self._is_gone(id) else str(error)
        return ""

    def _is_gone(self, id: str) -> bool:
        try:
            self.read(id)
        except Gone:
            return True
        except ConnectorError:
            return False
        return False

    def _delete(self, id: str) -> None:
        """One of ours: nobody else's change can be in the way, so the version is asked for only if it has to be."""
        try:
            self.client.delete(self.object, id, key=self.key())
        except Gone:
            raise
        except Permanent:
            self.remove(id)

    def _strays(self) -> list[str]:
        """Records that carry this run's mark and whose ids never came back to us."""
        if not self.writes or not self.spec.can("list"):
            return []
        spec, told = self.spec.operations["list"], self.mark.encode()
        since = self.began_at - timedelta(minutes=10) if spec.delta is not None else None
        try:
            return [item.id for item in self.items(since=since) if not item.deleted and told in item.raw]
        except ConnectorError:
            return []

    def close(self) -> None:
        self.client.close()
