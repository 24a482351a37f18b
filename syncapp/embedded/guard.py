"""Stop the servers when their last user has gone, however it went: run as `python -m syncapp.embedded.guard FOLDER`.

A lock on a file is released by the kernel when its holder ends, also by kill -9. The guard waits for the exclusive
lock; once it has it nobody uses the servers, and nobody can begin to while it stops them.
"""

import fcntl
import sys
import time
from pathlib import Path
from typing import IO

from syncapp.embedded import postgres, redis
from syncapp.embedded.place import Place, open_lock


def watch(place: Place) -> None:
    watch_lock = _take_watch(place)
    if watch_lock is None:
        return
    # The watch is given up before the users' lock: who gets in next must see that nobody is on watch any more.
    with open_lock(place.users) as users, watch_lock:
        while True:
            fcntl.flock(users, fcntl.LOCK_EX)
            if not place.keep.exists():
                redis.stop(place)
                postgres.stop(place)
                return
            fcntl.flock(users, fcntl.LOCK_UN)
            time.sleep(0.5)


def _take_watch(place: Place) -> IO[str] | None:
    watch_lock = open_lock(place.guard)
    try:
        fcntl.flock(watch_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None  # another guard is on watch
    return watch_lock


if __name__ == "__main__":
    watch(Place(Path(sys.argv[1])))
