"""The billing system's API, where it differs from the CRM's."""

from __future__ import annotations

import sqlite3

import pytest

from tests.sandbox.conftest import Caller


def ids(billing: Caller, **query: object) -> list[str]:
    first = billing.call("GET", params={**query, "per_page": 5}).json()
    rest = [
        billing.call("GET", params={**query, "per_page": 5, "page": number}).json()
        for number in range(2, first["pages"] + 1)
    ]
    found = [item["id"] for page in [first, *rest] for item in page["data"]]
    assert len(found) == first["total"]
    return found


def test_numbered_pages_give_every_customer_once(billing: Caller) -> None:
    found = ids(billing)
    assert len(set(found)) == len(found) == 12
    assert all(len(one) == 12 and one.startswith("cus_") for one in found)


def test_delta_counts_whole_seconds_and_keeps_the_deleted(billing: Caller) -> None:
    first, second, *_ = ids(billing)
    changed = billing.call("POST", f"/{first}", json={"town": "Rom"}).json()
    assert isinstance(changed["modified"], int)
    billing.call("DELETE", f"/{second}")
    assert set(ids(billing, modified_since=changed["modified"])) == {first, second}
    assert second not in ids(billing)
    gone = billing.call("GET", f"/{second}")
    assert (gone.status_code, gone.json()["deleted"]) == (200, True)
    assert billing.call("DELETE", f"/{second}").json()["revision"] == gone.json()["revision"]
    assert billing.call("POST", f"/{second}", json={"town": "Rom"}).status_code == 404


def test_a_stale_revision_is_a_conflict(billing: Caller) -> None:
    one = ids(billing)[0]
    assert billing.call("POST", f"/{one}", json={"town": "A", "revision": 1}).json()["revision"] == 2
    lost = billing.call("POST", f"/{one}", json={"town": "B", "revision": 1})
    assert lost.status_code == 409
    assert lost.json()["error"]["code"] == "revision_conflict"
    assert (lost.json()["current"]["town"], lost.json()["current"]["revision"]) == ("A", 2)


def test_same_values_count_as_a_revision(billing: Caller) -> None:
    one = billing.call("GET", f"/{ids(billing)[0]}").json()
    assert billing.call("POST", f"/{one['id']}", json={"town": one["town"]}).json()["revision"] == 2


def test_values_are_normalised(billing: Caller) -> None:
    sent = {
        "email": "Ada@Example.COM", "name_first": " Ada", "address_line": "x" * 60, "labels": ["vip", "fair", "vip"],
        "marketing_opt_in": True, "credit_cents": 120050,
    }  # fmt: skip
    kept = billing.call("POST", json=sent).json()
    assert {name: kept[name] for name in sent} == sent | {
        "address_line": "x" * 40, "labels": ["fair", "vip"], "marketing_opt_in": 1,
    }  # fmt: skip
    found = billing.call("GET", params={"email": "ada@example.com"}).json()
    assert [item["id"] for item in found["data"]] == [kept["id"]]


def test_an_idempotency_key_is_forgotten_after_a_day(billing: Caller) -> None:
    body, key = {"email": "n@example.com", "external_id": "h1"}, {"Idempotency-Key": "k"}
    made = billing.call("POST", json=body, headers=key).json()
    assert billing.call("POST", json=body, headers=key).json()["id"] == made["id"]
    assert [item["id"] for item in billing.call("GET", params={"external_id": "h1"}).json()["data"]] == [made["id"]]
    with sqlite3.connect(billing.server.settings.data) as file:
        file.execute("UPDATE idempotency SET time = time - 24 * 3600 - 1")
    assert billing.call("POST", json=body, headers=key).json()["error"]["code"] == "duplicate"


def test_errors_name_the_parameter(billing: Caller) -> None:
    error = billing.call("POST", json={"credit_cents": "12"}).json()["error"]
    assert (error["code"], error["param"]) == ("invalid_value", "credit_cents")
    assert "whole number of cents" in error["message"]
    assert billing.call("GET", "/cus_00000000").json()["error"]["code"] == "resource_missing"
    assert billing.call("POST", json={"labels": "vip"}).status_code == 400


@pytest.mark.parametrize("revision", ["1", True, 1.5])
def test_a_revision_must_be_a_number(billing: Caller, revision: object) -> None:
    assert billing.call("POST", f"/{ids(billing)[0]}", json={"revision": revision}).status_code == 400


def test_every_answer_tells_the_rate_limit(billing: Caller) -> None:
    headers = billing.call("GET").headers
    assert 0 <= int(headers["X-RateLimit-Remaining"]) < 1000
    assert headers["X-RateLimit-Reset"] == "1"


def test_a_list_can_be_narrowed_to_one_plan(billing: Caller) -> None:
    first, second, *_ = ids(billing)
    billing.call("POST", f"/{first}", json={"plan": "pro"})
    billing.call("POST", f"/{second}", json={"plan": "free"})
    assert first in ids(billing, plan="pro") and second not in ids(billing, plan="pro")
