"""Deletes that nobody reports: what a complete listing left out is asked for by id, and only that answer is believed.

What a brake holds, or a person left so, is known to be deleted there and not asked for again. Every page of a full pass
notes the ids it showed; they belong to the listing, so that a pass that was left and gone on
with by another run still knows its beginning. Records that were read after the listing began are known to be there.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction

from policies.core.safety import Counts, unseen

from .guard import Halted
from .holding import known_count, limits_for
from .load import database_now
from .models import Feed, Shown
from .receive import look_later

BATCH = 1000

LEFT_OUT = """
WITH shown AS MATERIALIZED (
    SELECT DISTINCT jsonb_array_elements_text(ids) AS id FROM syncapp_shown WHERE feed_id = %s
)
SELECT l.remote_id FROM syncapp_link l
WHERE l.feed_id = %s AND l.remote_id IS NOT NULL
  AND NOT (l.head ?| array['gone', 'unlinked', 'asleep', 'doomed'])
  AND (l.read_at IS NULL OR l.read_at < (SELECT min(at) FROM syncapp_shown WHERE feed_id = %s))
  AND NOT EXISTS (SELECT 1 FROM shown WHERE shown.id = l.remote_id)
  AND NOT EXISTS (
      SELECT 1 FROM syncapp_held h WHERE h.feed_id = l.feed_id AND h.remote_id = l.remote_id
      AND h.what = 'delete' AND h.state IN ('held', 'left')
  )
ORDER BY l.id
"""


def begin(feed: Feed) -> None:
    """A listing begins at its first page: what an earlier one showed says nothing about this one."""
    with transaction.atomic():
        Shown.objects.filter(feed=feed).delete()
        Shown.objects.create(feed=feed, ids=[], at=database_now())


def note(feed: Feed, remote_ids: Sequence[str]) -> None:
    """In the transaction that moves the watermark past them."""
    if remote_ids:
        Shown.objects.create(feed=feed, ids=list(remote_ids), at=database_now())


def left_out(feed: Feed) -> list[str]:
    """The ids of links that are kept in step and that the listing did not show; none if it was not noted from its
    beginning."""
    with connection.cursor() as cursor:
        cursor.execute(LEFT_OUT, [feed.pk, feed.pk, feed.pk])
        return [remote_id for (remote_id,) in cursor.fetchall()]


def finish(feed: Feed) -> int:
    """A full listing is complete: durable hints for what it left out, before the pass counts as done; how many.

    Raises Halted where so many are missing that something else must be wrong: then nothing is asked for.
    """
    missing = left_out(feed)
    if missing and "mass_delete" not in feed.cursor.get("released", ()):
        counts = Counts(deleted=len(missing), known=known_count(feed, database_now()))
        if (halt := unseen(counts, limits_for(feed))) is not None:
            raise Halted([halt])
    with transaction.atomic():
        for start in range(0, len(missing), BATCH):
            look_later(feed, missing[start : start + BATCH], 0.0)
        Shown.objects.filter(feed=feed).delete()
    return len(missing)
