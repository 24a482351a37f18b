"""Answering over the API: the same door as the web form."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from syncapp.models import Conflict, Push, Record
from tests.api.asking import ROOT, get, program
from tests.clerk.making import RULES
from tests.review.seeding import Desk, make_desk, person


def answer(conflict: Conflict, body: Any, team: str = "Reviewer", client: Any = None) -> Any:
    return (client or program(team)).post(f"{ROOT}conflicts/{conflict.pk}/decide/", body, format="json")


def believed(conflict: Conflict) -> str:
    return str(Record.objects.get(pk=conflict.record_id).beliefs["phone"]["value"]["phone"])


@pytest.mark.parametrize(
    ("body", "phone"),
    [
        ({"choice": "billing"}, "+49 30 3000"),
        ({"choice": "crm"}, "+49 30 2000"),
        ({"value": " +49 30 4000 "}, "+49 30 4000"),
    ],
)
def test_it_works(desk: Desk, body: dict[str, Any], phone: str) -> None:
    conflict = desk.disagree(1)
    taken = answer(conflict, {"version": conflict.version, **body})
    assert taken.status_code == 200, taken.content
    told = taken.json()
    assert (told["state"], told["value"], told["decided_by"]) == ("decided", phone, "reviewer")
    assert "by reviewer" in told["ended"] and "answers" not in told
    assert believed(conflict) == phone
    assert Push.objects.filter(state="pending").exists()


def test_the_offered_answers_can_be_taken_as_they_are(desk: Desk) -> None:
    conflict, client = desk.disagree(1), program("Reviewer")
    shown = get(client, f"conflicts/{conflict.pk}/")
    assert [one["value"] for one in shown["candidates"]] == ["+49 30 2000", "+49 30 3000"]
    assert shown["candidates"][1]["base"] == "+49 30 1000"
    offered = next(one for one in shown["answers"] if one["answer"] == "Billing")
    assert offered["refused"] is None
    assert any(effect["system"] == "CRM" and "+49 30 3000" in effect["what"] for effect in offered["effects"])
    assert answer(conflict, offered["take"], client=client).status_code == 200
    assert believed(conflict) == "+49 30 3000"


def test_a_question_that_moved_comes_back_new(desk: Desk) -> None:
    conflict = desk.disagree(1)
    desk.shows("billing", 1, "3", phone="+49 30 5000")
    late = answer(conflict, {"version": conflict.version, "choice": "billing"})
    assert late.status_code == 409
    fresh = late.json()["conflict"]
    assert fresh["version"] > conflict.version
    assert "+49 30 5000" in [one["value"] for one in fresh["candidates"]]
    assert Conflict.objects.get(pk=conflict.pk).state == "open"


def test_a_question_that_ended_says_how(desk: Desk) -> None:
    conflict, client = desk.disagree(1), program("Reviewer")
    body = {"version": conflict.version, "choice": "crm"}
    assert answer(conflict, body, client=client).status_code == 200
    late = answer(conflict, body, client=client)
    assert late.status_code == 409
    assert late.json()["conflict"]["state"] == "decided"
    assert "has ended" in late.json()["error"]


@pytest.mark.parametrize(
    ("body", "where", "said"),
    [
        ({"choice": "crm"}, "version", "is needed"),
        ({"version": "1", "choice": "crm"}, "version", "is needed"),
        ({"version": True, "choice": "crm"}, "version", "is needed"),
        (
            {"version": 0, "sender": "x"},
            "sender",
            "accepted: action, choice, overwritten, place, record, value, version",
        ),
        ({"version": None, "choice": 3}, "choice", "must be text"),
        ({"version": None, "choice": "crm", "overwritten": 1}, "overwritten", "must be true or false"),
        ({"version": None, "choice": "erp"}, "", "choose one of billing, crm"),
        ({"version": None}, "", "Say exactly one of choice, value; given: none."),
        ({"version": None, "choice": "crm", "value": "1"}, "", "given: choice, value."),
        ({"version": None, "action": "recreate"}, "", "Say exactly one of choice, value"),
        ({"version": None, "value": {"phone": "1"}}, "phone", "text"),
        ([], "", "must be a JSON object"),
    ],
)
def test_an_answer_that_does_not_fit(desk: Desk, body: Any, where: str, said: str) -> None:
    conflict = desk.disagree(1)
    if isinstance(body, dict) and "version" in body and body["version"] is None:
        body = {**body, "version": conflict.version}
    wrong = answer(conflict, body)
    assert wrong.status_code == 400, wrong.content
    told = wrong.json()
    assert said in (told["fields"][where][0] if where else told["error"])
    assert Conflict.objects.get(pk=conflict.pk).state == "open"


def test_what_is_no_json_is_refused_in_words(desk: Desk) -> None:
    conflict = desk.disagree(1)
    url = f"{ROOT}conflicts/{conflict.pk}/decide/"
    assert program("Reviewer").post(url, "{", content_type="application/json").status_code == 400
    assert program("Business owner").post(url, "<a/>", content_type="application/xml").status_code == 415


@pytest.mark.parametrize("team", ["Viewer", "Admin"])
def test_deciding_needs_its_permission(desk: Desk, team: str) -> None:
    conflict = desk.disagree(1)
    body = {"version": conflict.version, "choice": "crm"}
    refused = answer(conflict, body, team)
    assert refused.status_code == 403
    assert "You may not answer questions." in refused.json()["error"]
    assert Conflict.objects.get(pk=conflict.pk).state == "open"


def test_a_question_about_a_delete(desk: Desk) -> None:
    conflict = desk.delete(1)
    client = program("Reviewer")
    wrong = answer(conflict, {"version": conflict.version, "action": "same"}, client=client)
    assert wrong.status_code == 400
    assert "choose one of recreate, propagate, unlink" in wrong.json()["error"]
    assert answer(conflict, {"version": conflict.version, "action": "unlink"}, client=client).status_code == 200
    assert Conflict.objects.get(pk=conflict.pk).winner == "unlink"


def test_a_question_of_identity(desk: Desk) -> None:
    conflict = desk.second(1)
    shown = get(program(), f"conflicts/{conflict.pk}/")
    assert (shown["kind"], shown["about"]) == ("match", "crm-1-twin")
    taken = answer(conflict, {"version": conflict.version, "action": "apart"})
    assert taken.status_code == 200, taken.content
    assert Record.objects.count() == 2


def test_a_form_from_elsewhere_decides_nothing(desk: Desk) -> None:
    conflict = desk.disagree(1)
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(person("Reviewer"))
    assert answer(conflict, {"version": conflict.version, "choice": "crm"}, client=client).status_code == 403
    assert Conflict.objects.get(pk=conflict.pk).state == "open"


def test_empty_text_clears_nothing_and_null_does(desk: Desk) -> None:
    conflict = desk.disagree(1)
    refused = answer(conflict, {"version": conflict.version, "value": " "})
    assert refused.status_code == 400 and "to clear the field everywhere, say null" in str(refused.json())
    assert answer(conflict, {"version": conflict.version, "value": None}, team="Business owner").status_code == 200
    assert Record.objects.get(pk=conflict.record_id).beliefs["phone"]["value"] == {"phone": None}


def test_null_is_refused_where_no_person_may_clear(db: None) -> None:
    conflict = make_desk({"phone": {**RULES["phone"], "clear": ["crm"]}}).disagree(1)
    refused = answer(conflict, {"version": conflict.version, "value": None})
    assert refused.status_code == 400 and "the policy lets no person clear this field" in str(refused.json())
