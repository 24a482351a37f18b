"""What a verified body tells, and the handshakes."""

# ruff: noqa: E501  (tables are read by the line)
from __future__ import annotations

import json
from typing import Any

import pytest

from syncapp.connectors import registry, webhook
from syncapp.connectors.errors import Malformed
from syncapp.connectors.hookspec import ChallengeSpec, EventSpec, SignatureSpec, WebhookSpec

SANDBOX = registry.load("sandbox").webhook
RECORD = {"id": "1001", "properties": {"email": "a@x.org"}, "version": 4}
BODY = {
    "type": "contact.updated",
    "timestamp": "2026-11-20T10:00:00.250Z",
    "data": {"id": "1001", "version": 4, "actor": {"type": "user", "id": "Kim"}, "record": RECORD},
}
HUBSPOT = EventSpec(
    id=("eventId", "subscriptionId"), type=("subscriptionType",), types={"contact.creation": ("contacts", "created")},
    record_id=("objectId",), time=("occurredAt",), time_format="unix_ms", origin=("changeSource",), ignore=("contact.merge",),
)  # fmt: skip


def hook(events: EventSpec, challenge: ChallengeSpec | None = None) -> WebhookSpec:
    return WebhookSpec(SignatureSpec("standard"), events, (challenge,) if challenge else ())


def test_a_fat_event_of_the_sandbox() -> None:
    assert SANDBOX is not None
    (event,) = webhook.events(SANDBOX, json.dumps(BODY).encode(), {"Webhook-Id": "msg_1"})
    assert (event.id, event.object, event.record_id, event.kind) == ("msg_1", "contacts", "1001", "updated")
    assert (event.actor, event.origin, event.version, event.fields) == ("Kim", "user", "4", RECORD)
    assert event.occurred_at is not None and event.occurred_at.isoformat() == "2026-11-20T10:00:00.250000+00:00"


def test_a_thin_event_has_no_fields_and_a_customer_has_a_revision() -> None:
    assert SANDBOX is not None
    body = {"type": "customer.deleted", "timestamp": "2026-11-20T10:00:00Z", "data": {"id": "cus_1", "revision": 7}}
    (event,) = webhook.events(SANDBOX, json.dumps(body).encode(), {"webhook-id": "m"})
    assert (event.object, event.kind, event.version, event.fields, event.actor) == (
        "customers",
        "deleted",
        "7",
        None,
        None,
    )


def test_several_events_in_one_delivery() -> None:
    told = [
        {
            "eventId": 1,
            "subscriptionId": 2,
            "objectId": 33,
            "subscriptionType": "contact.creation",
            "occurredAt": 1462216307945,
        },
        {"eventId": 2, "subscriptionId": 2, "objectId": 34, "subscriptionType": "contact.merge"},
    ]
    (event,) = webhook.events(hook(HUBSPOT), json.dumps(told).encode())
    assert (event.id, event.record_id) == ("1:2", "33")


def test_an_event_without_id_is_known_again_by_its_content() -> None:
    told = {"objectId": 1, "subscriptionType": "contact.creation"}
    first = webhook.events(hook(HUBSPOT), json.dumps(told).encode())[0].id
    again = webhook.events(hook(HUBSPOT), json.dumps(told, indent=2).encode())[0].id
    assert first == again and first.startswith("sha256:")


def test_an_event_that_is_nested_too_deeply_is_refused() -> None:
    one = b'{"subscriptionType": "contact.creation", "objectId": 33, "x": ' + b"[" * 300 + b"]" * 300 + b"}"
    with pytest.raises(Malformed, match="nested too deeply"):
        webhook.events(hook(HUBSPOT), one)


def test_only_an_event_without_id_is_nameless() -> None:
    named, nameless = (
        {"eventId": 1, "subscriptionId": 2, "objectId": 1, "subscriptionType": "contact.creation"},
        {
            "objectId": 1,
            "subscriptionType": "contact.creation",
        },
    )
    told = [webhook.events(hook(HUBSPOT), json.dumps(body).encode())[0] for body in (named, nameless)]
    assert [event.nameless for event in told] == [False, True]


WRONG: list[tuple[Any, str]] = [
    (b"not json", "not JSON"),
    (b"\xff", "not JSON"),
    (b"[1]", "unknown event None"),
    (b'"text"', "unknown event None"),
    ({**BODY, "type": "contact.exploded"}, "unknown event 'contact.exploded'.*contact.created"),
    ({**BODY, "data": {}}, "without a record id at data.id"),
    ({**BODY, "type": {"a": 1}}, "unknown event None"),
]


def test_a_time_that_cannot_be_read_does_not_lose_the_event() -> None:
    assert SANDBOX is not None
    found = webhook.told(SANDBOX, json.dumps({**BODY, "timestamp": "soon"}).encode(), {})
    assert [(event.record_id, event.occurred_at) for event in found.events] == [("1001", None)]
    assert found.faults == ["the event's time 'soon' is not iso"]


@pytest.mark.parametrize(("body", "words"), WRONG)
def test_wrong_bodies(body: Any, words: str) -> None:
    assert SANDBOX is not None
    with pytest.raises(Malformed, match=words):
        webhook.events(SANDBOX, body if isinstance(body, bytes) else json.dumps(body).encode(), {})


def test_handshakes() -> None:
    by_query = hook(HUBSPOT, ChallengeSpec(query="validationToken"))
    assert webhook.challenge(by_query, "POST", {"validationToken": "abc"}, {}, b"") == webhook.Challenge(
        200, "text/plain; charset=utf-8", b"abc"
    )
    by_body = hook(HUBSPOT, ChallengeSpec(body="challenge", echo="json"))
    found = webhook.challenge(by_body, "POST", {}, {}, b'{"challenge":"xyz"}')
    assert found is not None and json.loads(found.body) == {"challenge": "xyz"}
    assert webhook.challenge(by_body, "POST", {}, {}, b"[]") is None
    assert webhook.challenge(by_body, "POST", {}, {}, b"no json") is None
    assert webhook.challenge(hook(HUBSPOT), "POST", {"validationToken": "abc"}, {}, b"") is None


def test_a_handshake_cannot_write_other_headers() -> None:
    by_header = hook(HUBSPOT, ChallengeSpec(query="secret", echo="header", key="X-Hook-Secret"))
    found = webhook.challenge(by_header, "POST", {"secret": "abc"}, {}, b"")
    assert found is not None and found.headers == {"X-Hook-Secret": "abc"}
    assert webhook.challenge(by_header, "POST", {"secret": "abc\r\nSet-Cookie: a=b"}, {}, b"") is None
