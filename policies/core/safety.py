"""Halts before harm and the ping-pong guard: pure arithmetic over counts and times that are handed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .rules import Guards, Limits


@dataclass(frozen=True, slots=True)
class Counts:
    """What one run saw of one feed, taken before its first record is judged."""

    read: int = 0
    changed: int = 0
    deleted: int = 0
    known: int = 0  # links of the feed before the run
    rewound: int = 0
    empty: bool = False  # a complete listing showed nothing at all


@dataclass(frozen=True, slots=True)
class Halt:
    """One reason to stop and ask; `code` is for machines, `sentence` for the reader."""

    code: str
    sentence: str
    count: int = 0  # of the records that are too many


def halts(counts: Counts, limits: Limits) -> tuple[Halt, ...]:
    """Every reason not to go on with this run; none when it looks like an ordinary day."""
    known = counts.known
    return tuple(
        halt
        for halt in (
            _mass("mass_delete", "were deleted", counts.deleted, known, limits.deletes, limits.delete_share),
            _mass("mass_change", "changed", counts.changed, known, limits.changes, limits.change_share),
            _mass("mass_rewind", "were set back", counts.rewound, known, limits.rewinds, limits.rewind_share),
            _emptied(counts),
            _all_changed(counts, limits),
        )
        if halt is not None
    )


def is_much(counts: Counts, limits: Limits) -> bool:
    """Could there be a reason to halt, for some number of known records? Only then they have to be counted."""
    beyond = (
        counts.deleted > limits.deletes or counts.rewound > limits.rewinds,
        counts.changed > limits.changes or counts.changed >= limits.all_changed,
    )
    return counts.empty or any(beyond)


def unseen(counts: Counts, limits: Limits) -> Halt | None:
    """Of a complete listing: did it leave out more than deletes explain?"""
    said = "were left out by a complete listing"
    return _mass("mass_delete", said, counts.deleted, counts.known, limits.deletes, limits.delete_share)


def _mass(code: str, what: str, count: int, known: int, number: int, share: float) -> Halt | None:
    if count <= number or count <= known * share:
        return None
    return Halt(
        code,
        f"{count} of {known} known records {what} at once; more than {number} and {share:.0%} needs a person. "
        "Look at the list, then release all or part of it.",
        count,
    )


def near_miss_rate(near: int, written: int, limits: Limits) -> Halt | None:
    """Too many of the writes of the window came back different: something there rewrites what is written."""
    if near <= limits.near_misses or near <= written * limits.near_miss_share:
        return None
    return Halt(
        "near_misses",
        f"{near} of {written} writes came back different from what was sent; more than {limits.near_misses} and "
        f"{limits.near_miss_share:.0%} needs a person. Something there rewrites what the hub writes: find it, or say "
        "in the provider's file what it makes of values.",
    )


def quota_used(limit: int, remaining: int, share: float) -> Halt | None:
    """The hub leaves the rest of the day's calls to others, and to its own reading."""
    used = limit - remaining
    if limit <= 0 or used < limit * share:
        return None
    return Halt(
        "quota",
        f"{used:,} of {limit:,} calls of the daily quota are used, {share:.0%} is where the hub stops writing. "
        "It goes on when the quota begins anew, or when a person releases it.",
    )


def settles_in(changed_at: datetime, now: datetime, delay: timedelta) -> timedelta:
    """How long until a change has stood there for so long. Clocks differ: a time just ahead of ours is now."""
    age = max(now - changed_at, timedelta(0))
    return max(delay - age, timedelta(0))


def _emptied(counts: Counts) -> Halt | None:
    if not counts.empty or counts.known == 0:
        return None
    return Halt(
        "emptied_feed",
        f"the account shows no records at all, but {counts.known} are known. "
        "Check the credentials and the filter of the feed; nothing is deleted until a person says so.",
    )


def _all_changed(counts: Counts, limits: Limits) -> Halt | None:
    if counts.known < limits.all_changed or counts.changed < counts.known:
        return None
    return Halt(
        "all_changed",
        f"every one of {counts.known} known records changed in one run, which usually means a changed export or "
        "mapping. Look at some of them, then release the run or take it as the new baseline.",
    )


def trim_moves(moves: Sequence[datetime], now: datetime, guards: Guards) -> tuple[datetime, ...]:
    """The moves that can still count: those within the window, and no more of them than the guard looks at."""
    kept = tuple(move for move in moves if move > now - guards.window)
    return kept[-(guards.ping_pong + 1) :]


def moves_in_window(moves: Sequence[datetime], now: datetime, window: timedelta) -> int:
    """How many moves fall into the window that ends now."""
    return sum(now - window < move <= now for move in moves)


def ping_pong(moves: Sequence[datetime], now: datetime, guards: Guards) -> bool:
    """Whether the field moved more often than the guard allows."""
    return moves_in_window(moves, now, guards.window) > guards.ping_pong
