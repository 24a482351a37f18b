"""When what strikes, from a seed: every kind in turn in a shuffled order, and all named steps armed a few at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from .steps import STEPS, Steps
from .strikes import Strikes

GAP = (1.0, 2.5)
# Longer is not waited for a sign of life after a strike: several at once are a storm, too.
PATIENCE = 9.0
PROVOKE_EVERY = 8.0
ARM_EVERY = 2.0
ARMED_AT_ONCE = 3
CREATES = ("create-", "batch-created")
POLICIES = ("policy-", "revision-")


@dataclass(slots=True)
class Script:
    strikes: Strikes
    steps: Steps
    random: Random
    lines: Callable[[], int]  # how far the hub's ledger is; -1 if it cannot be asked
    _deck: list[Callable[[], None]] = field(default_factory=list)
    _never_armed: list[str] = field(default_factory=list)
    _next_strike: float = 0.0
    _next_arm: float = 0.0
    _struck_at: float = 0.0
    _lines_then: int = -1
    _decks: int = 0

    def __post_init__(self) -> None:
        self._never_armed = [step.name for step in STEPS]
        self.random.shuffle(self._never_armed)
        # Last of the list, first to be armed: the first load has most creates, and policies do not change often.
        self._never_armed.sort(key=lambda name: (name.startswith(CREATES), name.startswith(POLICIES)))

    def step(self, *, striking: bool = True) -> None:
        """Called often: does what is due now."""
        self.strikes.go_on()
        now = time.monotonic()
        if now >= self._next_arm and (self._struck_at or self._creates_wait):
            self._next_arm = now + ARM_EVERY
            self._arm()
        if not striking and self.all_struck and now >= self._next_strike:
            self._next_strike = now + PROVOKE_EVERY
            self.strikes.provoke()
        if striking and now >= self._next_strike and self._recovered(now):
            self._strike()
            self._struck_at = time.monotonic()
            self._next_strike = self._struck_at + self.random.uniform(*GAP)
            self._lines_then = self.lines()

    def _recovered(self, now: float) -> bool:
        """The hub judged something since the last strike, or is given up for now. People edit all the time."""
        if now > self._struck_at + PATIENCE:
            return True
        lines = self.lines()
        if self._lines_then < 0:
            self._lines_then = lines
            return False
        return lines > self._lines_then

    @property
    def complete(self) -> bool:
        """Every kind struck and every step killed once."""
        return self.all_struck and all(self.steps.hits().values())

    @property
    def all_struck(self) -> bool:
        return self._decks > 0

    @property
    def _creates_wait(self) -> bool:
        return bool(self._never_armed) and self._never_armed[-1].startswith(CREATES)

    def _strike(self) -> None:
        if not self._deck:
            self._deck = self.strikes.deck()
        self._deck.pop()()
        self._decks += not self._deck

    def _arm(self) -> None:
        """First each step once; then any, so that they meet in other company."""
        for _ in range(ARMED_AT_ONCE):
            if self._never_armed:
                self.steps.arm(self._never_armed.pop())
        if not self._never_armed and not self.steps.armed():
            self.steps.arm(self.random.choice(STEPS).name)
