"""One account's way through its limits: wait for a turn, make the call, learn from the answer how many are left."""

from __future__ import annotations

import time
from collections.abc import Callable

from syncapp.connectors import limiting
from syncapp.connectors.errors import Limited
from syncapp.connectors.jsonbody import soft
from syncapp.connectors.limitspec import LimitSpec, Use
from syncapp.connectors.renewal import Keeper
from syncapp.connectors.throttle import Throttle
from syncapp.connectors.transport import Answer


class Allowance:
    """Waits as long as patience lasts; beyond it the caller is told when to come back."""

    def __init__(
        self, throttle: Throttle, account: str, app: str, limits: LimitSpec, keeper: Keeper,
        patience: float, sleep: Callable[[float], None],
    ) -> None:  # fmt: skip
        self._throttle, self._account, self._app, self._limits = throttle, account, app, limits
        self._keeper, self._patience, self._sleep = keeper, patience, sleep
        # What answers told about buckets since the last call, and when.
        self._told: dict[str, tuple[float, float]] = {}

    def through(self, use: Use, where: str, call: Callable[[], Answer]) -> Answer:
        """The call's answer, when it is its turn. Raises Limited."""
        self._wait(use, where)
        try:
            answer = call()
        finally:
            if self._limits.concurrent:
                self._throttle.done(self._account, self._app, self._limits, use)
        if self._limits.told:
            self._learn(answer)
        return answer

    def refused(self, limited: Limited) -> None:
        """The provider said "too many": everybody waits."""
        self._throttle.block(self._account, limited.retry_after or self._limits.wait, limited.bucket)

    def _wait(self, use: Use, where: str) -> None:
        deadline = time.monotonic() + self._patience
        while (wait := self._throttle.take(self._account, self._app, self._limits, use, self._news())) > 0:
            if time.monotonic() + wait > deadline:
                raise Limited(f"the account's rate limit is used up for {wait:.1f} s", where, retry_after=wait)
            self._sleep(wait)

    def _news(self) -> dict[str, tuple[float, float]] | None:
        if not self._told:
            return None
        now = time.monotonic()
        told = {name: (left, now - at) for name, (left, at) in self._told.items()}
        self._told = {}
        return told

    def _learn(self, answer: Answer) -> None:
        now = limiting.server_now(answer.headers, answer.answered_at)
        body = soft(answer.body) if self._limits.in_body else None
        for reading in limiting.readings(self._limits, answer.headers, body, now):
            if quota := limiting.quota(reading, answer.answered_at):
                self._keeper.learn(quota)
            bucket = reading.spec.bucket
            if reading.exhausted:
                wait = self._limits.wait if reading.wait is None else reading.wait
                self._throttle.block(self._account, wait, bucket)
            elif bucket and reading.left is not None:
                self._told[bucket] = (reading.left, time.monotonic())
