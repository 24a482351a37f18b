"""Changes that are told one by one add up as well: each record once in the window, and only what was really adopted.

What comes back of the hub's own writes, or was touched without a change, is no change that somebody made there: it is
known as such only once it is judged. So this counts after the judgement, and what comes next is held.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Min

from policies.core.reasons import Verdict
from policies.core.safety import Counts

from .brakes import Code
from .holding import Holder, known_count, masses
from .models import Ledger, Link


def count_changes(holder: Holder, begun: datetime, now: datetime) -> None:
    """Of the bodies that were new to the feed, after they were judged, which began at `begun`. Nothing of an echo."""
    if not holder.changes or Code.MASS_CHANGE in holder.codes:
        return
    since = holder.since(now)
    fresh = _changed(holder, since, begun)
    if not fresh:
        return
    holder.changed += fresh
    changed = holder.changed_lately(since)
    if changed > holder.limits.changes:
        holder.trips(masses(holder, Counts(changed=changed, known=known_count(holder.feed, since))), fresh={})


def _changed(holder: Holder, since: datetime, begun: datetime) -> int:
    """Records of which something was adopted now, and nothing yet within the window but by listings, which count for
    themselves. One look by the ids of the batch, which an index has.
    """
    links = Link.objects.filter(feed=holder.feed, remote_id__in=holder.changes)
    lines = Ledger.objects.filter(
        record__in=list(links.values_list("record_id", flat=True)), role=holder.feed.role.name,
        verdict=Verdict.ADOPT, recorded_at__gt=since, run=None,
    )  # fmt: skip
    return lines.order_by().values("record").annotate(first=Min("recorded_at")).filter(first__gte=begun).count()
