"""Make marked records of one object, whatever its provider demands of a record, and take them all away again."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from syncapp.certify.fields import Fields, Values
from syncapp.certify.lending import Lent
from syncapp.certify.place import Place
from syncapp.certify.results import NotOffered, NotTried
from syncapp.connectors.errors import ConnectorError, Gone, Permanent, Rejected
from syncapp.connectors.many import New
from syncapp.connectors.opspec import Operation
from syncapp.connectors.records import Item, Written
from syncapp.connectors.speaks import Speaks
from syncapp.connectors.spec import Manifest, ObjectSpec

MARK = "concord-check"
MOST_PAGES = 60


class Making:
    """One object's records of this run. ``made``: those that are there by our doing."""

    def __init__(self, place: Place, object: str, *, writes: bool) -> None:
        self.place, self.object, self.writes = place, object, writes
        self.client: Speaks = place.connect()
        self.fields = Fields(self.spec, place.given.get(object, {}), place.columns.get(object, {}))
        self.mark = f"{MARK}-{secrets.token_hex(3)}"
        self.began_at = datetime.now(UTC)
        self.made: dict[str, None] = {}
        self.lent = Lent(self)
        self._number, self._sorted_out = 0, False

    @property
    def manifest(self) -> Manifest:
        return self.place.manifest

    @property
    def spec(self) -> ObjectSpec:
        return self.manifest.objects[self.object]

    def operation(self, name: str) -> Operation:
        """Raises NotOffered."""
        if not self.spec.can(name):
            raise NotOffered(f"the file declares no {name!r} for {self.object}")
        return self.spec.operations[name]

    def next(self) -> int:
        self._number += 1
        return self._number

    def key(self) -> str:
        return f"{self.mark}-{secrets.token_hex(8)}"

    def make(self, leave: tuple[str, ...] = (), key: str = "", **values: Any) -> tuple[Written, Values]:
        """A new marked record, and what was sent. Fields that the provider refuses are left out after that."""
        if not self.spec.can("create") and self.spec.can("update"):
            return self.lent.one(leave, values)
        self.operation("create")
        number = self.next()
        for _ in range(len(self.fields.specs) + 2):
            sent = {**self.fields.samples(number, self.mark, leave), **values}
            try:
                return self.create(sent, key or self.key(), f"{self.mark}-{number}"), sent
            except Rejected as refused:
                named = {name: said for name, said in self.fields.named(refused).items() if name in sent}
                if leave or not set(named) - set(self.fields.given):
                    self._sort_out(refused, leave)
                self.fields.refused.update(named)
                values = {name: value for name, value in values.items() if name not in named}
        raise NotTried("every field of a new record was refused")

    def _sort_out(self, refused: Rejected, leave: tuple[str, ...]) -> None:
        """Nobody says which field is in the way: find out, once, with the fewest that make a record."""
        if self._sorted_out or leave:
            raise refused
        self._sorted_out = True
        least = self._least(refused)
        for name in [name for name in self.fields.writable if name not in least]:
            sample = self.fields.samples(self.next(), self.mark)
            if name not in sample:
                continue
            try:
                self._try({**self._fresh(least), name: sample[name]})
            except Rejected as told:
                self.fields.refused[name] = told.message

    def _least(self, refused: Rejected) -> set[str]:
        """The fields that carry the mark and those that were given; where that is refused, with what others have."""
        least = self.fields.carriers | set(self.fields.given)
        try:
            self._try(self._fresh(least))
        except Rejected:
            self.fields.learn(self.fields.read(item.body) for item in next(self.client.pages(self.object)).items)
            self.fields.lends = True
            lent = least | {name for name, known in self.fields.choices.items() if known}
            if lent == least:
                raise refused from None
            self._try(self._fresh(lent))
            return lent
        return least

    def _fresh(self, names: set[str]) -> Values:
        sample = self.fields.samples(self.next(), self.mark)
        return {name: sample[name] for name in names if name in sample}

    def _try(self, sent: Values) -> None:
        self.create(sent, self.key(), f"{self.mark}-{self.next()}")

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

    def read(self, id: str) -> Item:
        return self.client.read(self.object, id)

    def items(self, *, size: int | None = None, since: datetime | None = None) -> list[Item]:
        """All items of a listing, or of its first pages where it is long."""
        found: list[Item] = []
        for number, page in enumerate(self.client.pages(self.object, since=since, size=size), 1):
            found += page.items
            if number >= MOST_PAGES:
                break
        return found

    def remove(self, id: str) -> None:
        """Delete as the hub does: tied to the version where that is offered."""
        operation = self.operation("delete")
        version = self.read(id).version if operation.conditional is not None else None
        self.client.delete(self.object, id, version=version, key=self.key())
        self.made.pop(id, None)

    def clean(self) -> list[str]:
        """Delete what was made here, also what a lost answer hid. Answers what could not be removed, and why."""
        left = self.lent.give_back()
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
