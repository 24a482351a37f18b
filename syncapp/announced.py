"""What a delivery tells without naming a record: the feed is to be read at once, or its subscription has changed."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from .connectors.hookspec import EXPIRING, LOST, WHOLE
from .health import why_not_read
from .inbox import Fates, Hint, patience
from .load import database_now
from .models import Feed, Run
from .queue import ring
from .tending import is_gone, renew_now

POLL_JOB = "syncapp.jobs.poll_feed"
# Last in the order in which a worker empties its queues: a long listing must not keep a webhook waiting.
POLL_QUEUE = "push"
LONG_AGO = "2000-01-01T00:00:00+00:00"


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
    if not read_at_once(feed, whole=any(_asks_for_all(feed, hint) for hint in hints)):
        now = database_now()
        for hint in hints:
            why = "the feed is being read, perhaps from before this"
            fates.later(hint.delivery, patience(hint.delivery, now), why, free=True)


def _asks_for_all(feed: Feed, hint: Hint) -> bool:
    """Not if all was read since."""
    done = Run.objects.filter(feed=feed, kind=Run.Kind.FULL, state=Run.State.DONE)
    return hint.kind == WHOLE and not done.filter(started_at__gt=hint.delivery.received_at).exists()


@transaction.atomic
def read_at_once(feed: Feed, *, whole: bool = False) -> bool:
    """False while a pass is in progress: it may be past the place where something changed, and would put down at its
    end that all was read."""
    now = database_now()
    row = Feed.objects.select_for_update(no_key=True).filter(pk=feed.pk).exclude(claimed_until__gt=now).first()
    if row is None:
        return False
    if whole and "full_at" in row.cursor:
        row.cursor["full_at"] = LONG_AGO
    row.next_due = now
    row.save(update_fields=["cursor", "next_due"])
    ring(POLL_JOB, feed.pk, queue=POLL_QUEUE)
    return True
