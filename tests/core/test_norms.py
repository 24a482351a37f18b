"""As-stored forms: each by example, every composition idempotent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.core.norms import norm, same_form
from policies.core.types import invalid_value, same

from .strategies import canonical

NAMES = [
    "trim",
    "lower",
    "upper",
    "collapse_spaces",
    "digits",
    "ascii",
    "nfc",
    "seconds",
    "minutes",
    "date",
    "sort",
    "unique",
    "empty_null",
]
specs = st.lists(
    st.sampled_from(NAMES)
    | st.builds(lambda n: {"truncate": n}, st.integers(0, 12))
    | st.builds(lambda name, n: {name: n}, st.sampled_from(("scale", "scale_half_up")), st.integers(0, 3)),
    max_size=4,
)
tricky = st.from_regex(r"-?[0-9]{1,3}\.[0-9]{1,3}", fullmatch=True) | st.sampled_from(
    ["2026-11-20T10:11:12.123Z", "2026-11-20", "ΑΣ ss", "ßŉ", "İ", "ﬃ", "a  b \n c"]
)


@pytest.mark.parametrize(
    ("spec", "value", "stored"),
    [
        (["trim"], " a ", "a"),
        (["lower"], "Ada", "ada"),
        (["upper"], ["ada"], ["ADA"]),
        (["collapse_spaces"], "a \t b\nc", "a b\nc"),
        ([{"truncate": 3}], "abcd", "abc"),
        (["trim", {"truncate": 3}], "ab cd", "ab"),
        (["digits"], "+49 30", "4930"),
        (["digits"], "abc", None),
        (["ascii"], "Zoë", "Zoe"),
        (["nfc"], "e\u0301", "\u00e9"),
        (["seconds"], "2026-11-20T10:11:12.123Z", "2026-11-20T10:11:12.000Z"),
        (["minutes"], "2026-11-20T10:11:12.123Z", "2026-11-20T10:11:00.000Z"),
        (["date"], "2026-11-20T10:11:12.123Z", "2026-11-20T00:00:00.000Z"),
        (["date"], "2026-11-20", "2026-11-20"),
        ([{"scale": 1}], "12.55", "12.60"),
        ([{"scale": 1}], "12.45", "12.40"),
        ([{"scale": 0}], "-0.4", "0.0"),
        ([{"scale_half_up": 2}], "1.005", "1.010"),
        ([{"scale_half_up": 2}], "-1.005", "-1.010"),
        ([{"scale": 2}], "twelve", "twelve"),
        (["sort"], ["b", "a"], ["a", "b"]),
        (["unique"], ["b", "a", "b"], ["b", "a"]),
        (["empty_null"], [], None),
        (["empty_null"], {}, None),
        (["empty_null"], False, False),
        (["empty_null"], 0, 0),
        (["lower"], 5, 5),
        (["lower"], None, None),
    ],
)
def test_a_normaliser_gives_the_stored_form(spec, value, stored):
    assert same(norm(spec)(value), stored)


@given(specs, canonical | tricky | st.lists(tricky), st.sampled_from(["", "set"]))
def test_every_composition_is_idempotent(names, value, kind):
    stored = norm(names, kind)
    assert same(stored(stored(value)), stored(value))


def test_a_set_stays_a_set():
    assert norm(["lower"], kind="set")(["B", "a", "b"]) == ["a", "b"]
    assert norm(["lower"])(["B", "a", "b"]) == ["b", "a", "b"]


def test_nothing_declared_is_the_identity():
    assert norm([]) is same_form


def test_a_refused_value_passes():
    refused = invalid_value("ABC ", "no")
    assert norm(["lower", "trim"])(refused) is refused


@pytest.mark.parametrize("spec", ["lowr", {"truncate": "3"}, {"truncate": -1}, {"truncate": True}, {"a": 1, "b": 2}, 7])
def test_a_wrong_name_is_explained(spec):
    with pytest.raises(ValueError, match=r"unknown normaliser .*; accepted: ascii, .*truncate: n"):
        norm([spec])
