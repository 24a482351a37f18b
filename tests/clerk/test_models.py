"""What the database itself refuses."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from policies.models import FieldRule, PolicySet, Role, Sync
from syncapp.models import Conflict, Delivery, Feed, Link, Push, Record, Run
from tests.clerk.making import make_sync

pytestmark = pytest.mark.django_db
Make = Callable[[Sync, Record, Feed], object]


def record_of(sync: Sync) -> Record:
    return Record.objects.create(key=uuid.uuid4(), sync=sync, updated_at=timezone.now())


def push(record: Record, feed: Feed, state: str, key: str = "k") -> Push:
    now = timezone.now()
    return Push.objects.create(record=record, feed=feed, state=state, key=key, next_try=now, created_at=now)


def question(sync: Sync, record: Record, about: str = "", **more: object) -> Conflict:
    now = timezone.now()
    return Conflict.objects.create(
        sync=sync, record=record, kind="value", unit="phone", reason="manual", about=about, opened_at=now, **more
    )


def delivery(feed: Feed, **more: object) -> Delivery:
    now = timezone.now()
    return Delivery.objects.create(account=feed.account, received_at=now, next_try=now, body=b"{}", **more)


REFUSED: dict[str, tuple[Make, str]] = {
    "a remote id of two records": (
        lambda s, r, f: [Link.objects.create(record=x, feed=f, remote_id="1") for x in (r, record_of(s))],
        "link_remote_id_once",
    ),
    "two links of a record at one feed": (
        lambda s, r, f: [Link.objects.create(record=r, feed=f) for _ in range(2)],
        "link_one_per_record_and_feed",
    ),
    "an empty remote id": (
        lambda s, r, f: Link.objects.create(record=r, feed=f, remote_id=""),
        "link_remote_id_not_empty",
    ),
    "two pending pushes": (lambda s, r, f: [push(r, f, "pending") for _ in range(2)], "push_one_pending"),
    "two pushes in flight": (lambda s, r, f: [push(r, f, "sending") for _ in range(2)], "push_one_sending"),
    "a push in flight without a key": (lambda s, r, f: push(r, f, "sending", ""), "push_sending_has_a_key"),
    "one question opened twice": (lambda s, r, f: [question(s, r) for _ in range(2)], "conflict_one_open"),
    "a closed question without a time": (lambda s, r, f: question(s, r, state="closed"), "conflict_closed_has_a_time"),
    "one delivery twice": (lambda s, r, f: [delivery(f, event_id="e") for _ in range(2)], "delivery_once"),
    "a delivery set aside without a reason": (
        lambda s, r, f: delivery(f, event_id="e", state="set_aside"),
        "delivery_set_aside_has_a_reason",
    ),
    "a run that ended at no time": (
        lambda s, r, f: Run.objects.create(sync=s, kind="full", state="done", started_at=timezone.now()),
        "run_ended_has_a_time",
    ),
    "two policies in force": (
        lambda s, r, f: PolicySet.objects.create(sync=s, version=2, state="published", published_at=timezone.now()),
        "policy_one_in_force",
    ),
    "a shared owner that wins": (
        lambda s, r, f: FieldRule.objects.create(
            policy_set=s.policy_sets.get(), unit="x", owner="shared", strategy="owner_wins"
        ),
        "field_rule_owner_wins_has_an_owner",
    ),
    "a role called hub": (lambda s, r, f: Role.objects.create(sync=s, name="hub"), "role_name_not_reserved"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_database_refuses(what: str) -> None:
    make, constraint = REFUSED[what]
    sync = make_sync()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        make(sync, record_of(sync), Feed.objects.get(role__name="crm"))


def test_links_without_a_remote_id_do_not_collide() -> None:
    sync = make_sync()
    feed = Feed.objects.get(role__name="crm")
    for _ in range(2):
        Link.objects.create(record=record_of(sync), feed=feed)
    assert Link.objects.count() == 2


def test_a_closed_question_leaves_room_for_the_next() -> None:
    sync = make_sync()
    record = record_of(sync)
    question(sync, record, state="closed", closed_at=timezone.now())
    question(sync, record)
    question(sync, record, about="other")
    assert Conflict.objects.count() == 3


def test_webhook_addresses_cannot_be_guessed() -> None:
    make_sync()
    tokens = {feed.account.webhook_token for feed in Feed.objects.all()}
    assert len(tokens) == 2
    assert min(map(len, tokens)) >= 32
