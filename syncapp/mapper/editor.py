"""The editor as a page shows it: a row for each field of a sync, with choices, what was typed, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from policies.core.types import FieldType, field_type
from policies.models import Sync, SyncField
from syncapp.connectors.needed import needed
from syncapp.connectors.spec import ObjectSpec
from syncapp.words import enumerated

from .choices import Choice, choices_of
from .entries import FIELD, PATH, BadEntry, Entry, Typed, entry_of, shown, typed
from .preview import Remark, Told, bodies, previewed
from .suggest import Wanted, suggestions

Entries = dict[str, Entry]


@dataclass(slots=True)
class Row:
    """One field of the sync. `hub` is what the hub believes of the record that the sample matches, if it knows one."""

    field: SyncField
    typed: Typed
    told: Told
    why: str = ""
    hub: str = ""
    key: bool = False

    @property
    def problem(self) -> bool:
        return self.told.bad


@dataclass(slots=True)
class Editor:
    """What is edited: the fields of `sync` at an object of a provider, with one real record beside them."""

    sync: Sync
    spec: ObjectSpec
    body: Mapping[str, Any] | None = None
    fields: list[SyncField] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    kinds: dict[str, FieldType] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.fields = list(self.sync.fields.all())
        self.choices = choices_of(self.spec, self.body)
        self.kinds = {row.name: field_type(row.type, **row.params) for row in self.fields}

    @property
    def options(self) -> list[tuple[str, str]]:
        """What a field may be mapped to, as a select offers it."""
        return [
            ((FIELD if one.declared else PATH) + one.name, f"{one.label} ({one.type}{_held(one)})")
            for one in self.choices
        ]

    def suggested(self, mapping: Mapping[str, Entry]) -> tuple[Entries, dict[str, str]]:
        """The mapping with what could be guessed for the fields that it leaves out, and why for each of those."""
        wanted = [Wanted(row.name, row.label, row.type) for row in self.fields if row.name not in mapping]
        taken = [choice.name for entry in mapping.values() if (choice := self.choice(entry)) is not None]
        found = suggestions(wanted, self.choices, taken)
        fresh = {name: self._entry(one.choice) for name, one in found.items()}
        return {**mapping, **fresh}, {name: one.why for name, one in found.items()}

    def _entry(self, choice: Choice) -> Entry:
        if choice.declared or choice.name not in self.spec.fields:
            return choice.name
        return {"path": choice.path}

    def choice(self, entry: Entry | None) -> Choice | None:
        """What an entry takes its value from, if it is one of the choices."""
        told = {"field": entry, "path": entry} if isinstance(entry, str) else entry or {}
        for one in self.choices:
            if (one.name == told.get("field") and one.declared) or one.path == told.get("path"):
                return one
        return None

    def read(self, post: Mapping[str, str], old: Mapping[str, Entry]) -> tuple[Entries, dict[str, str]]:
        """The mapping that was typed, and what of it cannot be understood, by field."""
        entries: Entries = {}
        wrong: dict[str, str] = {}
        for row in self.fields:
            try:
                entry = entry_of(typed(post, row.name), old.get(row.name), self.spec)
            except BadEntry as error:
                wrong[row.name] = str(error)
                continue
            if entry is not None:
                entries[row.name] = entry
        return entries, wrong

    def rows(
        self,
        mapping: Mapping[str, Entry],
        *,
        wrong: Mapping[str, str] | None = None,
        post: Mapping[str, str] | None = None,
        why: Mapping[str, str] | None = None,
        hub: Mapping[str, str] | None = None,
    ) -> list[Row]:
        """Each field with what became of it. `post` is shown as it was typed where it cannot be understood."""
        keys = {name for key in self.sync.match_keys for name in key}
        out = []
        for one in self.fields:
            told = self._told(one.name, mapping.get(one.name), (wrong or {}).get(one.name, ""))
            said = typed(post, one.name) if post is not None else shown(mapping.get(one.name), self.spec)
            row = Row(one, said, told, (why or {}).get(one.name, ""), (hub or {}).get(one.name, ""), one.name in keys)
            out.append(row)
        return out

    def _told(self, name: str, entry: Entry | None, wrong: str) -> Told:
        if wrong:
            told = Told(name)
            told.say("bad", wrong)
            return told
        if entry is None:
            return Told(name)
        choice = self.choice(entry)
        told = previewed(name, entry, self.kinds[name], self.spec, self.body, choice)
        told.there = choice.shown if choice is not None else ""
        return told

    def whole(self, rows: Sequence[Row]) -> list[Remark]:
        """What concerns the mapping as a whole."""
        mapped = {row.field.name for row in rows if row.told.mapped is not None}
        out = []
        if not mapped:
            out.append(Remark("bad", "No field is mapped yet; choose at least one."))
        keys = self.sync.match_keys
        if keys and not any(set(key) <= mapped for key in keys):
            told = " or ".join(enumerated([self._label(name) for name in key]) for key in keys)
            said = f"Records here are matched with those of other systems by {told}, and that is not mapped: "
            out.append(Remark("bad", said + "every record would be taken for a new one."))
        lacks = self._lacking(rows)
        if lacks:
            said = f"{enumerated(lacks)} cannot be left out of a new record there, and nothing here is written to it: "
            out.append(Remark("wait", said + "map it, or no record is made there."))
        return out

    def _lacking(self, rows: Sequence[Row]) -> Sequence[str]:
        mapped = [row.told.mapped for row in rows if row.told.mapped is not None]
        return needed(self.spec, {name: one for told in mapped for name, one in told.fields.items()})[1]

    def _label(self, name: str) -> str:
        return next((row.label or row.name for row in self.fields if row.name == name), name)

    def both_ways(self, rows: Sequence[Row]) -> tuple[str, str] | None:
        return bodies([row.told for row in rows], self.kinds, self.body) if self.body is not None else None


def _held(choice: Choice) -> str:
    parts = ["" if choice.writable else "only read", f"here: {choice.shown}" if choice.shown else ""]
    return "".join(f", {part}" for part in parts if part)
