"""The inbox's claims: one worker at a time, no late word about what another has, and no feed that stops the others."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from policies.models import Sync
from syncapp import jobs
from syncapp.inbox import BATCH, GATHER, HEELS, HINTS, LEASE, Fates, Pace, claim_deliveries, more_may_wait
from syncapp.models import Account, Delivery, Feed
from syncapp.observe import work_inbox
from syncapp.receive import look_later
from tests.carry.driving import Side, first_load

pytestmark = pytest.mark.django_db(transaction=True)


def hint(role: str, remote_id: str) -> Delivery:
    look_later(Feed.objects.get(role__name=role), [remote_id], 0.0)
    return Delivery.objects.latest("pk")


def state(row: Delivery) -> str:
    return Delivery.objects.get(pk=row.pk).state


def lease_is_over() -> None:
    Delivery.objects.update(claimed_until=F("claimed_until") - timedelta(seconds=2 * LEASE))


@pytest.mark.parametrize("fate", ["done", "later", "aside"])
def test_a_worker_that_comes_too_late_says_nothing_about_anothers_claim(fate: str, sync: Sync) -> None:
    row = hint("crm", "1")
    late = claim_deliveries()
    lease_is_over()
    assert [one.pk for one in claim_deliveries()] == [row.pk]
    fates = Fates(late)
    if fate == "later":
        fates.later(late[0], 0.0)
    elif fate == "aside":
        fates.aside(late[0], "it was refused")
    fates.write()
    assert state(row) == "claimed"


def test_what_was_made_new_meanwhile_is_not_ended_though_another_has_claimed_it(sync: Sync) -> None:
    """The watermark has passed this record: its hint is all that remembers it."""
    row = hint("crm", "1")
    first = claim_deliveries()
    hint("crm", "1")
    assert len(claim_deliveries()) == 1  # by a worker that dies
    Fates(first).write()
    assert state(row) == "claimed"


def test_no_more_are_claimed_than_asked_for(sync: Sync) -> None:
    for number in range(5):
        hint("crm", str(number))
    assert [len(claim_deliveries(2)) for _ in range(4)] == [2, 2, 1, 0]


def test_few_deliveries_are_claimed_where_each_tells_of_many_records(sync: Sync) -> None:
    for number in range(4):
        row = hint("crm", str(number))
        Delivery.objects.filter(pk=row.pk).update(events=row.events * (HINTS // 2))
    assert [len(claimed := claim_deliveries()), more_may_wait(claimed, BATCH)] == [2, True]
    assert [len(claimed := claim_deliveries()), more_may_wait(claimed[:1], BATCH)] == [2, False]


def break_mapping(feed: Feed) -> None:
    feed.mapping = {"email": {"path": "email", "transform": ["no_such_transform"]}}


def break_object(feed: Feed) -> None:
    feed.object = "nothing_like_it"


@pytest.mark.parametrize("broken", [break_mapping, break_object])
def test_a_feed_that_cannot_be_opened_stops_no_other_account(broken: Any, sync: Sync, sides: dict[str, Side]) -> None:
    [one] = first_load(sides, 1)
    other = Sync.objects.create(slug="other", name="Other")
    feed = Feed.objects.get(role__name="billing")
    account = Account.objects.get(slug="billing")
    lone = Account.objects.create(slug="lone", name="lone", provider="sandbox", config=account.config)
    role = other.roles.create(name="lone")
    lost = Feed(account=lone, object=feed.object, role=role, mapping=feed.mapping, cursor={"full_at": "2026-01-01"})
    lost.stage = "live"
    broken(lost)
    lost.save()
    look_later(lost, ["1"], 0.0)
    if broken is break_object:
        Delivery.objects.update(events=[{"object": lost.object, "record": "1", "kind": "look"}])
    fine = hint("crm", one)
    work_inbox()
    assert state(fine) == "done"
    waiting = Delivery.objects.get(account=lone)
    assert (waiting.state, waiting.attempts) == ("new", 0)
    assert waiting.reason != ""


class TestThePaceOfJobs:
    """In a flood one job takes what several would; a single edit is not kept waiting."""

    def test_after_a_quiet_moment_nothing_waits(self) -> None:
        pace = Pace()
        assert pace.pause(0.0) == 0.0
        pace.worked(3, 10.0)
        assert pace.pause(10.0 + 2 * HEELS) == 0.0

    def test_at_the_heels_of_another_it_waits_a_moment_that_nobody_notices(self) -> None:
        pace = Pace()
        pace.worked(3, 10.0)
        assert pace.pause(10.0 + HEELS / 2) == GATHER < 0.1

    def test_where_more_is_waiting_already_nothing_waits(self) -> None:
        pace = Pace()
        pace.worked(BATCH, 10.0)
        assert pace.pause(10.0) == 0.0

    def test_a_job_that_found_nothing_keeps_nobody_waiting(self) -> None:
        pace = Pace()
        pace.worked(0, 10.0)
        assert pace.pause(10.0) == 0.0

    def test_the_second_job_gathers(self, sync: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(jobs, "_pace", Pace())
        Feed.objects.update(paused="not today")  # the hint is put off, without a call
        hint("crm", "1")
        jobs.inbox()
        began = time.monotonic()
        jobs.inbox()
        assert time.monotonic() - began >= GATHER
