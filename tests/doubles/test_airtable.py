"""The double of Airtable speaks as its documentation says."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from syncapp.doubles.airtable import Airtable
from syncapp.doubles.airtable_hooks import signed
from tests.doubles.side import Side, running

CONTACTS = "/v0/appBase0000000001/Contacts"
HOOKS = "/v0/bases/appBase0000000001/webhooks"


@pytest.fixture
def base() -> Iterator[Side]:
    with running(Airtable()) as side:
        yield side


def add(base: Side, **fields: Any) -> str:
    return str(base.post(CONTACTS, {"fields": {"Name": "Ann", **fields}})["id"])


def every(base: Side, **params: Any) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    offset = None
    while True:
        page = base.get(CONTACTS, **params, offset=offset)
        seen += page["records"]
        offset = page.get("offset")
        if not offset:
            return seen


def test_pages_are_complete_although_records_come_and_go(base: Side) -> None:
    made = [add(base, Name=f"P{number}") for number in range(7)]
    page = base.get(CONTACTS, pageSize=3)
    add(base, Name="late")
    base.ask("DELETE", f"{CONTACTS}/{made[0]}")
    seen = page["records"] + every_from(base, page["offset"], 3)
    assert {one["id"] for one in seen} == set(made[1:])
    assert base.ask("GET", CONTACTS, params={"pageSize": 101}).status_code == 422


def every_from(base: Side, offset: str, size: int) -> list[dict[str, Any]]:
    page = base.get(CONTACTS, pageSize=size, offset=offset)
    return list(page["records"]) + (every_from(base, page["offset"], size) if "offset" in page else [])


def test_an_iterator_ends_with_time(base: Side) -> None:
    for number in range(3):
        add(base, Name=f"P{number}")
    offset = base.get(CONTACTS, pageSize=2)["offset"]
    base.controls.advance(400)
    late = base.ask("GET", CONTACTS, params={"pageSize": 2, "offset": offset})
    assert (late.status_code, late.json()["error"]["type"]) == (422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE")


def test_what_is_empty_is_left_out(base: Side) -> None:
    id = add(base, Active=True, Tags=["vip"], Notes="Hi", Revenue=0, Seen="2026-01-31T18:42:00+01:00")
    path = f"{CONTACTS}/{id}"
    cells = base.get(path)["fields"]
    assert (cells["Active"], cells["Tags"], cells["Notes"]) == (True, ["vip"], "Hi\n")
    assert (cells["Seen"], "Email" in cells) == ("2026-01-31T17:42:00.000Z", False)
    base.ask("PATCH", path, json={"fields": {"Active": False, "Tags": [], "Notes": None}})
    assert set(base.get(path)["fields"]) == {"Name", "Revenue", "Seen", "Last modified"}
    base.ask("PUT", path, json={"fields": {"Name": "Only"}})
    assert set(base.get(path)["fields"]) == {"Name", "Last modified"}, "PUT clears what is not sent"
    by_id = base.get(path, returnFieldsByFieldId="true")["fields"]
    assert by_id["fld00000000000010"] == "Only"


@pytest.mark.parametrize(
    ("fields", "type"),
    [
        ({"Nonsense": 1}, "UNKNOWN_FIELD_NAME"),
        ({"Revenue": "12"}, "INVALID_VALUE_FOR_COLUMN"),
        ({"Status": "Unheard"}, "INVALID_MULTIPLE_CHOICE_OPTIONS"),
        ({"Last modified": "2026-01-01"}, "INVALID_VALUE_FOR_COLUMN"),
    ],
)
def test_a_bad_cell_refuses_all(base: Side, fields: dict[str, Any], type: str) -> None:
    records = {"records": [{"fields": {"Name": "Good"}}, {"fields": fields}]}
    answer = base.ask("POST", CONTACTS, json=records)
    assert (answer.status_code, answer.json()["error"]["type"]) == (422, type)
    assert base.get(CONTACTS)["records"] == []


def test_typecast_reads_text_and_makes_options(base: Side) -> None:
    given = {"fields": {"Revenue": "12.5", "Status": "Unheard", "Active": "yes"}, "typecast": True}
    cells = base.post(CONTACTS, given)["fields"]
    assert (cells["Revenue"], cells["Status"], cells["Active"]) == (12.5, "Unheard", True)


def test_an_upsert_finds_one_makes_one_and_refuses_two(base: Side) -> None:
    known = add(base, Email="a@example.org")
    given = {"records": [{"fields": {"Email": "a@example.org", "Name": "A"}}, {"fields": {"Email": "b@example.org"}}]}
    upsert = {"performUpsert": {"fieldsToMergeOn": ["Email"]}, **given}
    told = base.ask("PATCH", CONTACTS, json=upsert).json()
    assert told["updatedRecords"] == [known]
    assert told["createdRecords"] == [told["records"][1]["id"]]
    add(base, Email="a@example.org")
    assert (
        base.ask("PATCH", CONTACTS, json={"performUpsert": {"fieldsToMergeOn": ["Email"]}, **given}).status_code == 422
    )
    many = {"records": [{"fields": {"Name": "x"}}] * 11}
    assert base.ask("POST", CONTACTS, json=many).json()["error"]["type"] == "INVALID_RECORDS"
    gone = base.ask("DELETE", CONTACTS, params={"records[]": [known, told["records"][1]["id"]]}).json()
    assert [one["deleted"] for one in gone["records"]] == [True, True]


def test_formulas_find_what_changed_by_the_second(base: Side) -> None:
    ids = [add(base, Name=f"P{number}") for number in range(3)]
    moment = datetime(2026, 3, 1, 12, 0, 0, 400_000, tzinfo=UTC)
    base.controls.stamp("Contacts", ids[:2], moment)
    after = "IS_AFTER(LAST_MODIFIED_TIME(), '2026-03-01T12:00:00.000Z')"
    assert {one["id"] for one in every(base, filterByFormula=after)} == {ids[2]}, "cut to the second, so not after"
    since = "OR(IS_SAME(LAST_MODIFIED_TIME(),'2026-03-01T12:00:00Z'),{Name}='P2')"
    assert {one["id"] for one in every(base, filterByFormula=since, pageSize=1)} == set(ids)
    by_body = base.post(f"{CONTACTS}/listRecords", {"filterByFormula": "{Name}='P1'", "fields": ["Name"]})
    assert [one["fields"] for one in by_body["records"]] == [{"Name": "P1"}]
    bad = base.ask("GET", CONTACTS, params={"filterByFormula": "NONSENSE("})
    assert (bad.status_code, bad.json()["error"]["type"]) == (422, "INVALID_FILTER_BY_FORMULA")
    ordered = every(base, **{"sort[0][field]": "Name", "sort[0][direction]": "desc"})
    assert [one["fields"]["Name"] for one in ordered] == ["P2", "P1", "P0"]


def test_the_log_is_read_by_its_cursor(base: Side) -> None:
    specification = {
        "options": {
            "filters": {"dataTypes": ["tableData"], "recordChangeScope": "tblContacts000001"},
            "includes": {"includePreviousCellValues": True, "includeCellValuesInFieldIds": "all"},
        }
    }
    made = base.post(HOOKS, {"specification": specification, "notificationUrl": "https://hub.example/a"})
    id = add(base, Email="a@example.org")
    base.controls.edit("Contacts", id, {"fields": {"Email": None, "Phone": "1"}})
    base.controls.erase("Contacts", id)
    log = f"{HOOKS}/{made['id']}/payloads"
    first = base.get(log, cursor=1, limit=2)
    assert (len(first["payloads"]), first["cursor"], first["mightHaveMore"]) == (2, 3, True)
    rest = base.get(log, cursor=3)
    assert (len(rest["payloads"]), rest["cursor"], rest["mightHaveMore"]) == (1, 4, False)
    created, changed = (one["changedTablesById"]["tblContacts000001"] for one in first["payloads"])
    assert created["createdRecordsById"][id]["cellValuesByFieldId"]["fld00000000000011"] == "a@example.org"
    told = changed["changedRecordsById"][id]
    assert told["current"]["cellValuesByFieldId"] == {"fld00000000000011": None, "fld00000000000012": "1"}
    assert told["previous"]["cellValuesByFieldId"] == {"fld00000000000011": "a@example.org", "fld00000000000012": None}
    assert told["unchanged"]["cellValuesByFieldId"] == {"fld00000000000010": "Ann"}
    assert rest["payloads"][0]["changedTablesById"]["tblContacts000001"] == {"destroyedRecordIds": [id]}
    assert [one["actionMetadata"]["source"] for one in first["payloads"]] == ["publicApi", "client"]
    pings = [ping for ping in base.controls.deliveries() if ping.url == "https://hub.example/a"]
    assert len(pings) == 3
    wanted = signed(base64.b64decode(made["macSecretBase64"]), pings[0].body)["X-Airtable-Content-MAC"]
    assert pings[0].headers["X-Airtable-Content-MAC"] == wanted


def test_a_webhook_ends_unless_it_is_refreshed(base: Side) -> None:
    made = base.post(HOOKS, {"specification": {"options": {"filters": {"dataTypes": ["tableData"]}}}})
    base.controls.advance(6 * 86_400)
    base.post(f"{HOOKS}/{made['id']}/refresh", {})
    base.controls.advance(6 * 86_400)
    assert base.ask("GET", f"{HOOKS}/{made['id']}/payloads").ok
    assert [hook["id"] for hook in base.get(HOOKS)["webhooks"]] == [made["id"]]
    base.controls.advance(2 * 86_400)
    assert base.ask("GET", f"{HOOKS}/{made['id']}/payloads").status_code == 404


def test_the_signature_uses_the_decoded_secret() -> None:
    key = base64.b64decode("YWlydGFibGUtdGVzdC1zZWNyZXQtMDEyMzQ1Njc4OWFi")
    body = b'{"base":{"id":"app1"},"webhook":{"id":"ach1"},"timestamp":"2026-01-01T00:00:00.000Z"}'
    wanted = "hmac-sha256=19dcb82b0431bd917f0a1529748c4b22959e6cffc7350b7a963bc0c20a787875"
    assert signed(key, body)["X-Airtable-Content-MAC"] == wanted


def test_keys_rotate(base: Side) -> None:
    secrets, url = base.secrets, f"{base.url}/oauth2/v1/token"
    client, form = (secrets["client_id"], secrets["client_secret"]), {"grant_type": "refresh_token"}
    form["refresh_token"] = secrets["refresh_token"]
    told = requests.post(url, data=form, auth=client, timeout=5).json()
    assert told["refresh_token"] != secrets["refresh_token"]
    again = requests.post(url, data=form, auth=client, timeout=5)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    base.controls.expire()
    refused = base.ask("GET", CONTACTS)
    assert (refused.status_code, refused.json()["error"]["type"]) == (401, "UNAUTHORIZED")
    asked = {"client_id": secrets["client_id"], "redirect_uri": "http://hub.example/back"}
    assert base.ask("GET", "/oauth2/v1/authorize", params=asked).status_code == 400, "PKCE is mandatory"


def test_who_asks_too_much_is_barred_for_half_a_minute() -> None:
    class Strict(Airtable):
        strict = True

    with running(Strict()) as base:
        base.controls.stand_still()
        answers = [base.ask("GET", CONTACTS).status_code for _ in range(6)]
        assert answers == [200] * 5 + [429]
        base.controls.advance(10)
        assert base.ask("GET", CONTACTS).json()["errors"][0]["error"] == "RATE_LIMIT_REACHED"
        base.controls.advance(21)
        assert base.ask("GET", CONTACTS).ok
