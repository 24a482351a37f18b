"""Embedded PostgreSQL and Redis, for when DATABASE_URL and REDIS_URL are not set: `use()` is the way in.

Every process that uses them holds a shared lock until it ends; a guard process stops them with the last one.
Children of a fork share their parent's lock: it is free only when the last of them has gone.
"""

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from syncapp.embedded import postgres, programs, redis
from syncapp.embedded.place import (
    PROJECT,
    Place,
    ServerProblem,
    demand_reachable,
    find_place,
    give_folder,
    make_data_folder,
    open_lock,
    server_user,
)

__all__ = [
    "Place",
    "ServerProblem",
    "Status",
    "all_gone",
    "died",
    "find_place",
    "keep",
    "make_data_folder",
    "release",
    "status",
    "stop_kept",
    "use",
]

# The lock of this process, by data folder. Held open on purpose: closing the file would give the lock back.
_held: dict[Place, IO[str]] = {}


def use(place: Place | None = None) -> Place:
    """Be a user of the servers until this process ends; starts them if they do not run."""
    place = place or find_place()
    make_data_folder(place)
    if place not in _held:
        _held[place] = _take_lock(place)
    with _one_at_a_time(place):
        _ensure_servers(place)
        _ensure_guard(place)
    return place


def release(place: Place | None = None) -> None:
    """Stop being a user before the process ends; only tests and long-lived tools need it."""
    held = _held.pop(place or find_place(), None)
    if held is not None:
        held.close()


def keep(place: Place, wanted: bool) -> None:
    """Let the servers stay up without users, or not any more."""
    if wanted:
        place.keep.touch()
    else:
        place.keep.unlink(missing_ok=True)


def stop_kept(place: Place) -> None:
    """Have the servers stop as soon as nobody uses them, also if their guard was killed."""
    keep(place, False)
    if postgres.answers(place) or redis.answers(place):
        with _one_at_a_time(place):
            _ensure_guard(place)


@dataclass(frozen=True)
class Status:
    """What `manage.py servers status` says."""

    postgres: bool
    redis: bool
    users: tuple[int, ...]
    kept: bool


def status(place: Place) -> Status:
    return Status(postgres.answers(place), redis.answers(place), _user_ids(place), place.keep.exists())


def _take_lock(place: Place) -> IO[str]:
    # Waits while the guard stops the servers of the last user.
    lock = open_lock(place.users)
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


@contextmanager
def _one_at_a_time(place: Place) -> Iterator[None]:
    with open_lock(place.folder / "start.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _ensure_servers(place: Place) -> None:
    if postgres.answers(place) and redis.answers(place):
        return
    user = server_user()
    if user is not None:
        demand_reachable(place.postgres, user)
    give_folder(place.run, user)
    bin_folder, redis_program = programs.binaries(place, user)
    postgres.ensure(place, bin_folder, user)
    redis.ensure(place, redis_program, user)


def died(place: Place) -> bool:
    """A server that should run for its users has ended; one that only does not answer just now is left alone."""
    return _ended(postgres.answers(place), place.postgres, postgres.PROGRAM) or _ended(
        redis.answers(place), place.redis, redis.PROGRAM
    )


def _ended(answers: bool, folder: Path, program: str) -> bool:
    return not answers and not programs.processes_in(folder, program)


def all_gone(place: Place) -> bool:
    """No server runs, not even one that is stopping, and no guard is on watch."""
    left = programs.processes_in(place.postgres, postgres.PROGRAM) or programs.processes_in(place.redis, redis.PROGRAM)
    return not left and not _guard_on_watch(place)


def _guard_on_watch(place: Place) -> bool:
    with open_lock(place.guard) as probe:
        try:
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _ensure_guard(place: Place) -> None:
    """Start a guard; a second one sees the first and ends at once."""
    if _guard_on_watch(place):
        return
    programs.launch(
        [sys.executable, "-m", "syncapp.embedded.guard", place.folder], PROJECT, place.folder / "guard.log", None
    )


def _user_ids(place: Place) -> tuple[int, ...]:
    """Who holds the lock, where the kernel tells (Linux)."""
    try:
        lines = Path("/proc/locks").read_text().splitlines()
        inode = str(place.users.stat().st_ino)
    except FileNotFoundError:
        return ()
    rows = [line.split() for line in lines if " FLOCK " in line and " -> " not in line]
    return tuple(int(row[4]) for row in rows if row[3] == "READ" and row[5].split(":")[-1] == inode)
