"""So many calls a day: counted until midnight (UTC, by the sandbox's own clock), kept over restarts."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

from syncapp.sandbox.faults import Clock
from syncapp.sandbox.refusals import UsedUp
from syncapp.sandbox.store import Store

DAY = 86_400


@dataclass(frozen=True)
class Left:
    limit: int
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        told = {"Quota": self.limit, "Remaining": self.remaining, "Reset": self.reset}
        return {f"X-Daily-{name}": str(value) for name, value in told.items()}


class Quota:
    """A limit of 0 is none."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock, self._lock = store, clock, threading.Lock()

    def change(self, limit: int | None = None, used: int | None = None) -> None:
        with self._lock:
            day, had, known = self._today()
            self._keep(day, had if used is None else used, known if limit is None else limit)

    def look(self) -> Left | None:
        with self._lock:
            day, used, limit = self._today()
            return self._left(day, used, limit) if limit else None

    def take(self) -> Left | None:
        """One call of today's. Raises UsedUp; None where there is no limit."""
        with self._lock:
            day, used, limit = self._today()
            if not limit:
                return None
            if used >= limit:
                wait = math.ceil((day + 1) * DAY - self._seconds())
                raise UsedUp(f"The daily quota of {limit} calls is used up. It begins anew at midnight UTC.", wait)
            self._keep(day, used + 1, limit)
            return self._left(day, used + 1, limit)

    def _today(self) -> tuple[int, int, int]:
        kept = self._store.setting("quota") or {"day": 0, "used": 0, "limit": 0}
        day = int(self._seconds() // DAY)
        return day, kept["used"] if kept["day"] == day else 0, kept["limit"]

    def _keep(self, day: int, used: int, limit: int) -> None:
        self._store.set_setting("quota", {"day": day, "used": used, "limit": limit})

    def _left(self, day: int, used: int, limit: int) -> Left:
        return Left(limit, max(0, limit - used), (day + 1) * DAY)

    def _seconds(self) -> float:
        return self._clock.seconds()
