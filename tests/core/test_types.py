"""Field types: what each accepts, its canonical form, and that normalising twice changes nothing."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.core.digest import canonical_json
from policies.core.types import FIELD_TYPES, Invalid, field_type, invalid_value, is_invalid, same

from .strategies import any_json

PARAMS = {
    "decimal": {"scale": 2},
    "choice": {"options": ["new", "won"]},
    "phone": {"region": "DE"},
    "reference": {"sync": "companies"},
}
ALL = {name: field_type(name, **PARAMS.get(name, {})) for name in FIELD_TYPES}
FOLDED = field_type("text", case_fold=True)

ACCEPTED = [
    ("text", "  Ada ", "Ada"),
    ("text", "e\u0301", "\u00e9"),
    ("text", " ", None),
    ("text", 42, "42"),
    ("email", " Ada@EXAMPLE.org", "Ada@example.org"),
    ("email", "", None),
    ("phone", "030 / 901820", "+4930901820"),
    ("phone", "+1 (202) 555-0143", "+12025550143"),
    ("phone", "", None),
    ("integer", " +7 ", 7),
    ("integer", "5.0", 5),
    ("integer", 3.0, 3),
    ("integer", 2**53 - 1, 2**53 - 1),
    ("integer", 2**53, "9007199254740992"),
    ("integer", "-9007199254740992", "-9007199254740992"),
    ("counter", "12", 12),
    ("decimal", "1200.5", "1200.50"),
    ("decimal", 1.2e3, "1200.00"),
    ("decimal", Decimal("1E+2"), "100.00"),
    ("decimal", -0.001, "0.00"),
    ("decimal", "2.675", "2.68"),
    ("decimal", "2.665", "2.66"),
    ("boolean", "Yes", True),
    ("boolean", 0, False),
    ("boolean", "off", False),
    ("boolean", " ", None),
    ("date", "2026-11-20", "2026-11-20"),
    ("date", date(2026, 11, 20), "2026-11-20"),
    ("date", "2026-11-20T00:00:00Z", "2026-11-20"),
    ("datetime", "2026-11-20T11:00:00.1239+01:00", "2026-11-20T10:00:00.123Z"),
    ("datetime", "2026-11-20t10:00:00z", "2026-11-20T10:00:00.000Z"),
    ("datetime", datetime(2026, 11, 20, 10, tzinfo=UTC), "2026-11-20T10:00:00.000Z"),
    ("choice", " won ", "won"),
    ("set", ["b", " a ", "b", "", None], ["a", "b"]),
    ("set", [], []),
    ("list", ["b", "a", "b"], ["b", "a", "b"]),
    ("reference", 17, "17"),
    ("long_text", "a\r\nb\rc\n", "a\nb\nc"),
    ("json", {"a": [1.0, True, None]}, {"a": [1, True, None]}),
    ("json", 1.5, {"$number": "1.5"}),
    ("map", {"a": 1, "b": None}, {"a": 1, "b": None}),
]
REFUSED = [
    ("text", True, "accepted: text"),
    ("text", ["a"], "accepted: text"),
    ("text", "a\0b", "NUL"),
    ("text", "\ud800", "half surrogate"),
    ("email", "ada", "e-mail address"),
    ("email", "a b@example.org", "e-mail address"),
    ("email", "a@b@example.org", "e-mail address"),
    ("email", "a@example..org", "e-mail address"),
    ("phone", "call me", "without letters"),
    ("phone", "+49 30 901820 ext 5", "extension"),
    ("phone", "1", "country code"),
    ("phone", 0.5, "country code"),
    ("integer", "1,000", "whole number"),
    ("integer", 1.5, "whole number"),
    ("integer", True, "whole number"),
    ("integer", "9" * 400, "whole number"),
    ("decimal", "1e999999999", "decimal number"),
    ("decimal", "NaN", "decimal number"),
    ("decimal", math.inf, "decimal number"),
    ("boolean", "maybe", "true, false"),
    ("boolean", 2, "true, false"),
    ("date", "2026-02-30", "a date such as"),
    ("date", "2026-11-20T10:00:00Z", "midnight"),
    ("datetime", "2026-11-20T10:00:00", "with its offset"),
    ("datetime", 1763632800, "with its offset"),
    ("datetime", "0001-01-01T00:00:00+14:00", "with its offset"),
    ("choice", "lost", "one of new, won"),
    ("set", "a;b", "a list of text"),
    ("json", math.nan, "below 10^300"),
    ("json", {"\U0001f600": 1}, "names are text"),
    ("map", {"a": [1]}, "more than a plain value"),
    ("map", [], "an object"),
]


@pytest.mark.parametrize(("name", "raw", "canonical"), ACCEPTED)
def test_a_type_gives_the_canonical_value(name, raw, canonical):
    assert same(ALL[name].normalise(raw), canonical)


@pytest.mark.parametrize(("name", "raw", "words"), REFUSED)
def test_a_type_refuses_with_a_sentence(name, raw, words):
    with pytest.raises(Invalid, match="accepted: ") as refusal:
        ALL[name].normalise(raw)
    assert words in refusal.value.reason
    assert is_invalid(ALL[name].read(raw))


@pytest.mark.parametrize("name", sorted(ALL))
@given(raw=any_json | st.datetimes(timezones=st.just(UTC)) | st.decimals())
def test_normalising_is_idempotent_and_always_has_a_digest(name, raw):
    once = ALL[name].read(raw)
    assert same(ALL[name].read(once), once)
    canonical_json(once)


@given(raw=st.text() | st.lists(st.text()) | st.from_regex(r"\s*[ -~]+@[ -~]+\s*"))
def test_text_types_are_idempotent_on_wild_text(raw):
    for kind in (FOLDED, ALL["email"], ALL["long_text"], ALL["set"], ALL["list"]):
        once = kind.read(raw)
        assert same(kind.read(once), once)


@pytest.mark.parametrize("name", sorted(ALL))
def test_null_is_null(name):
    assert ALL[name].normalise(None) is None


@given(any_json)
def test_free_json_comes_back_as_it_was(raw):
    kind = ALL["json"]
    once = kind.read(raw)
    if not is_invalid(once):
        assert kind.encode(once) == raw


def test_case_folding_is_asked_for():
    assert FOLDED.normalise("STRASSE ß") == "strasse ss"
    assert ALL["text"].normalise("ß") == "ß"


def test_same_tells_true_from_one_at_any_depth():
    assert not same(True, 1)
    assert not same({"a": [True]}, {"a": [1]})
    assert same({"a": [True], "b": None}, {"b": None, "a": [True]})
    assert not same([1], [1, 2])


def test_a_refused_value_is_kept_whole_and_never_written():
    refused = invalid_value("x\0" * 500, "no")
    assert refused["$invalid"] == "x\\u0000" * 500
    assert ALL["date"].normalise(refused) is refused
    with pytest.raises(Invalid, match="cannot be written"):
        ALL["date"].encode(refused)


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("txt", {}, "unknown field type 'txt'; accepted: boolean, choice"),
        ("date", {"scale": 1}, "date: unknown parameter scale; accepted: none"),
        ("decimal", {}, "the parameter scale is needed"),
        ("decimal", {"scale": -1}, "from 0 to 30"),
        ("choice", {"options": []}, "at least one text"),
        ("phone", {"region": "de"}, "two-letter country code"),
        ("text", {"case_fold": "yes"}, "true or false"),
    ],
)
def test_a_wrong_type_is_explained(name, params, words):
    with pytest.raises(ValueError, match=r"accepted|needed|must be") as error:
        field_type(name, **params)
    assert words in str(error.value)
