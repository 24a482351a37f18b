"""Halts before harm, and the ping-pong guard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from policies.core.rules import Guards, Limits
from policies.core.safety import (
    Counts,
    halts,
    is_much,
    moves_in_window,
    near_miss_rate,
    ping_pong,
    quota_used,
    settles_in,
    trim_moves,
    unseen,
)

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
GUARDS = Guards(ping_pong=3, window=timedelta(minutes=10))


def ago(*minutes: int) -> tuple[datetime, ...]:
    return tuple(NOW - timedelta(minutes=minute) for minute in minutes)


@pytest.mark.parametrize(
    ("counts", "codes"),
    [
        (Counts(), []),
        (Counts(read=10, changed=10, known=10), []),
        (Counts(deleted=20, known=20), []),
        (Counts(deleted=21, known=20), ["mass_delete"]),
        (Counts(deleted=100, known=1000), []),
        (Counts(deleted=101, known=1000), ["mass_delete"]),
        (Counts(changed=501, known=1000), ["mass_change"]),
        (Counts(changed=501, known=100_000), []),
        (Counts(changed=50, known=50), ["all_changed"]),
        (Counts(changed=49, known=49), []),
        (Counts(rewound=6, known=100), ["mass_rewind"]),
        (Counts(rewound=5, known=100), []),
        (Counts(empty=True, known=1), ["emptied_feed"]),
        (Counts(empty=True, known=0), []),
        (Counts(changed=600, deleted=600, known=600), ["mass_delete", "mass_change", "all_changed"]),
    ],
)
def test_a_run_halts_when_it_would_harm(counts, codes):
    found = halts(counts, Limits())
    assert is_much(counts, Limits()) or not codes, "the known records are counted only where it may matter"
    assert [halt.code for halt in found] == codes
    assert all(str(counts.known) in halt.sentence and "{" not in halt.sentence for halt in found)


def test_on_an_ordinary_day_nothing_has_to_be_counted():
    assert not is_much(Counts(read=10_000, changed=49, deleted=20, rewound=5), Limits())
    for counts in (Counts(changed=50), Counts(deleted=21), Counts(rewound=6), Counts(empty=True)):
        assert is_much(counts, Limits())


def test_the_sentence_says_what_to_do():
    [halt] = halts(Counts(deleted=30, known=100), Limits(deletes=5, delete_share=0.2))
    assert halt.sentence.startswith("30 of 100 known records were deleted at once; more than 5 and 20%")
    assert "release all or part" in halt.sentence


@pytest.mark.parametrize(("left_out", "halts_it"), [(0, False), (20, False), (21, True), (100, True)])
def test_a_listing_that_leaves_out_more_than_deletes_explain_halts(left_out, halts_it):
    found = unseen(Counts(deleted=left_out, known=100), Limits())
    assert (found is not None) == halts_it
    assert found is None or f"{left_out} of 100 known records were left out by a complete listing" in found.sentence


def test_moves_count_only_within_the_window():
    assert moves_in_window(ago(11, 10, 9, 0), NOW, GUARDS.window) == 2
    assert moves_in_window(ago(-5), NOW, GUARDS.window) == 0


def test_more_moves_than_allowed_are_ping_pong():
    assert not ping_pong(ago(3, 2, 1), NOW, GUARDS)
    assert ping_pong(ago(3, 2, 1, 0), NOW, GUARDS)
    assert not ping_pong(ago(12, 11, 1, 0), NOW, GUARDS)


def test_trimming_never_changes_the_answer():
    for moves in (ago(), ago(30, 20), ago(30, 9, 8, 7), ago(9, 8, 7, 6, 5, 4)):
        trimmed = trim_moves(moves, NOW, GUARDS)
        assert ping_pong(trimmed, NOW, GUARDS) == ping_pong(moves, NOW, GUARDS)
        assert len(trimmed) <= GUARDS.ping_pong + 1


@pytest.mark.parametrize(
    ("near", "written", "trips"), [(0, 0, False), (5, 5, False), (6, 6, True), (6, 60, False), (13, 60, True)]
)
def test_writes_that_come_back_different(near, written, trips):
    found = near_miss_rate(near, written, Limits(near_misses=5, near_miss_share=0.2))
    assert (found is not None) is trips
    assert found is None or (found.code, f"{near} of {written} writes" in found.sentence) == ("near_misses", True)


@pytest.mark.parametrize(
    ("limit", "remaining", "trips"), [(1000, 201, False), (1000, 200, True), (1000, 0, True), (0, 0, False)]
)
def test_a_share_of_the_quota(limit, remaining, trips):
    assert (quota_used(limit, remaining, 0.8) is not None) is trips


def test_a_change_settles():
    delay = timedelta(seconds=5)
    assert settles_in(NOW, NOW, delay) == delay
    assert settles_in(NOW - timedelta(seconds=4), NOW, delay) == timedelta(seconds=1)
    assert settles_in(NOW - timedelta(seconds=5), NOW, delay) == timedelta(0)
    assert settles_in(NOW + timedelta(seconds=1), NOW, delay) == delay, "a clock that is a little ahead"
    assert settles_in(NOW, NOW, timedelta(0)) == timedelta(0)
