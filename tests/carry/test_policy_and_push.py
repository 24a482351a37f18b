"""A policy that comes into force while pushes wait, are on their way, or have lost their worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction

from policies.core.seen import Observation
from policies.core.values import Values
from policies.models import PolicySet, Sync
from syncapp.apply.changes import Changes
from syncapp.apply.policy import as_written, publish
from syncapp.carry import carry, load_feed
from syncapp.load import hold_syncs
from syncapp.models import Feed, Ledger, Push
from syncapp.ports import Listing, Remote, Written
from syncapp.push import Outcome, push
from syncapp.remote import open_remote
from syncapp.replay import replay
from syncapp.revising import finish_revisions
from syncapp.store import PgStore
from tests.carry.driving import Side, at_rest, begin_and_die, billing_of, first_load, work_until
from tests.carry.test_crash import edit_and_judge, feed, writes_of
from tests.clerk.making import silent

pytestmark = pytest.mark.django_db(transaction=True)


def publish_rule(sync: Sync, unit: str, **changed: Any) -> None:
    """As `apply` does it."""
    with transaction.atomic():
        hold_syncs([sync.pk])
        current = PolicySet.objects.get(sync=sync, state="published")
        old = as_written(current)
        new = {**old, "rules": {**old["rules"], unit: {**old["rules"][unit], **changed}}}
        publish(Changes(), sync, current, new, old, "", "test")


@dataclass
class Slow:
    """The account of a feed, where something happens between the request and its answer."""

    remote: Remote
    meanwhile: Callable[[], None]

    @property
    def role(self) -> str:
        return self.remote.role

    def pages(self, cursor: str, *, full: bool = False) -> Iterator[Listing]:
        return self.remote.pages(cursor, full=full)

    def read(self, remote_id: str) -> Observation:
        return self.remote.read(remote_id)

    def find(self, values: Values, external_id: str) -> Sequence[Observation]:
        return self.remote.find(values, external_id)

    def create(self, values: Values, *, key: str, external_id: str) -> Written:
        return self.remote.create(values, key=key, external_id=external_id)

    def update(self, remote_id: str, values: Values, *, version: str | None, key: str) -> Written:
        written = self.remote.update(remote_id, values, version=version, key=key)
        self.meanwhile()
        return written

    def delete(self, remote_id: str, *, version: str | None, key: str) -> None:
        self.remote.delete(remote_id, version=version, key=key)


def name_at_billing(sides: dict[str, Side]) -> str:
    return str(billing_of(sides, "p0@example.org")["fields"]["name_first"])


def rest_under_the_new(sync: Sync) -> None:
    finish_revisions(sync, silent)
    work_until(at_rest, "rest")
    assert replay(sync).different == 0


def test_a_write_that_was_on_its_way_is_confirmed_under_the_new_version(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides)
    edit_and_judge(sides, ids[0], firstname="Ada")
    key = str(Push.objects.get(state="pending").record_id)
    billing = load_feed(feed("billing").pk)
    assert billing is not None
    with open_remote(billing) as remote:
        slow = Slow(remote, lambda: publish_rule(sync, "first_name", owner="billing"))
        assert push(PgStore(sync, ring_feeds=silent), slow, key) is Outcome.CONFIRMED
    lines = Ledger.objects.filter(record=key, role="billing", unit="first_name", verdict__in=["sent", "confirmed"])
    assert list(lines.order_by("-id").values_list("verdict", "policy")[:2]) == [("confirmed", 2), ("sent", 1)]
    rest_under_the_new(sync)
    assert name_at_billing(sides) == "Ada"
    assert writes_of(sides, "billing", "name_first", "Ada") == 1


def test_what_waits_is_planned_again_and_not_written_where_nobody_reads_it_any_more(
    sync: Sync, sides: dict[str, Side]
) -> None:
    ids = first_load(sides)
    edit_and_judge(sides, ids[0], firstname="Ada")
    publish_rule(sync, "first_name", readers=["crm"])
    assert carry(feed("billing").pk, ring_feeds=silent).outcomes in ({"idle": 1}, {}), "also before it is revised"
    rest_under_the_new(sync)
    assert not Push.objects.filter(state="pending").exists()
    assert writes_of(sides, "billing", "name_first", "Ada") == 0
    assert name_at_billing(sides) == "P0"


def test_a_push_claimed_under_the_old_whose_worker_died_is_settled_under_the_new(
    sync: Sync, sides: dict[str, Side]
) -> None:
    ids = first_load(sides)
    edit_and_judge(sides, ids[0], firstname="Ada")
    begin_and_die(sync)
    publish_rule(sync, "first_name", readers=["crm"])
    rest_under_the_new(sync)
    assert writes_of(sides, "billing", "name_first", "Ada") == 0
    assert Feed.objects.count() == 2 and not Push.objects.filter(state="sending").exists()


def test_what_was_due_before_its_field_became_everybodys_is_written_once(sync: Sync, sides: dict[str, Side]) -> None:
    """Nobody owns it any more, but nobody disagrees either: it stays due, as the state says."""
    ids = first_load(sides)
    edit_and_judge(sides, ids[0], firstname="Ada")
    publish_rule(sync, "first_name", owner="shared", strategy="manual_review")
    rest_under_the_new(sync)
    assert name_at_billing(sides) == "Ada"
    assert writes_of(sides, "billing", "name_first", "Ada") == 1
