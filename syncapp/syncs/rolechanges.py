"""A role joins a sync, leaves it with its links kept asleep, or comes back to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policies.models import FieldRule, PolicySet, Role, Sync, SyncField
from policies.rolefacts import RoleFacts
from syncapp.apply.amending import Rules, amend
from syncapp.apply.changes import Changes
from syncapp.apply.file import Complains
from syncapp.apply.joining import LISTS, admit
from syncapp.apply.stage import preview
from syncapp.connect.mappages import role_name
from syncapp.models import Draft, Feed, Link, Push
from syncapp.words import counted, enumerated, words_of

CAME_BACK = "it came back"


@dataclass(frozen=True, slots=True)
class AddRole:
    label: str
    judges: bool = False

    @property
    def says(self) -> str:
        return f"{self.label} takes part from now on. Nothing is read or written before an account plays it."

    def blocked(self, sync: Sync) -> Sequence[str]:
        name = role_name(self.label)
        found = Role.objects.filter(sync=sync, name=name).first()
        if found is None:
            return []
        do = "take it back instead" if found.left else "give this one another name"
        return [f"{sync} has a role {found} already, with the short name {name}: {do}"]

    def perform(self, sync: Sync, form: Complains, changes: Changes, by: str, why: str) -> None:
        last = sync.roles.order_by("order").last()
        role = Role(sync=sync, name=role_name(self.label))
        changes.put(role, f"role {self.label}", {"label": self.label, "order": last.order + 1 if last else 0})
        if PolicySet.objects.filter(sync=sync, state="published").exists():
            admit(form, changes, role, by)


@dataclass(frozen=True, slots=True)
class Leave:
    """Nothing is deleted: feed and links stay, silent, and no rule names the role any more."""

    role: Role
    judges: bool = True

    @property
    def says(self) -> str:
        links = counted(Link.objects.filter(feed__role=self.role, remote_id__isnull=False).count(), "link")
        return (
            f"{self.role} takes no part any more: nothing is read or written there. What links it to records "
            f"({links}) sleeps and is kept, values of it in open questions stay, and no record is deleted there. You "
            "can take it back; then it is compared before anything is written."
        )

    def blocked(self, sync: Sync) -> Sequence[str]:
        if self.role.left:
            return [f"{self.role} was taken out already, {self.role.left}"]
        rules = FieldRule.objects.filter(policy_set__sync=sync, policy_set__state="published", owner=self.role.name)
        words = words_of([sync.pk])[sync.pk]
        owned = [words.field(rule.unit) for rule in rules.order_by("pk")]
        sending = Push.objects.filter(feed__role=self.role, state=Push.State.SENDING).count()
        told = [f"{self.role} owns {enumerated(owned)}: give them another owner first"] if owned else []
        if sending:
            told.append(f"{counted(sending, 'write')} to it under way: wait until they are settled")
        return told

    def perform(self, sync: Sync, form: Complains, changes: Changes, by: str, why: str) -> None:
        amend(form, changes, sync, self._without, f"{self.role} left", by)
        told = f"by {by}: {why}"[:300]
        changes.put(self.role, f"role {self.role}", {"left": told})
        Draft.objects.filter(sync=sync, role=self.role.name).delete()
        feed = Feed.objects.filter(role=self.role).first()
        if feed is not None:
            changes.put(feed, f"feed of {self.role}", {"paused": feed.paused or f"taken out {told}"[:300]})

    def _without(self, rules: Rules, _: Sequence[SyncField], __: Mapping[str, RoleFacts]) -> Rules:
        return {unit: _forgotten(rule, self.role.name) for unit, rule in rules.items()}


def _forgotten(rule: Mapping[str, Any], role: str) -> dict[str, Any]:
    lists = {name: [one for one in rule[name] if one != role] for name in LISTS}
    return {**rule, **lists, "first_link": "" if rule["first_link"] == role else rule["first_link"]}


@dataclass(frozen=True, slots=True)
class Return:
    role: Role
    judges: bool = True

    @property
    def says(self) -> str:
        return (
            f"{self.role} takes part again, with the rights that it had. Its links wake: it is in preview until a plan "
            "is approved, which shows what changed meanwhile."
        )

    def blocked(self, sync: Sync) -> Sequence[str]:
        return [] if self.role.left else [f"{self.role} takes part already"]

    def perform(self, sync: Sync, form: Complains, changes: Changes, by: str, why: str) -> None:
        feed = Feed.objects.filter(role=self.role).first()
        if feed is not None:
            own = feed.paused.startswith("taken out ")
            told = {"paused": "" if own else feed.paused, **preview(CAME_BACK)}
            changes.put(feed, f"feed of {self.role}", told)
        changes.put(self.role, f"role {self.role}", {"left": ""})
        before = self._rules_before(sync)
        amend(form, changes, sync, lambda rules, _, __: self._with(rules, before), f"{self.role} came back", by)
        if feed is not None:
            admit(form, changes, self.role, by)  # fields that came meanwhile

    def _rules_before(self, sync: Sync) -> Mapping[str, FieldRule]:
        """Those of the last version that named the role."""
        for version in PolicySet.objects.filter(sync=sync).order_by("-version").prefetch_related("rules"):
            rules = {rule.unit: rule for rule in version.rules.all()}
            if any(self.role.name in getattr(rule, name) for rule in rules.values() for name in LISTS):
                return rules
        return {}

    def _with(self, rules: Rules, before: Mapping[str, FieldRule]) -> Rules:
        return {unit: self._restored(rule, before.get(unit)) for unit, rule in rules.items()}

    def _restored(self, rule: Mapping[str, Any], old: FieldRule | None) -> Mapping[str, Any]:
        if old is None:
            return rule
        had = [name for name in LISTS if self.role.name in getattr(old, name)]
        return {**rule, **{name: _in_order(getattr(old, name), rule[name], self.role.name) for name in had}}


def _in_order(old: Sequence[str], now: Sequence[str], role: str) -> list[str]:
    """Where it stood before."""
    wanted = [name for name in old if name in now or name == role]
    return wanted + [name for name in now if name not in wanted]
