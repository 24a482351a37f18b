"""The double of Stripe speaks as its documentation says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import stripe

from syncapp.doubles.stripe import Stripe
from tests.doubles.side import Side, running

CUSTOMERS = "/v1/customers"


@pytest.fixture
def stripe_side() -> Iterator[Side]:
    with running(Stripe()) as side:
        yield side


def form(side: Side, path: str = CUSTOMERS, key: str | None = None, **data: Any) -> requests.Response:
    return side.ask("POST", path, data=data, headers={"Idempotency-Key": key} if key else {})


def every(side: Side, path: str, limit: int, **more: Any) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    while True:
        page = side.get(path, limit=limit, **more, **({"starting_after": seen[-1]["id"]} if seen else {}))
        seen += page["data"]
        if not page["has_more"]:
            return seen


def test_pages_are_complete_and_newest_first_also_where_the_cursor_was_deleted(stripe_side: Side) -> None:
    made = [form(stripe_side, name=f"P{number}").json()["id"] for number in range(7)]
    assert [one["id"] for one in every(stripe_side, CUSTOMERS, 3)] == made[::-1]
    first = stripe_side.get(CUSTOMERS, limit=2)["data"]
    stripe_side.ask("DELETE", f"{CUSTOMERS}/{first[1]['id']}")
    rest = stripe_side.get(CUSTOMERS, starting_after=first[1]["id"])["data"]
    assert [one["id"] for one in rest] == made[4::-1]
    before = stripe_side.get(CUSTOMERS, limit=2, ending_before=made[0])
    assert ([one["id"] for one in before["data"]], before["has_more"]) == ([made[2], made[1]], True)
    assert stripe_side.ask("GET", CUSTOMERS, params={"limit": 101}).status_code == 400


def test_forms_nest_and_the_empty_text_clears(stripe_side: Side) -> None:
    given = {"name": "Ann", "email": "Ann@Example.org", "metadata[tier]": "gold", "metadata[old]": "x"}
    made = form(stripe_side, **given, **{"address[city]": "Bonn", "preferred_locales[0]": "de", "balance": "-250"})
    shown = made.json()
    assert (shown["email"], shown["balance"], shown["preferred_locales"]) == ("Ann@Example.org", -250, ["de"])
    assert (shown["address"]["city"], shown["address"]["line1"], shown["phone"]) == ("Bonn", None, None)
    path = f"{CUSTOMERS}/{shown['id']}"
    form(stripe_side, path, name="", address="", **{"metadata[old]": ""})
    shown = stripe_side.get(path)
    assert (shown["name"], shown["address"], shown["metadata"], shown["email"]) == (
        None,
        None,
        {"tier": "gold"},
        "Ann@Example.org",
    )
    assert form(stripe_side, path, metadata="").json()["metadata"] == {}
    assert "updated" not in shown
    assert isinstance(shown["created"], int)


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [
        ({"nonsense": "1"}, "nonsense", "parameter_unknown"),
        ({"email": "no"}, "email", "email_invalid"),
        ({"phone": "1" * 21}, "phone", None),
        ({"balance": "1.5"}, "balance", "parameter_invalid_integer"),
    ],
)
def test_what_is_refused_names_the_parameter(
    stripe_side: Side, given: dict[str, str], param: str, code: str | None
) -> None:
    answer = form(stripe_side, **given)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["param"]) == (400, "invalid_request_error", param)
    assert error.get("code") == code


def test_json_is_no_form(stripe_side: Side) -> None:
    assert stripe_side.ask("POST", CUSTOMERS, json={"name": "Ann"}).status_code == 400


def test_a_key_makes_one_customer(stripe_side: Side) -> None:
    first = form(stripe_side, key="hub:1", name="Ann")
    again = form(stripe_side, key="hub:1", name="Ann")
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(stripe_side.get(CUSTOMERS)["data"]) == 1
    other = form(stripe_side, key="hub:1", name="Bob")
    assert (other.status_code, other.json()["error"]["type"]) == (400, "idempotency_error")
    assert form(stripe_side, key="hub:2", email="no").status_code == 400
    assert form(stripe_side, key="hub:2", email="a@example.org").ok, "what was refused is not kept"


def test_a_write_whose_answer_was_lost_is_told_again(stripe_side: Side) -> None:
    stripe_side.controls.fail("timeout_after_write")
    with pytest.raises(requests.ConnectionError):
        form(stripe_side, key="hub:1", name="Ann")
    assert form(stripe_side, key="hub:1", name="Ann").headers["Idempotent-Replayed"] == "true"
    assert len(stripe_side.get(CUSTOMERS)["data"]) == 1


def test_a_deleted_customer_says_so(stripe_side: Side) -> None:
    id = form(stripe_side, name="Ann").json()["id"]
    gone = {"id": id, "object": "customer", "deleted": True}
    assert stripe_side.ask("DELETE", f"{CUSTOMERS}/{id}").json() == gone
    assert stripe_side.ask("GET", f"{CUSTOMERS}/{id}").json() == gone
    assert stripe_side.ask("GET", CUSTOMERS).json()["data"] == []
    missing = form(stripe_side, f"{CUSTOMERS}/{id}", name="B")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "resource_missing")


def test_the_log_tells_every_change_and_who_made_it(stripe_side: Side) -> None:
    made = form(stripe_side, key="hub:1", name="Ann", **{"metadata[a]": "1"})
    id = made.json()["id"]
    stripe_side.controls.edit("customers", id, {"name": "Anna", "metadata": {"a": "2"}})
    stripe_side.controls.erase("customers", id)
    deleted, updated, created = stripe_side.get("/v1/events")["data"]
    assert [event["type"] for event in (created, updated, deleted)] == [
        "customer.created",
        "customer.updated",
        "customer.deleted",
    ]
    assert created["request"] == {"id": made.headers["Request-Id"], "idempotency_key": "hub:1"}
    assert updated["request"] == {"id": None, "idempotency_key": None}
    assert updated["data"]["previous_attributes"] == {"name": "Ann", "metadata": {"a": "1"}}
    assert "previous_attributes" not in created["data"]
    assert stripe_side.get(f"/v1/events/{updated['id']}") == updated
    assert [event["id"] for event in stripe_side.get("/v1/events", type="customer.updated")["data"]] == [updated["id"]]
    assert stripe_side.told() == [created, updated, deleted]


def test_equal_times_are_paged_through_and_the_boundary_is_kept(stripe_side: Side) -> None:
    ids = [form(stripe_side, name=f"P{number}").json()["id"] for number in range(5)]
    moment = datetime(2030, 3, 1, 12, tzinfo=UTC)
    stripe_side.controls.stamp("customers", ids, moment)
    seconds = int(moment.timestamp())
    found = every(stripe_side, "/v1/events", 2, **{"created[gte]": seconds})
    assert {event["data"]["object"]["id"] for event in found} == set(ids)
    assert every(stripe_side, "/v1/events", 2, **{"created[gt]": seconds}) == []


def test_search_finds_by_its_own_text(stripe_side: Side) -> None:
    form(stripe_side, email="ann@example.org", **{"metadata[crm]": "7"})
    form(stripe_side, email="bob@example.org")
    found = stripe_side.get(f"{CUSTOMERS}/search", query='metadata["crm"]:"7" AND created>1')
    assert [one["email"] for one in found["data"]] == ["ann@example.org"]
    assert stripe_side.ask("GET", f"{CUSTOMERS}/search", params={"query": "what?"}).status_code == 400


def test_keys_by_bearer_or_basic_end_and_are_refused(stripe_side: Side) -> None:
    key = stripe_side.secrets["token"]
    assert requests.get(f"{stripe_side.url}{CUSTOMERS}", auth=(key, ""), timeout=5).ok
    stripe_side.controls.expire()
    refused = stripe_side.ask("GET", CUSTOMERS)
    assert (refused.status_code, refused.json()["error"]["type"]) == (401, "invalid_request_error")
    secrets = stripe_side.secrets
    data = {"grant_type": "refresh_token", "refresh_token": secrets["refresh_token"]}
    url = f"{stripe_side.url}/v1/oauth/token"
    told = requests.post(url, data=data, auth=(secrets["client_secret"], ""), timeout=5).json()
    stripe_side.session.headers["Authorization"] = f"Bearer {told['access_token']}"
    assert stripe_side.ask("GET", CUSTOMERS).ok
    again = requests.post(url, data=data, auth=(secrets["client_secret"], ""), timeout=5)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant"), "a refresh token works once"


def test_the_signature_is_the_documented_one() -> None:
    double = Stripe()
    double.hook_secret = "whsec_test_secret"
    headers = double.sign(b'{"id":"evt_1","object":"event"}', at=datetime.fromtimestamp(1600000000, UTC))
    wanted = "76aead6c996ad41de29be1e8ae2af955c40a9cda34e71cc473645dce686a43ad"
    assert headers["Stripe-Signature"] == f"t=1600000000,v1={wanted}"


def test_trouble_is_in_its_words(stripe_side: Side) -> None:
    stripe_side.controls.fail("429")
    limited = stripe_side.ask("GET", CUSTOMERS)
    assert limited.headers["Stripe-Rate-Limited-Reason"] == "global-rate"
    assert "Retry-After" not in limited.headers
    stripe_side.controls.fail("409")
    assert form(stripe_side, name="A").json()["error"]["code"] == "idempotency_key_in_use"


def test_the_official_library_accepts_its_deliveries(stripe_side: Side) -> None:
    form(stripe_side, name="Ann")
    (delivery,) = stripe_side.controls.deliveries()
    signature, secret = delivery.headers["Stripe-Signature"], stripe_side.secrets["webhook"]
    event = stripe.Webhook.construct_event(delivery.body, signature, secret)
    assert event["type"] == "customer.created"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(delivery.body + b" ", signature, secret)
