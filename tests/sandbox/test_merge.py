"""Two records become one: what both dialects answer about the one that went, and what is on record."""

from __future__ import annotations

from collections.abc import Callable

import requests

from tests.sandbox.conftest import Caller, Receiver


def merge(sandbox: Caller, winner: str, loser: str) -> requests.Response:
    return sandbox.back("POST", "merge", json={"winner": winner, "loser": loser, "actor": "Kim"})


def test_the_crm_answers_the_winner_for_the_loser(crm: Caller) -> None:
    since = crm.call("GET", "/1012").json()["updatedAt"]
    assert merge(crm, "1001", "1002").status_code == 200
    read = crm.call("GET", "/1002").json()
    assert (read["id"], read["mergedIds"], read["version"]) == ("1001", ["1002"], 2)
    delta = {item["id"]: item for item in crm.call("GET", params={"updated_after": since}).json()["results"]}
    assert delta["1002"] | {"updatedAt": ""} == {
        "id": "1002", "archived": True, "version": 2, "updatedAt": "", "mergedInto": "1001",
    }  # fmt: skip
    assert crm.call("GET", params={"archived": "true"}).json()["results"] == [delta["1002"]]
    assert crm.call("PATCH", "/1002", json={"properties": {"city": "X"}}).status_code == 404
    assert crm.call("POST", "/batch/read", json={"ids": ["1002"]}).json()["results"] == []


def test_billing_answers_that_it_is_gone_and_where(billing: Caller) -> None:
    winner, loser = (item["id"] for item in billing.call("GET").json()["data"][:2])
    since = billing.call("GET", f"/{winner}").json()["modified"]
    merge(billing, winner, loser)
    for answer in (billing.call("GET", f"/{loser}"), billing.call("POST", f"/{loser}", json={"town": "X"})):
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["merged_into"]) == (410, "merged", winner)
    assert billing.call("DELETE", f"/{loser}").status_code == 410
    delta = {item["id"]: item for item in billing.call("GET", params={"modified_since": since}).json()["data"]}
    assert (delta[loser]["deleted"], delta[loser]["merged_into"]) == (True, winner)
    assert "merged_into" not in delta[winner]


def test_the_winner_keeps_its_values_and_takes_what_it_lacks(crm: Caller) -> None:
    rich = crm.call("POST", json={"properties": {"city": "Rom", "phone": "1"}, "externalId": "e1"}).json()["id"]
    poor = crm.call("POST", json={"properties": {"city": "Bonn"}}).json()["id"]
    assert merge(crm, poor, rich).json()["external_id"] == "e1"
    kept = crm.call("GET", f"/{poor}").json()
    assert (kept["properties"]["city"], kept["properties"]["phone"]) == ("Bonn", "1")
    lines = [line for line in crm.back("GET", "edits").json()["edits"] if line["actor"] == "Kim"]
    assert [(line["action"], line["id"], line["field"], line["stored"]) for line in lines] == [
        ("merged", rich, None, poor),
        ("update", poor, "phone", "1"),
    ]


def test_merges_in_a_row_lead_to_the_last(crm: Caller, billing: Caller) -> None:
    merge(crm, "1002", "1001")
    merge(crm, "1003", "1002")
    read = crm.call("GET", "/1001").json()
    assert (read["id"], sorted(read["mergedIds"])) == ("1003", ["1001", "1002"])
    one, two, three = (item["id"] for item in billing.call("GET").json()["data"][:3])
    merge(billing, two, one)
    merge(billing, three, two)
    assert billing.call("GET", f"/{one}").json()["error"]["merged_into"] == three


def test_one_webhook_names_both(start: Callable[..., Caller], receiver: Receiver) -> None:
    crm = start("crm", seed=2, webhook=receiver.address)
    merge(crm, "1001", "1002")
    (told,) = receiver.wait_for(1)
    assert told.body["type"] == "contact.merged"
    assert (told.body["data"]["id"], told.body["data"]["mergedIds"]) == ("1001", ["1002"])
    assert told.body["data"]["record"]["mergedIds"] == ["1002"]


def test_a_record_is_merged_on_its_page(crm: Caller) -> None:
    url = f"{crm.server.url}/records/1001/merge"
    assert "Saved." in requests.post(url, data={"loser": "1002", "actor": "Kim"}, timeout=10).text
    gone = requests.get(f"{crm.server.url}/records/1002", timeout=10).text
    assert "merged into" in gone and 'href="/records/1001"' in gone
    for loser, words in (("1001", "into itself"), ("9", "no contact with the id"), ("1002", "was merged")):
        assert words in requests.post(url, data={"loser": loser}, timeout=10).text
