"""Scope: which records a feed takes, what is made there, and what a write shows that moved a record out of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.core.confirm import confirm
from policies.core.draft import Draft
from policies.core.due import Work, claim, due_roles
from policies.core.lookup import found
from policies.core.plan import plan
from policies.core.reasons import Reason
from policies.core.rules import Role
from policies.core.scope import OPERATORS, Condition, holds
from policies.core.seen import How, Observation
from policies.core.settle import settle
from tests.core.cases.making import NOTHING, NOW, Case, context_of, minutes, observation_of, policy_of, record_of

SENDING = {"H": "Berta", "k": 2, "sending": "Berta"}
OUT = {"in_scope": False}
TESTS = [
    ("is", "pro", "pro", "free"),
    ("is", True, True, 1),
    ("not", "pro", None, "pro"),
    ("in", ["pro", "team"], "team", "free"),
    ("not_in", ["pro", "team"], "free", "pro"),
    ("not_in", ["pro"], None, "pro"),
    ("set", True, False, ""),
    ("set", True, "x", []),
    ("empty", True, None, 0),
    ("from", 10, 10, 9),
    ("from", "2026-01-01", "2026-01-01", "2025-12-31"),
    ("from", 10, 10.5, None),
    ("to", 10, 9, 11),
    ("to", "m", "b", "n"),
    ("to", 10, 0, True),
    ("from", 10, 11, "11"),
    ("contains", "vip", ["old", "vip"], ["old"]),
    ("contains", "Inc", "Acme Inc", "Acme"),
    ("contains", "vip", ["vip"], None),
]


@pytest.mark.parametrize(("op", "value", "inside", "outside"), TESTS)
def test_an_operator_tells_records_apart(op, value, inside, outside):
    condition = Condition("plan", op, value)
    assert holds([condition], {"plan": inside})
    assert not holds([condition], {"plan": outside})


def test_every_operator_is_tested():
    assert {op for op, *_ in TESTS} == set(OPERATORS)


def test_canonical_decimals_stand_in_the_order_of_numbers():
    above = Condition("limit", "from", "9.00", "decimal")
    assert holds([above], {"limit": "10.00"}) and not holds([above], {"limit": "8.99"})


def test_all_conditions_hold_or_the_record_is_out():
    both = [Condition("plan", "is", "pro"), Condition("country", "in", ["DE", "AT"])]
    assert holds(both, {"plan": "pro", "country": "AT"})
    assert not holds(both, {"plan": "pro", "country": "FR"})
    assert holds([], {})


def test_what_is_not_told_is_empty_but_in_a_partial_answer_it_says_nothing():
    condition = Condition("plan", "is", "pro")
    assert not holds([condition], {"name": "Anna"})
    assert holds([condition], {"name": "Anna"}, partial=True)
    assert not holds([condition], {"plan": None}, partial=True)


def without_link(told: Case, **role):
    """The record without a link at `app`, and a policy under which app's feed takes what `role` says."""
    record, policy = record_of(told), policy_of(told)
    record = replace(record, links={"crm": record.links["crm"]})
    policy = replace(policy, roles={**policy.roles, "app": Role("app", exact=True, ordered=True, **role)})
    return record, policy


@pytest.mark.parametrize(("wanted", "due"), [("Anna", {"app": Work.CREATE}), ("Berta", {})])
def test_a_record_is_made_only_where_its_values_are_taken(wanted, due):
    record, policy = without_link(Case("", NOTHING, None), scope=(Condition("name", "is", wanted),))
    assert due_roles(record, policy) == due


def test_a_field_that_nobody_holds_a_value_for_is_empty_when_a_record_would_be_made():
    record, policy = without_link(Case("", NOTHING, None), scope=(Condition("plan", "set", True),))
    assert due_roles(record, policy) == {}


def test_a_record_that_every_account_leaves_out_is_made_nowhere():
    record, policy = without_link(Case("", NOTHING, None))
    crm = record.links["crm"]
    assert due_roles(record, policy) == {"app": Work.CREATE}
    assert due_roles(replace(record, links={"crm": replace(crm, asleep=True)}), policy) == {}


def test_a_value_that_moves_a_linked_record_out_is_written_all_the_same():
    told = Case("", NOTHING, None, H="Berta", k=2)
    policy = policy_of(told)
    inside = replace(policy.roles["app"], scope=(Condition("name", "is", "Anna"),))
    assert due_roles(record_of(told), replace(policy, roles={**policy.roles, "app": inside})) == {"app": Work.UPDATE}


def test_a_write_whose_answer_shows_the_record_out_of_scope_is_confirmed_and_its_link_sleeps():
    told = Case("", "Berta", None, **SENDING, seen=OUT)
    made = confirm(
        record_of(told), "app", "key", "a1", "6", observation_of(told), NOW, policy_of(told), context_of(told)
    )
    link = made.state.links["app"]
    assert (link.asleep, link.sending, link.bases["name"].k, dict(link.bases["name"].stored)) == (
        True, None, 3, {"name": "Berta"},
    )  # fmt: skip
    assert [line.reason for line in made.lines] == [Reason.CONFIRMED, Reason.OUT_OF_SCOPE]


def test_a_write_with_unknown_outcome_is_settled_before_its_link_sleeps():
    told = Case("", "Berta", None, **SENDING, seen=OUT)
    made = settle(record_of(told), observation_of(told), policy_of(told), context_of(told))
    link = made.state.links["app"]
    assert (link.asleep, link.sending, link.bases["name"].k) == (True, None, 3)


def test_nothing_third_is_taken_from_a_record_that_left_the_scope_under_a_write():
    told = Case("", "Carl", None, **SENDING, seen=OUT)
    made = settle(record_of(told), observation_of(told), policy_of(told), context_of(told))
    link = made.state.links["app"]
    assert (link.asleep, link.sending, dict(link.bases["name"].stored)) == (True, None, {"name": "Anna"})
    assert made.state.beliefs["name"].value == {"name": "Berta"} and not made.state.questions


def test_a_look_up_before_a_create_that_finds_the_record_out_of_scope_links_it_asleep_and_makes_no_second():
    record, policy = without_link(Case("", NOTHING, None))
    draft = Draft(record, policy, context_of(Case("", NOTHING, None)))
    claim(draft, "app", Work.CREATE)
    hit = Observation("app", "a7", {"name": "Anna"}, NOW, how=How.SEARCH, in_scope=False)
    made = found(draft.done().state, hit, policy, draft.context)
    link = made.state.links["app"]
    assert (link.remote_id, link.asleep, dict(link.bases)) == ("a7", True, {})
    assert due_roles(made.state, policy) == {}


def test_the_time_of_a_change_made_out_of_scope_is_not_taken_for_later_than_it_was():
    """The last read that showed what is stored was before the link slept, however often it was read since."""
    slept = plan(*_seen(Case("", "Carl", None, seen={**OUT, "read_at": minutes(-5)})))
    again = Case("", "Carl", None, seen={**OUT, "read_at": minutes(-3), "version": "7"})
    slept = plan(slept.state, observation_of(again), policy_of(again), context_of(again))
    link = slept.state.links["app"]
    assert (link.bases["name"].seen_at, link.read_at) == (minutes(-10), minutes(-3))


def _seen(told: Case):
    return record_of(told), observation_of(told), policy_of(told), context_of(told)
