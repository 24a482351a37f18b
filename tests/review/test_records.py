"""Records: found by any key, shown beside what each account holds, explained, edited."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from policies.models import PolicySet, Sync
from syncapp.brakes import trip
from syncapp.models import Conflict, Feed, Ledger, Push, Record
from tests.clerk.making import RULES
from tests.review.seeding import Desk, browser_of, make_desk


def text(page: Any) -> str:
    return " ".join(page.content.decode().split())


@pytest.mark.parametrize(
    "wanted", ["p1@example.org", "P1@Example.org ", "crm-1", "billing-1", "Person 1", "erson 1 p1", "Person\0 1"]
)
def test_a_record_is_found(desk: Desk, wanted: str) -> None:
    desk.contact(1)
    desk.contact(2)
    rows = browser_of("Viewer").get("/records/", {"q": wanted}).context["rows"]
    assert [str(row) for row in rows] == ["Person 1 p1@example.org"]


@pytest.mark.parametrize(("team", "next"), [("Admin", 'href="/syncs/contacts/"'), ("Viewer", "An Admin connects")])
def test_a_sync_without_records_says_when_they_appear(desk: Desk, team: str, next: str) -> None:
    shown = text(browser_of(team).get("/records/", {"sync": "contacts"}))
    assert "No records of Contacts yet" in shown and "its plan is approved first" in shown
    assert next in shown and "manage.py" not in shown


def test_what_is_not_there_is_said(desk: Desk) -> None:
    assert "Nothing fits “no%body”" in text(browser_of("Viewer").get("/records/", {"q": "no%body"}))


def test_the_table_says_how_each_account_stands(desk: Desk) -> None:
    record = desk.contact(1)
    desk.shows("crm", 1, "2", first_name="Adele")
    shown = text(browser_of("Viewer").get(f"/records/{record.key}/"))
    assert "behind" in shown and "in step" in shown
    assert "<ins>Person 1</ins>" in shown  # what Billing still holds, against what is believed
    assert "versions: the hub 4, CRM 4, Billing 2" in shown


def test_a_question_shows_on_the_record(desk: Desk) -> None:
    conflict = desk.disagree(1)
    shown = text(browser_of("Viewer").get(f"/records/{conflict.record_id}/"))
    assert "in review" in shown and f"/review/{conflict.pk}/" in shown


def test_drift_that_is_kept_shows(db: None) -> None:
    desk = make_desk({"address": {**RULES["address"], "unauthorised": "keep"}})
    record = desk.contact(1)
    desk.shows("billing", 1, "2", street="Kept 1", city="Berlin")
    desk.shows("crm", 1, "2", street="Kept 1", city="Berlin")
    desk.shows("crm", 1, "3", street="Mine 2", city="Berlin")
    assert "drift kept" in text(browser_of("Viewer").get(f"/records/{record.key}/"))


def test_unchanged_pages_answer_with_nothing(desk: Desk) -> None:
    record = desk.contact(1)
    client = browser_of("Viewer")
    part = {"HX-Request": "true"}
    first = client.get(f"/records/{record.key}/?seen=-", headers=part)
    assert first.status_code == 200 and first.content.startswith(b'<div id="state"')
    url = first.content.decode().split('hx-get="')[1].split('"')[0]
    assert client.get(url, headers=part).status_code == 204
    desk.shows("crm", 1, "2", first_name="Adele")
    assert client.get(url, headers=part).status_code == 200


def test_as_many_queries_for_a_long_history_as_for_a_short_one(desk: Desk) -> None:
    record = desk.contact(1)
    client = browser_of("Reviewer")
    counts = []
    for version in range(2, 8):
        desk.shows("crm", 1, str(version), first_name=f"Name {version}")
        if version in (2, 7):
            client.get(f"/records/{record.key}/")
            with CaptureQueriesContext(connection) as queries:
                client.get(f"/records/{record.key}/")
            counts.append(len(queries))
    assert counts[0] == counts[1] <= 18


def test_the_home_page_takes_a_fixed_number_of_queries(desk: Desk) -> None:
    client = browser_of("Reviewer")
    counts = []
    for n in range(1, 6):
        desk.disagree(n)
        if n in (1, 5):
            client.get("/")
            with CaptureQueriesContext(connection) as queries:
                client.get("/")
            counts.append(len(queries))
    assert counts[0] == counts[1] <= 16


def test_home_says_what_waits_and_what_is_the_matter(desk: Desk) -> None:
    desk.disagree(1)
    billing = Feed.objects.select_related("role").get(role__name="billing")
    trip("all_changed", "every one of 40 known records changed", feed=billing)
    Feed.objects.filter(role__name="crm").update(last_success=timezone.now())
    shown = text(browser_of("Reviewer").get("/"))
    assert "1 question waits for an answer" in shown
    assert shown.count("every one of 40 known records changed") == 2
    assert "cc-good" in shown and "cc-bad" in shown


def test_why_names_source_actor_time_policy_and_rule(desk: Desk) -> None:
    record = desk.contact(1)
    shown = text(browser_of("Viewer").get(f"/records/{record.key}/why/first_name/"))
    assert (
        "First name is “Person 1” because CRM was the first to hold a value for First name "
        "(source CRM, by somebody it does not name, 2026-01-01 00:00:00 UTC; "
        "policy version 1, rule “owner wins”, owner CRM)." in shown
    )


def test_the_command_prints_the_page_s_sentences(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    record = desk.contact(1)
    shown = text(browser_of("Viewer").get(f"/records/{record.key}/why/phone/"))
    for wanted in (str(record.key), "p1@example.org", "crm-1"):
        call_command("explain", "contacts", wanted, "phone")
        printed = capsys.readouterr().out.strip()
        assert printed.startswith("Telephone is “+49 30 1000” because") and printed in shown
    call_command("explain", "contacts", "p1@example.org")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[3] == "Address is empty because no system that may write it has held a value yet."


def test_a_decision_is_explained_by_who_took_it(desk: Desk) -> None:
    conflict = desk.disagree(1)
    client = browser_of("Reviewer")
    client.post(f"/review/{conflict.pk}/", {"version": conflict.version, "answer": "1"})
    shown = text(client.get(f"/records/{conflict.record_id}/why/phone/"))
    assert "because a person chose the value of Telephone (source the hub, by reviewer," in shown
    assert Ledger.objects.get(verdict="decided").actor == "reviewer"
    assert "<small>by reviewer; policy version 1;" in shown


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["nosync", "x"], "there is no sync 'nosync'; accepted: contacts"),
        (["contacts", "nobody@example.org"], "no record of sync 'contacts' has the key"),
        (["contacts", "p1@example.org", "shoe"], "has no field 'shoe'; accepted: email, first_name, phone, address"),
    ],
)
def test_the_command_says_what_it_accepts(desk: Desk, given: list[str], said: str) -> None:
    desk.contact(1)
    with pytest.raises(CommandError, match=said):
        call_command("explain", *given)


def test_an_edit_goes_out(desk: Desk) -> None:
    record = desk.contact(1)
    client = browser_of("Reviewer")
    url = f"/records/{record.key}/edit/phone/"
    version = client.get(url).context["version"]
    assert client.post(url, {"version": version, "value-phone": "+49 30 4"}).status_code == 302
    assert Record.objects.get(pk=record.pk).beliefs["phone"]["value"] == {"phone": "+49 30 4"}
    assert Push.objects.filter(record=record, state="pending").count() == 2


def test_an_edit_of_what_moved_meanwhile_becomes_a_question(desk: Desk) -> None:
    record = desk.contact(1)
    client = browser_of("Reviewer")
    url = f"/records/{record.key}/edit/phone/"
    version = client.get(url).context["version"]
    desk.shows("crm", 1, "2", phone="+49 30 5")
    client.post(url, {"version": version, "value-phone": "+49 30 4"})
    asked = Conflict.objects.get(record=record, state="open")
    assert {one["source"]: one["value"]["phone"] for one in asked.candidates} == {"crm": "+49 30 5", "hub": "+49 30 4"}


@pytest.mark.parametrize(("unit", "said"), [("first_name", "owned by crm; people may not change it in the hub")])
def test_an_edit_that_the_policy_forbids_is_refused_and_kept(desk: Desk, unit: str, said: str) -> None:
    record = desk.contact(1)
    client = browser_of("Reviewer")
    assert f"/edit/{unit}/" not in text(client.get(f"/records/{record.key}/"))
    page = client.post(f"/records/{record.key}/edit/{unit}/", {"version": "2", "value-first_name": "Mine"})
    assert page.status_code == 422 and said in text(page) and 'value="Mine"' in text(page)


@pytest.mark.parametrize("url", ["/records/{}/", "/records/{}/why/phone/", "/records/{}/edit/phone/"])
def test_no_such_record(desk: Desk, url: str) -> None:
    page = browser_of("Reviewer").get(url.format(uuid.uuid4()))
    assert page.status_code == 404 and "There is no such record." in text(page)


def test_no_such_field(desk: Desk) -> None:
    page = browser_of("Reviewer").get(f"/records/{desk.contact(1).key}/why/shoe/")
    assert page.status_code == 404 and "has no field" in text(page)


def test_the_timeline_pages(desk: Desk) -> None:
    record = desk.contact(1)
    for version in range(2, 40):
        desk.shows("crm", 1, str(version), first_name=f"Name {version}")
    client = browser_of("Viewer")
    first = client.get(f"/records/{record.key}/").context
    second = client.get(f"/records/{record.key}/?after={first['next']}").context
    ids = [event.pk for event in [*first["events"], *second["events"]]]
    assert ids == sorted(set(ids), reverse=True) and len(ids) > 40


def test_times_are_shown_in_the_reader_s_zone(desk: Desk) -> None:
    record = desk.contact(1)
    client = browser_of("Viewer")
    client.post("/zone/", {"zone": "Asia/Tokyo", "next": "/records/"})
    shown = text(client.get(f"/records/{record.key}/"))
    assert 'title="2026-01-01 00:00:00.000 UTC">1 Jan 2026, 09:00:00<' in shown
    client.cookies["concord_zone"] = "No/Where"
    assert ">1 Jan 2026, 00:00:00<" in text(client.get(f"/records/{record.key}/"))


def test_the_zone_form_leads_nowhere_else(desk: Desk) -> None:
    answered = browser_of("Viewer").post("/zone/", {"zone": "Asia/Tokyo", "next": "https://evil.example/"})
    assert answered.headers["Location"] == "/"


def test_a_sync_without_a_policy_is_told_in_words(desk: Desk) -> None:
    record = desk.contact(1)
    PolicySet.objects.update(state="retired")
    client = browser_of("Viewer")
    page = client.get(f"/records/{record.key}/")
    assert page.status_code == 503 and "has no published policy" in text(page)
    assert "No policy is published" in text(client.get("/"))


def test_an_empty_hub_says_what_to_do(db: None) -> None:
    client = browser_of("Viewer")
    for url in ("/", "/records/"):
        assert "An Admin creates it" in text(client.get(url)), url
        assert "Create the first sync" not in text(client.get(url)), url
    admin = browser_of("Admin")
    for url in ("/", "/records/", "/plans/"):
        assert reverse("sync_new") in admin.get(url).content.decode(), url
    assert "Stop all writes" not in text(admin.get("/")), "there is nothing to stop"


def test_a_sync_without_accounts_leads_whoever_may_connect_them_to_its_page(desk: Desk) -> None:
    Sync.objects.create(slug="deals", name="Deals")
    assert reverse("sync", args=["deals"]) in browser_of("Admin").get("/").content.decode()
    assert "An Admin connects them" in text(browser_of("Viewer").get("/"))


def test_an_emptied_form_clears_only_with_its_tick(desk: Desk) -> None:
    record = desk.contact(1)
    client = browser_of("Reviewer")
    url = f"/records/{record.key}/edit/phone/"
    version = client.get(url).context["version"]
    page = client.post(url, {"version": version, "value-phone": ""})
    assert page.status_code == 422 and "tick “Clear it everywhere”" in text(page)
    assert Record.objects.get(pk=record.pk).beliefs["phone"]["value"] == {"phone": "+49 30 1000"}
    given = {"version": version, "value-phone": "", "value-clear-everywhere": "on"}
    assert client.post(url, given).status_code == 302
    assert Record.objects.get(pk=record.pk).beliefs["phone"]["value"] == {"phone": None}


def test_a_record_without_a_match_key_says_why_it_is_not_made(desk: Desk) -> None:
    desk.contact(1)
    desk.shows("crm", 2, "1", first_name="Nobody")
    record = Record.objects.get(links__remote_id="crm-2")
    client = browser_of("Viewer")
    shown = text(client.get(f"/records/{record.key}/"))
    assert "it has no Email to look it up by; add one, or link it" in shown and "to be made" not in shown
    feeds = {row.label: row.unmade for row in client.get("/").context["syncs"][0].feeds}
    assert feeds == {"CRM": 0, "Billing": 1}
    assert "1 <small>record with nothing to be looked up by" in text(client.get("/"))
    desk.shows("crm", 2, "2", first_name="Nobody", email="n@example.org")
    assert "to be made" in text(client.get(f"/records/{record.key}/"))
    assert {row.unmade for row in client.get("/").context["syncs"][0].feeds} == {0}


def test_a_record_whose_key_is_in_question_is_not_made_until_then(desk: Desk) -> None:
    desk.shows("crm", 1, "1", first_name="Ada", email="a@example.org")
    wrong = {"$invalid": "x", "reason": "got 'x'; accepted: an e-mail address"}
    desk.shows("crm", 1, "2", first_name="Ada", email=wrong)  # type: ignore[arg-type]
    record = Record.objects.get(links__remote_id="crm-1")
    shown = text(browser_of("Viewer").get(f"/records/{record.key}/"))
    assert "which record it is there is not settled" in shown
