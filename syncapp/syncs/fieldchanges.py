"""A field joins a sync, with who fills it and whose value wins, or is called otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from policies.core.rules import SHARED, Strategy
from policies.models import Role, Sync, SyncField
from policies.rolefacts import RoleFacts
from syncapp.apply.amending import Rules, amend
from syncapp.apply.changes import Changes
from syncapp.apply.feeds import as_a_file_says, put_feed
from syncapp.apply.file import Complains
from syncapp.apply.policy import full_rule
from syncapp.apply.syncs import put_shape
from syncapp.connect.bind import fields_of
from syncapp.models import Feed


@dataclass(frozen=True, slots=True)
class AddField:
    """`mapping` says for each role what fills it there; `first_link` whose value wins where two hold one already."""

    name: str
    label: str
    type: str
    params: Mapping[str, Any]
    mapping: Mapping[str, Any]
    owner: str = SHARED
    first_link: str = ""
    judges: bool = True

    @property
    def says(self) -> str:
        return (
            f"{self.label} is kept in step as {self.name}. Systems that hold a value fill it; where two hold different "
            f"ones, {self._winner}. Nothing is written before the plan is approved."
        )

    @property
    def _winner(self) -> str:
        if self.first_link == "ask" or (not self.first_link and self.owner == SHARED):
            return "people are asked"
        return f"that of {self.owner if self.first_link in ('', 'owner') else self.first_link} wins"

    def blocked(self, sync: Sync) -> Sequence[str]:
        taken = {one.name for one in sync.fields.all()} | {one.unit for one in sync.fields.all()}
        return [f"{sync} has a field or a bundle {self.name} already: choose another name"] * (self.name in taken)

    def perform(self, sync: Sync, form: Complains, changes: Changes, by: str, why: str) -> None:
        told = {"type": self.type, "params": dict(self.params), "label": self.label}
        put_shape(form, changes, sync.slug, {**as_a_file_has(sync), "fields": {**_spelled(sync), self.name: told}})
        fields = fields_of(sync)
        for feed in Feed.objects.filter(role__sync=sync, role__name__in=self.mapping).select_related("account", "role"):
            spec = as_a_file_says(feed)
            spec["mapping"] = {**spec["mapping"], self.name: self.mapping[feed.role.name]}
            place = ("syncs", sync.slug, "roles", feed.role.name)
            put_feed(form, changes, place, feed.role, spec, fields, {feed.account.slug: feed.account})
        amend(form, changes, sync, self._ruled, f"{self.label} added", by)

    def _ruled(self, rules: Rules, fields: Sequence[SyncField], facts: Mapping[str, RoleFacts]) -> Rules:
        strategy = Strategy.REVIEW if self.owner == SHARED else Strategy.OWNER_WINS
        wanted = {"owner": self.owner, "strategy": strategy.value, "first_link": self.first_link}
        return {**rules, self.name: full_rule(self.name, wanted, fields, facts)}


@dataclass(frozen=True, slots=True)
class Rename:
    """What people call things. The short names stay: rules, mappings, links and the ledger speak of those."""

    name: str
    fields: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    judges: bool = False

    @property
    def says(self) -> str:
        return (
            "People see the new names everywhere at once. The short names stay as they are, in rules, mappings, set-up "
            "files and what is on record. You can rename again at any time."
        )

    def blocked(self, sync: Sync) -> Sequence[str]:
        taken = Sync.objects.exclude(pk=sync.pk).filter(name__iexact=self.name).exists()
        return [f"there is another sync named {self.name}: choose another name"] * taken

    def perform(self, sync: Sync, form: Complains, changes: Changes, by: str, why: str) -> None:
        changes.put(sync, f"sync {sync.slug}", {"name": self.name})
        for row in SyncField.objects.filter(sync=sync, name__in=self.fields):
            changes.put(row, f"field {row.name}", {"label": self.fields[row.name]})
        for role in Role.objects.filter(sync=sync, name__in=self.roles):
            changes.put(role, f"role {role.name}", {"label": self.roles[role.name]})


def as_a_file_has(sync: Sync) -> dict[str, Any]:
    """All of a sync but its roles, as `put_shape` takes it."""
    head = {"name": sync.name, "match": sync.match_keys, "title": sync.title_fields}
    return {**head, "fields": _spelled(sync)}


def _spelled(sync: Sync) -> dict[str, Mapping[str, Any]]:
    return {
        row.name: {"type": row.type, "params": row.params, "label": row.label, "group": row.group}
        | ({"bundle": row.bundle} if row.bundle else {})
        for row in sync.fields.all()
    }
