"""The double of Notion speaks as its documentation says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from syncapp.doubles.notion import BOT, PERSON, SOURCE, Notion, signed
from tests.doubles.side import Side, running

QUERY = f"/v1/data_sources/{SOURCE}/query"
PARENT = {"type": "data_source_id", "data_source_id": SOURCE}


@pytest.fixture
def notion() -> Iterator[Side]:
    with running(Notion()) as side:
        side.session.headers["Notion-Version"] = "2025-09-03"
        yield side


def text(*runs: str) -> list[dict[str, Any]]:
    return [{"text": {"content": run}} for run in runs]


def add(notion: Side, name: str = "Ann", **more: Any) -> dict[str, Any]:
    return dict(notion.post("/v1/pages", {"parent": PARENT, "properties": {"Name": {"title": text(name)}, **more}}))


def every(notion: Side, size: int = 100, **query: Any) -> list[str]:
    seen: list[str] = []
    cursor = None
    while True:
        page = notion.post(QUERY, {**query, "page_size": size, **({"start_cursor": cursor} if cursor else {})})
        seen += [one["id"] for one in page["results"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            return seen


def test_a_query_is_read_to_its_end_although_pages_come_and_go(notion: Side) -> None:
    made = [add(notion, f"P{number}")["id"] for number in range(5)]
    sorts = [{"property": "Name", "direction": "ascending"}]
    first = notion.post(QUERY, {"page_size": 2, "sorts": sorts})
    add(notion, "A new one")
    rest = notion.post(QUERY, {"page_size": 100, "start_cursor": first["next_cursor"]})
    assert [one["id"] for one in first["results"] + rest["results"]] == made
    assert notion.ask("POST", QUERY, json={"page_size": 101}).status_code == 400


def test_times_are_cut_to_the_minute(notion: Side) -> None:
    made = add(notion)
    assert made["last_edited_time"].endswith(":00.000Z")
    wanted = {"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": made["last_edited_time"]}}
    assert every(notion, filter=wanted) == [made["id"]]
    wanted["last_edited_time"] = {"after": made["last_edited_time"]}  # type: ignore[assignment]
    assert every(notion, filter=wanted) == []


def test_values_of_every_type_and_how_each_is_cleared(notion: Side) -> None:
    given = {
        "aB%3Cc": {"email": "a@example.org"}, "Notes": {"rich_text": text("one ", "two")}, "Score": {"number": 1.5},
        "Active": {"checkbox": True}, "Stage": {"select": {"name": "Unheard"}},
        "Due": {"date": {"start": "2026-01-31"}}, "Tags": {"multi_select": [{"name": "vip"}, {"name": "new"}]},
    }  # fmt: skip
    made = add(notion, **given)["properties"]
    assert "".join(run["plain_text"] for run in made["Notes"]["rich_text"]) == "one two"
    assert (made["Email"]["email"], made["Stage"]["select"]["name"]) == ("a@example.org", "Unheard")
    assert made["Due"]["date"] == {"start": "2026-01-31", "end": None, "time_zone": None}
    assert [one["name"] for one in made["Tags"]["multi_select"]] == ["vip", "new"]
    assert "Unheard" in str(notion.get(f"/v1/data_sources/{SOURCE}")["properties"]["Stage"])
    id = every(notion)[0]
    clear = {"Email": {"email": None}, "Notes": {"rich_text": []}, "Stage": {"select": None}, "Due": {"date": None}}
    shown = notion.ask("PATCH", f"/v1/pages/{id}", json={"properties": clear}).json()["properties"]
    assert [shown[name][shown[name]["type"]] for name in clear] == [None, [], None, None]
    assert shown["Score"]["number"] == 1.5


@pytest.mark.parametrize(
    "given",
    [
        {"Nonsense": {"number": 1}}, {"Email": {"number": 1}}, {"Score": {"number": "1"}}, {"Number": {"unique_id": 1}},
        {"Notes": {"rich_text": text("x" * 2001)}}, {"Email": {"email": ""}},
    ],
)  # fmt: skip
def test_what_is_refused(notion: Side, given: dict[str, Any]) -> None:
    answer = notion.ask("POST", "/v1/pages", json={"parent": PARENT, "properties": given})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")


def test_filters(notion: Side) -> None:
    one = add(notion, "Ann", Score={"number": 5}, Active={"checkbox": True})["id"]
    two = add(notion, "Bob", Email={"email": "b@example.org"})["id"]
    assert every(notion, filter={"property": "Name", "title": {"starts_with": "A"}}) == [one]
    assert every(notion, filter={"property": "Score", "number": {"greater_than": 4}}) == [one]
    assert every(notion, filter={"property": "Email", "email": {"is_empty": True}}) == [one]
    both = [{"property": "Active", "checkbox": {"equals": True}}, {"property": "Name", "title": {"equals": "Bob"}}]
    assert set(every(notion, filter={"or": both})) == {one, two}
    assert every(notion, filter={"and": both}) == []


def test_the_trash_is_not_found_and_can_be_read(notion: Side) -> None:
    id = add(notion)["id"]
    assert notion.ask("PATCH", f"/v1/pages/{id}", json={"in_trash": True}).json()["in_trash"] is True
    assert every(notion) == []
    assert notion.get(f"/v1/pages/{id.replace('-', '')}")["in_trash"] is True
    edit = notion.ask("PATCH", f"/v1/pages/{id}", json={"properties": {"Score": {"number": 1}}})
    assert edit.status_code == 400
    notion.ask("PATCH", f"/v1/pages/{id}", json={"in_trash": False})
    assert every(notion) == [id]


def test_a_version_is_mandatory(notion: Side) -> None:
    del notion.session.headers["Notion-Version"]
    answer = notion.ask("GET", "/v1/users/me")
    assert (answer.status_code, answer.json()["code"]) == (400, "missing_version")


def test_webhooks_are_thin_and_name_their_authors(notion: Side) -> None:
    id = add(notion)["id"]
    notion.controls.edit("pages", id, {"properties": {"Score": {"number": 2}}})
    notion.controls.erase("pages", id)
    created, changed, deleted = notion.told()
    assert [one["type"] for one in (created, changed, deleted)] == [
        "page.created",
        "page.properties_updated",
        "page.deleted",
    ]
    assert (created["authors"][0]["id"], changed["authors"][0]["id"]) == (BOT, PERSON)
    assert changed["data"]["updated_properties"] == ["sC0r"]
    asked = notion.controls.handshake()
    assert json.loads(asked.body) == {"verification_token": notion.secrets["webhook"]}
    assert "X-Notion-Signature" not in asked.headers


def test_the_signature_is_the_one_that_the_documentation_prints() -> None:
    token = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"
    wanted = "sha256=461e8cbcba8a75c3edd866f0e71280f5a85cbf21eff040ebd10fe266df38a735"
    body = f'{{"verification_token":"{token}"}}'.encode()
    assert signed(token, body)["X-Notion-Signature"] == wanted


def test_tokens_tell_no_expiry_and_rotate(notion: Side) -> None:
    secrets, url = notion.secrets, f"{notion.url}/v1/oauth/token"
    client, body = (secrets["client_id"], secrets["client_secret"]), {"grant_type": "refresh_token"}
    body["refresh_token"] = secrets["refresh_token"]
    told = requests.post(url, json=body, auth=client, timeout=5).json()
    assert "expires_in" not in told
    again = requests.post(url, json=body, auth=client, timeout=5)
    assert (again.status_code, again.json()["code"]) == (400, "invalid_grant")
    notion.controls.fail("429")
    assert notion.ask("GET", "/v1/users/me").headers["Retry-After"] == "1"
    notion.controls.expire()
    assert notion.ask("GET", "/v1/users/me").json()["code"] == "unauthorized"
