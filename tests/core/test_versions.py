"""Order of remote versions, and version vectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.core.values import Base, Belief, Link, Record
from policies.core.versions import between, compare, lower, order, vector

vectors = st.dictionaries(st.sampled_from(["hub", "crm", "app"]), st.integers(0, 3))
MIRRORED = {"before": "after", "after": "before", "equal": "equal", "concurrent": "concurrent"}


@pytest.mark.parametrize(
    ("version", "place"),
    [("17", 17), ("007", 7), (None, None), ("", None), ('"17"', None), ("1.5", None), ("-1", None), ("٣", None)],
)
def test_only_digits_have_an_order(version, place):
    assert order(version) == place


def test_lower_and_between_are_strict_and_never_guess():
    assert lower("9", "10")
    assert not lower("10", "10")
    assert not lower("9", "etag")
    assert between("1", "2", "3")
    assert not between("1", "3", "3")
    assert not between(None, "2", "3")


def test_the_vector_names_the_hub_and_every_joined_link():
    record = Record(
        "r",
        beliefs={"name": Belief({"name": "Ada"}, v=4)},
        links={"crm": Link("crm", bases={"name": Base({}, {}, k=3)}), "app": Link("app")},
    )
    assert vector(record, "name") == {"hub": 4, "crm": 3}
    assert vector(record, "phone") == {"hub": 0}


def test_vectors_compare():
    assert compare({"hub": 1}, {"hub": 2}) == "before"
    assert compare({"hub": 2, "crm": 1}, {"hub": 2}) == "after"
    assert compare({"hub": 2, "crm": 0}, {"hub": 2}) == "equal"
    assert compare({"hub": 2}, {"crm": 1}) == "concurrent"


@given(vectors, vectors)
def test_comparing_the_other_way_round_mirrors(left, right):
    assert compare(right, left) == MIRRORED[compare(left, right)]
