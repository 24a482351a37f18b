"""What a pass is made of: time inside named functions, without what other named functions inside them took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any


class Stopwatch:
    """Seconds per name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inside: list[float] = []

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            self._inside.append(0.0)
            try:
                return function(*args, **kwargs)
            finally:
                took = time.perf_counter() - started
                within = self._inside.pop()
                self.seconds[name] = self.seconds.get(name, 0.0) + took - within
                if self._inside:
                    self._inside[-1] += took

        return timed

    @contextmanager
    def watching(self, parts: Sequence[tuple[str, Any, str]]) -> Iterator[None]:
        """For the length of the block, (name, owner, attribute) are timed."""
        before = [(owner, attribute, getattr(owner, attribute)) for _, owner, attribute in parts]
        kept = [owner.__dict__[attribute] for owner, attribute, _ in before]
        for name, owner, attribute in parts:
            setattr(owner, attribute, self.around(name, getattr(owner, attribute)))
        try:
            yield
        finally:
            for (owner, attribute, _), was in zip(before, kept, strict=True):
                setattr(owner, attribute, was)
