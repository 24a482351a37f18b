"""Plans on pages and over the API: what people of each team see and may do, over real plans of real systems."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from policies.models import FieldRule, PolicySet, Role, Sync, SyncField
from review.teams import TEAMS
from syncapp.models import Approval, Feed, Planned, Record, Run
from syncapp.plan.make import ask_for_plan
from tests.api.asking import program
from tests.carry.driving import Side, drain
from tests.carry.test_plan import new, plan, populate
from tests.ground.waiting import wait_until
from tests.review.seeding import browser_of

__all__ = ["new"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def made(new: Sync, sides: dict[str, Side]) -> Run:
    for name, label in (("crm", "CRM"), ("billing", "Billing")):
        Role.objects.filter(name=name).update(label=label)
    populate(sides)
    return plan(new)


def text(client: Client, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status, answer.content.decode()[:2000]
    return " ".join(answer.content.decode().split())


def test_a_plan_is_shown_with_numbers_winners_writes_and_cost(made: Run) -> None:
    shown = text(browser_of("Business owner"), f"/plans/{made.pk}/")
    assert "4 writes would be made, and 3 questions would be asked" in shown
    assert "1 differ<" in shown and "2 only on one side" in shown and "2 identical" in shown and "1 ambiguous" in shown
    assert "The sides disagree about First name and its owner&#x27;s value wins" in shown
    assert "“Dora”, from CRM" in shown and "A person is asked." in shown
    assert "First name: “Dorothea” → “Dora”" in shown
    assert "CRM: 1 made" in shown and "API calls" in shown
    assert "It may be: Two twice@example.org" in shown, "named, although it exists in the copy alone"
    assert "A person is asked about 1" in shown and "CRM wins 1" in shown
    assert (
        "CRM and Billing go live, and the workers carry this plan out: 4 writes" in shown
        and "cannot be taken back from here" in shown
    )


def test_what_has_nothing_to_match_on_says_so(new: Sync, sides: dict[str, Side]) -> None:
    sides["crm"].create(firstname="Nobody")
    sides["billing"].create(email="some@example.org", name_first="Somebody")
    run = plan(new)
    shown = text(browser_of("Viewer"), f"/plans/{run.pk}/?group=only")
    said = "The record at crm has no valid email: it is matched with no other, and made nowhere else until it has."
    assert "Nobody" in shown and "Somebody" in shown and shown.count(said) == 1
    assert run.counts["writes"] == {"crm": {"create": 1}}, "as it says: it is made nowhere else"


@pytest.mark.parametrize("known", ["Acme", ""])
def test_a_reference_is_shown_by_the_title_of_the_record_and_never_as_its_key(made: Run, known: str) -> None:
    """The title, else the end of the key: what is not in the hub yet, but in the copy, has nothing else."""
    SyncField.objects.filter(sync=made.sync, name="first_name").update(type="reference", params={"sync": "contacts"})
    titled, bare = str(uuid4()), str(uuid4())
    if known:
        Record.objects.create(key=titled, sync=made.sync, title=known, updated_at=made.started_at)
    row = Planned.objects.get(run=made, group="differs")
    [field] = [one for one in row.detail["fields"] if one["unit"] == "first_name"]
    field["sides"], field["value"] = (
        {"crm": {"first_name": titled}, "billing": {"first_name": bare}},
        {"first_name": titled},
    )
    row.detail["writes"][0]["fields"]["first_name"] = {"from": {"first_name": bare}, "to": {"first_name": titled}}
    row.save()
    shown, name = text(browser_of("Viewer"), f"/plans/{made.pk}/?group=differs"), known or f"record …{titled[-8:]}"
    assert f"“{name}”, from CRM" in shown and f'<dd class="cc-value">{name}</dd>' in shown
    assert f"First name: “record …{bare[-8:]}” → “{name}”" in shown
    assert titled not in shown and bare not in shown


@pytest.mark.parametrize(("group", "there", "not_there"), [("only", "Hera", "Dora"), ("identical", "Sam", "Hera")])
def test_groups_are_filters(made: Run, group: str, there: str, not_there: str) -> None:
    shown = text(browser_of("Viewer"), f"/plans/{made.pk}/?group={group}")
    items = shown[shown.index('id="items"') :]
    assert there in items and not_there not in items


@pytest.mark.parametrize("team", [*TEAMS, ""])
def test_the_matrix(made: Run, team: str) -> None:
    client = browser_of(team)
    sees, may = bool(team), team in ("Business owner", "Admin")
    for url in ("/plans/", f"/plans/{made.pk}/"):
        shown = text(client, url, 200 if sees else 403)
        assert ("Make a plan</button>" in shown or "Approve, and let" in shown) is may, url
    assert client.post("/plans/make/contacts/").status_code == (302 if may else 403)
    Run.objects.filter(state="running").delete()
    assert client.post(f"/plans/{made.pk}/precedence/", {"first-phone": "ask"}).status_code == (302 if may else 403)
    assert PolicySet.objects.count() == (2 if may else 1)
    PolicySet.objects.filter(version=1).update(version=3)
    assert client.post(f"/plans/{made.pk}/approve/").status_code == (409 if may else 403)
    assert not Approval.objects.exists()


def test_an_overtaken_plan_leads_to_the_newest(made: Run) -> None:
    newest = plan(made.sync)
    Run.objects.filter(pk=newest.pk).update(counts=newest.counts | {"by": "command"})
    client = browser_of("Admin")
    assert f'there is a newer plan: look at that one. <a href="/plans/{newest.pk}/">' in text(
        client, f"/plans/{made.pk}/"
    )
    assert "at the command line" in text(client, f"/plans/{newest.pk}/")
    assert "for command" not in text(client, "/plans/")


def test_strangers_sign_in_first(made: Run) -> None:
    for url in ("/plans/", f"/plans/{made.pk}/"):
        assert Client().get(url).headers["Location"].startswith("/admin/login/")
    assert Client().post(f"/plans/{made.pk}/approve/").status_code == 302
    assert not Approval.objects.exists()


def test_a_person_approves_on_the_page(made: Run) -> None:
    client = browser_of("Business owner", "bea")
    assert client.post(f"/plans/{made.pk}/approve/", {"why": "agreed with sales"}).status_code == 302
    approval = Approval.objects.get()
    assert (approval.by, approval.why) == ("bea", "agreed with sales")
    assert set(Feed.objects.values_list("stage", flat=True)) == {"live"}
    shown = text(client, f"/plans/{made.pk}/")
    assert "Approved by bea" in shown and "being carried out" in shown and "Approve, and let" not in shown
    again = client.post(f"/plans/{made.pk}/approve/")
    assert again.status_code == 409 and "Nothing was approved: bea approved it already" in again.content.decode()


def test_a_reason_that_is_too_long_is_refused_and_kept_in_the_form(made: Run) -> None:
    client, long = browser_of("Business owner", "bea"), "<Agreed> " + "x" * 492
    answer = client.post(f"/plans/{made.pk}/approve/", {"why": long})
    shown = answer.content.decode()
    assert answer.status_code == 422 and not Approval.objects.exists()
    assert "Nothing was approved: the reason has 501 characters; shorten it to 500 at most." in shown
    assert f'autocomplete="off" value="{escape(long)}"' in shown
    assert client.post(f"/plans/{made.pk}/approve/", {"why": long[:-1] + "  "}).status_code == 302
    assert Approval.objects.get().why == long[:-1]


def test_choosing_who_wins_publishes_it_and_makes_the_plan_anew(made: Run) -> None:
    client = browser_of("Business owner", "bea")
    answer = client.post(f"/plans/{made.pk}/precedence/", {"first-phone": "billing"})
    fresh = Run.objects.get(kind="plan", state="running")
    assert answer.headers["Location"] == f"/plans/{fresh.pk}/"
    assert FieldRule.objects.get(policy_set__state="published", unit="phone").first_link == "billing"
    drain()
    wait_until(lambda: Run.objects.get(pk=fresh.pk).state == "done", "the plan to be made anew")
    shown = text(client, f"/plans/{fresh.pk}/")
    assert "“+49 30 2”, from Billing" in shown
    wrong = client.post(f"/plans/{fresh.pk}/precedence/", {"first-phone": "fax"})
    assert wrong.status_code == 422 and "cannot be chosen; accepted:" in wrong.content.decode()


def test_home_says_what_waits_for_approval(made: Run) -> None:
    client = browser_of("Business owner")
    assert "Contacts: CRM and Billing wait for approval: preview ready" in text(client, "/")
    Feed.objects.filter(role__name="crm").update(stage="live")
    assert "Billing waits for approval: preview ready" in text(client, "/")
    Run.objects.all().delete()
    assert "Billing is in preview: nothing is read or written there" in text(client, "/")
    Feed.objects.update(stage="live")
    assert "preview" not in text(client, "/")


def test_a_plan_in_the_making_shows_its_progress_and_can_be_left(new: Sync) -> None:
    run = ask_for_plan(new, "bea")
    Run.objects.filter(pk=run.pk).update(counts={"by": "bea", "progress": {"role": "crm", "done": 500, "total": 2000}})
    client = browser_of("Viewer")
    shown = text(client, f"/plans/{run.pk}/")
    assert "Reading crm: 500 of about 2000 records" in shown and "a second" in shown and "left there" in shown
    part = client.get(f"/plans/{run.pk}/", headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode() and "HX-Refresh" not in part.headers
    Run.objects.filter(pk=run.pk).update(state="failed", ended_at=run.started_at, error="crm: away")
    assert client.get(f"/plans/{run.pk}/", headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    assert "The plan came to no end: crm: away" in text(client, f"/plans/{run.pk}/")


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        text(client, url)
    return len(captured)


def test_a_page_costs_as_many_queries_for_many_records_as_for_few(made: Run) -> None:
    client = browser_of("Business owner")
    url = f"/plans/{made.pk}/"
    queries(client, url)
    few = queries(client, url)
    like = Planned.objects.filter(run=made, group="ambiguous").get()
    Planned.objects.bulk_create(
        Planned(run=made, feed=like.feed, remote_id=f"x{n}", group="ambiguous", title=f"X {n}", detail=like.detail)
        for n in range(130)
    )
    assert queries(client, url) == few
    first = text(client, f"{url}?group=ambiguous")
    assert first.count("X ") >= 49 and "X 60" not in first
    cursor = first[first.index("after=") + 6 :].split('"')[0]
    second = text(client, f"{url}?group=ambiguous&after={cursor}")
    assert "X 60" in second and "X 10<" not in second


def test_the_api_tells_makes_and_approves(made: Run) -> None:
    api = program("Admin")
    told = api.get(f"/api/v1/plans/{made.pk}/").json()
    assert (told["plan"], told["acts"], told["groups"]["only"]) == (made.pk, True, 2)
    assert api.get("/api/v1/plans/?sync=contacts").json()["results"][0]["plan"] == made.pk
    items = api.get(f"/api/v1/plans/{made.pk}/items/?group=differs").json()["results"]
    assert [field["field"] for field in items[0]["fields"]] == ["first_name", "phone"]
    asked = api.post("/api/v1/plans/", {"sync": "contacts"}, format="json")
    assert (asked.status_code, asked.json()["state"]) == (202, "running")
    Run.objects.filter(pk=asked.json()["plan"]).delete()
    done = api.post(f"/api/v1/plans/{made.pk}/approve", {"why": "yes"}, format="json")
    assert done.status_code == 200 and done.json()["approved"]["roles"] == ["crm", "billing"]
    again = api.post(f"/api/v1/plans/{made.pk}/approve", {}, format="json")
    assert again.status_code == 409 and "approved it already" in again.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("post", "plans/", {"sync": "contact"}, 400, "'contact' is no sync; accepted: contacts"),
        ("post", "plans/", {"name": "x"}, 400, "no such field; accepted: sync"),
        ("get", "plans/{pk}/items/?group=same", None, 400, "accepted: refused, ambiguous, differs"),
        ("get", "plans/{pk}/items/?limit=0", None, 400, "accepted: 1 to 200"),
        ("get", "plans/{pk}/items/?page=2", None, 400, "no such parameter"),
        ("get", "plans/999999/", None, 404, ""),
        ("post", "plans/999999/approve", {}, 404, "There is no such plan"),
    ],
)
def test_the_api_refuses_in_words(made: Run, method: str, path: str, body: Any, status: int, said: str) -> None:
    api = program("Admin")
    answer = getattr(api, method)(
        "/api/v1/" + path.format(pk=made.pk), body, format="json" if body is not None else None
    )
    assert answer.status_code == status and said in answer.content.decode()


def test_the_api_lets_only_those_approve_who_may(made: Run) -> None:
    api = program("Reviewer")
    assert api.get(f"/api/v1/plans/{made.pk}/").status_code == 200
    for path, body in (("plans/", {"sync": "contacts"}), (f"plans/{made.pk}/approve", {})):
        refused = api.post("/api/v1/" + path, body, format="json")
        assert refused.status_code == 403 and "You may not make and approve plans" in refused.json()["error"]
    assert not Approval.objects.exists()
