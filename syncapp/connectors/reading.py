"""Read records of one account by id, one or many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from syncapp.connectors import times
from syncapp.connectors.calls import Call, Caller, object_of, operation_of
from syncapp.connectors.errors import Gone, Malformed, MappingError, Rejected, Unauthorised
from syncapp.connectors.items import ItemReader
from syncapp.connectors.listing import Listing, Query, whole
from syncapp.connectors.opspec import Operation
from syncapp.connectors.records import Item
from syncapp.connectors.spec import Manifest, ObjectSpec
from syncapp.connectors.templates import fill_body

MOST_TIMES = 10_000

PROOF = 60.0  # seconds for which it is known that the account may read
PROBED = 3


class Reading:
    """The reads of one account; shares its connection, limits and credentials."""

    def __init__(self, manifest: Manifest, caller: Caller, readers: Mapping[str, ItemReader], listing: Listing) -> None:
        self.manifest, self._caller, self._readers, self._listing = manifest, caller, readers, listing
        self._proven: dict[str, float] = {}  # when another record of the object could be read
        # When what was read last was changed last: writes that are tied to a clock ask for it.
        self._times: dict[tuple[str, str], str] = {}

    def one(self, object: str, id: str) -> Item:
        """One record. Raises Gone if it does not exist, is a tombstone or went into another one."""
        spec, operation = operation_of(self.manifest, object, "read")
        if not operation.gone:
            return self._one(spec, operation, id)
        try:
            return self._one(spec, operation, id)
        except (Unauthorised, Rejected) as refused:
            if refused.status in operation.gone and self._may_read(spec, operation, id):
                raise Gone("it is not there, as others can be read", refused.where) from None
            raise

    def _may_read(self, spec: ObjectSpec, operation: Operation, id: str) -> bool:
        """Another record of the listing can be read: what refuses this one is not about the account's rights."""
        now = self._caller.clock()
        if now - self._proven.get(spec.slug, 0.0) < PROOF:
            return True
        page = next(self._listing.walk(whole(spec, spec.operations["list"], {}, None, PROBED)))
        other = next((item.id for item in page.items if item.id != id and not item.deleted), None)
        if other is None:
            return False
        try:
            self._one(spec, operation, other)
        except (Unauthorised, Rejected, Gone):
            return False
        self._proven[spec.slug] = now
        return True

    def _one(self, spec: ObjectSpec, operation: Operation, id: str) -> Item:
        object = spec.slug
        reader, slots = self._readers[object], spec.slots(id)
        asked = self._caller.body(operation, slots, f"{self.manifest.slug}.{object}.read")
        answer = self._caller.send(Call("read", spec, operation, slots, {}, {}, asked), reader)
        body = answer.part(operation.item or "")
        if "parent" in slots:
            reader.adopt(body, slots["parent"])
        item = reader.item(body, answer.asked_at, answer.headers, id)
        if spec.merged.other_id and item.id != id:
            told = reader.merged_away(id, item.id, answer.asked_at)
            raise Gone("the record was merged into another one", answer.where, item=told)
        if item.id != id:
            what = f"asked for record {id}, the answer is about record {item.id}"
            raise Malformed(what, answer.where, "check 'id' and 'item' in the manifest; list the records anew")
        if item.deleted:
            raise Gone("the record is deleted", answer.where, item=item)
        self._note(spec, [item])
        return item

    def last_time(self, object: str, id: str) -> str | None:
        return self._times.get((object, id))

    def _note(self, spec: ObjectSpec, items: Iterable[Item]) -> None:
        update = spec.operations.get("update")
        if update is None or update.conditional is None or not update.conditional.by_clock:
            return
        if len(self._times) > MOST_TIMES:
            self._times.clear()
        self._times |= {(spec.slug, item.id): times.write(item.updated_at) for item in items if item.updated_at}

    def many(self, object: str, ids: Iterable[str]) -> dict[str, Item]:
        """Records by id, in batches where the provider offers them. Missing ids are absent; tombstones are shown."""
        wanted = list(dict.fromkeys(ids))
        spec = object_of(self.manifest, object)
        if "read_many" not in spec.operations:
            return {item.id: item for id in wanted if (item := self._or_tombstone(object, id)) is not None}
        return self._together(spec, wanted)

    def _together(self, spec: ObjectSpec, wanted: Sequence[str]) -> dict[str, Item]:
        operation, found = spec.operations["read_many"], dict[str, Item]()
        for start in range(0, len(wanted), operation.max_ids):
            some = wanted[start : start + operation.max_ids]
            values: dict[str, Any] = {"ids": some}
            if operation.entries is not None:
                told = self._caller.config
                values["entries"] = [fill_body(operation.entries.body, {**told, "id": id}) for id in some]
            for page in self._listing.walk(Query(spec, "read_many", operation, values)):
                if page.faults:
                    raise Malformed("; ".join(page.faults.values()), f"{self.manifest.slug}.{spec.slug}.read_many")
                found.update((item.id, item) for item in page.items if item.id in some)
                self._note(spec, page.items)
        return found

    def all(self, object: str, ids: Sequence[str]) -> tuple[list[Item], dict[int, str]]:
        """Each of them as it is now, gone ones as tombstones; and what was wrong with those that cannot be read."""
        spec, items, faults = object_of(self.manifest, object), dict[str, Item](), dict[int, str]()
        if "read_many" in spec.operations and len(ids) > 1:
            try:
                items = self._together(spec, ids)
            except (Malformed, Rejected):
                items = {}  # because of one of them: each for itself
        for number, id in enumerate(ids):
            if id in items:
                continue
            try:
                items[id] = self._or_tombstone(object, id) or self._readers[object].gone(id, self._caller.clock())
            except (Malformed, Rejected, MappingError) as fault:
                faults[number] = f"{id}: {fault.what}"
        return [items[id] for id in ids if id in items], faults

    def _or_tombstone(self, object: str, id: str) -> Item | None:
        try:
            return self.one(object, id)
        except Gone as gone:
            return gone.item
