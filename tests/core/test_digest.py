"""Canonical JSON agrees with RFC 8785 byte for byte, and refuses what it cannot spell."""

from __future__ import annotations

import hashlib

import orjson
import pytest
import rfc8785
from hypothesis import given

from policies.core.digest import canonical_json, digest

from .strategies import canonical


@given(canonical)
def test_it_is_rfc_8785_and_what_orjson_writes(value):
    spelled = canonical_json(value)
    assert spelled == rfc8785.dumps(value)
    assert spelled == orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    assert digest(value) == hashlib.sha256(spelled).hexdigest()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": [1, 1.5]}, r"\$\.a\[1\]: float"),
        ({"a": {"\U0001f600": 1}}, r"\$\.a: the key"),
        ({1: 2}, r"\$: the key 1"),
        ([2**53], r"\$\[0\]: .* beyond 2\^53"),
        (["\ud800"], r"\$\[0\]: .*surrogate"),
        ({"\udfff": 1}, "surrogate"),
    ],
)
def test_what_has_no_spelling_is_named(value, words):
    with pytest.raises(ValueError, match=words):
        canonical_json(value)
