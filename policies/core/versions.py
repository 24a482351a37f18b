"""Remote versions (order of reads of one link) and version vectors (what explains a belief)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from .values import HUB, Record

Relation = Literal["before", "after", "equal", "concurrent"]
_ORDERED = re.compile(r"[0-9]{1,40}")


def order(version: str | None) -> int | None:
    """The place of an ordered remote version; None for one that has no order (an etag, a time, nothing)."""
    return int(version) if version is not None and _ORDERED.fullmatch(version) else None


def lower(left: str | None, right: str | None) -> bool:
    """Whether left is certainly an earlier version than right."""
    first, second = order(left), order(right)
    return first is not None and second is not None and first < second


def between(low: str | None, x: str | None, high: str | None) -> bool:
    """Whether x certainly lies strictly between low and high."""
    return lower(low, x) and lower(x, high)


def vector(record: Record, unit: str) -> dict[str, int]:
    """The version vector of one unit: the hub's version, and the one that each link last joined."""
    belief = record.beliefs.get(unit)
    joined = {role: link.bases[unit].k for role, link in record.links.items() if unit in link.bases}
    return {HUB: belief.v if belief is not None else 0, **joined}


def compare(left: Mapping[str, int], right: Mapping[str, int]) -> Relation:
    """How two vectors stand to each other; a counter that is not named is 0."""
    keys = left.keys() | right.keys()
    behind = any(left.get(key, 0) < right.get(key, 0) for key in keys)
    ahead = any(left.get(key, 0) > right.get(key, 0) for key in keys)
    if behind and ahead:
        return "concurrent"
    if behind:
        return "before"
    return "after" if ahead else "equal"
