"""What is kept in step and how it is doing, for the pages of syncs: a fixed number of queries for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.utils import timezone

from policies.models import FieldRule, PolicySet, Role, Sync, SyncField
from syncapp.brakes import open_brakes
from syncapp.connect.listed import STEPS, WORST
from syncapp.connect.scopetext import as_text
from syncapp.models import Brake, Conflict, Draft, Feed, Link
from syncapp.overview import state_of

from .chosen import keys_in_words

QUIET, LAST = "quiet", 3  # nothing to do about it, so it comes last


@dataclass(frozen=True, slots=True)
class RoleRow:
    role: Role
    feed: Feed | None
    draft: Draft | None
    word: str
    tone: str
    trouble: str
    next: str
    links: int = 0

    @property
    def scope(self) -> Sequence[str]:
        return as_text(self.feed.scope).splitlines() if self.feed is not None else []


@dataclass(frozen=True, slots=True)
class SyncRow:
    sync: Sync
    roles: Sequence[RoleRow]
    policy: PolicySet | None
    fields: int
    open: int
    word: str
    tone: str
    trouble: str
    next: str


@dataclass(frozen=True, slots=True)
class FieldRow:
    field: SyncField
    rule: FieldRule | None
    told: str  # the roles that map it
    matches: bool

    @property
    def params(self) -> str:
        return ", ".join(f"{name} {_brief(value)}" for name, value in self.field.params.items())


def listed(syncs: Sequence[Sync]) -> list[SyncRow]:
    """Those that need a person first."""
    ids = [sync.pk for sync in syncs]
    roles = _roles(ids)
    policies = {one.sync_id: one for one in PolicySet.objects.filter(state="published", sync_id__in=ids)}
    fields = _counts(SyncField.objects.filter(sync_id__in=ids), "sync_id")
    questions = _counts(Conflict.objects.filter(sync_id__in=ids, state=Conflict.State.OPEN), "sync_id")
    rows = []
    for sync in syncs:
        own, policy = roles.get(sync.pk, []), policies.get(sync.pk)
        state = _state(sync, own, policy)
        rows.append(SyncRow(sync, own, policy, fields.get(sync.pk, 0), questions.get(sync.pk, 0), *state))
    return sorted(rows, key=lambda row: (WORST.get(row.tone, LAST), row.sync.name.casefold()))


def _roles(ids: Sequence[int]) -> dict[int, list[RoleRow]]:
    now, brakes = timezone.now(), list(open_brakes())
    feeds = {one.role_id: one for one in Feed.objects.filter(role__sync_id__in=ids).select_related("account", "role")}
    drafts = {(one.sync_id, one.role): one for one in Draft.objects.filter(sync_id__in=ids).select_related("account")}
    known = Link.objects.filter(feed__role__sync_id__in=ids, remote_id__isnull=False)
    links = _counts(known, "feed_id")
    out: dict[int, list[RoleRow]] = {}
    for role in Role.objects.filter(sync_id__in=ids).order_by("sync_id", "order", "name"):
        feed, draft = feeds.get(role.pk), drafts.get((role.sync_id, role.name))
        out.setdefault(role.sync_id, []).append(_role(role, feed, draft, links, brakes, now))
    return out


def _role(
    role: Role, feed: Feed | None, draft: Draft | None, links: Mapping[int, int], brakes: Sequence[Brake], now: Any
) -> RoleRow:
    if role.left:
        return RoleRow(role, feed, None, "taken out", QUIET, f"taken out {role.left}", "", _links(feed, links))
    if feed is None:
        step = f"Finish the mapping to {draft.account.name}." if draft is not None else "Connect an account."
        return RoleRow(role, None, draft, "no account", "wait", "nothing plays this role yet", step)
    stops = [one for one in brakes if one.code == Brake.Code.STOP and one.sync_id == role.sync_id]
    about = stops + [one for one in brakes if one.feed_id == feed.pk or one.account_id == feed.account_id]
    word, tone, trouble = state_of(feed, about, now)
    return RoleRow(role, feed, draft, word, tone, trouble, STEPS.get(word, ""), _links(feed, links))


def _links(feed: Feed | None, links: Mapping[int, int]) -> int:
    return links.get(feed.pk, 0) if feed is not None else 0


def _state(sync: Sync, roles: Sequence[RoleRow], policy: PolicySet | None) -> tuple[str, str, str, str]:
    """(word, tone, what is the matter, what to do), the worst of its parts."""
    if sync.retired:
        return ("retired", QUIET, f"retired {sync.retired}", "")
    roles = [row for row in roles if not row.role.left]
    if policy is None:
        return ("no policy", "wait", "no rules are published for it", "Bind a role, or apply a file that has a policy.")
    if not roles:
        return ("no roles", "wait", "no system takes part in it", "Add a role.")
    worst = min(roles, key=lambda row: WORST[row.tone])
    if worst.tone == "good" and len(roles) == 1:
        return ("one side", "wait", "with one side there is nothing to keep in step", "Add a second role.")
    trouble = f"{worst.role}: {worst.trouble}" if worst.trouble else ""
    return (worst.word, worst.tone, trouble, worst.next)


def _counts(rows: Any, name: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(name).annotate(Count("pk")))


def fields_of(row: SyncRow) -> list[FieldRow]:
    rules = {rule.unit: rule for rule in row.policy.rules.all()} if row.policy is not None else {}
    matched = {name for key in row.sync.match_keys for name in key}
    return [
        FieldRow(
            field,
            rules.get(field.unit),
            ", ".join(str(one.role) for one in row.roles if one.feed is not None and field.name in one.feed.mapping),
            field.name in matched,
        )
        for field in row.sync.fields.all()
    ]


def match_words(row: SyncRow, fields: Sequence[FieldRow]) -> list[str]:
    return keys_in_words(row.sync.match_keys, {one.field.name: str(one.field) for one in fields})


def _brief(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
