"""Read records of one account by id, one or many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from syncapp.connectors.calls import Call, Caller, object_of, operation_of
from syncapp.connectors.errors import Gone, Malformed, MappingError, Rejected
from syncapp.connectors.items import ItemReader
from syncapp.connectors.listing import Listing, Query
from syncapp.connectors.records import Item
from syncapp.connectors.spec import Manifest, ObjectSpec


class Reading:
    """The reads of one account; shares its connection, limits and credentials."""

    def __init__(self, manifest: Manifest, caller: Caller, readers: Mapping[str, ItemReader], listing: Listing) -> None:
        self.manifest, self._caller, self._readers, self._listing = manifest, caller, readers, listing

    def one(self, object: str, id: str) -> Item:
        """One record. Raises Gone if it does not exist, is a tombstone or went into another one."""
        spec, operation = operation_of(self.manifest, object, "read")
        answer = self._caller.send(Call("read", spec, operation, {"id": id}, {}, {}), self._readers[object])
        reader = self._readers[object]
        item = reader.item(answer.part(operation.item or ""), answer.asked_at, answer.headers, id)
        if spec.merged.other_id and item.id != id:
            told = reader.merged_away(id, item.id, answer.asked_at)
            raise Gone("the record was merged into another one", answer.where, item=told)
        if item.deleted:
            raise Gone("the record is deleted", answer.where, item=item)
        return item

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
            for page in self._listing.walk(Query(spec, "read_many", operation, {"ids": some})):
                if page.faults:
                    raise Malformed("; ".join(page.faults.values()), f"{self.manifest.slug}.{spec.slug}.read_many")
                found.update((item.id, item) for item in page.items if item.id in some)
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
