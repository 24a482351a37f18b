"""A look that was repeated often enough: what it shows is believed, even at a lower version (semantics §3, row 3).

The workers that write look too, and an account that was set back to an older state must not keep them waiting for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from policies.core.seen import Observation
from policies.core.values import Values

from .ports import Listing, Remote, Written

# A stale look is repeated so often, longer and longer apart; the next one is believed whatever its version says.
REPEATS = 5


class LastLook:
    """Implements `ports.Remote` over another one; only reads by id differ."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self.role = remote.role

    def read(self, remote_id: str) -> Observation:
        return replace(self._remote.read(remote_id), last=True)

    def pages(self, cursor: str, *, full: bool = False) -> Iterator[Listing]:
        return self._remote.pages(cursor, full=full)

    def find(self, values: Values, external_id: str) -> Sequence[Observation]:
        return self._remote.find(values, external_id)

    def create(self, values: Values, *, key: str, external_id: str) -> Written:
        return self._remote.create(values, key=key, external_id=external_id)

    def update(self, remote_id: str, values: Values, *, version: str | None, key: str) -> Written:
        return self._remote.update(remote_id, values, version=version, key=key)

    def delete(self, remote_id: str, *, version: str | None, key: str) -> None:
        self._remote.delete(remote_id, version=version, key=key)
