"""When an account was heard of last, and whether it is silent though its records change."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from policies.core.reasons import Verdict

from .connectors.hookspec import EVERY
from .models import Account, Delivery, Run, Subscription, Tally

# Deliveries that came and were not stored.
HEARD = ("duplicate", "ignored", "unknown_event", "malformed_event", "item_refused")
# So many delta syncs found changes that no delivery told, the last of them so long ago: a delivery may be late.
RUNS = 2
LATE = timedelta(minutes=5)
LOOKED_AT = 20


def last_heard(account: Account) -> datetime | None:
    """By what is stored and counted anyway: a delivery writes nothing more for it."""
    rows = Delivery.objects.filter(account=account).exclude(body=b"").order_by("-pk")
    moments = [*rows.values_list("received_at", flat=True)[:1]]
    moments += Tally.objects.filter(account=account, reason__in=HEARD).values_list("last_at", flat=True)
    return max(moments, default=None)


def silence(row: Subscription, objects: Collection[str], now: datetime) -> str:
    """The sentence about it; "" if it is not silent, or if nobody can tell. ``objects``: what it tells of."""
    since = max((moment for moment in (row.last_seen_at, row.made_at) if moment is not None), default=None)
    runs = Run.objects.filter(
        feed__account=row.account, kind=Run.Kind.DELTA, state=Run.State.DONE, ended_at__lt=now - LATE
    )
    if EVERY not in objects:
        runs = runs.filter(feed__object__in=objects)
    if since is not None:
        runs = runs.filter(started_at__gt=since)
    found = [run for run in runs.order_by("-pk")[:LOOKED_AT] if run.counts.get(Verdict.ADOPT.value)]
    if len(found) < RUNS:
        return ""
    heard = f"none since {row.last_seen_at:%Y-%m-%d %H:%M} UTC" if row.last_seen_at else "none ever"
    return f"{len(found)} delta syncs found changes that no delivery had told ({heard})"
