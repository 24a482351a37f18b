"""The double of Pipedrive speaks as its documentation says."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from syncapp.doubles.pipedrive import Pipedrive
from syncapp.doubles.pipedrive_values import BUDGET, SEGMENT, TOPICS
from tests.doubles.side import Side, running

PERSONS = "/api/v2/persons"


@pytest.fixture
def pipe() -> Iterator[Side]:
    with running(Pipedrive()) as side:
        yield side


def add(pipe: Side, number: int = 1, **more: Any) -> dict[str, Any]:
    return dict(pipe.post(PERSONS, {"name": f"P{number}", **more})["data"])


def every(pipe: Side, **params: Any) -> list[int]:
    seen: list[int] = []
    cursor = None
    while True:
        page = pipe.get(PERSONS, cursor=cursor, **params)
        seen += [one["id"] for one in page["data"]]
        cursor = page["additional_data"]["next_cursor"]
        if cursor is None:
            return seen


def test_pages_are_complete(pipe: Side) -> None:
    made = [add(pipe, number)["id"] for number in range(7)]
    assert every(pipe, limit=3) == made
    assert every(pipe, limit=3, sort_by="id", sort_direction="desc") == made[::-1]
    assert every(pipe, ids=f"{made[0]},{made[2]}") == [made[0], made[2]]
    assert pipe.ask("GET", PERSONS, params={"limit": 501}).status_code == 400


def test_what_moves_while_pages_are_read_is_told_again_and_nothing_is_skipped(pipe: Side) -> None:
    made = [add(pipe, number)["id"] for number in range(6)]
    pipe.controls.stamp("persons", [str(id) for id in made], datetime(2026, 3, 1, 12, tzinfo=UTC))
    first = pipe.get(PERSONS, sort_by="update_time", limit=2)
    pipe.controls.edit("persons", str(made[0]), {"name": "Moved"})
    pipe.ask("DELETE", f"{PERSONS}/{made[1]}")
    cursor = first["additional_data"]["next_cursor"]
    rest = pipe.get(PERSONS, sort_by="update_time", limit=10, cursor=cursor)
    assert [one["id"] for one in rest["data"]] == [*made[2:], made[0]]
    other = pipe.ask("GET", PERSONS, params={"sort_by": "id", "cursor": cursor})
    assert other.status_code == 400


def test_since_includes_its_boundary_and_until_does_not(pipe: Side) -> None:
    made = [add(pipe, number)["id"] for number in range(4)]
    pipe.controls.stamp("persons", [str(id) for id in made[:3]], datetime(2026, 3, 1, 12, tzinfo=UTC))
    moment = "2026-03-01T12:00:00Z"
    assert every(pipe, updated_since=moment, sort_by="update_time", limit=2) == made
    assert every(pipe, updated_until=moment) == []
    assert every(pipe, updated_until="2026-03-01T12:00:01Z", limit=1) == made[:3]


def test_addresses_have_a_first_one_and_are_replaced_whole(pipe: Side) -> None:
    made = add(pipe, emails=[{"value": "a@example.org"}, {"value": "b@example.org", "label": "home"}])
    assert made["emails"] == [
        {"value": "a@example.org", "primary": True, "label": "work"},
        {"value": "b@example.org", "primary": False, "label": "home"},
    ]
    path = f"{PERSONS}/{made['id']}"
    given = {"emails": [{"value": "c@example.org", "primary": True}], "name": "Ann Lee"}
    told = pipe.ask("PATCH", path, json=given).json()["data"]
    assert [one["value"] for one in told["emails"]] == ["c@example.org"]
    assert (told["first_name"], told["last_name"], told["phones"]) == ("Ann", "Lee", [])


def test_custom_fields_are_named_by_a_hash(pipe: Side) -> None:
    fields = {SEGMENT: 11, TOPICS: [21, 22], BUDGET: {"value": 10, "currency": "EUR"}}
    made = add(pipe, custom_fields=fields)
    assert made["custom_fields"] == fields
    told = pipe.ask("PATCH", f"{PERSONS}/{made['id']}", json={"custom_fields": {SEGMENT: None}}).json()["data"]
    assert told["custom_fields"] == {**fields, SEGMENT: None}
    assert pipe.ask("POST", PERSONS, json={"name": "x", "custom_fields": {SEGMENT: 99}}).status_code == 400


@pytest.mark.parametrize(
    ("given", "status"),
    [({"job_title": "x"}, 403), ({"nonsense": 1}, 400), ({"emails": ["a"]}, 400), ({"name": ""}, 400)],
)
def test_what_is_refused(pipe: Side, given: dict[str, Any], status: int) -> None:
    answer = pipe.ask("POST", PERSONS, json={"name": "Ann", **given})
    assert (answer.status_code, answer.json()["success"]) == (status, False)


def test_a_reason_of_loss_needs_a_loss(pipe: Side) -> None:
    deal = pipe.post("/api/v2/deals", {"title": "D", "value": 10})["data"]
    path = f"/api/v2/deals/{deal['id']}"
    assert pipe.ask("PATCH", path, json={"lost_reason": "price"}).status_code == 400
    lost = pipe.ask("PATCH", path, json={"status": "lost", "lost_reason": "price"}).json()["data"]
    assert lost["lost_reason"] == "price"


def test_what_was_deleted_says_so(pipe: Side) -> None:
    id = add(pipe)["id"]
    assert pipe.ask("DELETE", f"{PERSONS}/{id}").json()["data"] == {"id": id}
    assert every(pipe) == []
    assert pipe.get(f"{PERSONS}/{id}")["data"]["is_deleted"] is True
    assert pipe.ask("PATCH", f"{PERSONS}/{id}", json={"name": "x"}).status_code == 404


def test_search(pipe: Side) -> None:
    id = add(pipe, emails=[{"value": "Ann@example.org"}])["id"]
    found = pipe.get(f"{PERSONS}/search", term="ann@example.org", exact_match="true")["data"]["items"]
    assert [one["item"]["id"] for one in found] == [id]


def test_webhooks_are_proven_by_credentials(pipe: Side) -> None:
    id = add(pipe)["id"]
    pipe.controls.edit("persons", str(id), {"name": "Ann"})
    pipe.controls.erase("persons", str(id))
    deliveries = pipe.controls.deliveries()
    secrets = pipe.secrets
    proof = base64.b64encode(f"{secrets['webhook_user']}:{secrets['webhook']}".encode()).decode()
    assert {delivery.headers["Authorization"] for delivery in deliveries} == {f"Basic {proof}"}
    pipe.controls.deliveries()
    hook = {"subscription_url": "https://hub.example/p", "event_action": "change", "event_object": "person"}
    made = pipe.post("/api/v1/webhooks", {**hook, "http_auth_user": "u", "http_auth_password": "p"})["data"]
    other = add(pipe, 2)["id"]
    pipe.ask("PATCH", f"{PERSONS}/{other}", json={"name": "New"})
    (mine,) = pipe.controls.deliveries()
    assert (mine.url, mine.headers["Authorization"]) == ("https://hub.example/p", "Basic dTpw")
    pipe.ask("DELETE", f"/api/v1/webhooks/{made['id']}")
    assert pipe.get("/api/v1/webhooks")["data"] == []


def test_events_tell_what_was_there_before(pipe: Side) -> None:
    id = add(pipe)["id"]
    pipe.controls.edit("persons", str(id), {"name": "Ann"})
    pipe.controls.erase("persons", str(id))
    created, changed, deleted = pipe.told()
    assert (created["meta"]["action"], created["meta"]["change_source"], created["previous"]) == ("create", "api", None)
    assert (changed["meta"]["change_source"], changed["previous"]) == ("app", {"name": "P1"})
    assert (deleted["data"], deleted["previous"]["name"]) == (None, "Ann")


def test_keys(pipe: Side) -> None:
    secrets = pipe.secrets
    by_header = requests.get(f"{pipe.url}{PERSONS}", headers={"x-api-token": secrets["token"]}, timeout=5)
    assert by_header.headers["x-ratelimit-limit"] == "100"
    form = {"grant_type": "refresh_token", "refresh_token": secrets["refresh_token"]}
    url, client = f"{pipe.url}/oauth/token", (secrets["client_id"], secrets["client_secret"])
    told = requests.post(url, data=form, auth=client, timeout=5).json()
    assert (told["api_domain"], told["refresh_token"]) == (pipe.url, secrets["refresh_token"])
    pipe.controls.expire()
    refused = pipe.ask("GET", PERSONS)
    assert (refused.status_code, refused.json()["error"]) == (401, "unauthorized access")
    assert requests.post(url, data={**form, "refresh_token": "x"}, auth=client, timeout=5).status_code == 400
