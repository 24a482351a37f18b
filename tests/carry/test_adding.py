"""A side that is added to known records doubles nothing: webhooks of our own creates, and workers that die of them."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.models import F

from policies.models import FieldRule, Role, Sync
from syncapp.carry import LEASE, WRITE_LEASE, carry
from syncapp.models import Account, Conflict, Delivery, Feed, Link, Push, Record
from syncapp.poll import poll
from syncapp.replay import replay
from syncapp.sandbox.server import SandboxServer
from syncapp.sandbox.settings import Settings
from syncapp.secrets import encrypt
from tests.carry.conftest import SECRET
from tests.carry.driving import Side, at_rest, drain, no_webhooks_left, work_until
from tests.clerk.making import CRM, silent

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE, SHARED, KILLS = 200, 100, 8


def feed(role: str) -> Feed:
    return Feed.objects.get(role__name=role)


def emails(side: Side) -> Counter[str]:
    return Counter(str(row["fields"]["email"]) for row in side.rows().values() if not row["deleted"])


def carry_until_killed(feed_id: int) -> None:
    connections.close_all()
    while carry(feed_id, limit=40, ring_feeds=silent).outcomes:
        pass


def kill_a_worker_amid_creates(pk: int, side: Side, rolls: random.Random) -> bool:
    """A process of its own, killed after a few more records were made: did it leave a create without an outcome?"""
    goal = len(side.rows()) + rolls.randint(3, 20)
    connections.close_all()
    worker = multiprocessing.get_context("fork").Process(target=carry_until_killed, args=(pk,))
    worker.start()
    deadline = time.monotonic() + 30
    while worker.is_alive() and len(side.rows()) < goal:
        assert time.monotonic() < deadline, "the worker made nothing"
        time.sleep(rolls.uniform(0.005, 0.03))
    if worker.is_alive():
        os.kill(worker.pid or 0, signal.SIGKILL)
    worker.join()
    left = Push.objects.filter(state="sending", why="create").exists()
    # Claims and writes without an outcome are taken over when they are old enough; a test need not wait for it.
    Push.objects.filter(claimed_until__isnull=False).update(claimed_until=F("claimed_until") - LEASE)
    Push.objects.filter(state="sending").update(started_at=F("started_at") - WRITE_LEASE - timedelta(seconds=1))
    return left


def test_adding_a_side_doubles_nothing_under_doubled_webhooks_and_killed_workers(
    sync: Sync, sides: dict[str, Side], hooked: None
) -> None:
    rolls, billing = random.Random(7), sides["billing"]
    sides["crm"].faults(webhook_duplicate=0.5)
    billing.faults(webhook_duplicate=1.0, webhook_reorder=0.3)
    for number in range(PEOPLE):
        sides["crm"].create(email=f"p{number}@example.org", firstname=f"P{number}")
    for number in range(PEOPLE - SHARED, PEOPLE + SHARED):
        billing.create(email=f"P{number}@Example.org", name_first=f"P{number}")
    for role in ("crm", "billing"):
        poll(feed(role).pk, full=True, at_once=True, ring_feeds=silent)
    assert Push.objects.filter(state="pending", feed=feed("billing"), why="create").count() >= PEOPLE - SHARED
    left = 0
    for _ in range(KILLS):
        left += kill_a_worker_amid_creates(feed("billing").pk, billing, rolls)
        drain()  # the webhooks of records whose create has no outcome yet
    assert left >= KILLS / 4, "workers were killed amid a create"
    work_until(lambda: all(no_webhooks_left({n: s}) for n, s in sides.items()) and at_rest(), "rest", 180.0)
    everybody = {f"p{number}@example.org" for number in range(PEOPLE + SHARED)}
    for side in sides.values():
        found = Counter({email.casefold(): count for email, count in emails(side).items()})
        assert [email for email, count in found.items() if count > 1] == [], f"doubled at {side.name}"
        assert set(found) == everybody
    assert Record.objects.count() == len(everybody)
    assert Link.objects.filter(remote_id__isnull=False).count() == 2 * len(everybody)
    assert not Conflict.objects.filter(state="open").exists()
    assert replay(sync).differences == []


# Two feeds of one provider


@pytest.fixture
def portals(sync: Sync, sides: dict[str, Side], hooked: None, tmp_path: Any, live_server: Any) -> Any:
    """A second CRM of the same provider in the same sync; its ids are the same numbers as those of the first."""
    server = SandboxServer(Settings("crm", tmp_path / "portal.sqlite", token="t0ken")).start()
    side = Side("portal", server)
    role = Role.objects.create(sync=sync, name="portal", order=2)
    account = Account.objects.create(
        slug="portal", name="Portal", provider="sandbox", config={"server": side.url}, allow_private=True,
        secrets=encrypt({"token": "t0ken", "webhook": SECRET}),
    )  # fmt: skip
    Feed.objects.create(account=account, object="contacts", role=role, mapping=CRM, stage="live", schedule=3600.0)
    for rule in FieldRule.objects.all():
        rule.readers = [*rule.readers, "portal"]
        rule.writers = [*rule.writers, "portal"]
        rule.save()
    side.hook(f"{live_server.url}/hooks/{account.webhook_token}/", SECRET)
    yield {**sides, "portal": side}
    server.stop()


def in_full() -> None:
    call_command("sync", "contacts", "--full", stdout=StringIO())


def rest(portals: dict[str, Side]) -> None:
    work_until(lambda: no_webhooks_left(portals) and at_rest(), "rest", 40.0)


def test_two_accounts_of_one_provider_are_two_sides(sync: Sync, portals: dict[str, Side]) -> None:
    first = portals["crm"].create(email="ada@example.org", firstname="Ada")
    second = portals["portal"].create(email="bob@example.org", firstname="Bob")
    assert first == second, "the same id at both, for two people"
    in_full()
    rest(portals)
    for side in portals.values():
        assert emails(side) == Counter(["ada@example.org", "bob@example.org"])
    assert Record.objects.count() == 2
    ada = Record.objects.get(links__feed__role__name="crm", links__remote_id=first)
    bob = Record.objects.get(links__feed__role__name="portal", links__remote_id=second)
    assert ada != bob
    assert replay(sync).differences == []


def test_an_edit_in_one_portal_goes_to_the_other_and_comes_to_rest(sync: Sync, portals: dict[str, Side]) -> None:
    one = portals["crm"].create(email="ada@example.org", firstname="Ada")
    in_full()
    rest(portals)
    portals["portal"].edit(own_id("portal", one), firstname="Ada B.")
    rest(portals)
    for name, field in (("crm", "firstname"), ("portal", "firstname"), ("billing", "name_first")):
        assert [row["fields"][field] for row in portals[name].rows().values()] == ["Ada B."]
    written = {name: len(side.writes()) for name, side in portals.items()}
    in_full()
    assert {name: len(side.writes()) for name, side in portals.items()} == written


def own_id(role: str, crm_id: str) -> str:
    record = Record.objects.get(links__feed__role__name="crm", links__remote_id=crm_id)
    return str(Link.objects.get(record=record, feed__role__name=role).remote_id)


def test_each_account_has_its_own_actor_and_its_own_deliveries(sync: Sync, portals: dict[str, Side]) -> None:
    for name in ("crm", "portal"):
        portals[name].create(email=f"{name}@example.org", firstname=name)
    in_full()
    rest(portals)
    before = Delivery.objects.count()
    for name in ("crm", "portal"):
        mine = next(row for row in portals[name].rows().values() if row["fields"]["email"] == f"{name}@example.org")
        portals[name].edit(str(mine["id"]), firstname=f"{name} edited")
    rest(portals)
    told = Delivery.objects.values_list("account__slug", flat=True)
    assert all(Account.objects.exclude(slug="billing").values_list("actor", flat=True))
    assert Delivery.objects.count() > before
    assert {"crm", "portal", "billing"} <= set(told)
    for side in portals.values():
        field = "name_first" if side.name == "billing" else "firstname"
        assert {row["fields"][field] for row in side.rows().values()} == {"crm edited", "portal edited"}


def test_a_changed_match_key_neither_links_nor_parts_what_is_linked(sync: Sync, portals: dict[str, Side]) -> None:
    one = portals["crm"].create(email="ada@example.org", firstname="Ada")
    portals["crm"].create(email="bob@example.org", firstname="Bob")
    in_full()
    rest(portals)
    before = sorted(Link.objects.values_list("record_id", "feed_id", "remote_id"))
    portals["crm"].edit(one, email="bob@example.org")
    rest(portals)
    in_full()
    rest(portals)
    assert sorted(Link.objects.values_list("record_id", "feed_id", "remote_id")) == before
    for side in portals.values():
        assert emails(side) == Counter({"bob@example.org": 2})
    assert not Conflict.objects.filter(state="open").exists()
