"""Pause, resume and pace an account or one of its feeds, each on record with the syncs that it concerns."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import transaction

from syncapp.apply.changes import Changes
from syncapp.apply.locks import hold_set_up
from syncapp.apply.run import revise_all
from syncapp.models import Account, Feed
from syncapp.queue import TICK, ring

from .credentials import Moved, as_written, put, seen
from .noted import note

MOVED = (
    "somebody else changed this since the page was shown; look at what it is now, and do it again if it is still right"
)


def steer(account: Account, shown: str, by: str, **told: Any) -> list[str]:
    """What changed, in sentences. Raises Moved, and ApplyError with the accepted values."""
    with transaction.atomic():
        hold_set_up()
        row = Account.objects.get(pk=account.pk)
        if seen(row) != shown:
            raise Moved(MOVED)
        before = row.direction
        changes = put(row, {**as_written(row), **told})
        note(row, by, changes)
        if row.direction != before:
            revise_all()  # what is due where follows from it
        ring(TICK)
    return changes


def feed_seen(feed: Feed) -> str:
    held = repr((feed.paused, feed.schedule, feed.settle_delay, feed.stage, feed.mapping, feed.scope))
    return hashlib.sha256(held.encode()).hexdigest()[:32]


def steer_feed(feed: Feed, shown: str, by: str, **told: Any) -> list[str]:
    """Raises Moved."""
    with transaction.atomic():
        hold_set_up()
        row = Feed.objects.select_related("account", "role__sync").get(pk=feed.pk)
        if feed_seen(row) != shown:
            raise Moved(MOVED)
        if row.paused and told.get("paused") == "" and (gone := row.role.left or row.role.sync.retired):
            raise Moved(f"it was taken out {gone}; take it back on the page of {row.role.sync}")
        changes = Changes()
        changes.put(row, f"{row.object} as {row.role}", told)
        if changes.lines:
            Feed.objects.filter(pk=row.pk).update(next_due=None)  # the new pace begins now
        note(row.account, by, changes.lines, row.role.name)
        ring(TICK)
    return changes.lines
