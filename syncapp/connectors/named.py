"""Answers that only name records: which ids there are in them, whatever they stand in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from syncapp.connectors.errors import Malformed
from syncapp.connectors.expressions import Source, reads, told
from syncapp.connectors.paths import ABSENT, as_text


def named_ids(source: Source, entries: Sequence[Any], where: str) -> tuple[str, ...]:
    """Each id once, in the order of the answer. Raises Malformed where something else than ids is in their place."""
    read = reads(source)
    return tuple(dict.fromkeys(id for entry in entries for id in _ids(read(entry), source, where)))


def _ids(value: Any, source: Source, where: str) -> Iterator[str]:
    """An id, a list of ids, or an object of which the keys are ids."""
    if value is ABSENT or value is None:
        return
    if isinstance(value, dict):
        yield from value
    elif isinstance(value, list):
        for entry in value:
            yield from _ids(entry, source, where)
    elif (text := as_text(value)) and not isinstance(value, bool):
        yield text
    else:
        raise Malformed(
            f"what stands at {told(source)!r} is no id: {value!r:.40}", where, "check 'ids' in the manifest"
        )
