"""The door for providers that are unlike: handshakes, odd proofs and bodies, gaps, and what names no record."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from syncapp import hooksecrets
from syncapp.inbox import claim_deliveries
from syncapp.models import Account, Delivery, Feed, Sequence
from syncapp.observe import _told as told_hints
from syncapp.observe import work_inbox
from syncapp.receive import poll_soon
from tests.carry.hooked import EVENTS, acme, post, tallies, without_secret
from tests.clerk.making import make_sync

pytestmark = pytest.mark.django_db

HMAC = {"scheme": "hmac", "header": "X-Sig"}
CHANGED = {"type": "changed", "record": "7"}


@pytest.fixture
def make(redis_client: object, tmp_path: Path, settings: Any) -> Any:
    make_sync()
    return lambda **webhook: acme(tmp_path, settings, webhook)


def signed(body: Any, key: str = "s3cret") -> dict[str, str]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return {"X_Sig": hmac.new(key.encode(), content, hashlib.sha256).hexdigest()}


def next_due() -> Any:
    return Feed.objects.get(account__slug="crm").next_due


class TestHandshakes:
    def test_a_query_value_comes_back_as_text_whatever_the_signature(self, make: Any) -> None:
        account = make(challenge={"query": "validationToken"})
        answer = post(account, b"", "?validationToken=a%20b%2Bc", "text/plain")
        assert (answer.status_code, answer.content, answer["Content-Type"]) == (
            200,
            b"a b+c",
            "text/plain; charset=utf-8",
        )
        assert tallies() == {}

    def test_a_challenge_in_the_body_counts_only_where_it_is_signed(self, make: Any) -> None:
        account = make(
            signature=HMAC, challenge={"body": "challenge", "echo": "json", "when": {"type": "url_verification"}}
        )
        body = {"type": "url_verification", "challenge": "xyz"}
        assert post(account, body, **signed(body)).json() == {"challenge": "xyz"}
        assert post(account, body).status_code == 401
        event = {**CHANGED, "challenge": "xyz"}
        assert post(account, event, **signed(event)).status_code == 202
        assert Delivery.objects.count() == 1

    def test_get_and_head_are_answered_where_the_provider_asks_so(self, make: Any) -> None:
        account = make(greets=True)
        path = f"/hooks/{account.webhook_token}/"
        assert [Client().get(path).status_code, Client().head(path).status_code] == [200, 200]
        assert Client().put(path).status_code == 405

    def test_a_token_that_was_told_once_is_kept_to_be_pasted_back(self, make: Any) -> None:
        account = make(
            signature=HMAC, challenge={"body": "verification_token", "signed": False, "keep": True, "echo": "nothing"}
        )
        without_secret(account)
        assert post(account, {"verification_token": "told-once"}).status_code == 200
        assert hooksecrets.told_secret(Account.objects.get(pk=account.pk)) == "told-once"
        assert post(account, CHANGED, **signed(CHANGED, "told-once")).status_code == 202
        assert post(account, {"verification_token": "told-once"}).status_code == 200, "the same again"
        assert post(account, {"verification_token": "planted"}).status_code == 401
        assert post(account, CHANGED, **signed(CHANGED, "planted")).status_code == 401
        assert tallies() == {"secret_refused": 1, "signature_bad": 1}
        account = Account.objects.get(pk=account.pk)
        hooksecrets.await_secret(account)
        assert post(account, {"verification_token": "second"}).status_code == 200
        assert hooksecrets.told_secret(Account.objects.get(pk=account.pk)) == "second"

    def test_no_token_replaces_a_secret_that_a_person_entered(self, make: Any) -> None:
        account = make(signature=HMAC, challenge={"header": "X-Hook-Secret", "keep": True, "echo": "header"})
        assert post(account, b"", X_Hook_Secret="planted").status_code == 401
        assert hooksecrets.webhook_secrets(account) == ["s3cret"]

    def test_a_secret_in_a_header_comes_back_in_a_header(self, make: Any) -> None:
        account = make(signature=HMAC, challenge={"header": "X-Hook-Secret", "keep": True, "echo": "header"})
        without_secret(account)
        answer = post(account, b"", X_Hook_Secret="once")
        assert (answer.status_code, answer["X-Hook-Secret"]) == (200, "once")
        assert post(account, CHANGED, **signed(CHANGED, "once")).status_code == 202

    def test_intent_to_receive_is_200_with_nothing_for_good_and_401_for_bad(self, make: Any) -> None:
        account = make(
            signature=HMAC, events={**EVENTS, "items": "events"}, answer={"status": 200, "body": "", "within": 5}
        )
        body = {"events": []}
        good = post(account, body, **signed(body))
        assert (good.status_code, good.content) == (200, b"")
        assert post(account, body, **signed(body, "wrong")).status_code == 401


class TestHintsOnly:
    def test_they_are_taken_without_a_secret_and_capped(self, make: Any) -> None:
        account = make(signature={"scheme": "none", "limit": 3})
        without_secret(account)
        answers = [post(account, {**CHANGED, "record": str(at)}).status_code for at in range(5)]
        assert answers == [202, 202, 202, 429, 429]
        assert (Delivery.objects.count(), tallies()) == (3, {"hints_capped": 2})

    def test_a_minute_later_they_are_taken_again(self, make: Any) -> None:
        account = make(signature={"scheme": "none", "limit": 1})
        assert post(account, CHANGED).status_code == 202
        Delivery.objects.update(received_at=timezone.now() - timedelta(seconds=61))
        assert post(account, {**CHANGED, "record": "8"}).status_code == 202

    def test_the_same_words_are_looked_at_once_a_minute(self, make: Any) -> None:
        account = make(signature={"scheme": "none"})
        post(account, CHANGED)
        assert len(claim_deliveries()) == 1
        Delivery.objects.update(state="done", claimed_until=None)
        assert post(account, CHANGED).status_code == 202
        row = Delivery.objects.get()
        assert row.state == "new"
        assert timedelta(seconds=50) < row.next_try - timezone.now() < timedelta(seconds=61)

    def test_our_own_hints_do_not_count(self, make: Any) -> None:
        account = make(signature={"scheme": "none", "limit": 1})
        poll_soon(account, "contacts", "for the test")
        assert post(account, CHANGED).status_code == 202


class TestBatches:
    def test_a_wrong_item_is_dropped_at_the_door_and_stays_dropped_later(self, make: Any) -> None:
        account = make(
            signature={"scheme": "token", "in": "item", "path": "clientState"}, events={**EVENTS, "items": "value"}
        )
        items = [
            {**CHANGED, "record": "1", "clientState": "s3cret"},
            {**CHANGED, "record": "2", "clientState": "guess"},
        ]
        assert post(account, {"value": items}).status_code == 202
        [row] = claim_deliveries()
        feed = Feed.objects.select_related("account").get(account=account)
        assert [hint.remote_id for hint in told_hints(row, feed, None)] == ["1"]  # type: ignore[arg-type]
        assert tallies() == {"item_refused": 1}
        assert b"s3cret" not in bytes(row.body), "what proved it is not kept in the clear"

    def test_an_unknown_or_broken_event_does_not_take_the_others_with_it(self, make: Any) -> None:
        account = make(events={**EVENTS, "items": ""})
        body = [CHANGED, {"type": "exploded"}, {"type": "changed"}, {"type": "hello"}, {**CHANGED, "record": "9"}]
        assert post(account, body).status_code == 202
        row = Delivery.objects.exclude(body=b"").get()
        assert [told["record"] for told in row.events] == ["7", "9"]
        assert tallies() == {"unknown_event": 1, "malformed_event": 1, "delta_at_once": 1}

    def test_an_event_that_names_no_record_makes_the_feed_due(self, make: Any) -> None:
        account = make()
        Feed.objects.update(next_due=timezone.now() + timedelta(hours=1))
        assert post(account, {"type": "changed"}).status_code == 202
        work_inbox()
        assert next_due() <= timezone.now()


class TestFeeds:
    def test_a_ping_makes_the_feed_due_now(self, make: Any, redis_client: Any, django_capture_on_commit_callbacks: Any):
        account = make()
        other = Feed.objects.exclude(account=account).get()
        Feed.objects.update(next_due=timezone.now() + timedelta(hours=1))
        assert post(account, {"type": "ping", "at": 1}).status_code == 202
        with django_capture_on_commit_callbacks(execute=True):
            assert work_inbox() == 1
        assert next_due() <= timezone.now()
        other.refresh_from_db()
        assert other.next_due > timezone.now()
        assert redis_client.llen("rq:queue:push") == 1
        assert Delivery.objects.get().state == "done"

    def test_while_the_feed_is_read_it_waits(self, make: Any) -> None:
        account = make()
        later = timezone.now() + timedelta(hours=1)
        Feed.objects.update(next_due=later, claimed_until=timezone.now() + timedelta(minutes=1))
        post(account, {"type": "ping", "at": 1})
        work_inbox()
        row = Delivery.objects.get()
        assert (row.state, row.attempts, next_due()) == ("new", 0, later)
        Feed.objects.update(claimed_until=None)
        Delivery.objects.update(next_try=timezone.now() - timedelta(seconds=1))
        work_inbox()
        assert (Delivery.objects.get().state, next_due() < later) == ("done", True)

    def test_a_feed_that_may_not_be_read_needs_no_hint(self, make: Any) -> None:
        account = make()
        later = timezone.now() + timedelta(hours=1)
        Feed.objects.update(next_due=later, paused="a person said so")
        post(account, {"type": "ping"})
        work_inbox()
        assert (Delivery.objects.get().state, next_due()) == ("done", later)


class TestGaps:
    NUMBERED = {"events": {**EVENTS, "items": "events", "sequence": {"first": "first", "last": "last"}}}

    def body(self, first: int, last: int) -> dict[str, Any]:
        return {"events": [{**CHANGED, "record": f"{first}"}], "first": first, "last": last}

    def test_a_gap_is_counted_and_makes_a_delta_sync_due(self, make: Any) -> None:
        account = make(**self.NUMBERED)
        Feed.objects.update(next_due=timezone.now() + timedelta(hours=1))
        for first, last in ((5, 6), (7, 7), (8, 8)):
            post(account, self.body(first, last))
        assert tallies() == {}
        post(account, self.body(12, 12))
        assert tallies() == {"delta_at_once": 1}
        Delivery.objects.exclude(body=b"").delete()
        work_inbox()
        assert next_due() <= timezone.now()

    def test_what_comes_late_or_twice_is_no_gap_and_a_new_count_none_either(self, make: Any) -> None:
        account = make(**self.NUMBERED)
        for first, last in ((5, 6), (9, 9), (7, 8), (9, 9), (10, 10), (1, 1), (2, 2)):
            post(account, self.body(first, last))
        assert Sequence.objects.get().gaps == 1


class TestForms:
    def test_brackets_are_objects(self, make: Any) -> None:
        account = make(
            format="form", signature={"scheme": "address"}, greets=True,
            events={**EVENTS, "type": "type", "types": {"profile": {"object": "contacts", "kind": "updated"}},
                    "record_id": "data.id"},
        )  # fmt: skip
        body = b"type=profile&fired_at=2026-03-26+21%3A35%3A57&data%5Bid%5D=8a25ff1d98&data%5Bmerges%5D%5BFNAME%5D=Ann"
        assert post(account, body, kind="application/x-www-form-urlencoded").status_code == 202
        assert Delivery.objects.get().events == [{"object": "contacts", "record": "8a25ff1d98", "kind": "updated"}]

    def test_json_may_be_a_field_of_the_form(self, make: Any) -> None:
        account = make(format="form", json_field="payload", signature=HMAC)
        body = b"payload=%7B%22type%22%3A%22changed%22%2C%22record%22%3A7%7D"
        assert post(account, body, kind="application/x-www-form-urlencoded", **signed(body)).status_code == 202

    @pytest.mark.parametrize("body", [b"\xff\xfe", b"<xml/>", b"a=1&" * 6000])
    def test_what_is_no_form_is_refused(self, make: Any, body: bytes) -> None:
        account = make(format="form")
        assert post(account, body, kind="application/x-www-form-urlencoded").status_code == 400
        assert tallies() == {"unreadable": 1}


def test_the_type_may_stand_in_a_header_and_is_still_known_later(make: Any) -> None:
    events = {
        "headers": ["X-GitHub-Event"], "id_header": "X-GitHub-Delivery",
        "type": {"jsonata": 'headers."x-github-event" & "." & body.action'},
        "types": {"issues.edited": {"object": "contacts", "kind": "updated"}},
        "record_id": "body.issue.number", "ignore": ["ping."],
    }  # fmt: skip
    account = make(events=events)
    body = {"action": "edited", "issue": {"number": 5}}
    assert post(account, body, X_GitHub_Event="issues", X_GitHub_Delivery="guid-1").status_code == 202
    assert post(account, {"zen": "x"}, X_GitHub_Event="ping", X_GitHub_Delivery="guid-2").status_code == 202
    [row] = claim_deliveries()
    feed = Feed.objects.select_related("account").get(account=account)
    assert [(row.event_id, hint.remote_id) for hint in told_hints(row, feed, None)] == [("guid-1", "5")]  # type: ignore[arg-type]
    assert tallies() == {"ignored": 1}


def test_bodies_that_differ_for_each_event_without_id_time_or_signature_and_with_several_rows(make: Any) -> None:
    items = {
        "jsonata": 'rows ? rows.{"kind": "changed", "id": key} : old ? [{"kind": "gone", "id": old.id}]'
        ' : [{"kind": "changed", "id": $string(entry)}]'
    }
    types = {"changed": {"object": "contacts", "kind": "updated"}, "gone": {"object": "contacts", "kind": "deleted"}}
    account = make(events={"items": items, "type": "kind", "types": types, "record_id": "id"})
    for body in ({"rows": [{"key": "a"}, {"key": "b"}]}, {"old": {"id": "c"}}, {"entry": 7}, {"rows": [{"key": "d"}]}):
        assert post(account, body).status_code == 202
    told = [(one["record"], one["kind"]) for row in Delivery.objects.order_by("pk") for one in row.events]
    assert told == [("a", "updated"), ("b", "updated"), ("c", "deleted"), ("7", "updated"), ("d", "updated")]
    assert post(account, {"old": {"id": "c"}}).status_code == 202
    assert tallies() == {"duplicate": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b'"x"',
        b"[[[]]]",
        b'{"type":{}}',
        b'{"type":"changed","record":{"a":1}}',
        b'{"type":"changed","record":"a\\u0000b"}',
        b"\x00",
    ],
)
def test_no_body_brings_the_door_down(make: Any, body: bytes) -> None:
    account = make()
    assert post(account, body).status_code in (202, 400)
    assert not Delivery.objects.exclude(body=b"").exists()
    assert sum(tallies().values()) > 0 or body == b"[]"


def test_an_answer_that_came_too_late_for_the_provider_is_counted(make: Any, monkeypatch: Any) -> None:
    account = make(answer={"within": 5})
    moments = iter([0.0, 6.2])
    monkeypatch.setattr("syncapp.hooks.time", SimpleNamespace(monotonic=lambda: next(moments), time=time.time))
    assert post(account, CHANGED).status_code == 202
    assert tallies() == {"slow": 1}


def test_the_public_address_is_what_is_signed_behind_a_proxy(make: Any, settings: Any) -> None:
    settings.PUBLIC_ADDRESS = "https://hub.example.org"
    account = make(signature={**HMAC, "template": "{method}{url}{body}"})
    content = json.dumps(CHANGED).encode()
    text = f"POSThttps://hub.example.org/hooks/{account.webhook_token}/?a=1".encode() + content
    sign = hmac.new(b"s3cret", text, hashlib.sha256).hexdigest()
    assert post(account, CHANGED, "?a=1", X_Sig=sign).status_code == 202
    assert post(account, CHANGED, "?a=2", X_Sig=sign).status_code == 401
