"""What befalls a provider as a whole: automations, imports, restored backups, deletions told elsewhere or never."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from tests.sandbox.conftest import Caller, Receiver


def rule(crm: Caller, **told: Any) -> None:
    answer = crm.back("PUT", "rules", json=[told])
    assert answer.status_code == 200, answer.text


def write(crm: Caller, **properties: Any) -> dict[str, Any]:
    return dict(crm.call("PATCH", "/1001", json={"properties": properties}).json())


def read(crm: Caller) -> dict[str, Any]:
    return dict(crm.call("GET", "/1001").json())


@pytest.mark.parametrize(
    ("deed", "sent", "kept"),
    [
        ({"upper": True}, "Rom", "ROM"),
        ({"append": " (EU)"}, "Rom", "Rom (EU)"),
        ({"set": "Paris"}, "Rom", "Paris"),
        ({"set": "Paris", "match": "^Bonn$"}, "Rom", "Rom"),
        ({"upper": True}, None, None),
    ],
)
def test_a_rule_rewrites_what_the_api_wrote(crm: Caller, deed: dict[str, Any], sent: str | None, kept: str) -> None:
    rule(crm, field="city", **deed)
    answered = write(crm, city=sent)
    assert answered["properties"]["city"] == sent, "the answer shows what was written, the robot comes after it"
    now = read(crm)
    assert now["properties"]["city"] == kept
    if kept != sent:
        assert now["version"] == answered["version"] + 1
        assert now["updatedBy"] == {"type": "workflow", "id": "Workflow"}


def test_a_rule_listens_to_the_api_only_and_to_its_field(crm: Caller) -> None:
    rule(crm, field="city", upper=True)
    crm.back("POST", "edit", json={"id": "1001", "fields": {"city": "Rom"}, "actor": "Kim"})
    write(crm, street="Mill Road")
    assert read(crm)["properties"]["city"] == "Rom"
    assert [line["actor_type"] for line in crm.back("GET", "edits").json()["edits"]] == ["user"]


def test_a_rule_on_labels_and_other_objects(start: Callable[..., Caller]) -> None:
    billing = start("billing", seed=1, companies=1)
    told = [{"field": "labels", "append": "auto"}, {"object": "accounts", "field": "name", "upper": True}]
    assert billing.back("PUT", "rules", json=told).json() == [
        {"object": "customers", "field": "labels", "match": "", "append": "auto", "after_seconds": 0.0},
        {"object": "accounts", "field": "name", "match": "", "upper": True, "after_seconds": 0.0},
    ]
    one = billing.call("GET").json()["data"][0]["id"]
    billing.call("POST", f"/{one}", json={"labels": ["vip"]})
    assert billing.call("GET", f"/{one}").json()["labels"] == ["auto", "vip"]
    acc = billing.call("POST", at="/v1/accounts", json={"name": "Acme"}).json()["id"]
    assert billing.call("GET", f"/{acc}", at="/v1/accounts").json()["name"] == "ACME"


def test_a_rule_may_take_its_time_and_outlive_the_process(start: Callable[..., Caller]) -> None:
    crm = start("crm", seed=1)
    rule(crm, field="city", upper=True, after_seconds=1.0)
    write(crm, city="Rom")
    crm.server.stop()
    crm = start("crm")
    assert read(crm)["properties"]["city"] == "Rom"
    deadline = time.monotonic() + 10
    while read(crm)["properties"]["city"] != "ROM" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert read(crm)["properties"]["city"] == "ROM"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"field": "city"}, "exactly one of set, upper and append"),
        ({"field": "city", "set": "x", "upper": True}, "exactly one of set, upper and append"),
        ({"field": "colour", "upper": True}, "fields are: email"),
        ({"field": "city", "upper": True, "match": "("}, "regular expression"),
        ({"field": "city", "upper": True, "after_seconds": -1}, "from 0 to 86400"),
        ({"field": "city", "append": 5}, "append must be a text"),
        ({"feild": "city", "upper": True}, "some of: after_seconds, append, field"),
        ({"object": "deals", "field": "city", "upper": True}, "contacts, companies"),
    ],
)
def test_bad_rules_are_refused_with_a_sentence(crm: Caller, told: dict[str, Any], words: str) -> None:
    answer = crm.back("PUT", "rules", json=[told])
    assert (answer.status_code, words in answer.json()["error"]["message"]) == (400, True), answer.text


def test_a_touch_gives_everything_one_time_and_a_new_version(start: Callable[..., Caller], receiver: Receiver) -> None:
    crm = start("crm", seed=3, webhook=receiver.address)
    crm.call("DELETE", "/1003")
    before = crm.call("GET").json()["results"]
    at = "2026-01-02T03:04:05.000Z"
    assert crm.back("POST", "touch", json={"at": at}).json() == {"touched": 2}
    after = crm.call("GET").json()["results"]
    assert [(item["version"], item["updatedAt"], item["updatedBy"]["type"]) for item in after] == [
        (2, at, "import")
    ] * 2
    assert [item["properties"] for item in after] == [item["properties"] for item in before]
    assert crm.back("POST", "touch", json={"ids": ["1001", "9"]}).json() == {"touched": 1}
    assert [message.body["type"] for message in receiver.wait_for(1)] == ["contact.deleted"]
    assert crm.back("POST", "touch", json={"ids": "1001"}).status_code == 400


def test_a_restore_goes_back_in_silence_and_keeps_the_log(start: Callable[..., Caller], receiver: Receiver) -> None:
    crm = start("crm", seed=2, companies=1)
    crm.back("POST", "edit", json={"id": "1001", "fields": {"city": "Kept"}, "actor": "Kim"})
    assert crm.back("POST", "snapshot", json={"name": "night"}).json()["edits"] == 1
    crm.back("POST", "edit", json={"id": "1001", "fields": {"city": "Lost"}, "actor": "Kim"})
    crm.back("POST", "edit", json={"object": "companies", "id": "7001", "fields": {"name": "Lost"}, "actor": "Kim"})
    made = crm.call("POST", json={"properties": {}}, headers={"Idempotency-Key": "k"}).json()["id"]
    crm.call("DELETE", "/1002")
    crm.back("PUT", "webhook", json={"url": receiver.address.url, "secret": receiver.address.secret})
    assert crm.back("POST", "restore", json={"name": "night", "actor": "Ops"}).status_code == 200
    now = read(crm)
    assert (now["properties"]["city"], now["version"]) == ("Kept", 2)
    assert crm.call("GET", "/7001", at="/api/companies").json()["version"] == 1
    assert crm.call("GET", "/1002").status_code == 200
    assert crm.call("GET", f"/{made}").status_code == 404
    again = crm.call("POST", json={"properties": {}}, headers={"Idempotency-Key": "k"}).json()["id"]
    assert int(again) == int(made) + 1, "ids are never given out twice"
    lines = crm.back("GET", "edits").json()["edits"]
    assert [line["action"] for line in lines] == ["update", "update", "update", "restored"]
    assert (lines[-1]["stored"]["edits"], lines[-1]["actor"]) == (1, "Ops")
    (told,) = receiver.wait_for(1)
    assert told.body["data"]["id"] == again, "only the new record was announced"
    assert crm.back("POST", "restore", json={"name": "noon"}).status_code == 404


def test_deletions_may_be_told_in_a_feed_only_or_never(start: Callable[..., Caller], receiver: Receiver) -> None:
    crm = start("crm", seed=3, webhook=receiver.address, deletes="feed")
    since = crm.call("GET", "/1001").json()["updatedAt"]
    crm.call("DELETE", "/1001")
    crm.back("POST", "delete", json={"id": "1002", "actor": "Kim"})
    for query in ({"updated_after": since}, {"archived": "true"}):
        found = crm.call("GET", params=query).json()["results"]
        assert not [item for item in found if item["id"] in ("1001", "1002")]
    feed = crm.call("GET", at="/api/archived", params={"after": since}).json()
    assert [(item["id"], item["archived"]) for item in feed["results"]] == [("1001", True), ("1002", True)]
    first = crm.call("GET", at="/api/archived", params={"limit": 1}).json()
    assert (len(first["results"]), first["last"]) == (1, False)
    assert crm.back("PUT", "deletes", json={"deletes": "never"}).status_code == 200
    assert crm.call("GET", at="/api/archived").status_code == 404
    assert crm.call("GET", "/1001").status_code == 404
    assert receiver.got == []
    assert crm.back("PUT", "deletes", json={"deletes": "sometimes"}).status_code == 400


def test_billing_too_may_keep_its_deletions_to_itself(start: Callable[..., Caller]) -> None:
    billing = start("billing", seed=2, deletes="feed")
    one = billing.call("GET").json()["data"][0]
    billing.call("DELETE", f"/{one['id']}")
    assert len(billing.call("GET", params={"modified_since": one["modified"]}).json()["data"]) == 1
    assert [item["id"] for item in billing.call("GET", at="/v1/deleted").json()["results"]] == [one["id"]]
    assert billing.call("GET", f"/{one['id']}").json()["deleted"] is True


def test_an_archived_record_comes_back_under_its_id(start: Callable[..., Caller], receiver: Receiver) -> None:
    crm = start("crm", webhook=receiver.address)
    made = crm.call("POST", json={"properties": {"city": "Rom"}, "externalId": "e1"}).json()["id"]
    crm.call("DELETE", f"/{made}")
    other = crm.call("POST", json={"properties": {}, "externalId": "e1"}).json()["id"]
    assert other != made, "an archived external id is free again"
    taken = crm.back("POST", "unarchive", json={"id": made, "actor": "Kim"})
    assert (taken.status_code, "belongs to contact" in taken.text) == (409, True)
    crm.call("DELETE", f"/{other}")
    assert crm.back("POST", "unarchive", json={"id": made, "actor": "Kim"}).json()["version"] == 3
    back = crm.call("GET", f"/{made}").json()
    assert (back["properties"]["city"], back["updatedBy"]["id"]) == ("Rom", "Kim")
    assert receiver.wait_for(5)[-1].body["type"] == "contact.restored"
    assert crm.back("GET", "edits").json()["edits"][-1]["action"] == "unarchived"
    assert "was not deleted" in crm.back("POST", "unarchive", json={"id": made}).text


def test_a_clock_may_jump_while_it_runs(crm: Caller) -> None:
    for offset in (7200, -7200):
        crm.faults(clock_skew_seconds=offset)
        answer = crm.call("GET", "/1001")
        told = parsedate_to_datetime(answer.headers["Date"]).timestamp()
        assert abs(told - time.time() - offset) < 5


def test_people_see_what_the_sandbox_is_told_to_do(start: Callable[..., Caller]) -> None:
    crm = start("crm", seed=1, companies=1, daily_quota=5, deletes="never")
    rule(crm, field="city", match="^R", upper=True, after_seconds=2)
    page = requests.get(f"{crm.server.url}/about", timeout=10).text
    for words in (
        "nowhere",
        "5 of 5",
        "stay good",
        "wrote city of contacts and fits “^R”, it is put in capitals, 2 s later",
    ):
        assert words in page
    person = requests.get(f"{crm.server.url}/records/1001", timeout=10).text
    assert 'href="/companies/records/7001"' in person
