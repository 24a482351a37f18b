"""How much may be written to an account now: its budget a minute, its share of the daily quota, what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max

from policies.core.safety import Halt, near_miss_rate, quota_used

from .brakes import OPEN, Code, trip
from .holding import WINDOW, limits_for
from .models import Account, Brake, Feed, Ledger, Push, Spending
from .releasing import end
from .spending import MINUTE, budget_says, minute_of

DAY = timedelta(days=1)


def may_begin(feed: Feed, now: datetime) -> int | None:
    """How many writes may begin there before anybody looks again; None: as many as are due. Trips what has to trip."""
    if _quota_is_used(feed.account, now) or _comes_back_different(feed, now):
        return 0
    if feed.account.write_budget is None:
        return None
    spent = Spending.objects.filter(account=feed.account, minute=minute_of(now)).values_list("writes", flat=True)
    left = feed.account.write_budget - (spent.first() or 0)
    if left <= 0 and Push.objects.filter(feed=feed, state=Push.State.PENDING, next_try__lte=now).exists():
        Spending.objects.filter(account=feed.account).update(refused_at=now)
        trip(Code.BUDGET, budget_says(feed.account), account=feed.account)
    return max(0, left)


def _quota_is_used(account: Account, now: datetime) -> bool:
    """A person who released it did so until the quota begins anew."""
    found = _used(account, now)
    if found is None or _released(account, now):
        return False
    trip(
        found.code, found.sentence, account=account, counts={"resets_at": (account.quota or {}).get("resets_at") or ""}
    )
    return True


def _used(account: Account, now: datetime) -> Halt | None:
    """What was learned before the quota began anew says nothing any more."""
    quota: Mapping[str, Any] = account.quota or {}
    limit, remaining, resets = quota.get("limit"), quota.get("remaining"), quota.get("resets_at")
    if limit is None or remaining is None or (resets and datetime.fromisoformat(resets) <= now):
        return None
    return quota_used(int(limit), int(remaining), account.quota_share)


def _released(account: Account, now: datetime) -> bool:
    """Answers that tell how long it is until then name another moment each; some do not tell at all."""
    past = Brake.objects.filter(code=Code.QUOTA, account=account, released_at__isnull=False).exclude(released_by="")
    last = past.order_by("-released_at").first()
    if last is None or last.released_at is None:
        return False
    resets = last.counts.get("resets_at")
    return (datetime.fromisoformat(resets) if resets else last.released_at + DAY) > now


def _comes_back_different(feed: Feed, now: datetime) -> bool:
    """Of the writes of the window and since a person last looked. One look-up where nothing ever comes back so."""
    released = Brake.objects.filter(code=Code.NEAR_MISSES, feed=feed).aggregate(at=Max("released_at"))["at"]
    since = max(now - WINDOW, released or now - WINDOW)
    lines = Ledger.objects.filter(verdict="near_miss", sync=feed.role.sync_id, role=feed.role.name)
    near = lines.filter(recorded_at__gt=since).values("correlation").distinct().count()
    if not near:
        return False
    written = Push.objects.filter(feed=feed, state=Push.State.CONFIRMED, ended_at__gt=since).count()
    found = near_miss_rate(near, written, limits_for(feed))
    if found is not None:
        trip(found.code, found.sentence, feed=feed)
    return found is not None


def end_paced(now: datetime) -> None:
    """Brakes that need no person: a minute without a write that had to wait, a quota that began anew."""
    for brake in Brake.objects.filter(OPEN, code=Code.BUDGET).select_related("account__spending"):
        spending = getattr(brake.account, "spending", None)
        if spending is None or spending.refused_at is None or spending.refused_at < now - MINUTE:
            end(brake, "", "no write has waited for the budget for a minute")
    for brake in Brake.objects.filter(OPEN, code=Code.QUOTA).select_related("account"):
        resets = brake.counts.get("resets_at")
        anew = datetime.fromisoformat(resets) <= now if resets else brake.account and not _used(brake.account, now)
        if anew:
            end(brake, "", "the quota began anew")
