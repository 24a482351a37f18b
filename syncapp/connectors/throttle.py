"""How long to wait before the next call to an account: our own buckets, and what the provider's headers say.

Kept in memory of one process behind a small protocol, so that a store shared by all workers can take its place.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from syncapp.connectors import times
from syncapp.connectors.limitspec import LimitSpec
from syncapp.connectors.records import Quota

LONGEST = 24 * 3600.0


class Throttle(Protocol):
    def take(self, account: str, limits: LimitSpec) -> float:
        """Seconds to wait; 0 means go, and one call is counted."""

    def block(self, account: str, seconds: float) -> None:
        """Nobody calls this account for so long."""


@dataclass(slots=True)
class _Bucket:
    size: int
    seconds: float
    tokens: float
    at: float

    def refill(self, now: float) -> None:
        self.tokens = min(float(self.size), self.tokens + (now - self.at) * self.size / self.seconds)
        self.at = now

    def wait(self) -> float:
        return 0.0 if self.tokens >= 1 else (1 - self.tokens) * self.seconds / self.size


@dataclass(slots=True)
class _Account:
    buckets: list[_Bucket]
    blocked_until: float = 0.0


@dataclass
class MemoryThrottle:
    """Token buckets for the accounts of one process."""

    clock: Callable[[], float] = time.monotonic
    _accounts: dict[str, _Account] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, account: str, limits: LimitSpec) -> float:
        with self._lock:
            now = self.clock()
            state = self._state(account, limits.buckets, now)
            for bucket in state.buckets:
                bucket.refill(now)
            wait = max([state.blocked_until - now, *(bucket.wait() for bucket in state.buckets)])
            if wait > 1e-9:
                return wait
            for bucket in state.buckets:
                bucket.tokens -= 1
            return 0.0

    def block(self, account: str, seconds: float) -> None:
        with self._lock:
            now = self.clock()
            state = self._accounts.setdefault(account, _Account([]))
            state.blocked_until = max(state.blocked_until, now + min(seconds, LONGEST))

    def _state(self, account: str, sizes: tuple[tuple[int, float], ...], now: float) -> _Account:
        state = self._accounts.setdefault(account, _Account([]))
        if tuple((bucket.size, bucket.seconds) for bucket in state.buckets) != sizes:
            state.buckets = [_Bucket(size, seconds, float(size), now) for size, seconds in sizes]
        return state


def retry_after(limits: LimitSpec, headers: Mapping[str, str], now: float) -> float | None:
    """How long a refusing provider asks us to wait, from Retry-After or its reset header; None if it does not say."""
    text = headers.get(limits.retry_after)
    if text is not None:
        seconds = number(text)
        if seconds is not None:
            return _bounded(seconds)
        moment = times.header_date(text)
        if moment is not None:
            return _bounded(moment.timestamp() - now)
    return until_reset(limits, headers, now)


def until_reset(limits: LimitSpec, headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until the provider's window begins anew, if a header tells."""
    return _offset(headers.get(limits.reset) if limits.reset else None, limits.reset_format, now)


def _offset(text: str | None, form: str, now: float) -> float | None:
    """Seconds from now, of a time in one of the forms that reset headers have."""
    if text is None:
        return None
    if form == "iso":
        try:
            return _bounded(times.parse(text).timestamp() - now)
        except ValueError:
            return None
    told = number(text)
    if told is None:
        return None
    offsets = {"seconds": told, "ms": told / 1000, "unix": told - now, "unix_ms": told / 1000 - now}
    return _bounded(offsets[form])


def exhausted(limits: LimitSpec, headers: Mapping[str, str]) -> bool:
    """True if the provider says that no call is left in this window."""
    left = number(headers.get(limits.remaining, "")) if limits.remaining else None
    return left is not None and left <= 0


def daily(limits: LimitSpec, headers: Mapping[str, str], now: float, seen_at: float) -> Quota | None:
    """The quota of the day, if the headers of an answer tell it; ``now`` by the provider's clock, the rest by ours."""
    spec = limits.daily
    if spec is None:
        return None
    limit, left = number(headers.get(spec.limit, "")), number(headers.get(spec.remaining, ""))
    if limit is None or left is None:
        return None
    wait = _offset(headers.get(spec.reset) if spec.reset else None, spec.reset_format, now)
    resets_at = None if wait is None else datetime.fromtimestamp(seen_at + wait, UTC)
    return Quota(int(limit), int(left), resets_at, datetime.fromtimestamp(seen_at, UTC))


def seen(limits: LimitSpec, headers: Mapping[str, str]) -> dict[str, str]:
    """The limit headers of an answer, for people."""
    wanted = {name.lower() for name in (limits.remaining, limits.reset) if name}
    return {name: value for name, value in headers.items() if name.lower() in wanted or "ratelimit" in name.lower()}


def server_now(headers: Mapping[str, str], fallback: float) -> float:
    """The provider's own clock, which its reset times are written in."""
    moment = times.header_date(headers.get("Date"))
    return moment.timestamp() if moment else fallback


def describe(seconds: float) -> str:
    """A wait, for people."""
    at = datetime.fromtimestamp(time.time() + seconds, UTC).strftime("%H:%M:%S")
    return f"{seconds:.1f} s (until {at} UTC)"


def number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST)
