"""The codec loses nothing, keeps rows small, and knows every class and field."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings

from policies.core.codec import KEPT, belief_from_json, context_from_json, from_json, link_from_json, to_json
from policies.core.rules import Unit
from policies.core.seen import Context
from policies.core.values import Base, Belief, Link

from .strategies import built, moments, spans_of_time


@pytest.mark.parametrize("cls", KEPT.values(), ids=KEPT)
def test_it_comes_back_as_it_was(cls):
    @settings(max_examples=30, deadline=None)
    @given(built(cls))
    def comes_back(value):
        kept = json.loads(json.dumps(to_json(value)))
        back = from_json(cls, kept)
        assert back == value
        assert to_json(back) == kept

    comes_back()


@given(moments, spans_of_time)
def test_microseconds_survive(now, skew):
    assert context_from_json(json.loads(json.dumps(to_json(Context(now, skew=skew))))) == Context(now, skew=skew)


def test_defaults_are_left_out():
    assert to_json(Link("crm", bases={"name": Base({"name": "a"}, {"name": "A"}, k=2)})) == {
        "role": "crm",
        "bases": {"name": {"stored": {"name": "a"}, "meant": {"name": "A"}, "k": 2}},
    }
    assert to_json(Belief({}, origins=frozenset({"b", "a"})))["origins"] == ["a", "b"]


def test_an_unknown_skew_is_not_the_default():
    now = datetime.fromisoformat("2026-11-20T10:00:00+00:00")
    kept = to_json(Context(now, skew=None))
    assert kept["skew"] is None
    assert context_from_json(kept).skew is None
    assert context_from_json(to_json(Context(now))).skew == timedelta(0)


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="Link has no field colour"):
        link_from_json({"role": "crm", "colour": 1})
    with pytest.raises(ValueError, match="Belief needs the field value"):
        belief_from_json({"v": 1})
    with pytest.raises(ValueError, match="Unit is never kept"):
        to_json(Unit("name", ()))
    with pytest.raises(ValueError, match="has no offset"):
        to_json(Context(datetime(2026, 11, 20)))  # noqa: DTZ001 - an offset-less time is what is tested
