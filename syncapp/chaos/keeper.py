"""Start whatever ends again, at once and as it was, and count it: what systemd or a container's restart policy does."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from dataclasses import dataclass, field

from syncapp.demo.processes import Child, DemoProblem, Supervisor

# So many ends of one process within so many seconds are no accident: it cannot start.
TOO_OFTEN, WITHIN = 12, 15.0


@dataclass(slots=True)
class Keeper(Supervisor):
    """Used from one thread: the kernel ends a child when the thread that started it ends."""

    ends: Counter[str] = field(default_factory=Counter)  # "worker: SIGKILL"
    errands: dict[str, bool] = field(default_factory=dict)  # children that are to come to an end by themselves
    aside: set[str] = field(default_factory=set)  # kept down on purpose
    _lately: dict[str, list[float]] = field(default_factory=dict)

    def check(self) -> None:
        """Raises DemoProblem only where a process cannot stay alive."""
        for child in list(self.children):
            if child.ended and child.name not in self.aside:
                self._ended(child)

    def _ended(self, child: Child) -> None:
        if child.name in self.errands and child.process.returncode == 0:
            self.children.remove(child)
            self.errands[child.name] = True
            return
        self.ends[f"{child.name.split()[0]}: {child.cause}"] += 1
        now = time.monotonic()
        lately = [at for at in self._lately.get(child.name, ()) if now - at < WITHIN]
        self._lately[child.name] = [*lately, now]
        if len(lately) >= TOO_OFTEN:
            raise DemoProblem(child.obituary())
        self.restart(child)

    def named(self, start: str) -> list[Child]:
        return [child for child in self.children if child.name.startswith(start)]

    def kill(self, child: Child, number: signal.Signals = signal.SIGKILL) -> None:
        """The process alone, not its group: its own children find out by themselves."""
        if not child.ended:
            os.kill(child.process.pid, number)

    def freeze(self, child: Child, frozen: bool) -> None:
        """Whoever speaks to it waits, as for a host that swallows packets."""
        if not child.ended:
            os.killpg(child.process.pid, signal.SIGSTOP if frozen else signal.SIGCONT)

    def take_down(self, child: Child) -> None:
        """Its port is closed until it is put back."""
        self.aside.add(child.name)
        self.kill(child)
        child.process.wait()

    def put_back(self, child: Child) -> None:
        self.aside.discard(child.name)
        self.restart(child)
