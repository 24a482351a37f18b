"""A push of several fields that was refused without naming one is sent field by field, until at most one is left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.core.confirm import confirm, rejected
from policies.core.draft import Draft
from policies.core.due import Work, claim
from policies.core.plan import plan
from policies.core.planned import Plan
from policies.core.rules import Policy
from policies.core.seen import Observation
from policies.core.values import Base, Belief, Link, Record, Sending
from tests.core.cases.making import NOW, Case, context_of, minutes, policy_of, unit_of

TOLD = Case("", None, None)
NAMES = ("name", "city", "phone")


def policy() -> Policy:
    member = unit_of(TOLD).members[0]
    units = tuple(replace(unit_of(TOLD), name=name, members=(replace(member, name=name),)) for name in NAMES)
    return replace(policy_of(TOLD), units=units, by_name={unit.name: unit for unit in units})


def record() -> Record:
    """All three fields are due at `app`, where a push of them was refused."""
    bases = {name: Base({name: "old"}, {name: "old"}, 1) for name in NAMES}
    beliefs = {name: Belief({name: "new"}, 2, frozenset({"crm"})) for name in NAMES}
    link = Link("app", "a1", "5", minutes(-10), bases=bases, singly=True)
    return Record("r1", 2, "crm", beliefs, {"app": link})


def claimed(state: Record) -> tuple[Record, Sending]:
    draft = Draft(state, policy(), context_of(TOLD))
    sending = claim(draft, "app", Work.UPDATE)
    assert sending is not None
    return draft.done().state, sending


def written(state: Record) -> Plan:
    state, sending = claimed(state)
    assert len(sending.values) == 1
    return confirm(state, "app", sending.key, "a1", None, None, NOW, policy(), context_of(TOLD))


def test_it_goes_on_while_more_than_one_is_left():
    assert written(record()).state.links["app"].singly is True


def test_it_ends_when_a_confirmed_push_leaves_one():
    assert written(written(record()).state).state.links["app"].singly is False


@pytest.mark.parametrize(("shown", "singly"), [(NAMES, False), (NAMES[:2], False), (NAMES[:1], True)])
def test_it_ends_when_the_account_came_to_hold_the_rest(shown, singly):
    fields = dict.fromkeys(NAMES, "old") | dict.fromkeys(shown, "new")
    seen = Observation("app", "a1", fields, NOW, version="6")
    assert plan(record(), seen, policy(), context_of(TOLD)).state.links["app"].singly is singly


def test_the_one_field_that_is_refused_does_not_keep_the_others_apart():
    state = written(record()).state
    state, sending = claimed(state)
    made = rejected(state, "app", sending.key, {}, "too long", policy(), context_of(TOLD))
    assert made.state.links["app"].bases[next(iter(sending.values))].failed is not None
    assert made.state.links["app"].singly is False
