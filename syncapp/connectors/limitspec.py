"""What a manifest says about limits: our own budgets, and where answers tell the provider's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DailySpec:
    """The headers in which the provider states the quota of a day: how many calls, how many left, until when."""

    limit: str
    remaining: str
    reset: str = ""
    reset_format: str = "unix"


@dataclass(frozen=True, slots=True)
class LimitSpec:
    """Our own budget (``buckets`` of (requests, seconds)) and the headers in which the provider states its own."""

    buckets: tuple[tuple[int, float], ...] = ()
    remaining: str = ""
    reset: str = ""
    reset_format: str = "seconds"
    retry_after: str = "Retry-After"
    refused: tuple[int, ...] = (429,)
    wait: float = 5.0
    daily: DailySpec | None = None
