"""The CRM's API: paging, delta, conditional writes, idempotency, normalisation, deletion."""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import Caller


def pages(crm: Caller, **query: object) -> list[dict]:
    found, after = [], None
    while True:
        page = crm.call("GET", params={**query, "limit": 5, **({"after": after} if after else {})}).json()
        found += page["results"]
        if "paging" not in page:
            return found
        after = page["paging"]["next"]["after"]


def test_pages_give_every_record_once(crm: Caller) -> None:
    assert [item["id"] for item in pages(crm)] == [str(1000 + number) for number in range(1, 13)]


def test_delta_is_inclusive_and_pages_through_equal_times(crm: Caller) -> None:
    crm.faults(coarse_clock_seconds=3600)
    for number in range(1, 13):
        crm.call("PATCH", f"/{1000 + number}", json={"properties": {"city": f"Town {number}"}})
    times = {item["updatedAt"] for item in pages(crm)}
    assert len(times) == 1
    assert len(pages(crm, updated_after=times.pop())) == 12
    assert pages(crm, updated_after="2199-01-01T00:00:00Z") == []


def test_a_change_while_paging_is_not_missed(crm: Caller) -> None:
    first = crm.call("GET", params={"limit": 5}).json()
    crm.call("PATCH", "/1001", json={"properties": {"city": "Moved"}})
    rest = crm.call("GET", params={"limit": 50, "after": first["paging"]["next"]["after"]}).json()["results"]
    assert [item["id"] for item in rest][-1] == "1001"
    assert len(rest) == 8


def test_partial_update_raises_the_version_and_leaves_the_rest(crm: Caller) -> None:
    before = crm.call("GET", "/1001").json()
    after = crm.call("PATCH", "/1001", json={"properties": {"phone": " 0 30/1 "}}).json()
    assert after["properties"] == before["properties"] | {"phone": " 0 30/1 "}
    assert (before["version"], after["version"]) == (1, 2)
    assert after["updatedBy"] == {"type": "api", "id": "integration"}


def test_if_match_lets_only_the_read_version_through(crm: Caller) -> None:
    tag = crm.call("GET", "/1001").headers["ETag"]
    change = {"properties": {"city": "A"}}
    assert crm.call("PATCH", "/1001", json=change, headers={"If-Match": tag}).status_code == 200
    lost = crm.call("PATCH", "/1001", json={"properties": {"city": "B"}}, headers={"If-Match": tag})
    assert lost.status_code == 412
    assert lost.json()["current"]["properties"]["city"] == "A"
    assert crm.call("DELETE", "/1001", headers={"If-Match": tag}).status_code == 412
    assert crm.call("PATCH", "/1001", json=change, headers={"If-Match": f"W/{tag}"}).status_code == 412


def test_same_values_change_nothing(crm: Caller) -> None:
    city = crm.call("GET", "/1001").json()["properties"]["city"]
    assert crm.call("PATCH", "/1001", json={"properties": {"city": f"  {city} "}}).json()["version"] == 1


def test_create_with_a_key_makes_one_record(crm: Caller) -> None:
    body = {"properties": {"email": "new@example.com"}, "externalId": "hub-1"}
    key = {"Idempotency-Key": "k1"}
    first, second = (crm.call("POST", json=body, headers=key) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"] == "1013"
    other = crm.call("POST", json={"properties": {"email": "x@example.com"}}, headers=key)
    assert other.status_code == 422
    again = crm.call("POST", json=body)
    assert (again.status_code, again.json()["current"]["id"]) == (409, "1013")
    assert len(pages(crm)) == 13


def test_values_are_normalised(crm: Caller) -> None:
    sent = {
        "email": " Ada@Example.COM ", "firstname": "  Ada ", "phone": " 1 2", "tags": "b; a;;b",
        "newsletter": 1, "credit_limit": "1200.5", "city": "   ",
    }  # fmt: skip
    kept = crm.call("POST", json={"properties": sent}).json()["properties"]
    assert {name: kept[name] for name in sent} == {
        "email": "ada@example.com", "firstname": "Ada", "phone": " 1 2", "tags": "b;a",
        "newsletter": "true", "credit_limit": "1200.50", "city": None,
    }  # fmt: skip
    assert kept["lastname"] is None


def test_archived_records_are_tombstones(crm: Caller) -> None:
    since = crm.call("GET", "/1012").json()["updatedAt"]
    assert crm.call("DELETE", "/1002").status_code == 204
    assert crm.call("GET", "/1002").status_code == 404
    assert crm.call("PATCH", "/1002", json={"properties": {"city": "X"}}).status_code == 404
    assert "1002" not in {item["id"] for item in pages(crm)}
    stones = [item for item in pages(crm, updated_after=since) if item.get("archived")]
    assert stones == pages(crm, archived="true")
    assert set(stones[0]) == {"id", "archived", "version", "updatedAt"}
    assert (stones[0]["id"], stones[0]["version"]) == ("1002", 2)


def test_batch_read_and_search(crm: Caller) -> None:
    found = crm.call("POST", "/batch/read", json={"ids": ["1003", "9999", "1001"]}).json()["results"]
    assert [item["id"] for item in found] == ["1001", "1003"]
    hits = crm.call("GET", "/search", params={"email": "PERSON0004@example.com"}).json()["results"]
    assert [item["id"] for item in hits] == ["1004"]
    crm.call("POST", json={"properties": {}, "externalId": "x/1"})
    assert crm.call("GET", "/search", params={"externalId": "x/1"}).json()["results"][0]["externalId"] == "x/1"


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"colour": "red"}, "fields are: email, firstname"),
        ({"email": "nobody"}, "name@example.com"),
        ({"city": 5}, "must be text, not int"),
        ({"city": "a\nb"}, "line break"),
        ({"city": "x" * 501}, "at most 500"),
        ({"lifecycle": "king"}, "one of subscriber, lead"),
        ({"newsletter": "maybe"}, "true or false"),
        ({"credit_limit": "much"}, "1200.50"),
        ({"credit_limit": "NaN"}, "1200.50"),
    ],
)
def test_bad_values_are_refused_with_a_sentence(crm: Caller, properties: dict, words: str) -> None:
    answer = crm.call("PATCH", "/1001", json={"properties": properties})
    assert answer.status_code == 400
    assert words in answer.json()["message"]
    assert answer.json()["field"] == next(iter(properties))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"limit": "0"}, "from 1 to 500"),
        ({"after": "junk!"}, "cursor"),
        ({"updated_after": "2026-01-01T00:00:00"}, "zone"),
        ({"archived": "perhaps"}, "true or false"),
    ],
)
def test_bad_queries_are_refused_with_a_sentence(crm: Caller, query: dict, words: str) -> None:
    answer = crm.call("GET", params=query)
    assert (answer.status_code, words in answer.json()["message"]) == (400, True), answer.text


def test_a_wrong_token_is_refused(crm: Caller) -> None:
    assert crm.call("GET", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_body_that_is_not_json_is_refused(crm: Caller) -> None:
    assert crm.call("POST", data="{", headers={"Content-Type": "application/json"}).status_code == 400
    assert crm.call("POST", json={"properties": []}).status_code == 400
    assert crm.call("PUT", "/1001").json()["error"]["code"] == "method_not_allowed"


def test_a_list_can_be_narrowed_to_one_or_several_stages(crm: Caller) -> None:
    every = [item["properties"]["lifecycle"] for item in pages(crm)]
    two = sorted({stage for stage in every if stage})[:2]
    assert len(pages(crm, filter=f"lifecycle:{two[0]}")) == every.count(two[0]) > 0
    assert len(pages(crm, filter=f"lifecycle:{','.join(two)}")) == every.count(two[0]) + every.count(two[1])
    assert crm.call("GET", params={"filter": "city:Berlin"}).status_code == 400
