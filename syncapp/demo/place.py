"""A data place of the headless demo's own: fresh databases, removed afterwards unless something went wrong."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

from syncapp import embedded
from syncapp.embedded.place import Place, find_place, make_data_folder

INSIDE = "CONCORD_DEMO_INSIDE"
PATIENCE = 30.0
# Those of the hub itself; the fresh place makes its own.
NOT_PASSED = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "CONCORD_CREDENTIAL_KEYS", "CONCORD_CLOCK_OFFSET")


def inside() -> bool:
    return bool(os.environ.get(INSIDE))


def in_fresh_place(command: Sequence[str], **more: str) -> int:
    """Run the command with a place of its own; its exit code."""
    place = Place(find_place().folder.parent / f"demo-{secrets.token_hex(4)}")
    make_data_folder(place)
    env = {name: value for name, value in os.environ.items() if name not in NOT_PASSED}
    running = subprocess.Popen(
        [sys.executable, *command], env={**env, **more, "CONCORD_DATA": str(place.folder), INSIDE: "1"}
    )

    def pass_on(number: int, frame: FrameType | None) -> None:
        # Ctrl-C reaches the child by itself: it is in the same group.
        if number == signal.SIGTERM:
            running.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        code = running.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    _clear(place, keep=code != 0)
    return code


def _clear(place: Place, keep: bool) -> None:
    embedded.stop_kept(place)
    deadline = time.monotonic() + PATIENCE
    while not embedded.all_gone(place) and time.monotonic() < deadline:
        time.sleep(0.05)
    if keep:
        sys.stderr.write(
            f"The logs are in {place.folder / 'demo' / 'logs'}; remove {place.folder} when you have read them.\n"
        )
    else:
        shutil.rmtree(place.folder)
