"""The switch on the home page, the page that lets a sync write again, and the same over the API."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from review.teams import TEAMS
from syncapp import waiting
from syncapp.models import Brake, Ledger
from syncapp.stopping import stop_all
from tests.review.seeding import Desk, browser_of, person

RELEASES = "/brakes/syncs/contacts/"


def text(page) -> str:
    return re.sub(r"\s+", " ", page.content.decode())


@pytest.mark.parametrize("team", [*TEAMS, ""])
def test_who_may_stop_and_who_may_release(desk: Desk, team: str) -> None:
    client = browser_of(team)
    stops, releases = team in ("Reviewer", "Business owner", "Admin"), team in ("Business owner", "Admin")
    assert ("Stop all writes now" in text(client.get("/"))) is stops
    assert client.post("/brakes/stop/").status_code == (302 if stops else 403)
    stop_all("somebody")
    assert client.get("/brakes/").status_code == (200 if team else 403)
    if team:
        assert ('name="why" required' in text(client.get(RELEASES))) is releases
    assert client.post(RELEASES, {"why": "all is well"}).status_code == (302 if releases else 403)
    assert Brake.objects.filter(released_at=None).exists() is not releases


def test_the_switch_says_what_waits_and_home_shows_it_first(desk: Desk) -> None:
    desk.contact(1)
    desk.shows("crm", 1, "2", first_name="Ada")
    client = browser_of("Business owner")
    said = text(client.post("/brakes/stop/", {"why": "a bad import"}, follow=True))
    assert "All writes are stopped. 1 write waiting; 0 writes under way" in said
    home = text(client.get("/"))
    assert "business-owner stopped all writes (a bad import)" in home
    assert home.index("stopped all writes") < home.index("Nothing waits for you")
    assert "Look at what waits, and release" in home
    assert "Stop all writes now" not in home + text(client.get("/brakes/")), "it is stopped already"


def test_before_the_release_stands_what_would_be_written(desk: Desk) -> None:
    desk.contact(1)
    desk.shows("crm", 1, "2", first_name="Ada")
    stop_all("bo")
    client = browser_of("Admin")
    shown = text(client.get(RELEASES))
    assert "1 write of Contacts waits" in shown and "Billing: 1 waiting" in shown
    assert 'First name: Person 1 → <b class="cc-value">Ada</b>' in shown
    assert "What has been written cannot be taken back from here" in shown
    refused = client.post(RELEASES, {"why": " "})
    assert refused.status_code == 422
    assert "Nothing was released: say why its writes may go out again" in text(refused)
    assert "go out again" in text(client.post(RELEASES, {"why": "checked"}, follow=True))
    assert Ledger.objects.get(record=None).detail == "all writes of Contacts; checked"
    assert "checked" in text(client.get("/brakes/"))


def test_a_reason_that_is_too_long_stops_nothing_from_being_stopped_and_releases_nothing(desk: Desk) -> None:
    """Nobody who has to stop it all is sent back to a form; whoever releases has the time."""
    client, long = browser_of("Admin"), "x" * 501
    said = text(client.post("/brakes/stop/", {"why": long}, follow=True))
    assert "Of the reason, which had 501 characters, the first 500 are kept." in said
    assert f"({long[:500]})" in Brake.objects.exclude(sync=None).get().sentence
    refused = client.post(RELEASES, {"why": long})
    assert refused.status_code == 422 and f'autocomplete="off" value="{long}"' in text(refused)
    assert "Nothing was released: the reason has 501 characters; shorten it to 500 at most." in text(refused)
    assert Brake.objects.filter(released_at=None).exists()


def test_the_list_of_what_waits_is_paged_in_as_many_queries(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PAGE", 4)
    client, counts = browser_of("Admin"), []
    stop_all("bo")
    for number in range(1, 7):
        desk.contact(number)
        desk.shows("crm", number, "2", first_name=f"Ada {number}")
        client.get(RELEASES)
        with CaptureQueriesContext(connection) as queries:
            first = client.get(RELEASES)
        counts.append(len(queries))
    assert counts[0] == counts[-1]
    assert [one.changes[0][2] for one in first.context["writes"]] == ["Ada 1", "Ada 2", "Ada 3", "Ada 4"]
    second = client.get(RELEASES, {"feed": first.context["chosen"].feed.pk, "after": first.context["next"]})
    assert [one.changes[0][2] for one in second.context["writes"]] == ["Ada 5", "Ada 6"]
    assert second.context["next"] == ""


def test_over_the_api(desk: Desk) -> None:
    def api(team: str) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=person(team)).key}")
        return client

    owner, reviewer, viewer = api("Business owner"), api("Reviewer"), api("Viewer")
    refused = viewer.post("/api/v1/stop", {}, format="json")
    assert refused.status_code == 403 and "You may not stop all writes" in refused.json()["error"]
    assert reviewer.post("/api/v1/stop", {"reason": "x"}, format="json").json()["fields"] == {
        "reason": ["no such field; accepted: why"]
    }
    assert reviewer.post("/api/v1/stop", {"why": "odd"}, format="json").json()["stopped"] is True
    listed = [one for one in viewer.get("/api/v1/brakes/").json()["results"] if one["sync"]]
    assert [(one["code"], one["sync"], one["tripped_by"]) for one in listed] == [("stop", "contacts", "reviewer")]
    release = "/api/v1/syncs/contacts/release"
    assert reviewer.post(release, {"why": "fine"}, format="json").status_code == 403
    assert "say why" in owner.post(release, {}, format="json").json()["error"]
    assert owner.post(release, {"why": 1}, format="json").status_code == 400
    assert owner.post("/api/v1/syncs/nothing/release", {"why": "x"}, format="json").status_code == 404
    assert owner.post(release, {"why": "fine"}, format="json").json() == {"released": True}
    line = viewer.get("/api/v1/ledger/").json()["results"][0]
    assert (line["record"], line["reason"], line["actor"]) == (None, "released_held", "business-owner")
    assert viewer.get("/api/v1/brakes/").json()["results"] == []
