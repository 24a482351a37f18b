"""Publish a policy version that differs from the one in force in some rules, checked as that of a file is."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from policies.core.types import same
from policies.models import PolicySet, Sync, SyncField
from policies.rolefacts import RoleFacts
from syncapp.facts import facts_of
from syncapp.models import Feed

from .changes import Changes
from .file import Complains
from .policy import as_written, check_policy, publish, shape_of

Rules = Mapping[str, Mapping[str, Any]]
Edit = Callable[[Rules, Sequence[SyncField], Mapping[str, RoleFacts]], Rules]
FIRST = "Nobody owns a field yet; people are asked."


def amend(found: Complains, changes: Changes, sync: Sync, edit: Edit, note: str, by: str) -> None:
    """A sync without a policy gets one that asks people. Raises ApplyError with every problem."""
    fields, facts = list(sync.fields.all()), facts_by_role(sync)
    current = PolicySet.objects.filter(sync=sync, state=PolicySet.State.PUBLISHED).first()
    old = as_written(current) if current is not None else {}
    new = copy.deepcopy(old) or {"on_delete": "ask", "on_merge": "ask", "guards": {}, "rules": {}}
    new["rules"] = dict(edit(new["rules"], fields, facts))
    new["shape"] = shape_of(sync, fields)
    if same(old, new):
        return
    check_policy(found, sync, new, fields, facts)
    publish(changes, sync, current, new, old, note if current is not None else FIRST, by)


def facts_by_role(sync: Sync) -> dict[str, RoleFacts]:
    feeds = Feed.objects.filter(role__sync=sync).select_related("account", "role")
    return {feed.role.name: facts_of(feed) for feed in feeds}
