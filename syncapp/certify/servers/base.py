"""A real server as a process of its own, for as long as a block lasts."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


class NoServer(Exception):
    """The server is not installed or does not start: the sentence says what to do."""


@contextmanager
def process(
    command: Sequence[str], first_line: bool = False, *, cwd: Path = ROOT, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running program, and its first line where it is waited for. It is ended with the block."""
    out = subprocess.PIPE if first_line else subprocess.DEVNULL
    running = subprocess.Popen(
        command, stdout=out, stderr=subprocess.DEVNULL, text=True, cwd=cwd,
        env=None if environment is None else dict(environment),
    )  # fmt: skip
    try:
        line = running.stdout.readline() if running.stdout is not None else ""
        if first_line and not line:
            raise NoServer(f"{Path(command[0]).name} ended at once; start it by hand to see why: {' '.join(command)}")
        yield running, line
    finally:
        running.terminate()
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait(10)
        if running.stdout is not None:
            running.stdout.close()


def wait_until(answers: Callable[[], bool], running: subprocess.Popen[str], seconds: float = 30.0) -> None:
    """Raises NoServer if the program ends or does not answer in time."""
    deadline = time.monotonic() + seconds
    while not answers():
        if running.poll() is not None:
            raise NoServer(f"{running.args!r} ended at once")
        if time.monotonic() > deadline:
            raise NoServer(f"{running.args!r} did not answer within {seconds:.0f} s")
        time.sleep(0.1)


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
