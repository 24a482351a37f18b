"""The reader's words for a sync: labels of fields and roles, values as text, reasons as sentences."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from policies.core.invalid import is_invalid
from policies.core.ownership import KEY
from policies.core.reasons import Reason
from policies.core.rules import CREATOR, SHARED
from policies.core.values import HUB, Values
from policies.models import Role, SyncField

from .models import Record

NOTHING = "nothing"
HUB_LABEL = "the hub"
SPECIAL = {"": HUB_LABEL, HUB: HUB_LABEL, SHARED: "shared", CREATOR: "its first source", "rule": "a rule"}


@dataclass(frozen=True, slots=True)
class Words:
    """Labels by name; a name without a label is spelled out."""

    fields: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)  # of records that references name, by key

    def field(self, name: str) -> str:
        return self.fields.get(name) or spelled(name)

    def role(self, name: str) -> str:
        """One role, or several joined by commas as ledger and conflicts keep them."""
        names = name.split(",")
        return " and ".join(self.roles.get(one) or SPECIAL.get(one) or one for one in names)

    def values(self, values: Values | None) -> str:
        """A unit's value: alone for a field, with labels for a bundle."""
        if not values:
            return NOTHING
        if len(values) == 1:
            return self._text(next(iter(values.values())))
        told = [
            f"{self.field(name)}: {self._text(values[name])}"
            for name in self.ordered(values)
            if values[name] is not None
        ]
        return "; ".join(told) or NOTHING

    def ordered(self, values: Values) -> list[str]:
        """The fields as the sync lists them: the database keeps the order of none."""
        places = {name: place for place, name in enumerate(self.fields)}
        return sorted(values, key=lambda name: places.get(name, len(places)))

    def _text(self, value: Any) -> str:
        return (self.titles.get(value) if isinstance(value, str) else None) or text(value)

    def records(self, values: Values | None) -> list[tuple[str, str]]:
        """(key, title) of the records that a value names."""
        named = [value for value in (values or {}).values() if isinstance(value, str) and value in self.titles]
        return [(key, self.titles[key]) for key in named]

    def why(self, reason: str, *, role: str = "", unit: str = "", detail: str = "") -> str:
        """The one sentence of a reason; a code of a later or earlier release is shown as it is."""
        try:
            found = Reason.of(reason)
        except KeyError:
            return spelled(reason)
        said = found.say(role=self.role(role), field=self.field(unit) if unit else "", detail=detail)
        return capital(said)


def sentence(said: str) -> str:
    """With one full stop, whatever it ended with; what a system answered may bring its own."""
    return said if said.endswith((".", "!", "?", "…")) else said + "."


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def enumerated(names: Sequence[str]) -> str:
    """As a sentence lists them: a, b and c."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def spelled(name: str) -> str:
    return capital(name.replace("_", " "))


def capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def text(value: Any) -> str:
    """A canonical value as a reader sees it."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_invalid(value):
        return str(value["$invalid"])
    if isinstance(value, list):
        return ", ".join(map(text, value)) or "an empty list"
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return str(value)


def titles_of(values: Iterable[Values]) -> dict[str, str]:
    """Titles of the records that these values name, in one query; none where none is named."""
    keys = {one for told in values for one in told.values() if isinstance(one, str) and KEY.fullmatch(one)}
    rows = Record.objects.filter(key__in=keys).values_list("key", "title") if keys else ()
    return {str(key): title or short(str(key)) for key, title in rows}


def short(key: str) -> str:
    """A record that has no title, or is not known here, by the end of its key; it begins with the time."""
    return f"record …{key[-8:]}"


def words_of(sync_ids: Iterable[int], titles: Mapping[str, str] | None = None) -> dict[int, Words]:
    """The words of several syncs, in two queries."""
    ids = list(sync_ids)
    fields: dict[int, dict[str, str]] = {pk: {} for pk in ids}
    roles: dict[int, dict[str, str]] = {pk: {} for pk in ids}
    for row in SyncField.objects.filter(sync_id__in=ids).only("sync_id", "name", "label"):
        fields[row.sync_id][row.name] = row.label or spelled(row.name)
    for role in Role.objects.filter(sync_id__in=ids).only("sync_id", "name", "label"):
        roles[role.sync_id][role.name] = role.label or role.name
    return {pk: Words(fields[pk], roles[pk], titles or {}) for pk in ids}
