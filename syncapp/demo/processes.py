"""Start, watch and end the demo's processes: each with a log of its own, none left behind.

Every child leads a session of its own: Ctrl-C in the terminal reaches the supervisor alone, which then ends them in the
opposite order of their start. If the supervisor itself is killed, the kernel ends them (on Linux).
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 30.0
GENTLE_SECONDS = 12.0
PORTS_TRIED = 50
PR_SET_PDEATHSIG = 1


class DemoProblem(Exception):
    """The demo cannot go on; the message is one sentence for a person."""


@dataclass(slots=True)
class Child:
    name: str
    command: Sequence[str | Path]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def cause(self) -> str:
        code = self.process.returncode
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    def obituary(self) -> str:
        how = "was ended by" if self.process.returncode < 0 else "ended with"
        return f"{self.name} {how} {self.cause}. Its log is {self.log}; it ends: {tail(self.log)}"


@dataclass(slots=True)
class Supervisor:
    """The children, in the order of their start."""

    logs: Path
    children: list[Child] = field(default_factory=list)

    def start(self, name: str, command: Sequence[str | Path], env: Mapping[str, str], cwd: Path) -> Child:
        log = self.logs / f"{name.replace(' ', '-')}.log"
        child = Child(name, command, env, cwd, log, _launch(command, env, cwd, log))
        self.children.append(child)
        return child

    def restart(self, child: Child) -> None:
        """Kill what is left of it and start it as it was started."""
        _signal(child, signal.SIGKILL)
        child.process.wait()
        child.process = _launch(child.command, child.env, child.cwd, child.log)

    def wait_ready(self, child: Child, answers: Callable[[], bool], seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while not answers():
            if child.ended:
                raise DemoProblem(child.obituary())
            if time.monotonic() > deadline:
                raise DemoProblem(f"{child.name} did not answer within {seconds:.0f} s; its log is {child.log}")
            time.sleep(0.05)

    def check(self) -> None:
        """Raises DemoProblem with the name and the log of a child that ended by itself."""
        for child in self.children:
            if child.ended:
                raise DemoProblem(child.obituary())

    def stop(self) -> None:
        """The last one first; stopping twice is fine."""
        for child in reversed(self.children):
            _signal(child, signal.SIGTERM)
        deadline = time.monotonic() + GENTLE_SECONDS
        for child in reversed(self.children):
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(child, signal.SIGKILL)
                child.process.wait()
            # What a child of ours left behind in its group.
            _signal(child, signal.SIGKILL)
        self.children.clear()


def _launch(command: Sequence[str | Path], env: Mapping[str, str], cwd: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )


def _signal(child: Child, number: signal.Signals) -> None:
    """To the child's whole group: a web server has workers, who would survive their killed parent."""
    if number is signal.SIGKILL or not child.ended:
        try:
            os.killpg(child.process.pid, number)
        except ProcessLookupError:
            return  # it ended meanwhile


def _end_with_parent() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def tail(log: Path, lines: int = 3) -> str:
    text = log.read_text(errors="replace").strip() if log.exists() else ""
    return " / ".join(text.splitlines()[-lines:]) or "nothing was said"


def free_port(wanted: int = 0) -> int:
    """The wanted port, or the next one that is free; 0: one that the system chooses. Raises DemoProblem."""
    for port in range(wanted, wanted + PORTS_TRIED) if wanted else (0,):
        with socket.socket() as probe:
            # As servers do it: a port whose last connections still linger counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
            return int(probe.getsockname()[1])
    raise DemoProblem(
        f"No port from {wanted} to {wanted + PORTS_TRIED - 1} is free: end what uses them, or name another."
    )
