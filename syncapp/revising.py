"""Bring the records of a sync under a policy version that came into force, a page at a time.

A page that a killed worker left undone is done again; `revise` is harmless when repeated.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from uuid import UUID

from django.db.models import F, Q

from policies.core.revise import Authority, revise
from policies.models import PolicySet, Sync

from .leases import lease
from .load import Contended, database_now
from .models import Record, Revision
from .store import PgStore, ring_pushes

PAGE = 200
SLICE = 30.0
LEASE = lease(120)
Ring = Callable[[Collection[int]], None]


def revise_slice(revision_id: int, *, ring_feeds: Ring = ring_pushes, seconds: float = SLICE) -> bool:
    """Work on one revision for a while. True when there is nothing left to do for this worker."""
    now = database_now()
    free = Revision.objects.filter(Q(claimed_until=None) | Q(claimed_until__lte=now), pk=revision_id, done_at=None)
    if not free.update(claimed_until=now + LEASE):
        return True  # done, or another worker is at it
    revision = Revision.objects.select_related("policy_set__sync", "before").get(pk=revision_id)
    store = PgStore(revision.policy_set.sync, ring_feeds=ring_feeds)
    stop_at = time.monotonic() + seconds
    try:
        while _page(store, revision):
            if time.monotonic() > stop_at:
                return False
    except Contended:
        return False
    finally:
        Revision.objects.filter(pk=revision_id).update(claimed_until=None)
    Revision.objects.filter(pk=revision_id).update(done_at=database_now())
    return True


def finish_revisions(sync: Sync, ring_feeds: Ring = ring_pushes) -> None:
    """In this process, now: before anything else is judged under the new version."""
    for pk in Revision.objects.filter(policy_set__sync=sync, done_at=None).order_by("pk").values_list("pk", flat=True):
        while not revise_slice(pk, ring_feeds=ring_feeds):
            pass


def _page(store: PgStore, revision: Revision) -> bool:
    """One page of records in key order; False when there were none left."""
    rows = Record.objects.filter(sync=store.sync).order_by("key")
    if revision.last_key is not None:
        rows = rows.filter(key__gt=revision.last_key)
    keys = list(rows.values_list("key", flat=True)[:PAGE])
    roles = store.sync.roles.order_by("order", "name").values_list("name", flat=True)
    if not keys or not roles:
        return False
    before = authorities(revision.before)
    with store.page(roles[0], (), [str(key) for key in keys]) as page:
        context = page.context(roles[0])
        for key in keys:
            record = page.record(str(key))
            if record is not None:
                page.save(revise(record, before, page.policy, context))
    store.derive([str(key) for key in keys])  # also where nothing but what is due changed
    _keep_place(revision, keys)
    return len(keys) == PAGE


def _keep_place(revision: Revision, keys: Sequence[UUID]) -> None:
    revision.last_key = keys[-1]
    Revision.objects.filter(pk=revision.pk).update(last_key=keys[-1], records=F("records") + len(keys))


def authorities(policy_set: PolicySet) -> dict[str, Authority]:
    """Who owned, wrote and read each field under a policy version."""
    return {
        rule.unit: Authority(rule.owner, frozenset(rule.writers), frozenset(rule.readers))
        for rule in policy_set.rules.all()
    }
