"""What people change about an account, on record with every sync that it takes part in."""

from __future__ import annotations

from collections.abc import Sequence

from policies.core.reasons import Reason, Verdict
from policies.models import Sync
from syncapp.booked import tell
from syncapp.models import Account


def note(account: Account, by: str, told: Sequence[str], role: str = "") -> None:
    """In the caller's transaction. No value of a secret is ever among what is told."""
    if not told:
        return
    detail = "; ".join(told)
    detail = detail if account.slug in detail or account.name in detail else f"{account.name}: {detail}"
    for sync in Sync.objects.filter(roles__feed__account=account).distinct():
        tell(sync, Verdict.DECIDED, Reason.ACCOUNT_CHANGED, role=role, detail=detail, actor=by)
