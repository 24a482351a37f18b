"""People's answers and edits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.core.due import due_roles
from policies.core.reasons import Reason
from policies.core.resolve import Choice, Moved, Refused, edit, resolve, retry
from policies.core.rules import Strategy, Unauthorised
from policies.core.values import HUB, Failed, Kind, Link
from tests.core.cases.making import Case, context_of, outcome, policy_of, question, record_of, side

ASKED = question(side("crm", "Anna"), side("app", "Carl"))


def asked(one=ASKED, **more) -> Case:
    return Case("", None, None, stored="Carl", k=2, asked=(one,), **more)


def answer(told: Case, choice: Choice, version: int = 1):
    one = told.asked[0]
    return resolve(record_of(told), one.key, version, choice, "Robin", policy_of(told), context_of(told))


def edited(told: Case, value, seen: int = 3):
    return edit(record_of(told), "name", {"name": value}, seen, "Robin", policy_of(told), context_of(told))


@pytest.mark.parametrize(
    ("choice", "value", "due"),
    [
        (Choice(source="crm"), "Anna", {"app": "update"}),
        (Choice(source="app"), "Carl", {"crm": "update"}),
        (Choice(value={"name": "Emil"}), "Emil", {"crm": "update", "app": "update"}),
    ],
)
def test_an_answer_is_a_new_version_and_due_at_every_loser(choice, value, due):
    told = asked()
    after = outcome(told, answer(told, choice))
    assert after | {"H": value, "v": 4, "due": due, "asks": [], "closed": [Reason.PERSON_DECIDED]} == after
    assert HUB in after["by"]


@pytest.mark.parametrize(("place", "value"), [(1, "Dora"), (2, "Emil"), (None, "Emil")])
def test_of_several_edits_that_were_written_over_the_one_at_its_place_is_taken(place, value):
    first, second = (side("app", name, overwritten=True) for name in ("Dora", "Emil"))
    told = asked(question(side("crm", "Anna"), first, second))
    assert outcome(told, answer(told, Choice("app", True, place)))["H"] == value


def test_a_place_of_another_source_is_refused():
    with pytest.raises(Refused, match="choose one of"):
        answer(asked(), Choice("crm", place=1))


def test_an_answer_to_a_question_that_moved_gets_the_new_question():
    with pytest.raises(Moved) as moved:
        answer(asked(), Choice(source="crm"), version=0)
    assert moved.value.question == ASKED


def test_an_answer_to_a_question_that_ended_says_so():
    told = asked()
    with pytest.raises(Moved) as moved:
        resolve(record_of(replace(told, asked=())), ASKED.key, 1, Choice("crm"), "R", policy_of(told), context_of(told))
    assert moved.value.question is None


@pytest.mark.parametrize("choice", [Choice(source="nobody"), Choice(value={"name": "bad"})])
def test_an_answer_that_does_not_fit_is_refused_in_words(choice):
    with pytest.raises(Refused, match=r"choose one of app, crm|not this"):
        answer(asked(checks=(lambda value: "not this" if value == "bad" else None,)), choice)


@pytest.mark.parametrize("how", list(Unauthorised))
def test_choosing_the_hubs_value_over_an_invalid_one_writes_it_back_whatever_becomes_of_outsiders(how):
    told = asked(question(side("crm", "Anna"), side("app", "Carl"), kind=Kind.INVALID, role="app"), how=how)
    after = outcome(told, answer(told, Choice(source="crm")))
    assert after | {"drift": False, "due": {"app": "update"}, "asks": []} == after


def test_a_deleted_record_can_be_made_again():
    told = asked(question(kind=Kind.DELETE, role="app", unit=""), link={"gone": context_of(asked()).now})
    made = answer(told, Choice(action="recreate"))
    assert str(due_roles(made.state, policy_of(told))["app"]) == "create"
    with pytest.raises(Refused, match="recreate, propagate, unlink"):
        answer(told, Choice(action="forget"))


def test_a_hub_edit_is_a_version_of_its_own():
    told = Case("", None, None)
    after = outcome(told, edited(told, "Emil"))
    assert after | {"H": "Emil", "v": 4, "by": ["hub"], "due": {"crm": "update", "app": "update"}} == after


def test_of_two_people_who_edit_one_version_in_the_hub_neither_is_lost():
    told = Case("", None, None, by=("hub",), past=((2, "Old"),))
    after = edited(told, "Berta", seen=2).state
    [asked] = after.questions
    assert {one.value["name"]: (one.source, one.overwritten) for one in asked.candidates} == {
        "Anna": (HUB, True),
        "Berta": (HUB, False),
    }
    assert after.beliefs["name"].value == {"name": "Anna"}, "until somebody decides"


def test_a_side_that_shares_the_other_edit_in_the_hub_speaks_for_it():
    told = Case("", None, None, by=("crm", "hub"), past=((2, "Old"),))
    [asked] = edited(told, "Berta", seen=2).state.questions
    assert [(one.source, one.value["name"]) for one in asked.candidates] == [("crm", "Anna"), (HUB, "Berta")]


def test_a_hub_edit_of_a_version_that_moved_is_concurrent():
    told = Case("", None, None, past=((2, "Old"),))
    assert outcome(told, edited(told, "Emil", seen=2))["sides"] == [("crm", "Anna"), ("hub", "Emil")]


@pytest.mark.parametrize(
    ("told", "value", "words"),
    [
        (asked(), "Emil", "in review"),
        (Case("", None, None, writers=("crm",)), "Emil", "owned by crm"),
        (Case("", None, None, clears=()), None, "may not be emptied"),
        (Case("", None, None, clears=("hub",), checks=(lambda value: "too long",)), "Emil", "too long"),
        (Case("", None, None, kind="integer", strategy=Strategy.MAX, H=5, stored=5), 4, "highest"),
        (Case("", None, None, kind="integer", strategy=Strategy.MIN, H=5, stored=5), 6, "lowest"),
    ],
)
def test_an_edit_that_the_policy_forbids_is_refused_at_the_door(told, value, words):
    with pytest.raises(Refused, match=words):
        edited(told, value)


REFUSED = Case("", None, None, stored="Carl", k=2, flags={"failed": Failed(3, "too long")})


def test_a_person_has_a_refused_field_written_once_more():
    before = record_of(REFUSED)
    made = retry(before, "app", "name", "Robin", policy_of(REFUSED), context_of(REFUSED))
    assert (due_roles(before, policy_of(REFUSED)), outcome(REFUSED, made)["due"]) == ({}, {"app": "update"})
    assert [(line.reason, line.role, line.unit, line.detail) for line in made.lines] == [
        (Reason.RETRIED, "app", "name", "Robin")
    ]
    assert made.state.links["app"].epoch == before.links["app"].epoch + 1


@pytest.mark.parametrize(("role", "unit"), [("crm", "name"), ("app", "colour"), ("billing", "name")])
def test_only_what_was_refused_can_be_tried_again(role, unit):
    with pytest.raises(Refused, match="nothing to try again"):
        retry(record_of(REFUSED), role, unit, "Robin", policy_of(REFUSED), context_of(REFUSED))


def test_a_refused_create_is_tried_again_under_another_key():
    refused = replace(question(side("name", "Anna"), kind=Kind.CREATE, role="app", unit=""), reason=Reason.REJECTED)
    told = Case("", None, None, asked=(refused,))
    record = record_of(told)
    record = replace(record, links={"crm": record.links["crm"], "app": Link("app")})
    assert due_roles(record, policy_of(told)) == {}
    made = resolve(record, refused.key, 1, Choice(action="retry"), "Robin", policy_of(told), context_of(told))
    assert outcome(told, made)["due"] == {"app": "create"}
    assert made.state.links["app"].epoch == 1
