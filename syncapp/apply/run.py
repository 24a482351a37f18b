"""Apply a checked file in one transaction, or find out what it would change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef

from policies.models import PolicySet, Sync
from syncapp.baseline import take_baseline, unfinished
from syncapp.connectors.located import Located
from syncapp.models import Record, Revision
from syncapp.revising import finish_revisions
from syncapp.store import ring_pushes

from .accounts import put_accounts
from .changes import Changes
from .locks import hold_set_up
from .policy import put_policy
from .references import check_references
from .syncs import put_sync


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was changed, or would be, and where each account of the file sends its webhooks."""

    changes: tuple[str, ...]
    webhooks: Mapping[str, str]


def apply(found: Located, *, plan: bool = False, by: str = "apply") -> Outcome:
    """Bring the hub to what the file says. With `plan` nothing is kept. Raises ApplyError."""
    changes = Changes()
    with transaction.atomic():
        hold_set_up()
        accounts = put_accounts(found, changes)
        for slug, wanted in found.data.get("syncs", {}).items():
            sync = put_sync(found, changes, slug, wanted, accounts)
            put_policy(found, changes, sync, wanted["policy"], by)
        check_references(found)
        if changes.lines:
            revise_all()
        if plan:
            transaction.set_rollback(True)
    for pk in unfinished() if changes.lines and not plan else ():
        take_baseline(pk)
    for sync in Sync.objects.filter(policy_sets__state=PolicySet.State.PUBLISHED) if changes.lines and not plan else ():
        finish_revisions(sync, ring_pushes)
    named = found.data.get("accounts", {})
    return Outcome(tuple(changes.lines), {slug: webhook_path(accounts[slug].webhook_token) for slug in named})


def revise_all() -> None:
    """A policy, a mapping or a direction changes what is due, and what was refused may be tried again: noted in the
    same transaction, so that workers go on with it if this process dies.
    """
    filled = Exists(Record.objects.filter(sync=OuterRef("sync")))
    for policy_set in PolicySet.objects.filter(filled, state=PolicySet.State.PUBLISHED):
        untouched = Revision.objects.filter(policy_set=policy_set, done_at=None, last_key=None, claimed_until=None)
        if not untouched.exists():
            Revision.objects.create(policy_set=policy_set, before=policy_set)


def webhook_path(token: str) -> str:
    """Where an account's deliveries go, below the hub's own address."""
    return f"/hooks/{token}/"
