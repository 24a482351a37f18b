"""Webhooks: signature checked by an independent reading of the standard, retries, durability, and each fault."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from syncapp.sandbox.outbox import deliveries, delivery_id, signed_headers
from tests.sandbox.conftest import SECRET, Caller, Received, Receiver


def verified(hook: Received, secret: str = SECRET) -> bool:
    key = base64.b64decode(secret[len("whsec_") :])
    content = f"{hook.headers['webhook-id']}.{hook.headers['webhook-timestamp']}.".encode() + hook.raw
    wanted = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return hook.headers["webhook-signature"].split(",") == ["v1", wanted]


def test_the_published_vector_is_met() -> None:
    secret, identifier = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    headers = signed_headers(secret, identifier, 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_every_change_is_told_once_and_signed(start: Callable[..., Caller], receiver: Receiver) -> None:
    crm = start("crm", seed=2, webhook=receiver.address)
    crm.back("POST", "edit", json={"id": "1001", "fields": {"city": "Rom"}, "actor": "Kim"})
    made = crm.call("POST", json={"properties": {"city": "Pisa"}}).json()
    crm.call("PATCH", "/1001", json={"properties": {"city": "Rom"}})
    crm.call("DELETE", "/1002")
    hooks = receiver.wait_for(3)
    time.sleep(0.3)
    assert len(hooks) == 3, "a write of the same values is not told"
    assert all(verified(hook) for hook in hooks)
    assert not verified(hooks[0], "whsec_" + base64.b64encode(bytes(24)).decode())
    assert abs(int(hooks[0].headers["webhook-timestamp"]) - time.time()) < 10
    edit, creation, deletion = (hook.body for hook in hooks)
    assert edit["type"] == "contact.updated"
    assert edit["data"]["actor"] == {"type": "user", "id": "Kim"}
    assert edit["data"]["record"]["properties"]["city"] == "Rom"
    assert edit["data"]["version"] == 2
    assert (creation["type"], creation["data"]["record"]) == ("contact.created", made)
    assert (deletion["type"], deletion["data"]["record"]["archived"]) == ("contact.deleted", True)


def test_billing_tells_a_write_of_the_same_values(start: Callable[..., Caller], receiver: Receiver) -> None:
    billing = start("billing", seed=1, webhook=receiver.address)
    one = billing.call("GET").json()["data"][0]
    billing.call("POST", f"/{one['id']}", json={"town": one["town"]})
    body = receiver.wait_for(1)[0].body
    assert body["type"] == "customer.updated"
    assert (body["data"]["revision"], body["data"]["modified"]) == (2, body["data"]["record"]["modified"])


def test_a_refused_webhook_comes_again_with_the_same_id(start: Callable[..., Caller], receiver: Receiver) -> None:
    receiver.answers = [500, 302]
    crm = start("crm", seed=1, webhook=receiver.address)
    crm.call("PATCH", "/1001", json={"properties": {"city": "Rom"}})
    hooks = receiver.wait_for(3)
    assert len({hook.headers["webhook-id"] for hook in hooks}) == 1
    assert len({hook.raw for hook in hooks}) == 1


def test_undelivered_webhooks_survive_a_restart_and_a_new_address(
    start: Callable[..., Caller], receiver: Receiver
) -> None:
    crm = start("crm", seed=1)
    crm.back("PUT", "webhook", json={"url": "http://127.0.0.1:9/hook", "secret": SECRET})
    crm.call("PATCH", "/1001", json={"properties": {"city": "Rom"}})
    crm.server.stop()
    again = start("crm", seed=99)
    assert again.back("GET", "health").json()["records"] == 1
    assert again.call("GET", "/1001").json()["properties"]["city"] == "Rom"
    again.back("PUT", "webhook", json={"url": receiver.address.url, "secret": SECRET})
    assert verified(receiver.wait_for(1)[0])


@pytest.mark.parametrize(
    "body",
    [
        {"url": "ftp://x/", "secret": SECRET},
        {"url": "http://x/"},
        {"url": "http://x/", "secret": "whsec_c2hvcnQ="},
        {"url": "http://x/", "secret": "plain-Zm9v"},
    ],
)
def test_a_bad_address_is_refused_without_repeating_the_secret(crm: Caller, body: dict) -> None:
    answer = crm.back("PUT", "webhook", json=body)
    assert answer.status_code == 400
    assert "Zm9v" not in answer.text
    assert "c2hvcnQ" not in answer.text


def edits(crm: Caller, number: int) -> None:
    for turn in range(number):
        crm.call("PATCH", "/1001", json={"properties": {"city": f"Town {turn}"}})


def test_duplicates_share_their_id(start: Callable[..., Caller], receiver: Receiver) -> None:
    edits(start("crm", seed=1, webhook=receiver.address, faults={"webhook_duplicate": 1}), 1)
    first, second = receiver.wait_for(2)
    assert first.raw == second.raw
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_lost_webhooks_never_come(start: Callable[..., Caller], receiver: Receiver) -> None:
    crm = start("crm", seed=1, webhook=receiver.address, faults={"webhook_lose": 1})
    edits(crm, 1)
    crm.faults()
    edits(crm, 2)
    assert receiver.wait_for(1)[0].body["data"]["version"] == 3
    assert crm.back("GET", "stats").json()["webhooks"]["lost"] == 1


def test_delayed_webhooks_come_late(start: Callable[..., Caller], receiver: Receiver) -> None:
    faults = {"webhook_delay": 1, "webhook_delay_seconds": 0.6}
    crm = start("crm", seed=1, webhook=receiver.address, faults=faults)
    began = time.monotonic()
    edits(crm, 1)
    receiver.wait_for(1)
    assert time.monotonic() - began >= 0.6


def test_reordered_webhooks_are_overtaken(start: Callable[..., Caller], receiver: Receiver) -> None:
    crm = start("crm", seed=1, webhook=receiver.address, faults={"webhook_reorder": 1})
    edits(crm, 1)
    crm.faults()
    crm.call("PATCH", "/1001", json={"properties": {"city": "Later"}})
    assert [hook.body["data"]["version"] for hook in receiver.wait_for(2)] == [3, 2]


def test_bodyless_webhooks_are_a_hint_only(start: Callable[..., Caller], receiver: Receiver) -> None:
    edits(start("crm", seed=1, webhook=receiver.address, faults={"webhook_bodyless": 1}), 1)
    assert set(receiver.wait_for(1)[0].body["data"]) == {"id", "version", "updatedAt", "actor"}


def test_the_same_seed_hurts_the_same_events(start: Callable[..., Caller], receiver: Receiver, tmp_path) -> None:
    fates = []
    for run in range(2):
        faults = {"seed": 7, "webhook_lose": 0.5, "webhook_bodyless": 0.5}
        crm = start("crm", seed=1, webhook=receiver.address, faults=faults, data=tmp_path / f"{run}.sqlite")
        edits(crm, 20)
        rows = crm.server.sandbox.store.rows("SELECT marks FROM outbox ORDER BY seq")
        fates.append([row[0] for row in rows])
    assert fates[0] == fates[1]
    assert len(set(fates[0])) == 4


def test_up_to_so_many_events_go_into_a_delivery_and_what_is_told_twice_into_two() -> None:
    lines: list[Any] = [{"webhook_id": f"msg_{name}"} for name in "aabbcdd"]
    told = ["".join(line["webhook_id"][-1] for line in delivery) for delivery in deliveries(lines, 3)]
    assert told == ["abc", "abd", "d"]
    ids = [delivery_id([{"webhook_id": f"msg_{name}"} for name in names]) for names in ("a", "ab", "ab", "abc")]
    assert (ids[0], len(set(ids))) == ("msg_a", 3)
    assert ids[1] == ids[2]


def test_many_events_come_in_few_deliveries(start: Callable[..., Caller], receiver: Receiver) -> None:
    crm = start("crm", webhook=receiver.address, faults={"webhook_duplicate": 1}, webhook_batch=50)
    people = [{"properties": {"email": f"p{number}@example.org"}} for number in range(40)]
    assert crm.call("POST", "/batch/create", json={"inputs": people}).status_code in (200, 201, 207)
    deadline = time.monotonic() + 10
    while crm.back("GET", "stats").json()["webhooks"]["sent"] < 80 and time.monotonic() < deadline:
        time.sleep(0.02)
    events = [one for hook in receiver.got for one in (hook.body if isinstance(hook.body, list) else [hook.body])]
    assert Counter(Counter(event["data"]["id"] for event in events).values()) == {2: 40}
    assert len(receiver.got) < 40
    assert all(map(verified, receiver.got))
