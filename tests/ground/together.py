"""Do several things at once: each in a thread with connections of its own, all let go at one moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections

PATIENCE = 60.0


def together(*works: Callable[[], Any]) -> list[Any]:
    """What each gave, in their order; an exception counts as what it gave. Whoever hangs fails the test."""
    gate = threading.Barrier(len(works))
    gave: list[Any] = [None] * len(works)

    def do(number: int, work: Callable[[], Any]) -> None:
        gate.wait(PATIENCE)
        try:
            gave[number] = work()
        except Exception as error:  # noqa: BLE001 - what it raised is what the test looks at
            gave[number] = error
            return
        finally:
            connections.close_all()

    threads = [threading.Thread(target=do, args=one, daemon=True) for one in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads), "somebody waits for somebody for ever"
    return gave


def failures(gave: list[Any], *allowed: type[Exception]) -> list[Exception]:
    """What nobody expected."""
    return [one for one in gave if isinstance(one, Exception) and not isinstance(one, allowed)]
