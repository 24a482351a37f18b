"""How long to wait before the next call to an account: our own buckets, and the pauses that a provider asked for.

Kept in memory of one process behind a small protocol, so that a store shared by all workers can take its place.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol

from syncapp.connectors.limitspec import BucketSpec, LimitSpec, Use

LONGEST = 24 * 3600.0
# A call that never ended, because its worker died, is forgotten: no answer is waited for so long.
LEASE = 180.0
# How soon to look again whether one of the calls under way has ended.
SOON = 0.1
PLAIN = Use()
# For each bucket that an answer told about: how many were left there, and how many seconds ago that was.
Told = Mapping[str, tuple[float, float]]


class Throttle(Protocol):
    def take(self, account: str, app: str, limits: LimitSpec, use: Use = PLAIN, told: Told | None = None) -> float:
        """Seconds to wait; 0 means go, and the call is counted. ``told``: what the provider's own counts say."""

    def done(self, account: str, app: str, limits: LimitSpec, use: Use = PLAIN) -> None:
        """A call that was let go has ended: asked for only where calls at once are counted."""

    def block(self, account: str, seconds: float, bucket: str = "") -> None:
        """Nobody calls this account for so long; or nobody calls what counts in this bucket."""


@dataclass(slots=True)
class _Bucket:
    spec: BucketSpec
    tokens: float
    at: float
    running: list[float] = field(default_factory=list)

    def look(self, now: float, amount: float, told: tuple[float, float] | None) -> float:
        """Seconds until there is enough."""
        if self.spec.kind == "concurrent":
            self.running = [ends for ends in self.running if ends > now]
            return 0.0 if len(self.running) < self.spec.size else SOON
        rate = self.spec.size / self.spec.seconds
        self.tokens = min(self.spec.size, self.tokens + (now - self.at) * rate)
        self.at = now
        if told is not None:
            self.tokens = min(self.tokens, told[0] + told[1] * rate)
        return 0.0 if self.tokens >= amount else (amount - self.tokens) / rate

    def take(self, now: float, amount: float) -> None:
        if self.spec.kind == "concurrent":
            self.running.append(now + LEASE)
        else:
            self.tokens -= amount


@dataclass
class MemoryThrottle:
    """Token buckets for the accounts of one process."""

    clock: Callable[[], float] = time.monotonic
    _buckets: dict[tuple[str, BucketSpec], _Bucket] = field(default_factory=dict)
    _blocked: dict[tuple[str, str], float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def take(self, account: str, app: str, limits: LimitSpec, use: Use = PLAIN, told: Told | None = None) -> float:
        with self._lock:
            now, told = self.clock(), told or {}
            found = [self._bucket(account, app, spec, now) for spec in limits.counting(use)]
            waits = [one.look(now, one.spec.amount(use), told.get(one.spec.name)) for one in found]
            names = {"", *(one.spec.name for one in found)}
            waits += [self._blocked.get((account, name), now) - now for name in names]
            if (wait := max(waits)) > 1e-9:
                return wait
            for one in found:
                one.take(now, one.spec.amount(use))
            return 0.0

    def done(self, account: str, app: str, limits: LimitSpec, use: Use = PLAIN) -> None:
        with self._lock:
            for spec in limits.counting(use):
                running = self._bucket(account, app, spec, self.clock()).running
                if running:
                    running.pop(0)

    def block(self, account: str, seconds: float, bucket: str = "") -> None:
        with self._lock:
            until = self.clock() + min(seconds, LONGEST)
            self._blocked[(account, bucket)] = max(self._blocked.get((account, bucket), until), until)

    def forget(self) -> None:
        """As a process that begins: nothing is counted and nobody waits."""
        with self._lock:
            self._buckets.clear()
            self._blocked.clear()

    def _bucket(self, account: str, app: str, spec: BucketSpec, now: float) -> _Bucket:
        key = (f"app {app}" if spec.app else account, spec)
        return self._buckets.setdefault(key, _Bucket(spec, spec.size, now))


def number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST)
