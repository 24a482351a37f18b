"""Apply a checked file in one transaction, or find out what it would change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from django.db import transaction

from policies.models import PolicySet, Sync
from syncapp.again import again
from syncapp.connectors.located import Located
from syncapp.models import Record
from syncapp.store import PgStore

from .accounts import put_accounts
from .changes import Changes
from .policy import put_policy
from .syncs import put_sync

# One apply at a time: two that create the same account would otherwise collide.
LOCK = 0x636F6E636F7264
PAGE = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was changed, or would be, and where each account of the file sends its webhooks."""

    changes: tuple[str, ...]
    webhooks: Mapping[str, str]


def apply(found: Located, *, plan: bool = False, by: str = "apply") -> Outcome:
    """Bring the hub to what the file says. With `plan` nothing is kept. Raises ApplyError."""
    changes = Changes()
    with transaction.atomic():
        with transaction.get_connection().cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            # All at once and in the order of the workers (sync, feed, account), so that neither waits for the other.
            cursor.execute("SELECT id FROM policies_sync ORDER BY id FOR UPDATE")
            cursor.execute("SELECT id FROM syncapp_feed ORDER BY id FOR NO KEY UPDATE")
            cursor.execute("SELECT id FROM syncapp_account ORDER BY id FOR NO KEY UPDATE")
        accounts = put_accounts(found, changes)
        for slug, wanted in found.data.get("syncs", {}).items():
            sync = put_sync(found, changes, slug, wanted, accounts)
            put_policy(found, changes, sync, wanted["policy"], by)
        if plan:
            transaction.set_rollback(True)
    if changes.lines and not plan:
        for sync in Sync.objects.filter(policy_sets__state=PolicySet.State.PUBLISHED):
            derive_all(sync)
    named = found.data.get("accounts", {})
    return Outcome(tuple(changes.lines), {slug: webhook_path(accounts[slug].webhook_token) for slug in named})


def derive_all(sync: Sync) -> None:
    """A policy, a mapping or a direction changes what is due: it is worked out again for every record."""
    store = PgStore(sync)
    keys = list(Record.objects.filter(sync=sync).order_by("key").values_list("key", flat=True))
    for at in range(0, len(keys), PAGE):
        page = [str(key) for key in keys[at : at + PAGE]]
        again(partial(store.derive, page))


def webhook_path(token: str) -> str:
    """Where an account's deliveries go, below the hub's own address."""
    return f"/hooks/{token}/"
