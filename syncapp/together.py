"""One feed's account where it takes many records in one call: the same look-ups and writes, item by item."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from policies.core.seen import How, Observation
from policies.core.values import Values

from .connectors import many
from .connectors.errors import ConnectorError, Limited, MappingError, Rejected
from .ports import Batches, Change, New, Wanted, Written
from .remote import FeedRemote

T = TypeVar("T", New, Change)
BY_OURS = "external_id"


class Together(FeedRemote):
    """Implements `ports.BatchRemote`."""

    @property
    def batches(self) -> Batches:
        return Batches(*(self.spec.most(name) for name in ("find_many", "create_many", "update_many")))

    def find_many(self, wanted: Sequence[Wanted]) -> list[list[Observation]]:
        """One call where all that `find` would ask can be asked at once; else one look-up after the other."""
        asked = self._asked(wanted)
        if asked is None:
            return [list(self.find(one.values, one.external_id)) for one in wanted]
        read_at = self.now()
        try:
            items = self.client.many.find(self.feed.object, asked)
        except Limited as error:
            self.limited = error
            raise
        hits = self.translator.observations(items, read_at, How.SEARCH)
        ours = {hit.external_id: hit for hit in hits if hit.external_id is not None}
        return [
            [ours[one.external_id]] if one.external_id in ours else self._matching(one.values, hits) for one in wanted
        ]

    def _asked(self, wanted: Sequence[Wanted]) -> dict[str, list[str]] | None:
        """Provider's field -> texts; None where a single look-up could ask for something that this call cannot."""
        operation, single = self.spec.operations.get("find_many"), self.spec.operations.get("find")
        if operation is None or single is None:
            return None
        asked: dict[str, list[str]] = {}
        if self.spec.external_id:
            if BY_OURS not in operation.by:
                return None
            asked[BY_OURS] = [one.external_id for one in wanted]
        for one in wanted:
            for names in self._complete(one.values):
                name = self._askable(names, operation.by)
                if name is None:
                    if self._askable(names, single.by) is not None:
                        return None
                    continue
                asked.setdefault(self.translator.provider_field(name), []).extend(
                    self._spellings(name, one.values[name])
                )
        return asked

    def _complete(self, values: Values) -> list[Sequence[str]]:
        """The match keys that a record with these values is looked up by."""
        known = self.translator.mapping.fields
        return [
            names for names in self._match_keys if all(name in known and values.get(name) is not None for name in names)
        ]

    def _askable(self, names: Sequence[str], by: Mapping[str, str]) -> str | None:
        return next((name for name in names if self.translator.provider_field(name) in by or "*" in by), None)

    def _matching(self, values: Values, hits: Sequence[Observation]) -> list[Observation]:
        keys = self._complete(values)
        return [
            hit
            for hit in hits
            if any(all(self._same(name, values[name], hit.fields.get(name)) for name in names) for names in keys)
        ]

    def create_many(self, records: Sequence[New]) -> list[Written | ConnectorError]:
        def entry(one: New, body: dict[str, Any]) -> many.New:
            return many.New(body, one.key, one.external_id if self.spec.external_id else None)

        made = self._many(records, entry, self.client.many.create)
        actor = next((w.observation.actor for w in made if isinstance(w, Written) and w.observation is not None), None)
        if actor:
            self._know_ourselves(actor)
        return made

    def update_many(self, changes: Sequence[Change]) -> list[Written | ConnectorError]:
        def entry(one: Change, body: dict[str, Any]) -> many.Change:
            return many.Change(one.remote_id, body, one.version, one.key)

        return self._many(changes, entry, self.client.many.update)

    def _many(
        self,
        wanted: Sequence[T],
        entry: Callable[[T, dict[str, Any]], Any],
        call: Callable[[str, Sequence[Any]], Sequence[many.Result]],
    ) -> list[Written | ConnectorError]:
        """What cannot be said at this account fails by itself, and the others are sent."""
        asked = self.now()
        results: list[Written | ConnectorError | None] = [None] * len(wanted)
        entries: dict[int, Any] = {}
        said = self.translator.said([one.values for one in wanted])
        for place, one in enumerate(wanted):
            try:
                entries[place] = entry(one, self.translator.body(one.values, said[place]))
            except MappingError as error:
                results[place] = error
        told = call(self.feed.object, list(entries.values())) if entries else []
        for place, result in zip(entries, told, strict=True):
            if isinstance(result, Rejected):
                results[place] = self.translator.in_our_words(result)
            elif isinstance(result, ConnectorError):
                results[place] = result
            else:
                results[place] = self._told(result, asked)
        written = iter(self._understood([one for one in results if isinstance(one, Written)]))
        return [next(written) if isinstance(one, Written) else one for one in results if one is not None]
