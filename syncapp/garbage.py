"""Look for garbage rarely: a page makes a hundred thousand values without a circle, and each look goes over them.

Measured on first loads, the interpreter's own settings spend a fifth of a worker's time on looking.
"""

from __future__ import annotations

import gc

# New objects before the youngest are looked at (700 by default), and how many such looks before older ones are.
YOUNGEST, OLDER, OLDEST = 100_000, 20, 50


def look_rarely() -> None:
    """For a process that lives long: what it was started with is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNGEST, OLDER, OLDEST)
