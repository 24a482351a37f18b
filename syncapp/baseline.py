"""After a mapping changed: what its links held of the fields concerned is forgotten, before anything reads them again.

What is left to do shows in the links themselves, so that a worker that dies leaves nothing half done: the next goes on.
"""

from __future__ import annotations

from policies.core.baseline import forget

from .again import again
from .load import Contended
from .models import Feed, Link
from .store import PgStore

PAGE = 200
BASELINE_JOB = "syncapp.jobs.baseline"


def unfinished() -> list[int]:
    """Feeds whose mapping change is not taken in yet."""
    return list(Feed.objects.exclude(baseline=[]).order_by("pk").values_list("pk", flat=True))


def take_baseline(feed_id: int) -> bool:
    """Forget what the feed's links held; True once nothing is left. False where other workers were in the way."""
    feed = Feed.objects.select_related("role__sync").filter(pk=feed_id).first()
    if feed is None or not feed.baseline:
        return True
    store = PgStore(feed.role.sync)
    try:
        while again(lambda: _page(store, feed)):
            pass
    except Contended:
        return False
    # Only what was done: another apply may have added fields meanwhile.
    return bool(Feed.objects.filter(pk=feed.pk, baseline=feed.baseline).update(baseline=[]))


def _page(store: PgStore, feed: Feed) -> bool:
    """One page of links that still hold something of these fields; False when there are none."""
    links = Link.objects.filter(feed=feed, bases__has_any_keys=feed.baseline)
    keys = sorted(str(key) for key in links.values_list("record_id", flat=True)[:PAGE])
    if not keys:
        return False
    role = feed.role.name
    with store.page(role, (), keys) as page:
        for key in keys:
            record = page.record(key)
            if record is not None:
                page.save(forget(record, role, feed.baseline, page.policy, page.context(role)))
    return True
