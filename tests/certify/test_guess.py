"""From what came back to the words for the file."""

from __future__ import annotations

from typing import Any

import pytest

from syncapp.certify.guess import guess

LONG = "abcdefghij" * 6


@pytest.mark.parametrize(
    ("kind", "declared", "pairs", "wanted"),
    [
        ("text", [], [("Ann", "Ann")], []),
        ("text", [], [("Ann", "ann")], ["lower"]),
        ("text", ["trim"], [("Ann Lee", "ann lee")], ["trim", "lower"]),
        ("text", ["upper"], [("Ann", "Ann")], []),
        ("text", [], [(LONG, LONG[:40]), ("short", "short")], [{"truncate": 40}]),
        ("text", [], [("A  b", "a b")], ["lower", "collapse_spaces"]),
        ("decimal", [], [("1.005000000", "1.010000000")], [{"scale_half_up": 2}]),
        ("decimal", [], [("1.015000000", "1.020000000"), ("1.005000000", "1.000000000")], [{"scale": 2}]),
        ("datetime", [], [("2026-03-29T01:30:00.123Z", "2026-03-29T01:30:00.000Z")], ["seconds"]),
        ("list", [], [(["b", "a", "a"], ["a", "b"])], ["sort", "unique"]),
        ("text", [], [("Ann", "Bob")], None),
    ],
)
def test_the_shortest_list_that_explains_all(kind: str, declared: list[Any], pairs: list[Any], wanted: Any) -> None:
    assert guess(pairs, kind, declared) == wanted
