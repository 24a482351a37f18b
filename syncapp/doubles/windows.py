"""How many calls a provider takes in a while. Generous unless asked to be strict, so that real figures slow no test."""

from __future__ import annotations

from collections import deque

from syncapp.doubles.clock import Clock

GENEROUS = 1000


class Window:
    """``limit`` calls in ``seconds``, sliding."""

    def __init__(self, clock: Clock, limit: int, seconds: float, *, strict: bool = False) -> None:
        self.shown, self.seconds, self.strict = limit, seconds, strict
        self._clock = clock
        self._taken: deque[float] = deque()

    def take(self) -> int:
        """Take one place; what remains of the figure that is shown, less than 0 if there was none."""
        now = self._clock.exact().timestamp()
        while self._taken and self._taken[0] <= now - self.seconds:
            self._taken.popleft()
        if len(self._taken) >= self.shown * (1 if self.strict else GENEROUS):
            return -1
        self._taken.append(now)
        left = self.shown - len(self._taken)
        return left if self.strict else max(1, left)

    def __len__(self) -> int:
        """How many places are taken."""
        return len(self._taken)

    def wait(self) -> float:
        """Seconds until a place is free."""
        return max(0.0, self._taken[0] + self.seconds - self._clock.exact().timestamp()) if self._taken else 0.0
