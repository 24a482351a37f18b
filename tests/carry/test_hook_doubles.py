"""The door and the subscriptions against doubles of real providers, with the webhook sections of the docs page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from django.utils import timezone

from syncapp.clients import THROTTLE
from syncapp.doubles.airtable import Airtable
from syncapp.doubles.airtable_hooks import LIFE
from syncapp.doubles.base import Double
from syncapp.doubles.delivery import Delivery as Sent
from syncapp.doubles.hubspot import HubSpot
from syncapp.doubles.microsoft_graph import MicrosoftGraph
from syncapp.doubles.microsoft_graph_contact import EMPTY, kept
from syncapp.doubles.slack import Slack
from syncapp.doubles.stripe import Stripe
from syncapp.hooksecrets import webhook_secrets
from syncapp.models import Account, Delivery, Feed, Subscription, Tally
from syncapp.observe import work_inbox
from syncapp.secrets import encrypt
from syncapp.subscriptions import resubscribe
from syncapp.tending import look_again, tend
from tests.carry.hooked import PROVIDER, acme, tallies
from tests.clerk.making import make_sync
from tests.connectors.server import Asked, Reply, serve
from tests.connectors.test_hook_pages import BLOCKS

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = PROVIDER["objects"]["contacts"]
CONTACT = kept(EMPTY, {"givenName": "Ann", "emailAddresses": [{"address": "ann@example.org", "name": "Ann"}]})


class Hub:
    """The hub's door over HTTP, and one account of a double there."""

    def __init__(self, double: Double, url: str, server: str) -> None:
        self.double, self.url, self.server = double, url, server
        self.account = Account.objects.get(slug="crm")
        self.hook = f"{server}/hooks/{self.account.webhook_token}/"
        double.target(self.hook)

    def post(self, sent: Sent, body: bytes | None = None, headers: dict[str, str] | None = None) -> int:
        told = {**sent.headers, **(headers or {})}
        return requests.request(
            sent.method, sent.url, data=sent.body if body is None else body, headers=told, timeout=10
        ).status_code


@pytest.fixture
def connect(redis_client: Any, live_server: Any, tmp_path: Path, settings: Any) -> Iterator[Any]:
    THROTTLE.forget()
    make_sync()
    settings.PUBLIC_ADDRESS = live_server.url
    running: list[Any] = []

    def begin(double: Double, page: str, object_slug: str, base: str = "") -> Hub:
        running.append(double.serve())
        running[-1].__enter__()
        url = running[-1].url
        others = {"Slack": {"conversations": PEOPLE}}.get(page, {})
        webhook = yaml.safe_load(BLOCKS[page])["webhook"]
        config = {"server": {"label": "Server"}, "base": {"label": "Base", "required": False}}
        account = acme(
            tmp_path,
            settings,
            webhook,
            base_url="{config.server}" + base,
            config=config,
            objects={object_slug: PEOPLE, **others},
            errors={"message": "error.message"},
        )
        known = double.secrets()
        account.config = {"server": url, **({"base": double.config(url)["base"]} if page == "Airtable" else {})}
        account.secrets = encrypt({"token": known.get("access_token") or known["token"], "webhook": known["webhook"]})
        account.allow_private = True
        account.save()
        Feed.objects.exclude(account=account).delete()
        Feed.objects.update(object=object_slug, next_due=timezone.now() + timedelta(hours=1))
        Account.objects.exclude(pk=account.pk).delete()
        return Hub(double, url, live_server.url)

    yield begin
    for one in running:
        one.__exit__(None, None, None)


def feed_is_due() -> bool:
    work_inbox()
    due = Feed.objects.get().next_due <= timezone.now()
    Feed.objects.update(next_due=timezone.now() + timedelta(hours=1))
    return due


def records() -> list[tuple[str, str]]:
    rows = Delivery.objects.exclude(body=b"").order_by("pk")
    return [(told["record"], told["kind"]) for row in rows for told in row.events]


@pytest.mark.parametrize(
    ("made", "page", "object_slug", "change"),
    [
        (HubSpot, "HubSpot", "contacts", {"properties": {"firstname": "Ann"}}),
        (Stripe, "Stripe", "customers", {"name": "Ann"}),
        (MicrosoftGraph, "Microsoft Graph", "contacts", {"givenName": "Bea"}),
    ],
)
class TestAtTheDoor:
    def begin(
        self, connect: Any, made: type[Double], page: str, object_slug: str, change: Any
    ) -> tuple[Hub, list[Sent]]:
        base = "/v1.0" if made is MicrosoftGraph else ""
        hub = connect(made(), page, object_slug, base)
        first = CONTACT if made is MicrosoftGraph else {"email": "a@example.org"} if made is Stripe else {}
        row = hub.double.shelf.add(object_slug, first, actor="ann")
        hub.double.edit(object_slug, row.id, change)
        hub.double.erase(object_slug, row.id)
        sent = hub.double.deliveries()
        assert len(sent) >= 3
        return hub, sent

    def test_what_it_tells_is_taken_once(self, connect: Any, made: Any, page: str, object_slug: str, change: Any):
        hub, sent = self.begin(connect, made, page, object_slug, change)
        assert {hub.post(one) for one in sent} <= {200, 202}
        told = [(id, kind) for one in sent for _, id, kind in one.about]
        assert set(records()) == set(told)
        before = Delivery.objects.count()
        assert {hub.post(one) for one in sent} <= {200, 202}
        assert Delivery.objects.count() == before
        assert tallies() == {"duplicate": len(sent)}

    def test_in_any_order(self, connect: Any, made: Any, page: str, object_slug: str, change: Any) -> None:
        hub, sent = self.begin(connect, made, page, object_slug, change)
        assert {hub.post(one) for one in reversed(sent)} <= {200, 202}
        assert {kind for _, kind in records()} == {kind for one in sent for _, _, kind in one.about}

    def test_forged_changed_and_old(self, connect: Any, made: Any, page: str, object_slug: str, change: Any) -> None:
        hub, [one, *_] = self.begin(connect, made, page, object_slug, change)
        if made is MicrosoftGraph:
            body = json.loads(one.body)
            body["value"][0]["clientState"] = "guessed"
            assert hub.post(one, json.dumps(body).encode()) == 401
            return
        assert hub.post(one, one.body + b" ") == 401
        old = hub.double.sign(one.body, at=timezone.now() - timedelta(minutes=6))
        assert hub.post(one, headers=old) == 401
        assert (Delivery.objects.count(), tallies()) == (0, {"signature_bad": 1, "signature_old": 1})
        # a time that is not the signed one
        name = "X-HubSpot-Request-Timestamp" if made is HubSpot else "Stripe-Signature"
        later = str(int(timezone.now().timestamp() * 1000) + 5)
        moved = later if made is HubSpot else one.headers[name].replace("t=", "t=1")
        assert hub.post(one, headers={name: moved}) == 401


class TestGraph:
    @pytest.fixture
    def hub(self, connect: Any) -> Hub:
        return connect(MicrosoftGraph(), "Microsoft Graph", "contacts", "/v1.0")

    def test_a_subscription_is_validated_made_used_renewed_and_made_anew(self, hub: Hub) -> None:
        there: Any = hub.double
        tend()
        one = Subscription.objects.get()
        assert (one.state, one.last_error) == ("active", "")
        [remote] = there.subscriptions.values()
        assert (remote.id, remote.url, remote.resource) == (one.remote_id, hub.hook, "/me/contacts")
        assert len(remote.state) >= 32
        assert timedelta(days=2) < one.expires_at - timezone.now() < timedelta(days=3)
        assert feed_is_due()

        row = there.shelf.add("contacts", CONTACT, actor="outlook")
        [sent] = there.deliveries()
        assert hub.post(sent) == 202
        assert records() == [(row.id, "created")]

        before = remote.expires
        remote.expires -= timedelta(hours=30)
        Subscription.objects.update(renew_at=timezone.now(), next_try=timezone.now())
        tend()
        assert remote.expires >= before
        assert Subscription.objects.get().renew_at > timezone.now()

        there.subscriptions.clear()
        Subscription.objects.update(checked_at=timezone.now() - timedelta(hours=2), next_try=timezone.now())
        tend()
        [again] = there.subscriptions.values()
        assert (Subscription.objects.get().losses, again.id != remote.id) == (1, True)
        assert feed_is_due()

        Account.objects.update(paused="by Kim")
        look_again(hub.account)
        tend()
        assert (there.subscriptions, Subscription.objects.get().state) == ({}, "off")

    def test_lifecycle_events(self, hub: Hub) -> None:
        there: Any = hub.double
        tend()
        feed_is_due()
        [remote] = there.subscriptions.values()

        def told(event: str, state: str | None = None) -> int:
            item = {"subscriptionId": remote.id, "lifecycleEvent": event, "clientState": state or remote.state}
            return requests.post(hub.hook, json={"value": [item]}, timeout=10).status_code

        assert told("subscriptionRemoved", "guessed") == 401
        assert not feed_is_due()
        assert told("missed") == 202
        assert feed_is_due()
        before = remote.expires
        remote.expires -= timedelta(hours=5)
        assert told("reauthorizationRequired") == 202
        assert not feed_is_due()
        tend()
        assert remote.expires >= before
        there.subscriptions.clear()
        assert told("subscriptionRemoved") == 202
        assert feed_is_due()
        tend()
        assert len(there.subscriptions) == 1
        assert Subscription.objects.get().last_loss == "the provider says that it was removed"

    def test_an_address_that_does_not_answer_the_handshake_gets_no_subscription(self, hub: Hub, settings: Any) -> None:
        settings.PUBLIC_ADDRESS = "http://127.0.0.1:9"
        tend()
        one = Subscription.objects.get()
        assert one.state == "failed"
        assert "Subscription validation request failed" in one.last_error
        assert hub.account.webhook_token not in one.last_error


class TestSlack:
    @pytest.fixture
    def hub(self, connect: Any) -> Hub:
        return connect(Slack(), "Slack", "users")

    def test_the_handshake_is_answered_only_where_it_is_signed(self, hub: Hub) -> None:
        asked = hub.double.handshake()
        answer = requests.post(hub.hook, data=asked.body, headers=dict(asked.headers), timeout=10)
        assert (answer.status_code, answer.json()["challenge"].encode()) == (asked.status, asked.answer)
        forged = {**asked.headers, "X-Slack-Signature": "v0=" + "0" * 64}
        assert requests.post(hub.hook, data=asked.body, headers=forged, timeout=10).status_code == 401

    def test_a_retry_is_known_again(self, hub: Hub) -> None:
        [id, *_] = hub.double.ids("users") or [hub.double.shelf.add("users", {"name": "ann", "profile": {}}).id]
        hub.double.deliveries()
        hub.double.edit("users", id, {"profile": {"title": "Chief"}})
        [sent] = hub.double.deliveries()
        retried = {"x-slack-retry-num": "1", "x-slack-retry-reason": "http_timeout"}
        assert [hub.post(sent), hub.post(sent, headers=retried)] == [200, 200]
        assert (records(), tallies()) == ([(id, "updated")], {"duplicate": 1})


def test_graphs_handshake_is_answered_in_plain_text(connect: Any) -> None:
    hub = connect(MicrosoftGraph(), "Microsoft Graph", "contacts", "/v1.0")
    asked = hub.double.handshake()
    answer = requests.post(asked.url, data=asked.body, headers=dict(asked.headers), timeout=10)
    assert (answer.status_code, answer.content) == (asked.status, asked.answer)
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_a_secret_that_a_handshake_tells_for_each_subscription(
    redis_client: Any, live_server: Any, tmp_path: Path, settings: Any
) -> None:
    """As Asana does it: the answer to the create comes after the handshake, and each one has a secret of its own."""
    THROTTLE.forget()
    make_sync()
    settings.PUBLIC_ADDRESS = live_server.url
    told: list[int] = []

    def create(asked: Asked) -> Reply:
        secret = f"secret-{len(told)}"
        answer = requests.post(asked.body["target"], headers={"X-Hook-Secret": secret}, timeout=10)
        told.append(answer.status_code)
        assert answer.headers["X-Hook-Secret"] == secret
        return Reply({"id": f"s{len(told)}"}, 201)

    for provider in serve():
        provider.on("POST", "/hooks", create)
        section = {
            "signature": {"scheme": "hmac", "header": "X-Sig"},
            "challenge": {"header": "X-Hook-Secret", "echo": "header", "keep": True},
            "subscription": {"create": {"method": "POST", "path": "/hooks", "body": {"target": "{address}"}}},
        }
        account = acme(tmp_path, settings, section)
        account.config, account.secrets, account.allow_private = {"server": provider.url}, encrypt({"token": "t"}), True
        account.save()
        Account.objects.exclude(pk=account.pk).update(paused="not in this test")
        for number in (1, 2):
            tend()
            assert Subscription.objects.get(account=account).remote_id == f"s{number}"
            assert webhook_secrets(Account.objects.get(pk=account.pk)) == [f"secret-{number - 1}"]
            resubscribe(account)
        assert told == [200, 200]


class TestAirtable:
    @pytest.fixture
    def hub(self, connect: Any) -> Hub:
        return connect(Airtable(), "Airtable", "contacts", "/v0")

    def test_a_ping_makes_the_feed_due(self, hub: Hub) -> None:
        there: Any = hub.double
        tend()
        one = Subscription.objects.get()
        assert (one.state, one.last_error) == ("active", "")
        assert LIFE - timedelta(minutes=1) < one.expires_at - timezone.now() <= LIFE
        feed_is_due()
        there.deliveries()
        there.shelf.add("Contacts", {"Name": "Ann"}, actor="ann")
        pings = [sent for sent in there.deliveries() if sent.url == hub.hook]
        assert {hub.post(sent) for sent in pings} == {200}
        assert feed_is_due()
        assert hub.post(pings[-1], pings[-1].body + b" ") == 401
        assert not Tally.objects.filter(reason="unknown_event").exists()

    def test_notifications_that_were_switched_off_are_a_loss(self, hub: Hub) -> None:
        there: Any = hub.double
        tend()
        for one in there.hooks._hooks.values():
            one.enabled = False
        Subscription.objects.update(checked_at=timezone.now() - timedelta(hours=2), next_try=timezone.now())
        tend()
        row = Subscription.objects.get()
        assert (row.state, row.losses, row.last_loss) == ("active", 1, "the provider has switched it off")
        assert feed_is_due()
