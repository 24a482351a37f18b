"""What a delivery tells without naming a record: the feed is to be read at once, or its subscription has changed."""

from __future__ import annotations

from collections.abc import Sequence

from .connectors.hookspec import EXPIRING, LOST
from .health import why_not_read
from .inbox import Fates, Hint, patience
from .load import database_now
from .models import Feed
from .queue import ring
from .tending import is_gone, renew_now

POLL_JOB = "syncapp.jobs.poll_feed"
# Last in the order in which a worker empties its queues: a long listing must not keep a webhook waiting.
POLL_QUEUE = "push"


def take(feed: Feed, hints: Sequence[Hint], fates: Fates) -> None:
    """A feed that may not be read just now is read from its watermark when it goes on: the hint has nothing to add."""
    for hint in hints:
        remote_id = hint.event.subscription if hint.event is not None else ""
        if hint.kind == LOST:
            is_gone(feed.account, remote_id, "the provider says that it was removed")
        elif hint.kind == EXPIRING:
            renew_now(feed.account, remote_id)
    if all(hint.kind == EXPIRING for hint in hints) or why_not_read(feed):
        return
    if not read_at_once(feed):
        now = database_now()
        for hint in hints:
            why = "the feed is being read, perhaps from before this"
            fates.later(hint.delivery, patience(hint.delivery, now), why, free=True)


def read_at_once(feed: Feed) -> bool:
    """False while a pass is in progress: it may be past the place where something changed."""
    now = database_now()
    if not Feed.objects.filter(pk=feed.pk).exclude(claimed_until__gt=now).update(next_due=now):
        return False
    ring(POLL_JOB, feed.pk, queue=POLL_QUEUE)
    return True
