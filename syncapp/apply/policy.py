"""The policy of a sync: rules written out in full, checked, and published as a new version where they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Max

from policies.compile import WRITABLE, PolicyError, Sheet, compile_sheet
from policies.core.rules import CREATOR, SHARED, OnDelete, OnMerge, Strategy, Unauthorised
from policies.core.types import same
from policies.core.values import HUB
from policies.models import FieldRule, PolicySet, Sync, SyncField
from policies.rolefacts import RoleFacts
from syncapp.facts import facts_of
from syncapp.load import database_now
from syncapp.models import Feed, Revision
from syncapp.reconcile import forget_digests

from .changes import Changes, told
from .file import Complains

Wanted = Mapping[str, Any]
RULE = [
    "owner",
    "writers",
    "readers",
    "strategy",
    "unauthorised",
    "clear",
    "validators",
    "first_link",
    "reflect",
    "review_on_unknown_outcome",
    "note",
]


def put_policy(found: Complains, changes: Changes, sync: Sync, wanted: Wanted, by: str) -> None:
    """Publish what the file says if it differs from what is in force. Raises ApplyError with every problem."""
    feeds = Feed.objects.filter(role__sync=sync).select_related("account", "role")
    facts = {feed.role.name: facts_of(feed) for feed in feeds}
    fields = list(sync.fields.all())
    rules = {unit: full_rule(unit, rule, fields, facts) for unit, rule in wanted["rules"].items()}
    policy = {
        "on_delete": wanted.get("on_delete", OnDelete.ASK.value),
        "on_merge": wanted.get("on_merge", OnMerge.ASK.value),
        "guards": wanted.get("guards", {}),
        "rules": rules,
        "shape": shape_of(sync, fields),
    }
    check_policy(found, sync, policy, fields, facts)
    current = PolicySet.objects.filter(sync=sync, state=PolicySet.State.PUBLISHED).first()
    old = as_written(current) if current is not None else {}
    if not same(old, policy):
        publish(changes, sync, current, policy, old, wanted.get("note", ""), by)


def full_rule(unit: str, rule: Wanted, fields: Sequence[SyncField], facts: Mapping[str, RoleFacts]) -> dict[str, Any]:
    """A rule with everything that the file left out."""
    members = {item.name for item in fields if item.unit == unit}
    telling = [role for role, fact in facts.items() if members & fact.readable]
    taking = [role for role, fact in facts.items() if members & fact.writable and fact.direction in WRITABLE]
    owner = rule.get("owner", SHARED)
    writers = rule.get("writers", [*telling, HUB] if owner in (SHARED, CREATOR) else list(dict.fromkeys([owner, HUB])))
    checks = rule.get("validators", {})
    return {
        "owner": owner,
        "writers": list(writers),
        "readers": list(rule.get("readers", taking)),
        "strategy": rule.get("strategy", Strategy.REVIEW.value),
        "unauthorised": rule.get("unauthorised", Unauthorised.REVERT.value),
        "clear": list(rule.get("clear", writers)),
        "validators": {unit: checks} if isinstance(checks, list) else checks,
        "first_link": rule.get("first_link", ""),
        "reflect": rule.get("reflect", False),
        "review_on_unknown_outcome": rule.get("review_on_unknown_outcome", False),
        "note": rule.get("note", ""),
    }


def shape_of(sync: Sync, fields: Sequence[SyncField]) -> dict[str, Any]:
    """What a policy set was compiled with besides its rules: a change of it makes a new version too."""
    return {
        "fields": {item.name: [item.type, item.params, item.bundle] for item in fields},
        "roles": list(sync.roles.order_by("order", "name").values_list("name", flat=True)),
        "match": sync.match_keys,
    }


def as_written(policy_set: PolicySet) -> dict[str, Any]:
    rules = {rule.unit: {name: getattr(rule, name) for name in RULE} for rule in policy_set.rules.all()}
    shape = policy_set.shape
    return {
        "on_delete": policy_set.on_delete,
        "on_merge": policy_set.on_merge,
        "guards": policy_set.guards,
        "rules": rules,
        "shape": shape,
    }


def check_policy(
    found: Complains, sync: Sync, policy: Wanted, fields: Sequence[SyncField], facts: Mapping[str, RoleFacts]
) -> None:
    sheet = Sheet(
        0,
        tuple(fields),
        {unit: FieldRule(unit=unit, **rule) for unit, rule in policy["rules"].items()},
        tuple(policy["shape"]["roles"]),
        tuple(tuple(key) for key in sync.match_keys),
        policy["on_delete"],
        policy["guards"],
        policy["on_merge"],
    )
    try:
        compile_sheet(sheet, facts)
    except PolicyError as error:
        unit = error.problems[0].split(":")[0]
        raise found.wrong(("syncs", sync.slug, "policy", "rules", unit), "; ".join(error.problems)) from None


def publish(
    changes: Changes, sync: Sync, current: PolicySet | None, policy: Wanted, old: Wanted, note: str, by: str
) -> None:
    version = (PolicySet.objects.filter(sync=sync).aggregate(last=Max("version"))["last"] or 0) + 1
    if current is not None:
        current.state = PolicySet.State.RETIRED
        current.save(update_fields=["state"])
    made = PolicySet.objects.create(
        sync=sync,
        version=version,
        state=PolicySet.State.PUBLISHED,
        on_delete=policy["on_delete"],
        on_merge=policy["on_merge"],
        guards=policy["guards"],
        shape=policy["shape"],
        note=note,
        published_at=database_now(),
        published_by=by,
    )
    FieldRule.objects.bulk_create(
        FieldRule(policy_set=made, unit=unit, **rule) for unit, rule in policy["rules"].items()
    )
    changes.add(f"sync {sync.slug}: policy version {version} published")
    if current is not None:
        changes.lines += [f"  {line}" for line in difference(old, policy)]
        forget_digests(sync_id=sync.pk)
        Revision.objects.create(policy_set=made, before=current)


def difference(old: Wanted, new: Wanted) -> list[str]:
    """What a new policy changes, a line for each part."""
    lines = []
    for name in ("on_delete", "on_merge"):
        lines += told(name, old[name], new[name]) if old[name] != new[name] else []
    lines += told("guards", old["guards"], new["guards"])
    for unit in sorted({*old["rules"], *new["rules"]}):
        before, after = old["rules"].get(unit), new["rules"].get(unit)
        if before is None or after is None:
            lines.append(f"{unit}: {'a new rule' if before is None else 'its rule is gone'}")
        else:
            lines += told(unit, before, after)
    return lines + told("shape", old["shape"], new["shape"])
