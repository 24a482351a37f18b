"""The echo of our own write costs no call; an event that may tell more, or of a write that nobody saw, is looked at."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from django.db.models.functions import Now

from policies.models import Sync
from syncapp.carry import carry
from syncapp.connectors.errors import Unknown
from syncapp.echoes import CREATED_JUST_NOW
from syncapp.inbox import NOTHING_NEW
from syncapp.models import Delivery, Feed, Link, Push, Record
from syncapp.observe import work_inbox
from syncapp.poll import poll
from syncapp.receive import look_later
from syncapp.remote import FeedRemote
from tests.carry.driving import Side, billing_of, first_load
from tests.clerk.making import silent

pytestmark = pytest.mark.django_db(transaction=True)


def feed(role: str) -> Feed:
    return Feed.objects.select_related("account").get(role__name=role)


def write_over(sides: dict[str, Side], one: str) -> dict[str, Any]:
    """An edit in the CRM is carried to billing; what stands there then."""
    sides["crm"].edit(one, firstname="Ada")
    poll(feed("crm").pk, at_once=True, ring_feeds=silent)
    carry(feed("billing").pk, ring_feeds=silent)
    row = billing_of(sides, "p0@example.org")
    assert row["fields"]["name_first"] == "Ada"
    return row


def announce(row: dict[str, Any], version: int, kind: str = "updated") -> Delivery:
    body = {"type": f"customer.{kind}", "timestamp": "2026-11-20T10:00:00Z"}
    told = json.dumps(body | {"data": {"id": row["id"], "revision": version}}).encode()
    events = [{"object": "customers", "record": str(row["id"]), "kind": kind}]
    now = Record.objects.get().updated_at
    return Delivery.objects.create(
        account=feed("billing").account, event_id=f"{kind} {version}", received_at=now, body=told, events=events,
        headers={"webhook-id": f"{kind} {version}"}, state="new", next_try=now,
    )  # fmt: skip


def looks(sides: dict[str, Side]) -> int:
    return sum(sides["billing"].back("GET", "stats")["api_calls"].values())


def ended(delivery: Delivery) -> tuple[str, str]:
    work_inbox()
    delivery.refresh_from_db()
    return delivery.state, delivery.reason


def test_the_echo_of_our_own_write_costs_no_call(sync: Sync, sides: dict[str, Side]) -> None:
    [one] = first_load(sides, 1)
    row = write_over(sides, one)
    before = looks(sides)
    assert ended(announce(row, int(row["version"]))) == ("done", NOTHING_NEW)
    assert looks(sides) == before


def test_an_edit_there_is_looked_at(sync: Sync, sides: dict[str, Side]) -> None:
    [one] = first_load(sides, 1)
    row = write_over(sides, one)
    sides["billing"].edit(row["id"], name_first="Berta")
    assert ended(announce(row, int(row["version"]) + 1)) == ("done", "")
    assert Record.objects.get().beliefs["first_name"]["value"] == {"first_name": "Berta"}


def test_the_echo_of_a_write_that_nobody_saw_is_looked_at(
    sync: Sync, sides: dict[str, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer tells the new version and nothing else, and the read after it is lost: an edit may be in it."""
    [one] = first_load(sides, 1)
    update = FeedRemote.update

    def lost(self: FeedRemote, remote_id: str) -> Any:
        raise Unknown("the answer was lost")

    def unseen(self: FeedRemote, *given: Any, **more: Any) -> Any:
        written = update(self, *given, **more)
        patch.setattr(FeedRemote, "read", lost)
        return replace(written, observation=None)

    with monkeypatch.context() as patch:
        patch.setattr(FeedRemote, "update", unseen)
        row = write_over(sides, one)
    assert Link.objects.get(feed=feed("billing")).version == str(row["version"])
    before = looks(sides)
    assert ended(announce(row, int(row["version"]))) == ("done", "")
    assert looks(sides) == before + 1


@pytest.mark.parametrize("kind", ["deleted", "merged"])
def test_what_is_more_than_a_version_is_looked_at(kind: str, sync: Sync, sides: dict[str, Side]) -> None:
    [one] = first_load(sides, 1)
    row = write_over(sides, one)
    before = looks(sides)
    assert ended(announce(row, int(row["version"]), kind)) == ("done", "")
    assert looks(sides) == before + 1


def test_a_hint_of_our_own_beside_it_is_looked_at(sync: Sync, sides: dict[str, Side]) -> None:
    [one] = first_load(sides, 1)
    row = write_over(sides, one)
    look_later(feed("billing"), [str(row["id"])], 0.0)
    before = looks(sides)
    assert ended(announce(row, int(row["version"]))) == ("done", "")
    assert looks(sides) == before + 1


def test_a_delivery_that_was_tried_before_is_looked_at(sync: Sync, sides: dict[str, Side]) -> None:
    [one] = first_load(sides, 1)
    row = write_over(sides, one)
    delivery = announce(row, int(row["version"]))
    Delivery.objects.update(attempts=1)
    before = looks(sides)
    assert ended(delivery) == ("done", "")
    assert looks(sides) == before + 1


def making(record: Record) -> None:
    """A create of ours is on its way to billing."""
    now = record.updated_at
    Push.objects.create(
        record=record, feed=feed("billing"), state="sending", why="create", key="k", next_try=now, created_at=now,
        started_at=now,
    )  # fmt: skip


def test_news_of_a_new_record_waits_for_a_create_that_is_in_flight(sync: Sync, sides: dict[str, Side]) -> None:
    first_load(sides, 1)
    making(Record.objects.get())
    stranger = {"id": "123456"}
    before = looks(sides)
    news = announce(stranger, 1, "created")
    Delivery.objects.update(received_at=Now())
    assert ended(news) == ("new", "a create there is in flight")
    assert looks(sides) == before
    Delivery.objects.update(received_at=Now() - CREATED_JUST_NOW, next_try=Now())
    ended(news)
    assert looks(sides) > before, "however long the create takes, such a record is looked at"


@pytest.mark.parametrize(("kind", "created"), [("updated", True), ("created", False)])
def test_other_news_are_looked_at_at_once(sync: Sync, sides: dict[str, Side], kind: str, created: bool) -> None:
    first_load(sides, 1)
    if created:
        making(Record.objects.get())
    before = looks(sides)
    news = announce({"id": "123456"}, 1, kind)
    Delivery.objects.update(received_at=Now())
    ended(news)
    assert looks(sides) > before
