"""A new policy version: what it changed is judged again, what it did not stays, questions are asked anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from policies.core.due import due_roles
from policies.core.reasons import Reason, Verdict
from policies.core.revise import Authority, revise
from policies.core.rules import Field, Policy, Role, Strategy, Unauthorised, Unit
from policies.core.seen import Context
from policies.core.types import field_type
from policies.core.values import Base, Belief, Candidate, Failed, Kind, Link, Question, Record, Sending

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BOTH = frozenset({"crm", "billing"})
NAME = Unit(
    "name", (Field("name", field_type("text").normalise),), "crm", frozenset({"crm"}), BOTH, Strategy.OWNER_WINS,
    Unauthorised.KEEP,
)  # fmt: skip
OLD = {"name": Authority("crm", frozenset({"crm"}), BOTH)}


def policy(unit: Unit) -> Policy:
    roles = {name: Role(name, exact=True) for name in ("crm", "billing")}
    return Policy(2, (unit,), roles, (("name",),), by_name={unit.name: unit})


def record(billing: Base, *questions: Question) -> Record:
    links = {
        "crm": Link("crm", "1", "1", NOW, "d", {"name": Base({"name": "Ada"}, {"name": "Ada"}, 1)}),
        "billing": Link("billing", "2", "1", NOW, "d", {"name": billing}),
    }
    return Record("r", 1, "crm", {"name": Belief({"name": "Ada"}, 1, frozenset({"crm"}))}, links, questions)


DRIFT = Base({"name": "Eve"}, {"name": "Eve"}, 1, drift=True)


def test_kept_drift_becomes_visible_when_the_role_may_write() -> None:
    wider = replace(NAME, writers=BOTH, strategy=Strategy.REVIEW)
    made = revise(record(DRIFT), OLD, policy(wider), Context(NOW))
    assert [line.verdict for line in made.lines] == [Verdict.CONCURRENT]
    (question,) = made.state.questions
    assert {c.value["name"] for c in question.candidates} == {"Ada", "Eve"}
    assert made.state.beliefs["name"].v == 1, "an old difference wins by nothing but a decision"


def test_the_owner_wins_over_drift_that_became_lawful() -> None:
    made = revise(record(DRIFT), OLD, policy(replace(NAME, writers=BOTH)), Context(NOW))
    assert not made.state.questions
    assert made.closed[0].outcome is Reason.OWNER_WON
    assert due_roles(made.state, policy(NAME)) == {"billing": "update"}


def test_drift_stays_kept_where_the_roles_rights_did_not_change() -> None:
    renamed = replace(NAME, owner="hub", writers=frozenset({"crm", "hub"}))
    made = revise(record(DRIFT), OLD, policy(renamed), Context(NOW))
    assert made.lines == ()
    assert made.state.links["billing"].bases["name"] == DRIFT


def test_a_role_that_is_merely_behind_is_not_asked() -> None:
    behind = Base({"name": "Al"}, {"name": "Al"}, 0)
    made = revise(record(behind), OLD, policy(replace(NAME, writers=BOTH)), Context(NOW))
    assert made.lines == ()
    assert due_roles(made.state, policy(NAME)) == {"billing": "update"}


def test_what_both_once_agreed_on_does_not_come_back_where_a_role_reads_anew() -> None:
    """A value that nobody changed at a role that did not read wins by no first-link rule over a newer edit."""
    before = {"name": Authority("crm", BOTH, frozenset({"crm"}))}
    known = record(Base({"name": "Al"}, {"name": "Al"}, 1))
    newer = Belief({"name": "Ada"}, 2, frozenset({"crm"}), ((1, {"name": "Al"}),))
    told = policy(replace(NAME, writers=BOTH, first_link="billing"))
    made = revise(replace(known, version=2, beliefs={"name": newer}), before, told, Context(NOW))
    assert made.state.beliefs["name"].value == {"name": "Ada"}
    assert made.lines == ()
    assert due_roles(made.state, told)["billing"] == "update"


def test_a_role_that_now_reads_is_brought_up_to_date() -> None:
    before = {"name": Authority("crm", frozenset({"crm"}), frozenset({"crm"}))}
    other = Base({"name": "Eve"}, {"name": "Eve"}, 1)
    revert = replace(NAME, unauthorised=Unauthorised.REVERT)
    made = revise(record(other), before, policy(revert), Context(NOW))
    assert made.state.links["billing"].bases["name"].owed
    assert due_roles(made.state, policy(revert)) == {"billing": "update"}


@pytest.mark.parametrize(("sent", "owed"), [("phone", True), ("name", False)])
def test_only_a_write_of_this_very_field_is_waited_for(sent: str, owed: bool) -> None:
    """A write of another field says nothing about this one, which nothing else would ever bring up to date."""
    before = {"name": Authority("crm", frozenset({"crm"}), frozenset({"crm"}))}
    behind = record(Base({"name": "Eve"}, {"name": "Eve"}, 1))
    sending = Sending("k", {sent: {sent: "x"}}, {sent: 1}, NOW)
    links = {**behind.links, "billing": replace(behind.links["billing"], sending=sending)}
    revert = replace(NAME, unauthorised=Unauthorised.REVERT)
    made = revise(replace(behind, links=links), before, policy(revert), Context(NOW))
    assert made.state.links["billing"].bases["name"].owed is owed


@pytest.mark.parametrize("how", [{"gone": NOW}, {"unlinked": True}, {"asleep": True}])
def test_nothing_is_believed_of_a_record_that_is_not_kept_in_step_there(how: dict[str, object]) -> None:
    resting = record(DRIFT)
    links = {**resting.links, "billing": replace(resting.links["billing"], **how)}
    made = revise(replace(resting, links=links), OLD, policy(replace(NAME, writers=BOTH)), Context(NOW))
    assert (made.lines, made.state.beliefs) == ((), resting.beliefs)


def test_open_questions_are_asked_again_under_the_new_rules() -> None:
    sides = (Candidate("crm", {"name": "Ada"}, NOW, k=1), Candidate("billing", {"name": "Eve"}, NOW))
    asked = Question(Kind.VALUE, "name", "", sides, Reason.MANUAL, NOW)
    differs = Base({"name": "Eve"}, {"name": "Eve"}, 0)
    made = revise(record(differs, asked), OLD, policy(NAME), Context(NOW))
    assert made.state.questions == ()
    assert made.closed[0].winner == "crm"


def test_a_question_about_a_field_that_is_gone_ends() -> None:
    asked = Question(Kind.VALUE, "fax", "", (), Reason.MANUAL, NOW)
    assert revise(record(DRIFT, asked), OLD, policy(NAME), Context(NOW)).state.questions == ()


def test_what_was_refused_may_be_tried_again_and_no_digest_is_trusted() -> None:
    refused = Base({"name": "Al"}, {"name": "Al"}, 0, failed=Failed(1, "too long"))
    made = revise(record(refused), OLD, policy(NAME), Context(NOW))
    assert due_roles(made.state, policy(NAME)) == {"billing": "update"}
    assert {link.digest for link in made.state.links.values()} == {""}


def test_repeated_it_decides_nothing_more() -> None:
    wide = policy(replace(NAME, writers=BOTH))
    once = revise(record(DRIFT), OLD, wide, Context(NOW)).state
    again = revise(once, OLD, wide, Context(NOW))
    assert (again.lines, again.closed) == ((), ())
    assert again.state.beliefs == once.beliefs
