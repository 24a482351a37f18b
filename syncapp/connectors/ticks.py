"""Many records changed at one time, more than fit on a page: whether all of them were seen.

Pages of one time are counted, so a record that changes meanwhile leaves it and another slides past what was read. The
time is therefore read again until two walks over it agree: as many records up to that time, and the same one first
behind it. The second of them has then lost none. One that it lost makes it shorter than the walk before, unless that
one lost as many; but those it lost were lost by records that went away, and that makes the second shorter, too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zlib import crc32

from syncapp.connectors.errors import PlaceLost
from syncapp.connectors.records import Item

WRITTEN = re.compile(r"(\d*)(?:\.(\d+)\.(\d*)\.(\d+))?")
MOST_WALKS = 10


@dataclass(frozen=True, slots=True)
class Tick:
    """How many records up to the time this walk saw, what the walk before found, and which walk it is."""

    seen: int = 0
    before: str = ""
    walk: int = 0

    def __bool__(self) -> bool:
        return bool(self.seen or self.before)

    def saw(self, floor: datetime, items: Sequence[Item]) -> Tick:
        upto = sum(item.updated_at is None or item.updated_at <= floor for item in items)
        return replace(self, seen=self.seen + upto)

    def again(self, floor: datetime, items: Sequence[Item], where: str) -> Tick | None:
        """The next walk, or None where this one agrees with the one before. Raises PlaceLost."""
        first = items[0] if items else None
        behind = first.id if first and first.updated_at and first.updated_at > floor else ""
        found = str(crc32(f"{self.seen} {behind}".encode()))
        if found == self.before:
            return None
        if self.walk >= MOST_WALKS:
            raise PlaceLost(
                f"the records that changed at {floor.isoformat()} changed again each of the {MOST_WALKS} times that "
                "they were read",
                where,
                "nothing to do: everything is listed now",
            )
        return Tick(0, found, self.walk + 1)


NONE = Tick()


def written(read: int, tick: Tick) -> str:
    """``650``, or with a time that is being read: ``650.300.123456.1``."""
    return f"{read}.{tick.seen}.{tick.before}.{tick.walk}" if tick else str(read) if read else ""


def read(text: str) -> tuple[int, Tick]:
    """Raises ValueError."""
    told = WRITTEN.fullmatch(text)
    if told is None:
        raise ValueError(f"{text!r} is no number of records")
    seen, before, walk = told[2], told[3], told[4]
    return int(told[1] or 0), Tick(int(seen), before, int(walk)) if seen else NONE
