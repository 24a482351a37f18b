"""How far an account's clock is from the hub's, learned from the Date header of its answers."""

from __future__ import annotations

from datetime import datetime

from .models import Account

# A Date header tells whole seconds.
HEADER_STEP = 1.0


def measure(date: datetime, sent: datetime, round_trip: float) -> tuple[float, float]:
    """(account's clock minus ours, give or take), in seconds, of an answer to what was sent at `sent` by our clock."""
    middle = sent.timestamp() + round_trip / 2
    return date.timestamp() - middle, HEADER_STEP + round_trip / 2


def learn(account: Account, date: datetime | None, sent: datetime, round_trip: float) -> None:
    """Keep the measure if it is sharper than the one known, or shows that the clock was changed."""
    if date is None:
        return
    skew, uncertainty = measure(date, sent, round_trip)
    known = account.skew
    same_clock = known is not None and abs(skew - known) <= uncertainty + account.uncertainty
    # Not worth a write for every answer that is a little quicker.
    if same_clock and uncertainty > account.uncertainty * 0.9:
        return
    account.skew, account.uncertainty = skew, uncertainty
    Account.objects.filter(pk=account.pk).update(skew=skew, uncertainty=uncertainty)
