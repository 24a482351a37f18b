"""Count the writes to an account, a minute at a time, in the transaction in which they begin."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

from .brakes import Braked
from .models import Account

MINUTE = timedelta(minutes=1)
BUDGET_SAYS = (
    "{name} was sent {budget:,} writes within this minute, which is its budget; the rest goes on with the next minute, "
    "by itself. A higher write_budget lets more out"
)


def minute_of(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)


def spend(account: Account, writes: int, now: datetime) -> None:
    """Count writes that begin, in their transaction. Raises Braked when they would go beyond the budget."""
    if account.write_budget is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO syncapp_spending AS s (account_id, minute, writes) VALUES (%s, %s, %s)"
            " ON CONFLICT (account_id) DO UPDATE SET minute = excluded.minute, writes = excluded.writes +"
            "   CASE WHEN s.minute = excluded.minute THEN s.writes ELSE 0 END RETURNING writes",
            [account.pk, minute_of(now), writes],
        )
        spent = cursor.fetchone()[0]
    if spent > account.write_budget:
        raise Braked(budget_says(account), (minute_of(now) + MINUTE - now).total_seconds())


def budget_says(account: Account) -> str:
    return BUDGET_SAYS.format(name=account.name, budget=account.write_budget)
