"""Numbers that count an account's deliveries: a gap says that some never came."""

from __future__ import annotations

from django.db import transaction

from .models import Account, Sequence


@transaction.atomic
def missed(account: Account, first: int, last: int) -> bool:
    """True if this delivery begins after the one that was expected next. One that is late is no gap; one that begins
    at 1 again, below what was seen, begins a new count.
    """
    row, new = Sequence.objects.select_for_update().get_or_create(account=account, defaults={"last": last})
    if new:
        return False
    gap = first > row.last + 1
    row.gaps += gap
    row.last = last if first <= 1 and last < row.last else max(row.last, last)
    row.save(update_fields=["gaps", "last"])
    return gap
