"""The double of Salesforce speaks as its documentation says."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

import pytest
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from syncapp.doubles.salesforce import Salesforce
from syncapp.doubles.salesforce_values import long_id
from tests.doubles.side import Side, running

BASE = "/services/data/v62.0"
CONTACT = f"{BASE}/sobjects/Contact"
ASKED = "SELECT LastName FROM Contact WHERE {} ORDER BY LastName"
TOKEN = "/services/oauth2/token"


@pytest.fixture
def org() -> Iterator[Side]:
    with running(Salesforce()) as side:
        yield side


def add(org: Side, **fields: Any) -> str:
    return str(org.post(CONTACT, {"LastName": "Lee", **fields})["id"])


def queried(org: Side, text: str, what: str = "query") -> list[dict[str, Any]]:
    page = org.get(f"{BASE}/{what}", q=text)
    seen = list(page["records"])
    while not page["done"]:
        page = org.get(page["nextRecordsUrl"])
        seen += page["records"]
    assert len(seen) == page["totalSize"]
    return seen


def test_a_query_is_read_to_its_end(org: Side) -> None:
    ids = [add(org, LastName=f"P{number:02d}") for number in range(23)]
    assert len(org.get(f"{BASE}/query", q="SELECT Id FROM Contact")["records"]) == 10
    assert [one["Id"] for one in queried(org, "SELECT Id FROM Contact ORDER BY LastName")] == ids
    assert org.get(f"{BASE}/query", q="SELECT COUNT() FROM Contact")["totalSize"] == 23
    stale = org.get(f"{BASE}/query", q="SELECT Id FROM Contact")["nextRecordsUrl"]
    org.controls.advance(3 * 86_400)
    org.sign_in()
    assert org.ask("GET", stale).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_equal_times_and_the_boundary(org: Side) -> None:
    ids = [add(org, LastName=f"P{number}") for number in range(5)]
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    org.controls.stamp("Contact", ids[:3], moment)
    text = "SELECT Id, SystemModstamp FROM Contact WHERE SystemModstamp >= 2026-03-01T12:00:00Z"
    until = " AND SystemModstamp <= 2026-03-01T12:00:00.000+0000 ORDER BY SystemModstamp, Id LIMIT 100"
    found = queried(org, text + until)
    assert [one["Id"] for one in found] == ids[:3]
    assert found[0]["SystemModstamp"] == "2026-03-01T12:00:00.000+0000"
    assert queried(org, f"{text} AND (SystemModstamp > 2026-03-01T12:00:00Z OR Id = '{ids[0]}') AND Id IN ('x')") == []
    loose = quote("SELECT Id FROM Contact WHERE SystemModstamp > ")
    raw = f"{org.url}{BASE}/query?q={loose}2026-03-01T12:00:00+00:00"
    refused = org.session.get(raw, timeout=5)
    assert refused.json()[0]["errorCode"] == "MALFORMED_QUERY", "a + that was not escaped is a blank"


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("LastName = 'o\\'neil'", ["O'Neil"]),
        ("LastName LIKE 'l%'", ["Lee", "Low"]),
        ("Email = null", ["Low", "O'Neil"]),
        ("Email != null AND NOT LastName = 'x'", ["Lee"]),
        ("Revenue__c > 10 OR DoNotCall = true", ["Low"]),
        ("LastName NOT IN ('Lee','Low')", ["O'Neil"]),
    ],
)
def test_conditions(org: Side, where: str, names: list[str]) -> None:
    add(org, LastName="Lee", Email="a@example.org")
    add(org, LastName="Low", Revenue__c=12.345)
    add(org, LastName="O'Neil")
    found = queried(org, ASKED.format(where))
    assert [one["LastName"] for one in found] == names


def test_values_as_they_are_kept(org: Side) -> None:
    given = {"FirstName": " Ann ", "Title": "", "Revenue__c": 12.345, "Interests__c": "Travel;Books"}
    id = add(org, **given, LastVisit__c="2026-01-31T18:42:00.500+01:00", MailingCity="Bonn")
    shown = org.get(f"{CONTACT}/{id}")
    assert (shown["FirstName"], shown["Title"], shown["Revenue__c"]) == ("Ann", None, 12.35)
    assert (shown["Interests__c"], shown["LastVisit__c"]) == ("Books;Travel", "2026-01-31T17:42:00.000+0000")
    assert (shown["Name"], shown["MailingAddress"]["city"], shown["DoNotCall"]) == ("Ann Lee", "Bonn", False)
    assert org.ask("PATCH", f"{CONTACT}/{id[:15]}", json={"FirstName": None}).status_code == 204
    assert org.get(f"{CONTACT}/{id}", fields="FirstName") == {"attributes": shown["attributes"], "FirstName": None}
    assert long_id("001D000000IqhSL") == "001D000000IqhSLIAZ"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"Nonsense__c": 1}, "INVALID_FIELD"),
        ({"SystemModstamp": "2026-01-01"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Email": "no"}, "INVALID_EMAIL_ADDRESS"),
        ({"LeadSource": "Unheard"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ({"LastName": ""}, "REQUIRED_FIELD_MISSING"),
        ({"FirstName": "x" * 41}, "STRING_TOO_LONG"),
        ({"Revenue__c": "much"}, "JSON_PARSER_ERROR"),
    ],
)
def test_what_is_refused_has_a_code(org: Side, given: dict[str, Any], code: str) -> None:
    answer = org.ask("POST", CONTACT, json={"LastName": "Lee", **given})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_an_upsert_by_external_id(org: Side) -> None:
    path = f"{CONTACT}/Hub_Id__c/h-1"
    made = org.ask("PATCH", path, json={"LastName": "Lee"})
    again = org.ask("PATCH", path, json={"LastName": "Low"})
    assert (made.status_code, made.json()["created"]) == (201, True)
    assert (again.status_code, again.json()["created"], again.json()["id"]) == (200, False, made.json()["id"])
    assert org.get(path)["LastName"] == "Low"
    twice = org.ask("POST", CONTACT, json={"LastName": "X", "Hub_Id__c": "h-1"})
    assert twice.json()[0]["errorCode"] == "DUPLICATE_VALUE"


def test_collections_answer_for_each_in_order(org: Side) -> None:
    records = [
        {"attributes": {"type": "Contact"}, "LastName": "A"},
        {"attributes": {"type": "Contact"}, "Email": "no", "LastName": "B"},
    ]
    path = f"{BASE}/composite/sobjects"
    none = org.post(path, {"allOrNone": True, "records": records})
    assert [one["errors"][0]["statusCode"] for one in none] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "INVALID_EMAIL_ADDRESS",
    ]
    good, bad = org.post(path, {"allOrNone": False, "records": records})
    assert (good["success"], bad["success"], bad["errors"][0]["fields"]) == (True, False, ["Email"])
    changed = {"attributes": {"type": "Contact"}, "id": good["id"], "LastName": "AA"}
    missing = {"attributes": {"type": "Contact"}, "id": "003000000000000AAA", "LastName": "C"}
    told = org.ask("PATCH", path, json={"records": [missing, changed]}).json()
    assert [one["success"] for one in told] == [False, True]
    read = org.get(f"{path}/Contact", ids=f"{good['id']},003000000000000AAA", fields="LastName")
    assert [one and one["LastName"] for one in read] == ["AA", None]
    ups = [{"attributes": {"type": "Contact"}, "Hub_Id__c": "h-9", "LastName": "N"}]
    assert org.ask("PATCH", f"{path}/Contact/Hub_Id__c", json={"records": ups}).json()[0]["created"] is True
    gone = org.ask("DELETE", path, params={"ids": good["id"]}).json()
    assert gone == [{"id": good["id"], "success": True, "errors": []}]
    assert org.ask("POST", path, json={"records": records * 101}).status_code == 400


def test_deletions_are_found_by_queryall_and_by_the_replication_call(org: Side) -> None:
    id = add(org)
    org.ask("DELETE", f"{CONTACT}/{id}")
    assert queried(org, "SELECT Id FROM Contact") == []
    assert queried(org, "SELECT Id FROM Contact WHERE IsDeleted = true", "queryAll")[0]["Id"] == id
    now = datetime.now(UTC)
    span = {"start": (now - timedelta(hours=1)).isoformat(), "end": (now + timedelta(hours=1)).isoformat()}
    org.controls.advance(2)
    told = org.get(f"{CONTACT}/deleted/", **span)
    assert [one["id"] for one in told["deletedRecords"]] == [id]
    assert told["latestDateCovered"].endswith(".000+0000")
    assert org.get(f"{CONTACT}/updated/", **span)["ids"] == []
    early = {**span, "start": (now - timedelta(days=16)).isoformat()}
    assert org.ask("GET", f"{CONTACT}/deleted/", params=early).status_code == 400
    gone = org.ask("PATCH", f"{CONTACT}/{id}", json={"LastName": "x"})
    assert (gone.status_code, gone.json()[0]["errorCode"]) == (404, "ENTITY_IS_DELETED")


def test_conditions_by_date_and_by_etag_for_accounts_only(org: Side) -> None:
    id = add(org)
    long_ago = {"If-Unmodified-Since": "Tue, 01 Jan 2019 00:00:00 GMT"}
    assert org.ask("PATCH", f"{CONTACT}/{id}", json={"Title": "x"}, headers=long_ago).status_code == 412
    now = {"If-Modified-Since": format_datetime(datetime.now(UTC) + timedelta(seconds=5), usegmt=True)}
    assert org.ask("GET", f"{CONTACT}/{id}", headers=now).status_code == 304
    assert org.ask("PATCH", f"{CONTACT}/{id}", json={"Title": "x"}, headers={"If-Match": '"old"'}).status_code == 204
    account = f"{BASE}/sobjects/Account"
    path = f"{account}/{org.post(account, {'Name': 'Acme'})['id']}"
    tag = {"If-Match": org.ask("GET", path).headers["ETag"]}
    assert org.ask("PATCH", path, json={"Phone": "1"}, headers=tag).status_code == 204
    assert org.ask("PATCH", path, json={"Phone": "2"}, headers=tag).status_code == 412


def test_events_name_the_client_that_wrote(org: Side) -> None:
    made = org.ask("POST", CONTACT, json={"LastName": "Lee"}, headers={"Sforce-Call-Options": "client=hub"}).json()
    org.controls.edit("Contact", made["id"], {"LastName": "Low", "Email": None, "Title": "Boss"})
    mine, theirs = (told["payload"] for told in org.told())
    assert mine["ChangeEventHeader"]["changeOrigin"] == "com/salesforce/api/rest/62.0;client=hub"
    header = theirs["ChangeEventHeader"]
    assert (header["changeOrigin"], header["recordIds"], header["changeType"]) == ("", [made["id"]], "UPDATE")
    assert (theirs["LastName"], theirs["Title"], header["nulledFields"]) == ("Low", "Boss", [])


def assertion(secrets: dict[str, str], seconds: int = 120, **claims: Any) -> str:
    key = serialization.load_pem_private_key(secrets["private_key"].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    told = {"iss": secrets["client_id"], "sub": secrets["username"], "aud": "x", "exp": int(time.time()) + seconds}
    parts = [{"alg": "RS256"}, {**told, **claims}]
    signed = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def test_tokens_carry_the_instance_and_no_time_of_expiry(org: Side) -> None:
    secrets, url = org.secrets, f"{org.url}{TOKEN}"
    client = {name: secrets[name] for name in ("client_id", "client_secret")}
    form = {**client, "grant_type": "refresh_token", "refresh_token": secrets["refresh_token"]}
    told = requests.post(url, data=form, timeout=5).json()
    assert told["instance_url"] == org.url
    assert not {"expires_in", "refresh_token"} & set(told)
    org.controls.expire()
    refused = org.ask("GET", CONTACT + "/x")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
    assert requests.post(url, data=form, timeout=5).ok, "the refresh token is kept"
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    good = requests.post(url, data={"grant_type": grant, "assertion": assertion(secrets)}, timeout=5).json()
    org.session.headers["Authorization"] = f"Bearer {good['access_token']}"
    assert org.ask("GET", f"{BASE}/limits").ok
    for bad in (assertion(secrets, -1), assertion(secrets, 900), assertion(secrets, sub="other"), "a.b.c"):
        answer = requests.post(url, data={"grant_type": grant, "assertion": bad}, timeout=5)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_the_limit_is_a_403(org: Side) -> None:
    used = org.ask("GET", f"{BASE}/limits").headers["Sforce-Limit-Info"]
    assert used == "api-usage=1/15000"
    org.controls.fail("429")
    limited = org.ask("GET", f"{BASE}/limits")
    assert (limited.status_code, limited.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
