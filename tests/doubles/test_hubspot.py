"""The double of HubSpot speaks as its documentation says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from syncapp.doubles.hubspot import HubSpot
from syncapp.doubles.hubspot_hooks import signed
from tests.doubles.side import Side, running

CONTACTS = "/crm/v3/objects/contacts"


class Small(HubSpot):
    cap = 30


@pytest.fixture
def hub() -> Iterator[Side]:
    with running(Small()) as side:
        yield side


def add(hub: Side, number: int = 1, **more: str) -> str:
    made = hub.post(CONTACTS, {"properties": {"email": f"p{number}@example.org", **more}})
    return str(made["id"])


def test_pages_are_complete_and_end_without_paging(hub: Side) -> None:
    made = [add(hub, number) for number in range(23)]
    seen, after = [], None
    while True:
        page = hub.get(CONTACTS, limit=10, after=after)
        seen += [one["id"] for one in page["results"]]
        if "paging" not in page:
            break
        after = page["paging"]["next"]["after"]
    assert seen == made
    assert hub.ask("GET", CONTACTS, params={"limit": 101}).status_code == 400


def test_values_are_text_and_not_always_what_was_sent(hub: Side) -> None:
    given = {"email": " Ann@Example.ORG ", "annual_spend": 12.5, "newsletter": True, "hs_buying_role": "BLOCKER"}
    id = hub.post(CONTACTS, {"properties": {**given, "renewal_day": "1767225600000"}})["id"]
    names = "email,annual_spend,newsletter,renewal_day,city,nonsense"
    shown = hub.get(f"{CONTACTS}/{id}", properties=names)["properties"]
    assert {name: shown[name] for name in ("email", "annual_spend", "newsletter", "renewal_day", "city")} == {
        "email": "ann@example.org", "annual_spend": "12.5", "newsletter": "true", "renewal_day": "2026-01-01",
        "city": None,
    }  # fmt: skip
    assert "nonsense" not in shown
    hub.ask("PATCH", f"{CONTACTS}/{id}", json={"properties": {"hs_buying_role": ";CHAMPION", "annual_spend": ""}})
    shown = hub.get(f"{CONTACTS}/{id}", properties="hs_buying_role,annual_spend,email")["properties"]
    assert (shown["hs_buying_role"], shown["annual_spend"], shown["email"]) == (
        "BLOCKER;CHAMPION",
        None,
        "ann@example.org",
    )


def test_a_stage_does_not_go_back_unless_it_was_cleared(hub: Side) -> None:
    id = add(hub, lifecyclestage="customer")
    for value, wanted in (("lead", "customer"), ("", None), ("lead", "lead")):
        hub.ask("PATCH", f"{CONTACTS}/{id}", json={"properties": {"lifecyclestage": value}})
        assert hub.get(f"{CONTACTS}/{id}", properties="lifecyclestage")["properties"]["lifecyclestage"] == wanted


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({"nonsense": "1", "email": "a@example.org"}, 400, "PROPERTY_DOESNT_EXIST"),
        ({"email": "not an address"}, 400, "INVALID_EMAIL"),
        ({"email": "a@example.org", "lifecyclestage": "unheard"}, 400, "INVALID_OPTION"),
        ({"phone": "1"}, 400, "At least one of"),
        ({"email": "P1@example.org"}, 409, "Contact already exists. Existing ID: "),
    ],
)
def test_what_is_refused_says_why(hub: Side, given: dict[str, str], status: int, said: str) -> None:
    add(hub, 1)
    answer = hub.ask("POST", CONTACTS, json={"properties": given})
    assert answer.status_code == status
    assert said in answer.json()["message"]
    assert answer.json()["category"] == ("CONFLICT" if status == 409 else "VALIDATION_ERROR")


def test_search_holds_its_boundary_and_pages_through_equal_times(hub: Side) -> None:
    ids = [add(hub, number) for number in range(7)]
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    hub.controls.stamp("contacts", ids[:5], moment)
    since = {"propertyName": "lastmodifieddate", "operator": "GTE", "value": str(int(moment.timestamp() * 1000))}
    until = {"propertyName": "lastmodifieddate", "operator": "LTE", "value": "2026-03-01T12:00:00.000Z"}
    query = {"filterGroups": [{"filters": [since, until]}], "sorts": ["lastmodifieddate"], "limit": 2}
    seen, after = [], "0"
    while after:
        page = hub.post(f"{CONTACTS}/search", {**query, "after": after})
        seen += [one["id"] for one in page["results"]]
        after = page.get("paging", {}).get("next", {}).get("after")
    assert sorted(seen) == ids[:5]
    assert page["total"] == 5


def test_search_stops_at_its_cap_and_shows_no_archived(hub: Side) -> None:
    ids = [add(hub, number) for number in range(3)]
    assert hub.ask("DELETE", f"{CONTACTS}/{ids[0]}").status_code == 204
    assert hub.post(f"{CONTACTS}/search", {})["total"] == 2
    assert [one["id"] for one in hub.get(CONTACTS, archived="true")["results"]] == ids[:1]
    assert hub.ask("GET", f"{CONTACTS}/{ids[0]}").status_code == 404
    beyond = hub.ask("POST", f"{CONTACTS}/search", json={"limit": 10, "after": "21"})
    assert (beyond.status_code, beyond.json()["category"]) == (400, "VALIDATION_ERROR")
    assert hub.ask("POST", f"{CONTACTS}/search", json={"limit": 201}).status_code == 400


def test_a_batch_tells_the_bad_input_by_its_trace_id(hub: Side) -> None:
    good = {"objectWriteTraceId": "one", "properties": {"email": "one@example.org"}}
    bad = {"objectWriteTraceId": "two", "properties": {"nonsense": "1"}}
    answer = hub.ask("POST", f"{CONTACTS}/batch/create", json={"inputs": [good, bad]})
    told = answer.json()
    assert (answer.status_code, told["numErrors"], len(told["results"])) == (207, 1, 1)
    assert told["errors"][0]["context"] == {"objectWriteTraceId": ["two"]}
    del bad["objectWriteTraceId"]
    assert hub.ask("POST", f"{CONTACTS}/batch/create", json={"inputs": [bad]}).status_code == 400
    read = hub.ask("POST", f"{CONTACTS}/batch/read", json={"inputs": [{"id": told["results"][0]["id"]}, {"id": "9"}]})
    assert (read.status_code, read.json()["errors"][0]["context"]) == (207, {"ids": ["9"]})
    assert hub.ask("POST", f"{CONTACTS}/batch/read", json={"inputs": [{"id": "1"}] * 101}).status_code == 400


def test_an_upsert_says_what_is_new(hub: Side) -> None:
    one = {"idProperty": "customer_number", "id": "K-1", "properties": {"firstname": "Ann"}}
    first = hub.post(f"{CONTACTS}/batch/upsert", {"inputs": [one]})["results"][0]
    second = hub.post(f"{CONTACTS}/batch/upsert", {"inputs": [one]})["results"][0]
    assert (first["new"], second["new"], first["id"]) == (True, False, second["id"])
    assert second["updatedAt"] == first["updatedAt"], "writing what is there already changes nothing"


def test_keys_end_and_are_renewed(hub: Side) -> None:
    secrets = hub.secrets
    hub.sign_in("access_token")
    hub.controls.expire()
    answer = hub.ask("GET", CONTACTS)
    assert (answer.status_code, answer.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
    form = {name: secrets[name] for name in ("client_id", "client_secret", "refresh_token")}
    told = hub.ask("POST", "/oauth/v3/token", data={**form, "grant_type": "refresh_token"}).json()
    assert (told["expires_in"], told["refresh_token"]) == (1800, secrets["refresh_token"])
    hub.session.headers["Authorization"] = f"Bearer {told['access_token']}"
    assert hub.ask("GET", CONTACTS).ok
    hub.controls.revoke()
    assert hub.ask("GET", CONTACTS).json()["category"] == "INVALID_AUTHENTICATION"
    refused = hub.ask("POST", "/oauth/v3/token", data={**form, "grant_type": "refresh_token"})
    assert (refused.status_code, refused.json()["status"]) == (400, "BAD_REFRESH_TOKEN")


def test_a_code_works_once(hub: Side) -> None:
    secrets, back = hub.secrets, "http://hub.example/callback"
    asked = {"client_id": secrets["client_id"], "redirect_uri": back, "state": "xyz", "scope": "oauth"}
    location = hub.ask("GET", "/oauth/authorize", params=asked).headers["Location"]
    code = location.partition("code=")[2].partition("&")[0]
    assert location.startswith(back)
    assert location.endswith("state=xyz")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back}
    form |= {name: secrets[name] for name in ("client_id", "client_secret")}
    assert hub.ask("POST", "/oauth/v1/token", data=form).ok
    assert hub.ask("POST", "/oauth/v1/token", data=form).json()["status"] == "BAD_AUTH_CODE"


def test_limits_are_told_and_enforced_when_strict() -> None:
    class Strict(HubSpot):
        strict = True

    with running(Strict()) as hub:
        assert hub.ask("GET", CONTACTS).headers["X-HubSpot-RateLimit-Remaining"] == "189"
        answers = [hub.ask("POST", f"{CONTACTS}/search", json={}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[5].json()["policyName"] == "SECONDLY"
    assert "X-HubSpot-RateLimit-Max" not in answers[0].headers


def test_webhooks_are_thin_arrays_and_name_who_did_it(hub: Side) -> None:
    id = add(hub)
    hub.controls.edit("contacts", id, {"properties": {"firstname": "Ann", "lastname": "Lee"}})
    hub.controls.erase("contacts", id)
    mine, theirs, gone = hub.told()
    assert [event["subscriptionType"] for event in mine] == ["contact.creation", "contact.propertyChange"]
    assert {event["changeSource"] for event in mine} == {"INTEGRATION"}
    assert [(event["propertyName"], event["propertyValue"]) for event in theirs] == [
        ("firstname", "Ann"),
        ("lastname", "Lee"),
    ]
    assert (theirs[0]["changeSource"], theirs[0]["sourceId"]) == ("CRM_UI", "userId:514")
    assert (gone[0]["subscriptionType"], gone[0]["objectId"]) == ("contact.deletion", int(id))


def test_the_signature_is_the_one_that_the_documentation_prints() -> None:
    body = {
        "eventId": 531833541, "subscriptionId": 3923621, "portalId": 48807704, "appId": 16111050,
        "occurredAt": 1752613920733, "subscriptionType": "contact.creation", "attemptNumber": 0,
        "objectId": 138017612137, "changeFlag": "CREATED", "changeSource": "CRM_UI", "sourceId": "userId:76023669",
    }  # fmt: skip
    raw = json.dumps([body], separators=(",", ":")).encode()
    at = datetime.fromtimestamp(1752613922.216, UTC)
    url = "https://webhook.site/335453f5-94b3-49d9-b684-a55354d4b8df"
    headers = signed("cfc68c0b-4b4e-4ef8-b764-95350e4ea479", "POST", url, raw, at)
    assert headers["X-HubSpot-Signature-v3"] == "gbj1XPRvUt0noT7i7fXfTzOD4sLzQmf0VT28ZYq0EYg="


def test_trouble_is_in_its_words(hub: Side) -> None:
    hub.controls.fail("429")
    hub.controls.fail("403")
    assert hub.ask("GET", CONTACTS).json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert hub.ask("GET", CONTACTS).json()["category"] == "MISSING_SCOPES"
    hub.controls.fail("timeout_after_write")
    assert hub.post(f"{CONTACTS}/search", {})["total"] == 0, "a search is no write"
