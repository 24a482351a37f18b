"""Three-way merges: examples, overlaps, and the properties every merge keeps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.core.merge import MERGEABLE, Overlap, Unbased, is_counter, lift_text, merge
from policies.core.types import field_type

SAMPLES = {
    "set": st.lists(st.sampled_from("abcde"), max_size=4).map(lambda found: sorted(set(found))),
    "list": st.lists(st.sampled_from("abc"), max_size=3),
    "counter": st.integers(-(2**53), 2**53).map(lambda number: field_type("counter").normalise(number)),
    "map": st.dictionaries(st.sampled_from("abc"), st.sampled_from([1, True, "x", None]), max_size=3),
    "long_text": st.lists(st.sampled_from("abcd"), min_size=1, max_size=8).map("\n".join),
}
triples = st.sampled_from(sorted(SAMPLES)).flatmap(lambda kind: st.tuples(st.just(kind), *[SAMPLES[kind]] * 3))


def attempt(*args):
    try:
        return merge(*args)
    except Overlap as overlap:
        return f"overlap: {overlap}"


@pytest.mark.parametrize(
    ("kind", "base", "hub", "theirs", "merged"),
    [
        ("set", ["a", "b"], ["a", "b", "c"], ["b", "d"], ["b", "c", "d"]),
        ("set", [], ["a"], ["b"], ["a", "b"]),
        ("counter", 10, 12, 12, 14),
        ("counter", 10, 7, 15, 12),
        ("counter", 0, 2**53 - 1, 1, "9007199254740992"),
        ("map", {"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "c": 3}, {"a": 2, "c": 3}),
        ("map", {"a": 1}, {"a": 2, "b": 1}, {"a": 2}, {"a": 2, "b": 1}),
        ("long_text", "a\nb\nc", "A\nb\nc", "a\nb\nC", "A\nb\nC"),
        ("long_text", "a\nb\nc\nd", "A\nb\nc\nd", "A\nb\nc\nD", "A\nb\nc\nD"),
        ("list", ["a"], ["a", "b"], ["a", "b"], ["a", "b"]),
    ],
)
def test_changes_of_both_sides_come_together(kind, base, hub, theirs, merged):
    assert merge(kind, base, hub, theirs) == merged


@pytest.mark.parametrize(
    ("kind", "base", "hub", "theirs", "words"),
    [
        ("map", {"a": 1}, {"a": 2}, {"a": 3}, "'a' differently"),
        ("map", {"a": 1}, {}, {"a": 3}, "'a' differently"),
        ("map", {"a": 1}, {"a": True}, {"a": 3}, "'a' differently"),
        ("long_text", "a\nb", "A\nb", "x\nb", "line 1"),
        ("long_text", "a\nb", "A\nb", "a\nB", "line 2"),
        ("long_text", "a\nb\nc", "b", "a\nc", "line"),
        ("list", ["a"], ["b"], ["c"], "order"),
        ("set", ["a"], None, ["b"], "emptied"),
        ("counter", 1, None, 2, "emptied"),
    ],
)
def test_the_same_part_changed_twice_is_an_overlap(kind, base, hub, theirs, words):
    with pytest.raises(Overlap, match=words):
        merge(kind, base, hub, theirs)


@pytest.mark.parametrize("kind", sorted(MERGEABLE))
def test_without_a_base_or_a_value_nothing_can_be_told(kind):
    for base, theirs in ((None, "x"), ("x", None)):
        with pytest.raises(Unbased, match="cannot be told"):
            merge(kind, base, "x", theirs)


def test_an_element_added_again_survives_a_removal():
    assert merge("set", ["a", "b"], ["a", "b"], ["b"], frozenset("a")) == ["a", "b"]
    assert merge("set", ["a", "b"], ["a", "b"], ["b"]) == ["b"]


def test_a_text_emptied_by_both_halves_is_asked_about():
    with pytest.raises(Overlap, match="no text"):
        merge("long_text", "a\n\nb", "\n\nb", "a\n\n")


@given(triples)
def test_one_side_alone_is_taken_whole(triple):
    kind, base, other, _ = triple
    assert merge(kind, base, other, base) == other
    assert merge(kind, base, base, other) == other


@given(triples)
def test_two_sides_merge_alike_in_either_order(triple):
    kind, base, left, right = triple
    first, second = attempt(kind, base, left, right), attempt(kind, base, right, left)
    assert first == second


@given(triples)
def test_equal_changes_are_made_once_except_in_counters(triple):
    kind, base, both, _ = triple
    merged = merge(kind, base, both, both)
    assert int(merged) == 2 * int(both) - int(base) if is_counter(kind) else merged == both


def test_a_cut_text_is_lifted():
    assert lift_text("one\ntwo\nthr", "ONE\ntwo\nthr", "one\ntwo\nthree") == "ONE\ntwo\nthree"
    assert lift_text("one\nthr", "one\nthr", "one\nthree") == "one\nthree"
    assert lift_text("one\nthr", "one\nTHR", "one\nthree") == "one\nTHR"
    assert lift_text(None, "one", "two") == "one"
    assert lift_text("one", None, "two") is None


def test_other_kinds_are_refused():
    with pytest.raises(ValueError, match="mergeable: counter, list"):
        merge("date", 1, 1, 1)


def test_of_several_overlaps_the_first_by_name_is_told():
    with pytest.raises(Overlap, match="'a' differently"):
        merge("map", {}, {"c": 1, "b": 1, "a": 1}, {"b": 2, "c": 2, "a": 2})
