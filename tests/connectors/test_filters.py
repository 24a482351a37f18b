"""Listings narrowed at the provider: what a file may say, what is chosen of it, and what is then asked."""

from __future__ import annotations

from dataclasses import replace

from syncapp.connectors.filters import FilterSpec, chosen, narrowed
from syncapp.connectors.opspec import Operation

STAGE = FilterSpec("stage", "is", {"filter": "stage:{value}"})
STAGES = FilterSpec("stage", "in", {"filter": "stage:{value|csv}"})
SINCE = FilterSpec("made", "from", body={"where.made.gte": "{value}", "where.kind": "{value|json}"})
LIST = Operation("GET", "/things", {"limit": "{size}"}, filters=(STAGE, STAGES, SINCE))


def test_a_condition_that_the_provider_takes_is_asked_for_beside_what_is_asked_anyhow():
    operation, values = narrowed(LIST, chosen(LIST, [("stage", "is", "won")]))
    assert operation.query == {"limit": "{size}", "filter": "stage:{filter0}"}
    assert values == {"filter0": "won"}


def test_a_condition_that_it_does_not_take_is_left_to_the_hub():
    assert chosen(LIST, [("stage", "not", "won"), ("colour", "is", "red")]) == ()
    assert chosen(None, [("stage", "is", "won")]) == ()


def test_of_two_that_need_one_parameter_the_first_is_asked_for():
    found = chosen(LIST, [("stage", "in", ["won", "lost"]), ("stage", "is", "won"), ("made", "from", 7)])
    assert [one.spec for one in found] == [STAGES, SINCE]


def test_parts_of_a_body_are_put_in_and_the_file_is_left_as_it_is():
    search = replace(LIST, method="POST", body={"where": {"live": True}})
    operation, values = narrowed(search, chosen(search, [("stage", "is", "won"), ("made", "from", 7)]))
    assert operation.body == {"where": {"live": True, "made": {"gte": "{filter1}"}, "kind": "{filter1|json}"}}
    assert (search.body, values) == ({"where": {"live": True}}, {"filter0": "won", "filter1": 7})


def test_a_value_that_looks_like_a_slot_is_only_a_value():
    operation, values = narrowed(LIST, chosen(LIST, [("stage", "is", "{size}")]))
    assert (operation.query["filter"], values["filter0"]) == ("stage:{filter0}", "{size}")


def test_without_filters_the_listing_is_as_it_was():
    assert narrowed(LIST, ()) == (LIST, {})
