"""References to records of other syncs: what is not understood yet is no value, and what cannot be said yet waits."""

from __future__ import annotations

from dataclasses import replace

from policies.core.confirm import rejected
from policies.core.due import Work, due_roles
from policies.core.exceptions import holding
from policies.core.ownership import problem
from policies.core.plan import plan
from policies.core.reasons import Reason, Verdict
from policies.core.refers import freed
from policies.core.rules import Field, Unit
from policies.core.values import WAITING
from tests.core.cases.making import NOTHING, Case, context_of, minutes, observation_of, policy_of, record_of

KEY = "01926b3c-0000-7000-8000-000000000001"


def unresolved(told: Case):
    """The account names a record that is linked to nothing, so the field is not told."""
    seen = replace(observation_of(told), fields={}, waits={"name": "k7"})
    return plan(record_of(told), seen, policy_of(told), context_of(told))


def test_what_is_not_understood_is_no_value_and_is_not_written_over():
    told = Case("", NOTHING, None, H="Berta", k=2)
    assert due_roles(record_of(told), policy_of(told)) == {"app": Work.UPDATE}
    made = unresolved(told)
    base = made.state.links["app"].bases["name"]
    assert (base.waits, dict(base.stored), base.k) == ("k7", {"name": "Anna"}, 2)
    assert due_roles(made.state, policy_of(told)) == {}
    assert [(line.verdict, line.reason, line.detail) for line in made.lines] == [
        (Verdict.HELD, Reason.REFERS_TO_UNKNOWN, "k7")
    ]
    assert holding(made.state, policy_of(told)) == {("app", "name"): "waits for record k7"}


def test_it_is_told_about_once():
    told = Case("", NOTHING, None)
    made = unresolved(told)
    seen = replace(observation_of(told), fields={}, waits={"name": "k7"}, read_at=minutes(1))
    assert plan(made.state, seen, policy_of(told), context_of(told)).lines == ()


def test_at_first_sight_it_waits_too_and_nothing_is_due_there():
    told = Case("", NOTHING, None, stored=NOTHING)
    made = unresolved(told)
    assert made.state.links["app"].bases["name"].waits == "k7"
    assert due_roles(made.state, policy_of(told)) == {}


def test_once_it_is_understood_it_is_judged_as_any_value():
    told = Case("", "Carl", None, seen={"read_at": minutes(1)})
    made = plan(unresolved(told).state, observation_of(told), policy_of(told), context_of(told))
    assert made.state.beliefs["name"].value == {"name": "Carl"}
    assert made.state.links["app"].bases["name"].waits == ""


def test_a_look_that_shows_what_was_stored_ends_the_wait():
    told = Case("", "Anna", None, seen={"read_at": minutes(1)})
    made = plan(unresolved(told).state, observation_of(told), policy_of(told), context_of(told))
    assert made.state.links["app"].bases["name"].waits == ""


def test_an_answer_that_does_not_tell_the_field_ends_no_wait():
    told = Case("", NOTHING, None, seen={"read_at": minutes(1)})
    made = plan(unresolved(told).state, observation_of(told), policy_of(told), context_of(told))
    assert made.state.links["app"].bases["name"].waits == "k7"


def test_what_cannot_be_said_yet_is_no_refusal_and_is_due_again_once_it_can():
    told = Case("", NOTHING, None, H="Berta", k=2, sending="Berta")
    policy, context = policy_of(told), context_of(told)
    made = rejected(record_of(told), "app", "key", {"name": f"{WAITING}{KEY}"}, "", policy, context)
    assert [(line.verdict, line.reason) for line in made.lines] == [(Verdict.FAILED, Reason.WAITS_FOR)]
    assert due_roles(made.state, policy) == {}
    assert holding(made.state, policy) == {("app", "name"): f"waits for record {KEY}"}
    again = freed(made.state, "app", policy, context)
    assert [line.reason for line in again.lines] == [Reason.CAN_BE_SAID]
    assert due_roles(again.state, policy) == {"app": Work.UPDATE}


def test_a_true_refusal_is_not_freed():
    told = Case("", NOTHING, None, H="Berta", k=2, sending="Berta")
    policy, context = policy_of(told), context_of(told)
    made = rejected(record_of(told), "app", "key", {"name": "too long"}, "", policy, context)
    assert freed(made.state, "app", policy, context).state == made.state


def test_a_reference_is_the_key_of_a_record():
    member = Field("company", lambda value: value, "reference", refers="companies")
    unit = Unit("company", (member,))
    assert problem(unit, {"company": KEY}) is None and problem(unit, {"company": None}) is None
    assert "not the key of a record of companies" in (problem(unit, {"company": "1001"}) or "")
