"""Subscriptions: made when an account comes to life, renewed early, found to be lost, ended when it is paused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from policies.models import FieldRule
from syncapp import sweep
from syncapp.clients import THROTTLE, client_of
from syncapp.connectors.errors import Misconfigured
from syncapp.hooksecrets import webhook_secrets
from syncapp.models import Account, Delivery, Feed, Run, Subscription
from syncapp.observe import work_inbox
from syncapp.subscriptions import lines, resubscribe, setup, unsubscribe
from syncapp.tending import _claim, look_again, subscriptions_are_due, tend
from tests.carry.hooked import EVENTS, PROVIDER, acme, post
from tests.clerk.making import make_sync
from tests.connectors.server import Asked, Provider, Reply, serve

pytestmark = pytest.mark.django_db
PUBLIC = "https://hub.example.org"
HOOKS = "/subscriptions"
WEEK = 7 * 24 * 3600
SUBSCRIPTION: dict[str, Any] = {
    "secret": "made",
    "lifetime": WEEK,
    "expires": "expires",
    "address": "url",
    "alive": {"path": "enabled", "value": True},
    "create": {
        "method": "POST",
        "path": HOOKS,
        "body": {"url": "{address}", "token": "{secret}", "until": "{expires}"},
    },
    "list": {"method": "GET", "path": HOOKS, "items": "data"},
    "read": {"method": "GET", "path": HOOKS + "/{subscription}"},
    "renew": {"method": "PATCH", "path": HOOKS + "/{subscription}", "body": {"until": "{expires}"}},
    "delete": {"method": "DELETE", "path": HOOKS + "/{subscription}"},
}
TOKEN = {"scheme": "token", "in": "body", "path": "token"}


class There:
    """The provider's own list of subscriptions."""

    def __init__(self, provider: Provider) -> None:
        self.provider, self.rows, self.made = provider, {}, 0
        self.asked = provider.asked
        provider.on("POST", HOOKS, self.create)
        provider.on("GET", HOOKS, lambda asked: Reply({"data": list(self.rows.values())}))
        for number in range(1, 9):
            path = f"{HOOKS}/s{number}"
            provider.on("GET", path, self.one)
            provider.on("PATCH", path, self.renew)
            provider.on("DELETE", path, self.end)

    def create(self, asked: Asked) -> Reply:
        self.made += 1
        id = f"s{self.made}"
        self.rows[id] = {"id": id, "url": asked.body["url"], "expires": asked.body["until"], "enabled": True}
        return Reply({**self.rows[id], "token": asked.body["token"]}, 201)

    def one(self, asked: Asked) -> Reply:
        row = self.rows.get(asked.path.rpartition("/")[2])
        return Reply(row) if row else Reply({"message": "no such subscription"}, 404)

    def renew(self, asked: Asked) -> Reply:
        row = self.rows.get(asked.path.rpartition("/")[2])
        if row is None:
            return Reply({"message": "no such subscription"}, 404)
        row["expires"] = asked.body["until"]
        return Reply(row)

    def end(self, asked: Asked) -> Reply:
        gone = self.rows.pop(asked.path.rpartition("/")[2], None)
        return Reply(None, 204, raw=b"") if gone else Reply({"message": "no such subscription"}, 404)

    def calls(self) -> list[str]:
        out = [f"{asked.method} {asked.path.removeprefix(HOOKS)}".strip() for asked in self.asked]
        self.asked.clear()
        return out


@pytest.fixture
def there() -> Iterator[There]:
    for provider in serve():
        yield There(provider)


@pytest.fixture
def account(redis_client: object, there: There, tmp_path: Path, settings: Any) -> Account:
    THROTTLE.forget()
    make_sync()
    settings.PUBLIC_ADDRESS = PUBLIC
    return made(there, tmp_path, settings)


def made(there: There, folder: Path, settings: Any, **changed: Any) -> Account:
    account = acme(folder, settings, {"signature": TOKEN, "subscription": {**SUBSCRIPTION, **changed}})
    account.config = {"server": there.provider.url}
    account.allow_private = True
    account.save()
    Feed.objects.exclude(account=account).delete()
    Account.objects.exclude(pk=account.pk).delete()
    Feed.objects.update(next_due=timezone.now() + timedelta(hours=1))
    return account


def row() -> Subscription:
    return Subscription.objects.get()


def pass_time(**moved: Any) -> None:
    """As if that much time had gone by since the row was written."""
    by = timedelta(**moved)
    one = row()
    for name in ("made_at", "expires_at", "renew_at", "checked_at", "last_seen_at"):
        if getattr(one, name):
            setattr(one, name, getattr(one, name) - by)
    one.next_try = timezone.now()
    one.save()


def feed_is_due() -> bool:
    work_inbox()
    due = Feed.objects.get().next_due <= timezone.now()
    Feed.objects.update(next_due=timezone.now() + timedelta(hours=1))
    return due


def test_an_account_with_a_live_feed_gets_one_and_is_read_at_once(account: Account, there: There) -> None:
    assert subscriptions_are_due(timezone.now())
    assert tend() == 1
    assert there.calls() == ["GET", "POST"]
    [remote] = there.rows.values()
    assert remote["url"] == f"{PUBLIC}/hooks/{account.webhook_token}/"
    one = row()
    assert (one.state, one.remote_id, one.last_error) == ("active", "s1", "")
    life = one.expires_at - timezone.now()
    assert timedelta(days=6.9) < life <= timedelta(days=7)
    assert timedelta(days=1.9) < one.expires_at - one.renew_at < timedelta(days=3)
    assert feed_is_due()
    assert not subscriptions_are_due(timezone.now())
    assert tend() == 0


def test_the_secret_that_was_sent_along_proves_deliveries(account: Account, there: There) -> None:
    tend()
    sent = next(asked.body["token"] for asked in there.asked if asked.method == "POST")
    assert sent in webhook_secrets(Account.objects.get(pk=account.pk))
    assert len(sent) >= 32
    body = {"type": "changed", "record": "7"}
    assert post(account, {**body, "token": sent}).status_code == 202
    assert post(account, {**body, "token": "guessed"}).status_code == 401


def test_it_is_renewed_early(account: Account, there: There) -> None:
    tend()
    there.calls()
    pass_time(hours=2)
    tend()
    assert there.calls() == ["GET /s1"], "it is looked at once an hour"
    pass_time(days=5)
    before = row().expires_at
    tend()
    assert there.calls() == ["PATCH /s1"]
    assert row().expires_at > before + timedelta(days=4)
    assert row().renew_at > timezone.now() + timedelta(days=3)


def test_a_renewal_that_fails_is_tried_again_while_there_is_time(account: Account, there: There) -> None:
    tend()
    there.provider.on("PATCH", f"{HOOKS}/s1", Reply({"message": "down"}, 503))
    pass_time(days=5)
    tend()
    one = row()
    assert (one.state, one.attempts, there.made) == ("active", 1, 1)
    assert "down" in one.last_error
    assert one.next_try < timezone.now() + timedelta(minutes=2)
    there.provider.on("PATCH", f"{HOOKS}/s1", there.renew)
    pass_time()
    tend()
    assert (row().last_error, row().attempts) == ("", 0)


@pytest.mark.parametrize("how", ["renewal", "look", "switched off", "expired there"])
def test_one_that_is_lost_is_made_anew_and_the_feed_is_read(account: Account, there: There, how: str) -> None:
    tend()
    feed_is_due()
    if how == "switched off":
        there.rows["s1"]["enabled"] = False
    else:
        there.rows.clear()
    pass_time(days=5) if how == "renewal" else pass_time(days=8) if how == "expired there" else pass_time(hours=2)
    tend()
    one = row()
    assert (one.state, one.remote_id, one.losses, list(there.rows)) == ("active", "s2", 1, ["s2"])
    assert one.last_loss
    assert feed_is_due()


def test_the_providers_word_that_it_is_gone_is_enough(account: Account, there: There, tmp_path: Path, settings: Any):
    events = {
        **EVENTS, "subscription": "id",
        "types": {
            **EVENTS["types"],
            "removed": {"object": "*", "kind": "lost"}, "soon": {"object": "*", "kind": "expiring"},
        },
    }  # fmt: skip
    acme(tmp_path, settings, {"signature": TOKEN, "subscription": SUBSCRIPTION, "events": events})
    Account.objects.update(config={"server": there.provider.url})
    tend()
    feed_is_due()
    token = webhook_secrets(Account.objects.get())[-1]
    assert post(account, {"type": "soon", "id": "s1", "token": token}).status_code == 202
    assert not feed_is_due()
    there.calls()
    tend()
    assert there.calls() == ["PATCH /s1"]
    assert post(account, {"type": "removed", "id": "s1", "token": token}).status_code == 202
    assert feed_is_due()
    tend()
    assert (row().remote_id, row().losses) == ("s2", 1)
    assert feed_is_due()
    post(account, {"type": "removed", "id": "s1", "token": token})
    assert feed_is_due()
    assert (tend(), row().remote_id) == (0, "s2"), "it was said again, of one that is long gone"


def test_changes_of_what_no_delivery_tells_of_are_no_silence(
    account: Account, there: There, tmp_path: Path, settings: Any
):
    told = {"changed": {"object": "companies", "kind": "updated"}}
    companies = PROVIDER["objects"]["contacts"]
    acme(
        tmp_path, settings, {"signature": TOKEN, "subscription": SUBSCRIPTION, "events": {**EVENTS, "types": told}},
        objects={"contacts": companies, "companies": companies},
    )  # fmt: skip
    Account.objects.update(config={"server": there.provider.url})
    tend()
    pass_time(minutes=50)
    found_changes(4)
    tend()
    assert there.made == 1


def found_changes(number: int, ago: timedelta = timedelta(minutes=10)) -> None:
    feed = Feed.objects.select_related("role").get()
    at = timezone.now() - ago
    for _ in range(number):
        Run.objects.create(
            sync=feed.role.sync, feed=feed, kind="delta", state="done", counts={"adopt": 2}, started_at=at, ended_at=at
        )


def test_silence_while_delta_syncs_find_changes_is_a_loss(account: Account, there: There) -> None:
    tend()
    pass_time(minutes=50)
    found_changes(1)
    tend()
    assert there.made == 1, "one may have been quicker than its delivery"
    found_changes(1)
    pass_time()
    tend()
    assert (there.made, list(there.rows), row().losses) == (2, ["s2"], 1)
    assert "2 delta syncs found changes that no delivery had told (none ever)" in row().last_loss
    pass_time()
    tend()
    assert there.made == 2, "the new one is given time"


def test_who_is_heard_is_not_silent(account: Account, there: There) -> None:
    tend()
    pass_time(minutes=50)
    found_changes(3)
    token = webhook_secrets(Account.objects.get())[-1]
    post(account, {"type": "changed", "record": "7", "token": token})
    pass_time()
    tend()
    assert there.made == 1
    assert row().last_seen_at is not None


@pytest.mark.parametrize("how", ["paused", "writes only", "no live feed"])
def test_it_is_ended_where_nobody_listens_and_made_again_after(account: Account, there: There, how: str) -> None:
    tend()
    there.calls()
    secrets = webhook_secrets(Account.objects.get())
    if how == "no live feed":
        Feed.objects.update(stage="preview")
    else:
        Account.objects.update(**({"paused": "by Kim"} if how == "paused" else {"direction": "out"}))
    look_again(account)
    tend()
    assert (there.calls(), row().state, row().remote_id) == (["DELETE /s1"], "off", "")
    assert len(webhook_secrets(Account.objects.get())) == len(secrets) - 1
    Feed.objects.update(stage="live")
    Account.objects.update(paused="", direction="both")
    look_again(account)
    tend()
    assert (row().state, list(there.rows)) == ("active", ["s2"])
    assert feed_is_due()


def test_a_local_address_is_told_to_nobody_on_the_internet(account: Account, there: There, settings: Any) -> None:
    settings.PUBLIC_ADDRESS = "http://localhost:8000"
    Account.objects.update(allow_private=False)
    tend()
    assert (there.calls(), row().state) == ([], "failed")
    [line] = lines(account)
    assert "set CONCORD_ADDRESS" in line.sentence and not line.fine
    Account.objects.update(allow_private=True)
    pass_time()
    tend()
    assert row().state == "active", "a provider on this network can reach it"


def test_a_moved_hub_tells_its_new_address(account: Account, there: There, settings: Any) -> None:
    tend()
    settings.PUBLIC_ADDRESS = "https://new.example.org"
    pass_time()
    tend()
    [remote] = there.rows.values()
    assert remote["url"].startswith("https://new.example.org/hooks/")


def test_what_an_attempt_left_there_is_ended_before_the_next(account: Account, there: There) -> None:
    """The answer was lost: the subscription is there, and nobody knows its secret."""

    def lost(asked: Asked) -> Reply:
        there.create(asked)
        return Reply(drop=True)

    there.provider.on("POST", HOOKS, lost)
    tend()
    assert (row().state, list(there.rows)) == ("wanted", ["s1"])
    there.provider.on("POST", HOOKS, there.create)
    there.rows["other"] = {"id": "other", "url": "https://elsewhere.example.org/", "enabled": True}
    pass_time()
    tend()
    assert (row().state, sorted(there.rows)) == ("active", ["other", "s2"])


def test_a_refusal_is_told_in_the_providers_words(account: Account, there: There) -> None:
    there.provider.on("POST", HOOKS, Reply({"message": "webhooks need the admin scope"}, 403))
    tend()
    [line] = lines(account)
    assert "webhooks need the admin scope" in line.sentence
    assert (row().state, line.fine) == ("failed", False)


def test_a_secret_that_is_told_once_is_kept(account: Account, there: There, tmp_path: Path, settings: Any) -> None:
    create = {"method": "POST", "path": HOOKS, "body": {"url": "{address}", "until": "{expires}", "token": "x"}}
    made(there, tmp_path, settings, secret="once", secret_path="key", create=create)

    def once(asked: Asked) -> Reply:
        found = there.create(asked)
        return Reply({**found.body, "key": "only-now"}, 201)

    there.provider.on("POST", HOOKS, once)
    tend()
    assert "only-now" in webhook_secrets(Account.objects.get(pk=account.pk))
    assert post(account, {"type": "changed", "record": "1", "token": "only-now"}).status_code == 202


def test_one_for_each_object_that_is_live(account: Account, there: There, tmp_path: Path, settings: Any) -> None:
    create = {"method": "POST", "path": HOOKS, "body": {"url": "{address}", "until": "{expires}", "token": "{secret}",
              "resource": "{resource}", "events": "{events}"}}  # fmt: skip
    objects = {"contacts": {"resource": "/me/{object}", "events": ["a", "b"]}}
    objects["contacts"]["resource"] = "/me/contacts"
    made(there, tmp_path, settings, create=create, objects=objects)
    tend()
    assert row().object == "contacts"
    body = next(asked.body for asked in there.asked if asked.method == "POST")
    assert (body["resource"], body["events"]) == ("/me/contacts", ["a", "b"])


def test_where_the_file_says_otherwise_the_old_one_is_ended(
    account: Account, there: There, tmp_path: Path, settings: Any
):
    tend()
    made(there, tmp_path, settings, objects={"contacts": {}})
    look_again(account)
    assert tend() == 2
    rows = {one.object: (one.state, one.remote_id) for one in Subscription.objects.all()}
    assert rows == {"": ("off", ""), "contacts": ("active", "s2")}
    assert list(there.rows) == ["s2"]


class TestALogOfItsOwn:
    """Changes are read from what the subscription keeps: another one does not know what the first one saw."""

    @pytest.fixture
    def log(self, account: Account, there: There, tmp_path: Path, settings: Any) -> Account:
        operations = {
            "list": {"method": "GET", "path": "/contacts", "items": "data"},
            "read": {"method": "GET", "path": HOOKS + "/{subscription.id}/log/{id}", "item": ""},
        }
        contacts = {**PROVIDER["objects"]["contacts"], "operations": operations}
        acme(tmp_path, settings, {"signature": TOKEN, "subscription": SUBSCRIPTION}, objects={"contacts": contacts})
        Account.objects.update(config={"server": there.provider.url})
        return Account.objects.get()

    def test_calls_know_its_id(self, log: Account, there: There) -> None:
        with pytest.raises(Misconfigured, match=r"no value for \{subscription.id\}"), closing(client_of(log)) as client:
            client.read("contacts", "7")
        tend()
        there.provider.on("GET", f"{HOOKS}/s1/log/7", Reply({"id": "7", "email": "a@example.org"}))
        with closing(client_of(log)) as client:
            assert client.read("contacts", "7").id == "7"

    def test_another_one_makes_a_whole_listing_due(self, log: Account, there: There) -> None:
        tend()
        feed_is_due()
        now = timezone.now()
        Feed.objects.update(cursor={"full_at": now.isoformat()}, claimed_until=now + timedelta(minutes=1))
        resubscribe(log)
        tend()
        assert not feed_is_due(), "one that is under way would say at its end that all was read"
        Feed.objects.update(claimed_until=None)
        Delivery.objects.update(next_try=now)
        assert feed_is_due()
        assert Feed.objects.get().cursor["full_at"] < "2001"

    def test_one_that_began_since_is_enough(self, log: Account, there: There) -> None:
        tend()
        feed = Feed.objects.select_related("role__sync").get()
        at = timezone.now() + timedelta(seconds=1)
        whole = {"kind": "full", "state": "done", "started_at": at, "ended_at": at}
        Run.objects.create(sync=feed.role.sync, feed=feed, **whole)
        Feed.objects.update(cursor={"full_at": at.isoformat()})
        assert feed_is_due()
        assert Feed.objects.get().cursor["full_at"] == at.isoformat()


def test_resubscribe_ends_and_makes_anew(account: Account, there: There) -> None:
    tend()
    there.calls()
    assert resubscribe(account) == 1
    tend()
    assert (there.calls(), row().state, list(there.rows)) == (["GET", "DELETE /s1", "POST"], "active", ["s2"])


@pytest.mark.parametrize("there_says", ["gone", "not now"])
def test_the_page_that_removes_an_account_ends_them_first(
    account: Account, there: There, admin_client: Any, there_says: str
) -> None:
    tend()
    FieldRule.objects.update(owner="shared", strategy="manual_review")
    if there_says == "not now":
        there.provider.on("DELETE", f"{HOOKS}/s1", Reply({"message": "not now"}, 503))
    page = f"/accounts/{account.slug}/remove/"
    answer = admin_client.post(page, {"seen": admin_client.get(page).context["seen"]}, follow=True)
    said = answer.content.decode()
    assert "is removed" in said
    assert ("could not be ended" in said, bool(there.rows)) == (there_says == "not now",) * 2
    assert row().account.secrets == b""


def test_before_an_account_is_removed_everything_there_is_ended(account: Account, there: There) -> None:
    tend()
    there.provider.on("DELETE", f"{HOOKS}/s1", Reply({"message": "not now"}, 503))
    [problem] = unsubscribe(account)
    assert "s1 could not be ended" in problem and "not now" in problem
    there.provider.on("DELETE", f"{HOOKS}/s1", there.end)
    assert (unsubscribe(account), there.rows, row().state) == ([], {}, "off")
    assert unsubscribe(account) == []


def test_what_a_person_set_up_is_watched_and_not_touched(account: Account, tmp_path: Path, settings: Any) -> None:
    acme(tmp_path, settings, {"signature": TOKEN, "setup": "Open the portal."})
    tend()
    assert (row().state, setup(account)) == ("by_hand", "Open the portal.")
    [line] = lines(account)
    assert "no webhook has come yet" in line.sentence and line.fine
    post(account, {"type": "changed", "record": "7", "token": "s3cret"})
    Delivery.objects.update(received_at=timezone.now() - timedelta(hours=1))
    pass_time()
    tend()
    [line] = lines(account)
    assert "set up at the provider; the last came" in line.sentence and line.fine
    found_changes(2)
    pass_time()
    tend()
    [line] = lines(account)
    assert "no delivery had told" in line.sentence and not line.fine
    assert resubscribe(account) == 0


def test_the_tick_rings_for_it_once(account: Account, redis_client: Any, django_capture_on_commit_callbacks: Any):
    with django_capture_on_commit_callbacks(execute=True):
        sweep.tick()
    assert b"tend_subscriptions" in b"".join(redis_client.lrange("rq:queue:default", 0, -1))


def test_two_workers_make_one(account: Account, there: There) -> None:
    tend(0)
    assert (_claim() is not None, _claim()) == (True, None)
    assert (tend(), there.made) == (0, 0)
    Subscription.objects.update(claimed_until=timezone.now())
    assert (tend(), there.made) == (1, 1), "a worker that died holds nobody up for long"


def test_no_secret_is_in_a_sentence(account: Account, there: There) -> None:
    def told(asked: Asked) -> Reply:
        return Reply({"message": f"bad token {json.dumps(asked.body)}"}, 400)

    there.provider.on("POST", HOOKS, told)
    tend()
    secret = webhook_secrets(Account.objects.get(pk=account.pk))[-1]
    assert row().last_error and secret not in row().last_error
    assert not Delivery.objects.exclude(body=b"").exists()
