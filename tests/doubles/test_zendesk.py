"""The double of Zendesk speaks as its documentation says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from syncapp.doubles.zendesk import Zendesk
from syncapp.doubles.zendesk_events import signed
from tests.doubles.side import Side, running

USERS, TICKETS = "/api/v2/users", "/api/v2/tickets"


@pytest.fixture
def desk() -> Iterator[Side]:
    with running(Zendesk()) as side:
        yield side


def user(desk: Side, number: int = 1, **more: Any) -> dict[str, Any]:
    made = desk.post(USERS, {"user": {"name": f"P{number}", "email": f"p{number}@example.org", **more}})
    return dict(made["user"])


def ticket(desk: Side, **more: Any) -> dict[str, Any]:
    return dict(desk.post(TICKETS, {"ticket": {"subject": "S", "comment": {"body": "B"}, **more}})["ticket"])


def test_both_kinds_of_pages_are_complete(desk: Side) -> None:
    made = [user(desk, number)["id"] for number in range(5)]
    page = desk.get(USERS, **{"page[size]": 2})
    seen = page["users"]
    while page["meta"]["has_more"]:
        page = desk.ask("GET", page["links"]["next"]).json()
        seen += page["users"]
    assert [one["id"] for one in seen] == made
    page = desk.get(f"{USERS}.json", per_page=2)
    seen = page["users"]
    while page["next_page"]:
        page = desk.ask("GET", page["next_page"]).json()
        seen += page["users"]
    assert ([one["id"] for one in seen], page["count"]) == (made, 5)


def test_an_address_is_added_and_not_replaced(desk: Side) -> None:
    id = user(desk, 1)["id"]
    told = desk.ask("PUT", f"{USERS}/{id}", json={"user": {"email": "New@example.org", "phone": "+49301234567"}}).json()
    assert (told["user"]["email"], told["user"]["phone"]) == ("p1@example.org", "+49301234567")
    identities = desk.get(f"{USERS}/{id}/identities")["identities"]
    assert [(one["value"], one["primary"]) for one in identities] == [
        ("p1@example.org", True),
        ("new@example.org", False),
    ]
    taken = desk.ask("POST", USERS, json={"user": {"name": "X", "email": "new@example.org"}})
    assert (taken.status_code, taken.json()["error"]) == (422, "RecordInvalid")


def test_an_upsert_by_address_or_external_id(desk: Side) -> None:
    path, given = f"{USERS}/create_or_update", {"user": {"name": "Ann", "external_id": "K-1"}}
    first, again = desk.ask("POST", path, json=given), desk.ask("POST", path, json=given)
    assert (first.status_code, again.status_code) == (201, 200)
    other = desk.ask("POST", path, json={"user": {"name": "Ann", "external_id": "k-1"}}).json()["user"]
    assert (other["id"], other["external_id"]) == (first.json()["user"]["id"], "k-1")
    assert len(desk.get(f"{USERS}/show_many", external_ids="K-1")["users"]) == 1


def test_tickets_update_safely_when_asked(desk: Side) -> None:
    made = ticket(desk, tags=["Very Big", "a"], custom_fields=[{"id": 27642, "value": "745"}])
    assert (made["tags"], made["custom_fields"][0]) == (["a", "very_big"], {"id": 27642, "value": "745"})
    assert made["description"] == "B"
    path, old = f"{TICKETS}/{made['id']}", "2019-01-01T00:00:00Z"
    late = {"ticket": {"status": "open", "updated_stamp": old, "safe_update": False}}
    refused = desk.ask("PUT", path, json=late)
    assert (refused.status_code, refused.json()["error"]) == (409, "UpdateConflict")
    good = {"ticket": {"status": "open", "updated_stamp": made["updated_at"], "safe_update": True}}
    assert desk.ask("PUT", path, json=good).json()["ticket"]["status"] == "open"
    assert desk.ask("PUT", path, json={"ticket": {"updated_stamp": old, "tags": ["b"]}}).json()["ticket"]["tags"] == [
        "b"
    ]


def test_comments_lose_their_html_and_belong_to_the_ticket(desk: Side) -> None:
    id = ticket(desk)["id"]
    desk.ask("PUT", f"{TICKETS}/{id}", json={"ticket": {"comment": {"body": "<b>Hi</b> there"}}})
    assert [one["body"] for one in desk.get(f"{TICKETS}/{id}/comments")["comments"]] == ["B", "Hi there"]


def test_a_key_makes_one_ticket(desk: Side) -> None:
    body, key = {"ticket": {"subject": "S", "comment": {"body": "B"}}}, {"Idempotency-Key": "hub-1"}
    first, again = (desk.ask("POST", TICKETS, json=body, headers=key) for _ in range(2))
    assert (first.json(), first.headers["x-idempotency-lookup"]) == (again.json(), "miss")
    assert again.headers["x-idempotency-lookup"] == "hit"
    other = desk.ask("POST", TICKETS, json={"ticket": {"comment": {"body": "C"}}}, headers=key)
    assert (other.status_code, other.json()["error"]) == (400, "IdempotentRequestError")


def test_an_export_is_read_by_its_cursor_with_what_was_deleted(desk: Side) -> None:
    made = [ticket(desk, subject=f"T{number}")["id"] for number in range(5)]
    path = "/api/v2/incremental/tickets/cursor"
    page = desk.get(path, start_time=0, per_page=2)
    seen = [one["id"] for one in page["tickets"]]
    while not page["end_of_stream"]:
        page = desk.ask("GET", page["after_url"] + "&per_page=2").json()
        seen += [one["id"] for one in page["tickets"]]
    assert seen == made
    desk.ask("DELETE", f"{TICKETS}/{made[1]}")
    desk.controls.edit("tickets", str(made[0]), {"subject": "New"})
    later = desk.get(path, cursor=page["after_cursor"])
    assert {one["id"]: one["status"] for one in later["tickets"]} == {made[1]: "deleted", made[0]: "new"}
    assert desk.get(path, cursor=later["after_cursor"])["tickets"] == []


def test_the_last_minute_is_withheld_where_it_is_asked_for() -> None:
    class Slow(Zendesk):
        withheld = 60.0

    with running(Slow()) as desk:
        user(desk)
        path = "/api/v2/incremental/users/cursor"
        assert desk.get(path, start_time=0)["users"] == []
        soon = int(datetime.now(UTC).timestamp())
        assert desk.ask("GET", path, params={"start_time": soon}).json()["error"] == "StartTimeTooRecent"
        desk.controls.advance(61)
        assert len(desk.get(path, start_time=0)["users"]) == 1


def test_a_job_tells_each_result(desk: Side) -> None:
    users = [{"name": "A", "email": "a@example.org"}, {"name": ""}]
    started = desk.post(f"{USERS}/create_many", {"users": users})["job_status"]
    assert (started["status"], started["results"]) == ("queued", None)
    done = desk.ask("GET", started["url"]).json()["job_status"]
    good, bad = done["results"]
    assert (done["status"], good["index"], bad["error"]) == ("completed", 0, "RecordInvalid")
    again = desk.ask(
        "PUT", f"{USERS}/update_many", json={"users": [{"id": good["id"], "notes": "n"}, {"id": 9}]}
    ).json()
    results = desk.get(f"/api/v2/job_statuses/{again['job_status']['id']}")["job_status"]["results"]
    assert [one["success"] for one in results] == [True, False]
    assert desk.get(f"{USERS}/{good['id']}")["user"]["notes"] == "n"
    assert desk.ask("POST", f"{USERS}/create_many", json={"users": users * 51}).status_code == 400


def test_a_deleted_user_is_still_there(desk: Side) -> None:
    id = user(desk)["id"]
    assert desk.ask("DELETE", f"{USERS}/{id}").json()["user"]["active"] is False
    assert desk.get(f"{USERS}/{id}")["user"]["active"] is False
    assert desk.get(USERS)["users"] == []
    gone = ticket(desk)["id"]
    assert desk.ask("DELETE", f"{TICKETS}/{gone}").status_code == 204
    assert desk.ask("GET", f"{TICKETS}/{gone}").json()["error"] == "RecordNotFound"


def test_keys_by_basic_or_bearer(desk: Side) -> None:
    secrets = desk.secrets
    by_token = requests.get(f"{desk.url}{USERS}/me", auth=(secrets["user"], secrets["token"]), timeout=5)
    assert by_token.json()["user"]["role"] == "admin"
    desk.sign_in("access_token")
    form = {name: secrets[name] for name in ("client_id", "client_secret", "refresh_token")}
    told = desk.ask("POST", "/oauth/tokens", json={**form, "grant_type": "refresh_token"})
    assert told.status_code == 201
    assert desk.ask("GET", USERS).status_code == 401, "the token before is not good any more"
    assert desk.ask("POST", "/oauth/tokens", json={**form, "grant_type": "refresh_token"}).status_code == 400
    desk.session.headers["Authorization"] = f"Bearer {told.json()['access_token']}"
    assert desk.ask("GET", USERS).headers["X-Rate-Limit"] == "400"
    desk.controls.fail("429")
    assert desk.ask("GET", USERS).headers["Retry-After"] == "1"


def test_events_tell_one_property_each(desk: Side) -> None:
    id = user(desk)["id"]
    desk.controls.edit("users", str(id), {"name": "Ann", "notes": "n"})
    desk.controls.erase("users", str(id))
    created, *changed, deleted = desk.told()
    assert created["type"] == "zen:event-type:user.created"
    assert created["detail"]["id"] == str(id)
    assert {one["type"]: one["event"] for one in changed} == {
        "zen:event-type:user.name_changed": {"current": "Ann", "previous": "P1"},
        "zen:event-type:user.notes_changed": {"current": "n", "previous": ""},
    }
    assert deleted["type"] == "zen:event-type:user.deleted"


def test_the_signature_is_the_documented_one() -> None:
    at = datetime(2021, 3, 25, 5, 9, 27, tzinfo=UTC)
    headers = signed("dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==", b'{"event":"ticket.updated","id":123}', at)
    assert headers["X-Zendesk-Webhook-Signature"] == "S/RDdU2ERmj7LHDDoWJ2onPYH+t7/f2+LTM4dL7UiLM="
    assert headers["X-Zendesk-Webhook-Signature-Timestamp"] == "2021-03-25T05:09:27Z"
