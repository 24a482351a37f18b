"""A person lets go what a guard stopped: with a reason, on record, and for this once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from policies.core.reasons import Reason, Verdict

from .booked import tell
from .brakes import OPEN, STOPS_FEED, Code
from .load import database_now
from .models import Brake, Feed
from .stopping import Refused, release_stop
from .store import ring_pushes

__all__ = ["Refused", "release_brake"]

NO_REASON = "say why; the reason is kept in the ledger"


def release_brake(brake: Brake, by: str, why: str) -> None:
    """All of it. Raises Refused without a reason, or when it has been released already."""
    why = why.strip()
    if not why:
        raise Refused(NO_REASON)
    if brake.code == Code.STOP and brake.sync is not None:
        release_stop(brake.sync, by, why)
        return
    with transaction.atomic():
        end(brake, by, why)
        if brake.code in STOPS_FEED and brake.feed is not None:
            _pass_once(brake.feed, brake.code)
    feeds = Feed.objects.filter(pk=brake.feed_id) if brake.feed_id else Feed.objects.filter(account=brake.account_id)
    ring_pushes(feeds.values_list("pk", flat=True))


def end(brake: Brake, by: str, why: str) -> None:
    """The brake is off; a line in the ledger of each sync it was about. Raises Refused if somebody was quicker."""
    told = {"released_at": database_now(), "released_by": by, "why": why}
    if not Brake.objects.filter(OPEN, pk=brake.pk).update(**told):
        raise Refused("it has been released already")
    feeds = Feed.objects.filter(pk=brake.feed_id) if brake.feed_id else Feed.objects.filter(account=brake.account_id)
    for feed in feeds.select_related("role__sync"):
        detail = f"{brake.get_code_display()}; {why}"
        tell(feed.role.sync, Verdict.RELEASED, Reason.RELEASED_HELD, role=feed.role.name, detail=detail, actor=by)


def _pass_once(feed: Feed, code: str) -> None:
    """The next whole pass may do what this guard held; it is due now."""
    cursor: Mapping[str, Any] = Feed.objects.select_for_update().values_list("cursor", flat=True).get(pk=feed.pk)
    released = sorted({*cursor.get("released", ()), code})
    Feed.objects.filter(pk=feed.pk).update(cursor={**cursor, "released": released}, next_due=None)
