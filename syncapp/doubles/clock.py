"""The clock that a double owns: it can stand still, jump and be off, and it tells its time in the Date header."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """``resolution``: seconds to which the times in records are cut, as providers do."""

    def __init__(self, resolution: float = 0.001) -> None:
        self.resolution = resolution
        self._ahead = timedelta(0)
        self._still: datetime | None = None

    def now(self) -> datetime:
        """The time as it goes into a record, in UTC."""
        moment = self.exact()
        step = timedelta(seconds=self.resolution)
        whole = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // step
        return datetime(1970, 1, 1, tzinfo=UTC) + whole * step

    def exact(self) -> datetime:
        """The time as the Date header tells it."""
        return self._still or datetime.fromtimestamp(time.time(), UTC) + self._ahead

    def stand_still(self) -> None:
        """Everything from now on happens in one moment, until `go_on`."""
        self._still = self.exact()

    def go_on(self) -> None:
        self._still = None

    def advance(self, seconds: float) -> None:
        """Let time pass: what expires, expires."""
        self._ahead += timedelta(seconds=seconds)
        if self._still is not None:
            self._still += timedelta(seconds=seconds)
