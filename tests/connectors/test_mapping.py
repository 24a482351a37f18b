"""Mapping both ways, what cannot be said, and what the speed is."""

# ruff: noqa: E501  (tables are read by the line)
from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncapp.connectors import paths, registry
from syncapp.connectors.errors import MappingError
from syncapp.connectors.mapped import MISSING, MappingField, Unmappable
from syncapp.connectors.mapping import Mapping
from syncapp.connectors.transforms import REGISTRY

ROUND = [
    ("unix_seconds", 1600000000, "2020-09-13T12:26:40.000Z"), ("unix_ms", 1600000000123, "2020-09-13T12:26:40.123Z"),
    ("crlf", "a\r\nb", "a\nb"), ("cents", 120050, "1200.50"), ("cents", -5, "-0.05"), ({"cents": 0}, 7, "7"), ({"split": ";"}, "a;b", ["a", "b"]),
    ({"split": ";"}, "", []), ("bool_text", "true", True), ("bool_text", "false", False), ("bool_int", 1, True),
    ("bool_int", 0, False), ("yes_no", "no", False), ("number", "42", 42), ("number", "1.5", 1.5), ("text", 42, "42"),
    ("text", 1.5, "1.5"), ({"pluck": "name"}, [{"name": "a"}], ["a"]), ({"prefix": "tel:"}, "tel:1", "1"),
    ("json", '{"a":1}', {"a": 1}), ("empty_null", "x", "x"),
]  # fmt: skip


@pytest.mark.parametrize(("step", "theirs", "ours"), ROUND)
def test_transforms_both_ways(step: Any, theirs: Any, ours: Any) -> None:
    mapping = Mapping.parse({"f": {"path": "a.b", "transforms": [step]}})
    assert mapping.read({"a": {"b": theirs}}) == {"f": ours}
    assert mapping.write({"f": ours}) == {"a": {"b": theirs}}


BAD_READS = [
    ("cents", "12"), ("cents", 1.5), ("unix_seconds", "soon"), ("unix_seconds", True), ({"split": ";"}, 7), ("bool_text", "maybe"),
    ("number", "x"), ("number", "NaN"), ({"pluck": "a"}, [1]), ("json", "{"), ("text", [1]), ("unix_ms", 10**30),
]  # fmt: skip


@pytest.mark.parametrize(("step", "value"), BAD_READS)
def test_a_value_that_does_not_fit_is_unmappable_and_the_others_go_on(step: Any, value: Any) -> None:
    found = Mapping.parse({"f": {"path": "a", "transforms": [step]}, "g": "b"}).read({"a": value, "b": 1})
    assert isinstance(found["f"], Unmappable) and found["f"].value == value and found["f"].reason
    assert found["g"] == 1


BAD_WRITES = [
    ("cents", "1.005"),
    ("cents", "x"),
    ({"split": ";"}, ["a;b"]),
    ({"split": ";"}, [""]),
    ("bool_int", "yes"),
    ("unix_ms", 5),
]


@pytest.mark.parametrize(("step", "value"), BAD_WRITES)
def test_a_value_that_cannot_be_written_fails_its_field_only(step: Any, value: Any) -> None:
    mapping = Mapping.parse({"f": {"path": "a", "transforms": [step]}, "g": "b"})
    body, failed = mapping.encode({"f": value, "g": 1})
    assert body == {"b": 1} and set(failed) == {"f"}
    with pytest.raises(MappingError, match="f: ") as caught:
        mapping.write({"f": value, "g": 1})
    assert caught.value.fields == failed


def test_value_maps_name_what_they_do_not_know() -> None:
    mapping = Mapping.parse({"f": {"path": "a", "values": {"lead": "prospect", "customer": "client"}}})
    assert mapping.read({"a": "lead"}) == {"f": "prospect"}
    assert mapping.write({"f": "client"}) == {"a": "customer"}
    found = mapping.read({"a": "other"})["f"]
    assert isinstance(found, Unmappable) and "'other'" in found.reason and "lead, customer" in found.reason
    _, failed = mapping.encode({"f": "partner"})
    assert "'partner' has no counterpart" in failed["f"]


def test_true_and_one_are_not_the_same_word() -> None:
    mapping = Mapping.parse({"f": {"path": "a", "values": {True: "yes", "1": "one"}}})
    assert isinstance(mapping.read({"a": 1})["f"], Unmappable)
    assert mapping.read({"a": True}) == {"f": "yes"}


def test_missing_is_not_null() -> None:
    mapping = Mapping.parse(
        {"f": "a", "g": {"path": "b", "omitted": "null"}, "h": {"path": "c", "transforms": ["cents"]}}
    )
    assert mapping.read({"c": None}) == {"f": MISSING, "g": None, "h": None}
    assert mapping.read({"a": None}) == {"f": None, "g": None, "h": MISSING}


@pytest.mark.parametrize(
    ("clear", "body"),
    [("null", {"a": {"b": None}}), ("empty", {"a": {"b": ""}}), ("list", {"a": {"b": []}}), ("omit", {})],
)
def test_clearing(clear: str, body: dict[str, Any]) -> None:
    assert Mapping.parse({"f": {"path": "a.b", "clear": clear}}).write({"f": None}) == body


def test_clearing_may_be_impossible() -> None:
    _, failed = Mapping.parse({"f": {"path": "a", "clear": "refuse"}}).encode({"f": None})
    assert "no way to clear" in failed["f"]


def test_nested_paths_are_merged() -> None:
    mapping = Mapping.parse({"a": "p.x", "b": "p.y", "c": "q[1].z", "d": 'r["odd.key"]'})
    body = {"p": {"x": 1, "y": 2}, "q": [None, {"z": 3}], "r": {"odd.key": 4}}
    assert mapping.write({"a": 1, "b": 2, "c": 3, "d": 4}) == body
    assert mapping.read(body) == {"a": 1, "b": 2, "c": 3, "d": 4}


WRONG = [
    ({"f": {"jsonata": "$.a", "direction": "write"}}, "no inverse"),
    ({"f": {"pth": "a"}}, "unknown key 'pth'"),
    ({"f": {"path": "a["}}, "is not a path"),
    ({"f": {}}, "a path is missing"),
    ({"f": 7}, "no mapping of a field"),
    ({"f": {"path": "a", "transforms": ["rot13"]}}, "no transform 'rot13'; accepted: after_first_word, bool_int"),
    ({"f": {"path": "a", "transforms": [{"split": 3}]}}, "split takes the separator"),
    ({"f": {"path": "a", "transforms": [{"bool_int": 3}]}}, "takes no argument"),
    ({"f": {"path": "a", "direction": "out"}}, "both, read, write"),
    ({"f": {"path": "a", "clear": "zero"}}, "null, empty, list, omit, refuse"),
    ({"f": {"path": "a", "transforms": ["first_word"]}}, "no way back"),
    ({"f": {"path": "a", "values": {"a": "x", "b": "x"}}}, "several provider values mean 'x'"),
    ({"f": {"field": "nope"}}, "no provider field 'nope'"),
]


@pytest.mark.parametrize(("raw", "words"), WRONG)
def test_wrong_mappings(raw: dict[str, Any], words: str) -> None:
    with pytest.raises(MappingError, match=words):
        Mapping.parse(raw)


def test_what_has_no_way_back_may_still_be_read() -> None:
    mapping = Mapping.parse(
        {
            "f": {"path": "n", "transforms": ["first_word"], "direction": "read"},
            "l": {"path": "n", "transforms": ["after_first_word"], "direction": "read"},
        }
    )
    assert mapping.read({"n": "Ann Mary Lee"}) == {"f": "Ann", "l": "Mary Lee"}
    assert mapping.encode({"f": "Bob"}) == ({}, {"f": "the field is not mapped for writing"})
    assert Mapping({"f": MappingField("n", ("first_word",))}).problems() == {
        "f": "the transform 'first_word' has no way back: a part of a text does not say the rest of it"
    }


def test_the_providers_file_says_how_its_fields_are_spelled() -> None:
    customers = registry.load("sandbox").objects["customers"]
    mapping = Mapping.parse(
        {"credit": "credit_cents", "optin": {"field": "marketing_opt_in"}, "tags": "labels"}, spec=customers
    )
    assert mapping.read({"credit_cents": 1234, "marketing_opt_in": 1}) == {
        "credit": "12.34",
        "optin": True,
        "tags": None,
    }
    assert mapping.write({"credit": "12.34", "optin": False, "tags": None}) == {
        "credit_cents": 1234,
        "marketing_opt_in": 0,
        "labels": [],
    }


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=4
    ),
    st.integers(),
)
def test_what_is_written_is_read_again_at_any_path(keys: list[str], value: int) -> None:
    path = "".join('["' + key.replace("\\", "\\\\").replace('"', '\\"') + '"]' for key in keys)
    body: dict[str, Any] = {}
    paths.setter(path)(body, value)
    assert paths.getter(path)(body) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12))
def test_money_survives_the_round_trip(amount: Any) -> None:
    mapping = Mapping.parse({"f": {"path": "a", "transforms": ["cents"]}})
    assert mapping.write(mapping.read(mapping.write({"f": str(amount)}))) == mapping.write({"f": str(amount)})


def test_every_transform_has_a_way_back_or_says_why() -> None:
    arguments: dict[str, Any] = {"split": ";", "pluck": "a", "prefix": "p", "round": 2, "times": 100, "null_if": ""}
    for name, make in REGISTRY.items():
        step = make(name, arguments.get(name))
        assert (step.back is None) == bool(step.why)


def test_twelve_fields_are_mapped_fast() -> None:
    mapping = Mapping.parse({f"f{n}": f"properties.k{n}" for n in range(12)})
    body = {"properties": {f"k{n}": f"value {n}" for n in range(12)}}
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(2000):
            mapping.read(body)
        best = min(best, time.perf_counter() - begun)
    assert 2000 / best > 100_000, f"{2000 / best:,.0f} a second"
