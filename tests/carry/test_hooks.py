"""The webhook door: what is refused, with which status, counted under which reason, and nothing unverified stored."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from django.test import Client

from syncapp.connectors.records import Event
from syncapp.hooks import LARGEST_BODY
from syncapp.inbox import Fates, claim_deliveries
from syncapp.models import Account, Delivery, Tally
from syncapp.receive import receive
from syncapp.secrets import encrypt
from tests.clerk.making import make_sync

pytestmark = pytest.mark.django_db

KEY = bytes(range(24))
EVENT: dict[str, Any] = {
    "type": "contact.updated",
    "timestamp": "2026-11-20T10:00:00.000Z",
    "data": {"id": "7", "version": 2, "record": {"id": "7", "version": 2, "properties": {"email": "a@example.org"}}},
}


@pytest.fixture
def account(redis_client: object) -> Account:
    make_sync()
    account = Account.objects.get(slug="crm")
    account.secrets = encrypt({"token": "t", "webhook": "whsec_" + base64.b64encode(KEY).decode()})
    account.config = {"server": "http://127.0.0.1:9"}
    account.save()
    return account


def signed(body: bytes, *, event_id: str = "evt_1", age: float = 0, key: bytes = KEY) -> dict[str, str]:
    stamp = str(int(time.time() - age))
    digest = hmac.new(key, f"{event_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {"webhook-id": event_id, "webhook-timestamp": stamp, "webhook-signature": signature}


def deliver(account: Account, body: bytes, headers: dict[str, str]) -> Any:
    client = Client(enforce_csrf_checks=True)
    path = f"/hooks/{account.webhook_token}/"
    return client.post(path, body, content_type="application/json", headers=headers)


def tallies() -> dict[str, int]:
    return dict(Tally.objects.values_list("reason", "number"))


def whole(event: dict[str, Any] = EVENT) -> bytes:
    return json.dumps(event).encode()


def test_a_verified_delivery_is_stored_and_rung(
    account: Account, redis_client: Any, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        answer = deliver(account, whole(), signed(whole()))
    assert answer.status_code == 202
    row = Delivery.objects.get()
    assert (row.event_id, row.state, bytes(row.body)) == ("evt_1", "new", whole())
    assert row.events == [{"object": "contacts", "record": "7", "kind": "updated"}]
    assert "webhook-signature" not in row.headers
    assert redis_client.llen("rq:queue:inbox") == 1
    assert tallies() == {}


def test_a_repeat_is_answered_and_only_counted(account: Account):
    for _ in range(3):
        assert deliver(account, whole(), signed(whole())).status_code == 202
    assert Delivery.objects.count() == 1
    assert tallies() == {"duplicate": 2}


def test_a_repeat_costs_one_statement(account: Account, django_assert_num_queries: Any):
    told = Event("evt_1", "contacts", "7", None, None, None, "updated", "2", None, {})
    assert receive(account, [told], b"{}", {})
    with django_assert_num_queries(1):
        assert not receive(account, [told], b"{}", {})
    assert tallies() == {"duplicate": 1}


class TestWithoutAnId:
    """A provider that says nothing but "record 7 changed" says it in the same words for every change."""

    def told(self) -> Event:
        return Event(
            "sha256:of-these-words", "contacts", "7", None, None, None, "updated", None, None, {}, nameless=True
        )

    def test_the_same_words_again_are_a_second_change_once_the_first_was_looked_at(self, account: Account):
        assert receive(account, [self.told()], b"{}", {})
        [row] = claim_deliveries()
        assert receive(account, [self.told()], b"{}", {}), "it came while a worker was looking"
        Fates([row]).write()
        assert Delivery.objects.get().state == "new"
        Fates(claim_deliveries()).write()
        assert Delivery.objects.get().state == "done"
        assert receive(account, [self.told()], b"{}", {})
        assert (Delivery.objects.get().state, tallies()) == ("new", {})

    def test_while_the_first_waits_they_are_one_hint(self, account: Account):
        assert [receive(account, [self.told()], b"{}", {}) for _ in range(2)] == [True, False]
        assert tallies() == {"duplicate": 1}


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "signature_missing"),
        (signed(b"another body"), "signature_bad"),
        (signed(whole(), key=b"x" * 24), "signature_bad"),
        (signed(whole(), age=3600), "signature_old"),
        (signed(whole(), age=-3600), "signature_future"),
    ],
)
def test_what_is_not_signed_well_is_refused_and_not_stored(account: Account, headers: dict[str, str], reason: str):
    assert deliver(account, whole(), headers).status_code == 401
    assert not Delivery.objects.exists()
    assert tallies() == {reason: 1}


def test_a_body_that_is_not_json_is_refused(account: Account):
    assert deliver(account, b"<xml/>", signed(b"<xml/>")).status_code == 400
    assert tallies() == {"unreadable": 1}


def test_a_body_that_is_too_large_is_refused_before_it_is_verified(account: Account):
    body = b"x" * (LARGEST_BODY + 1)
    headers = signed(body)
    assert deliver(account, body, headers).status_code == 413
    assert tallies() == {"too_large": 1}
    assert not Delivery.objects.exists()


def test_the_largest_body_passes_the_cap(account: Account):
    body = whole()[:-1] + b" " * (LARGEST_BODY - len(whole())) + b"}"
    assert len(body) == LARGEST_BODY
    assert deliver(account, body, signed(body)).status_code == 202


def test_an_unknown_address_is_not_found(account: Account):
    answer = Client().post("/hooks/guessed/", whole(), content_type="application/json", headers=signed(whole()))
    assert answer.status_code == 404
    assert tallies() == {}


def test_an_unknown_event_is_set_aside_and_counted(account: Account):
    body = whole({**EVENT, "type": "contact.exploded"})
    assert deliver(account, body, signed(body)).status_code == 202
    assert tallies() == {"unknown_event": 1}
    assert "contact.exploded" in Tally.objects.get().last_said
    assert not Delivery.objects.exists()


def test_only_posts_are_taken(account: Account):
    assert Client().get(f"/hooks/{account.webhook_token}/").status_code == 405


def test_an_account_without_a_secret_takes_nothing(account: Account):
    account.secrets = encrypt({"token": "t"})
    account.save()
    assert deliver(account, whole(), signed(whole())).status_code == 401
    assert tallies() == {"no_secret": 1}


def test_while_a_secret_is_rotated_both_are_taken(account: Account):
    new = "whsec_" + base64.b64encode(b"n" * 24).decode()
    old = "whsec_" + base64.b64encode(KEY).decode()
    account.secrets = encrypt({"token": "t", "webhook": new, "webhook_old": old})
    account.save()
    assert deliver(account, whole(), signed(whole(), event_id="a")).status_code == 202
    assert deliver(account, whole(), signed(whole(), event_id="b", key=b"n" * 24)).status_code == 202


def test_no_answer_shows_a_secret(account: Account):
    account.secrets = encrypt({"token": "t", "webhook": "whsec_not!base64-at-all"})
    account.save()
    answer = deliver(account, whole(), signed(whole()))
    assert answer.status_code == 401
    assert b"not!base64" not in answer.content
    assert not any("not!base64" in said for said in Tally.objects.values_list("last_said", flat=True))
