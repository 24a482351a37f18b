"""The demo to play with: start everything, wait for the first load, say where to look, and stop cleanly."""

from __future__ import annotations

import fcntl
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from .processes import DemoProblem, Supervisor
from .rest import Tell, at_rest, loaded, standing, wait_until
from .screen import screen
from .setup import build, choose_ports, kept_folder, start_hub, write_env_file

FIRST_LOAD_SECONDS = 180.0
Logins = Sequence[tuple[str, str, str]]


class Ended(Exception):
    """Somebody asked for the end: Ctrl-C, or SIGTERM."""


@contextmanager
def until_asked_to_stop() -> Iterator[None]:
    """SIGINT and SIGTERM end the block; a second one does not disturb the cleaning up."""

    def end(number: int, frame: FrameType | None) -> None:
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, signal.SIG_IGN)
        raise Ended

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except Ended:
        return
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """A second Ctrl-C of an impatient person does not interrupt the cleaning up: that would leave orphans."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def supervised(logs: Path) -> Iterator[Supervisor]:
    """However it ends, nothing is left running."""
    supervisor = Supervisor(logs)
    try:
        yield supervisor
    finally:
        with undisturbed():
            supervisor.stop()


def only_one(folder: Path) -> IO[str]:
    """Two demos on the same data would write into the same files. The lock is held until the process ends."""
    lock = (folder / "demo.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise DemoProblem(f"The demo already runs with the data in {folder}: end it, or set CONCORD_DATA.") from None
    return lock


def play(ports: Mapping[str, int], make_logins: Callable[[], Logins], tell: Tell) -> None:
    """Run until asked to stop. Raises DemoProblem."""
    folder = kept_folder()
    with only_one(folder), until_asked_to_stop(), supervised(folder / "logs") as supervisor:
        demo = build(supervisor, choose_ports(ports, tell), tell)
        logins = make_logins()
        start_hub(demo, tell)
        demo.hook()
        tell("Waiting until the four systems agree")
        wait_until(lambda: loaded() and at_rest(demo.sandboxes), "Rest", supervisor, FIRST_LOAD_SECONDS, tell)
        tell(f"  {standing()}")
        tell(screen(demo, logins, write_env_file(demo)))
        while True:
            supervisor.check()
            time.sleep(0.5)
    tell("Stopped. Starting again continues with the same data.")
