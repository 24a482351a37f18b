"""A field gets another type: only where everything known of it is spelled the same there; the rest is listed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from policies.core.types import FieldType, Invalid, field_type, is_invalid, same
from policies.models import Sync, SyncField
from syncapp.apply.amending import amend
from syncapp.apply.changes import Changes
from syncapp.apply.file import Complains
from syncapp.apply.syncs import put_shape
from syncapp.models import Conflict, Link, Push, Record
from syncapp.words import counted, short
from syncapp.words import text as as_text

from .fieldchanges import as_a_file_has

LISTED = 20
Told = tuple[Any, str, str, Mapping[str, Any]]  # record, its title, who holds it, the values of the unit


@dataclass(frozen=True, slots=True)
class Retype:
    field: SyncField
    type: str
    params: Mapping[str, Any]
    judges: bool = True

    @property
    def says(self) -> str:
        return (
            f"{self.field} is {self.type} from now on, instead of {self.field.type}. Every value that the hub believes "
            "or an account was seen to hold fits it as it is, so none changes. You can change it back the same way."
        )

    def blocked(self, sync: Sync) -> Sequence[str]:
        field = self.field
        if (field.type, field.params) == (self.type, dict(self.params)):
            return [f"{field} is {field.type} already"]
        if any(field.name in key for key in sync.match_keys):
            return [f"records are matched by {field}: what is known of them was compared as {field.type}"]
        asked = Conflict.objects.filter(sync=sync, state=Conflict.State.OPEN, unit=field.unit).count()
        if asked:
            return [f"{counted(asked, 'open question')} about {field}: answer them first"]
        if Push.objects.filter(feed__role__sync=sync, state=Push.State.SENDING).exists():
            return ["writes are under way: wait until they are settled"]
        return self._unfit(sync)

    def _unfit(self, sync: Sync) -> list[str]:
        kind = field_type(self.type, **self.params)
        found = (said for told in _known(sync, self.field.unit) if (said := self._misfit(kind, told)))
        listed = list(islice(found, LISTED))
        more = sum(1 for _ in found)
        return [*listed, f"and {counted(more, 'more value')}"] if more else listed

    def _misfit(self, kind: FieldType, told: Told) -> str:
        """Why a value does not fit as it is; one that was refused before says nothing."""
        record, title, holder, values = told
        held = values.get(self.field.name)
        if held is None or is_invalid(held):
            return ""
        place = f"{title or short(str(record))}: {as_text(held)!r}, as {holder}"
        try:
            made = kind.normalise(held)
        except Invalid as error:
            return f"{place}, does not fit ({error.reason}): change it there first"
        return "" if same(made, held) else f"{place}, would be spelled {as_text(made)!r}: change it there first"

    def perform(self, sync: Sync, form: Complains, changes: Changes, by: str, why: str) -> None:
        shape = as_a_file_has(sync)
        fields = {**shape["fields"]}
        fields[self.field.name] = {**fields[self.field.name], "type": self.type, "params": dict(self.params)}
        put_shape(form, changes, sync.slug, {**shape, "fields": fields})
        amend(form, changes, sync, lambda rules, _, __: rules, f"{self.field} is {self.type}", by)


def _known(sync: Sync, unit: str) -> Iterator[Told]:
    """What is believed, now and by versions that some link has not joined, and what links hold of a unit."""
    records = Record.objects.filter(sync=sync, beliefs__has_key=unit).values_list("pk", "title", "beliefs")
    for key, title, beliefs in records.order_by("pk").iterator(chunk_size=1000):
        yield key, title, "the hub believes", beliefs[unit]["value"]
        for _, values in beliefs[unit].get("past", ()):
            yield key, title, "the hub believed", values
    links = Link.objects.filter(record__sync=sync, bases__has_key=unit).order_by("pk")
    told = links.values_list("record_id", "record__title", "feed__account__name", "bases")
    for key, title, account, bases in told.iterator(chunk_size=1000):
        for part in ("stored", "meant"):
            yield key, title, f"{account} holds it", bases[unit].get(part) or {}
