"""Try a locked step again when another worker was in the way, a few times and not for ever."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from .load import Contended

T = TypeVar("T")
TRIES = 5


def again(step: Callable[[], T], tries: int = TRIES) -> T:
    """Raises Contended when the last try met somebody else too."""
    for _ in range(tries - 1):
        try:
            return step()
        except Contended:
            time.sleep(random.uniform(0.02, 0.1))  # noqa: S311 - spreads retries, keeps no secret
    return step()
