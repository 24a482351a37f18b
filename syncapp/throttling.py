"""Implements `connectors.throttle.Throttle` for all workers together: counts and pauses stand in Redis.

Each answer is one script that Redis runs at once, by its own clock, so that no two workers take the same turn and their
clocks do not matter. What is counted is only a courtesy: if Redis forgets it, a provider says "too many" once. While
Redis is away each process counts for itself.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

import redis
from redis.commands.core import Script

from .connectors.limitspec import BucketSpec, LimitSpec, Use
from .connectors.throttle import LEASE, LONGEST, PLAIN, SOON, MemoryThrottle, Told
from .queue import client

log = logging.getLogger(__name__)
T = TypeVar("T")
PREFIX = "concord:throttle:"
# How long Redis is left alone after it did not answer: each call would wait for it.
PAUSE = 5.0
NOW = "local t = redis.call('TIME'); local now = t[1] + t[2] / 1000000; "
# KEYS: the account's hash. ARGV: what `_asked` says. Answers the seconds to wait, as text; "0" counts the call.
TAKE = (
    NOW
    + """
local asked, wait, left = cjson.decode(ARGV[1]), 0, {}
for _, name in ipairs(asked.blocks) do
  local ends = tonumber(redis.call('HGET', KEYS[1], 'until:' .. name) or '0')
  wait = math.max(wait, ends - now)
end
for n, b in ipairs(asked.buckets) do
  if b.concurrent then
    redis.call('ZREMRANGEBYSCORE', b.key, '-inf', now)
    if redis.call('ZCARD', b.key) >= b.size then wait = math.max(wait, asked.soon) end
  else
    local rate = b.size / b.seconds
    local tokens = tonumber(redis.call('HGET', b.key, 'left') or b.size)
    local at = tonumber(redis.call('HGET', b.key, 'at') or now)
    tokens = math.min(b.size, tokens + math.max(0, now - at) * rate)
    if b.told then tokens = math.min(tokens, b.told + b.age * rate) end
    left[n] = tokens
    if tokens < b.amount then wait = math.max(wait, (b.amount - tokens) / rate) end
  end
end
local go = wait <= 0.000000001
for n, b in ipairs(asked.buckets) do
  if b.concurrent then
    if go then
      local one = redis.call('INCR', b.key .. ':n')
      redis.call('ZADD', b.key, now + asked.lease, one)
      redis.call('EXPIRE', b.key, math.ceil(asked.lease) + 1)
      redis.call('EXPIRE', b.key .. ':n', 86400)
    end
  elseif go or b.told then
    redis.call('HSET', b.key, 'left', left[n] - (go and b.amount or 0), 'at', now)
    redis.call('EXPIRE', b.key, math.ceil(b.seconds) + 1)
  end
end
return tostring(go and 0 or wait)
"""
)
# KEYS: the account's hash. ARGV: the bucket's name, seconds. A shorter pause never ends a longer one.
BLOCK = (
    NOW
    + """
local field, ends = 'until:' .. ARGV[1], now + tonumber(ARGV[2])
if ends > tonumber(redis.call('HGET', KEYS[1], field) or '0') then redis.call('HSET', KEYS[1], field, ends) end
local keep = math.ceil(tonumber(ARGV[2])) + 1
if redis.call('TTL', KEYS[1]) < keep then redis.call('EXPIRE', KEYS[1], keep) end
"""
)


class RedisThrottle:
    def __init__(self, connect: Callable[[], redis.Redis] = client) -> None:
        self._connect, self._alone = connect, MemoryThrottle()
        self._away_until = 0.0
        self._take: Script | None = None
        self._block: Script | None = None

    def take(self, account: str, app: str, limits: LimitSpec, use: Use = PLAIN, told: Told | None = None) -> float:
        asked = json.dumps(_asked(account, app, limits, use, told or {}))
        return self._shared(
            lambda: float(self._scripts()[0](keys=[PREFIX + account], args=[asked])),
            lambda: self._alone.take(account, app, limits, use, told),
        )

    def done(self, account: str, app: str, limits: LimitSpec, use: Use = PLAIN) -> None:
        keys = [_key(account, app, one) for one in limits.counting(use) if one.kind == "concurrent"]
        self._shared(
            lambda: [self._connect().zpopmin(key) for key in keys],
            lambda: self._alone.done(account, app, limits, use),
        )

    def block(self, account: str, seconds: float, bucket: str = "") -> None:
        args = [bucket, str(min(max(seconds, 0.0), LONGEST))]
        self._shared(
            lambda: self._scripts()[1](keys=[PREFIX + account], args=args),
            lambda: self._alone.block(account, seconds, bucket),
        )

    def forget(self) -> None:
        """Nothing is counted and nobody waits; for an operator, and for tests."""
        self._alone.forget()
        found = list(self._connect().scan_iter(match=PREFIX + "*"))
        if found:
            self._connect().delete(*found)

    def _scripts(self) -> tuple[Script, Script]:
        if self._take is None or self._block is None:
            self._take, self._block = (self._connect().register_script(text) for text in (TAKE, BLOCK))
        return self._take, self._block

    def _shared(self, ask: Callable[[], Any], alone: Callable[[], T]) -> T:
        """From Redis; while it is away each process for itself, which costs a refusal at worst."""
        if time.monotonic() < self._away_until:
            return alone()
        try:
            found: T = ask()
        except redis.RedisError as error:
            if not self._away_until:
                log.warning("limits are counted by each process for itself: Redis does not answer (%s)", error)
            self._away_until = time.monotonic() + PAUSE
            return alone()
        self._away_until = 0.0
        return found


def _asked(account: str, app: str, limits: LimitSpec, use: Use, told: Told) -> dict[str, Any]:
    counting = limits.counting(use)
    names = sorted({"", *(one.name for one in counting)})
    buckets = [_bucket(account, app, one, use, told.get(one.name)) for one in counting]
    return {"blocks": names, "buckets": buckets, "soon": SOON, "lease": LEASE}


def _bucket(
    account: str, app: str, spec: BucketSpec, use: Use, told: tuple[float, float] | None
) -> dict[str, str | float | bool]:
    made: dict[str, str | float | bool] = {"key": _key(account, app, spec), "size": spec.size, "seconds": spec.seconds}
    made |= {"amount": spec.amount(use), "concurrent": spec.kind == "concurrent"}
    return made if told is None else {**made, "told": told[0], "age": told[1]}


def _key(account: str, app: str, spec: BucketSpec) -> str:
    """With its size, so that a changed limit begins anew."""
    owner = f"app={app}" if spec.app else account
    return f"{PREFIX}{owner}:{spec.kind}:{spec.name}:{spec.of}:{spec.size:g}/{spec.seconds:g}"
