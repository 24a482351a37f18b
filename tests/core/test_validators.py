"""Validators: what passes, and the sentence when it does not."""

from __future__ import annotations

import pytest

from policies.core.types import invalid_value
from policies.core.validators import validator


@pytest.mark.parametrize(
    ("spec", "fine", "wrong", "words"),
    [
        ("required", "a", "", "a value is required"),
        ("required", False, [], "a value is required"),
        ("required", 0, None, "a value is required"),
        ({"max_length": 3}, "abc", "abcd", "4 characters; at most 3"),
        ({"min_length": 1}, ["a"], [], "0 elements; at least 1"),
        ({"pattern": "[A-Z]{2}"}, "DE", "DEU", "'DEU' does not have the form"),
        ({"pattern": "(a+)+b"}, "ab", "a" * 1001, "at most 1000"),
        ({"pattern": "a+"}, ["a", "aa"], ["a", "b"], "'b' does not"),
        ({"min": 1}, "1.00", "0.99", "0.99 is less than 1"),
        ({"max": 9.5}, "9.50", 10, "10 is more than 9.5"),
        ({"max": 5}, 5, "many", "is not a number"),
        ({"max": 5}, 1, True, "is not a number"),
        ({"one_of": ["a", "b"]}, ["a"], ["a", "c"], "'c' is not one of a, b"),
        ({"one_of": [1]}, 1, True, "is not one of 1"),
        ({"not_before": "2026-01-01"}, "2026-01-01T00:00:00.000Z", "2025-12-31", "is before"),
        ({"not_after": "2026-01-01T12:00:00Z"}, "2026-01-01T12:00:00.000Z", "2026-01-01T12:00:00.001Z", "is after"),
        ({"not_after": "2026-01-01"}, "2026-01-01", 5, "is not a date"),
    ],
)
def test_a_validator_passes_or_says_why(spec, fine, wrong, words):
    check = validator(spec)
    assert check(fine) is None
    assert words in (check(wrong) or "")


@pytest.mark.parametrize(
    "spec", [{"max_length": 0}, {"pattern": "x"}, {"min": 1}, {"one_of": [1]}, {"required": False}]
)
def test_null_and_refused_values_are_not_its_business(spec):
    assert validator(spec)(None) is None
    assert validator(spec)(invalid_value("x", "no")) is None


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("max_length", "unknown validator 'max_length'; accepted: required, max, "),
        ({"longest": 3}, "accepted: required"),
        ({"max_length": -1}, "whole number"),
        ({"pattern": "("}, "not a regular expression"),
        ({"min": "low"}, "must be a number"),
        ({"min": True}, "must be a number"),
        ({"one_of": "abc"}, "must be a list"),
        ({"not_after": "soon"}, "not_after: got 'soon'; accepted: a date"),
        ({"not_after": ""}, "must be a date"),
    ],
)
def test_a_wrong_specification_is_explained(spec, words):
    with pytest.raises(ValueError, match=r"accepted|must be|not a regular") as error:
        validator(spec)
    assert words in str(error.value)
