"""How values, differences and durations are shown."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncapp.marked import LONGEST, marked
from syncapp.templatetags.concord import duration, shortened
from syncapp.words import Words, sentence, text


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("a b c", "a b c", "a b c"),
        ("+49 30 1", "+49 30 2", "+49 30 <del>1</del><ins>2</ins>"),
        ("Main Street 1", "Main Road 1", "Main <del>Street</del><ins>Road</ins> 1"),
        ("Ada", "Grace", "<ins>Grace</ins>"),
        ("a < b", "a < c", "a &lt; <del>b</del><ins>c</ins>"),
        ("nothing", "<i>", "<ins>&lt;i&gt;</ins>"),
    ],
)
def test_differences_are_marked_within_the_text(before: str, after: str, shown: str) -> None:
    assert marked(before, after) == shown


def test_a_very_long_text_is_marked_whole() -> None:
    assert marked("x y " * LONGEST, "x z " * LONGEST).startswith("<ins>x z")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "nothing"),
        (True, "yes"),
        (["b", "a"], "b, a"),
        ([], "an empty list"),
        ({"de": "Hallo"}, '{"de": "Hallo"}'),
        ({"$invalid": "12x", "reason": "no number"}, "12x"),
        (0, "0"),
    ],
)
def test_values_as_text(value: object, shown: str) -> None:
    assert text(value) == shown


def test_a_bundle_names_its_members() -> None:
    words = Words({"street": "Street"}, {})
    assert words.values({"street": "Main 1", "city": "Rome", "zip": None}) == "Street: Main 1; City: Rome"


def test_a_reason_of_another_release_is_shown_as_it_is() -> None:
    assert Words().why("not_known_here") == "Not known here"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3700, "1 h 1 min"),
        (90061, "1 day 1 h"),
        (172800, "2 days"),
        (-5, "0 s"),
    ],
)
def test_durations(seconds: float, shown: str) -> None:
    assert duration(timedelta(seconds=seconds)) == shown


@pytest.mark.parametrize(("said", "told"), [("No", "No."), ("No.", "No."), ("Why?", "Why?")])
def test_a_sentence_ends_once(said: str, told: str) -> None:
    assert sentence(said) == told


def test_a_long_value_is_shown_by_its_beginning() -> None:
    assert shortened("<b>") == "&lt;b&gt;"
    told = shortened("<i>" + "x" * 500)
    assert told.startswith('<details class="cc-long"><summary>&lt;i&gt;x') and "show all, 503 characters" in told
    assert told.count("x" * 500) == 1 and "<i>" not in told
    assert "<ins>" in shortened(marked("a " * 300, "b " * 300))
