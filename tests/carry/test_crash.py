"""Workers that die, answers that are lost, a Redis that forgets: whoever comes next goes on from what was committed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from datetime import timedelta
from typing import Any

import django_rq
import pytest
from django.db import connection, connections
from django.db.models import F

from policies.models import Sync
from syncapp import sweep
from syncapp.carry import WRITE_LEASE, carry
from syncapp.inbox import LEASE, claim_deliveries
from syncapp.models import Delivery, Feed, Ledger, Push, Record
from syncapp.observe import work_inbox
from syncapp.poll import poll
from syncapp.remote import FeedRemote
from tests.carry.driving import (
    Side,
    at_rest,
    begin_and_die,
    billing_of,
    drain,
    first_load,
    no_webhooks_left,
    work_until,
)
from tests.clerk.making import silent

pytestmark = pytest.mark.django_db(transaction=True)


def feed(role: str) -> Feed:
    return Feed.objects.get(role__name=role)


def edit_and_judge(sides: dict[str, Side], record: str, **fields: Any) -> None:
    """The edit is believed, and its push waits for a worker."""
    sides["crm"].edit(record, **fields)
    poll(feed("crm").pk, at_once=True, ring_feeds=silent)
    assert Push.objects.filter(state="pending", feed=feed("billing")).exists()


def writes_of(sides: dict[str, Side], name: str, field: str, value: Any) -> int:
    return sum(write["sent"].get(field) == value for write in sides[name].writes())


def test_a_write_whose_answer_is_lost_is_settled_at_once(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides)
    edit_and_judge(sides, ids[0], firstname="Ada")
    sides["billing"].faults(hang_after_write=1.0, hang_seconds=0.1)
    carried = carry(feed("billing").pk, ring_feeds=silent)
    assert carried.outcomes == {"resend": 1}
    assert writes_of(sides, "billing", "name_first", "Ada") == 1
    assert at_rest()
    assert Ledger.objects.filter(verdict="landed").exists()


def push_in_a_process_of_its_own(feed_id: int) -> None:
    connections.close_all()
    carry(feed_id, ring_feeds=silent)


def test_a_worker_killed_between_write_and_answer_leaves_a_push_that_is_settled(
    sync: Sync, sides: dict[str, Side]
) -> None:
    ids = first_load(sides)
    edit_and_judge(sides, ids[0], firstname="Ada")
    sides["billing"].faults(hang_after_write=1.0, hang_seconds=20.0)
    pk = feed("billing").pk
    connections.close_all()
    worker = multiprocessing.get_context("fork").Process(target=push_in_a_process_of_its_own, args=(pk,))
    worker.start()
    wait_for(lambda: writes_of(sides, "billing", "name_first", "Ada") == 1, "the write to land")
    os.kill(worker.pid or 0, signal.SIGKILL)
    worker.join()
    sides["billing"].faults()
    assert Push.objects.filter(state="sending").count() == 1
    assert sweep.unsettled_feeds(sweep.database_now()) == [], "a push that may still be on its way is left alone"
    Push.objects.filter(state="sending").update(started_at=F("started_at") - WRITE_LEASE - timedelta(seconds=1))
    sweep.tick()
    drain()
    assert at_rest()
    assert Ledger.objects.filter(verdict="landed").exists()
    assert writes_of(sides, "billing", "name_first", "Ada") == 1


def test_a_worker_killed_before_the_write_leaves_a_push_that_is_sent_again(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides)
    edit_and_judge(sides, ids[0], firstname="Ada")
    begin_and_die(sync)
    work_until(
        lambda: billing_of(sides, "p0@example.org")["fields"]["name_first"] == "Ada" and at_rest(),
        "the push to be sent",
    )
    assert writes_of(sides, "billing", "name_first", "Ada") == 1


def wait_for(done: Any, what: str) -> None:
    deadline = time.monotonic() + 15
    while not done():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.02)


def test_a_redis_that_forgets_everything_loses_nothing(
    sync: Sync, sides: dict[str, Side], hooked: None, redis_client: Any
) -> None:
    ids = first_load(sides)
    work_until(lambda: no_webhooks_left(sides) and at_rest(), "rest after the first load")
    sides["crm"].edit(ids[0], firstname="Ada")
    wait_for(lambda: Delivery.objects.filter(state="new").exists(), "the delivery")
    wait_for(lambda: django_rq.get_queue("inbox").count == 1, "the ring")
    redis_client.flushdb()  # and it is gone
    drain()
    assert Delivery.objects.filter(state="new").exists(), "nobody was rung"
    sweep.tick()
    drain("inbox")  # judged: the push was rung for
    assert Push.objects.filter(state="pending").exists()
    redis_client.flushdb()  # and that ring is gone too
    work_until(
        lambda: billing_of(sides, "p0@example.org")["fields"]["name_first"] == "Ada" and at_rest(), "the edit to arrive"
    )


def test_a_batch_of_a_killed_worker_is_found_again(sync: Sync, sides: dict[str, Side], hooked: None) -> None:
    ids = first_load(sides)
    work_until(lambda: no_webhooks_left(sides) and at_rest(), "rest after the first load")
    sides["crm"].edit(ids[0], firstname="Ada")
    wait_for(lambda: Delivery.objects.filter(state="new").exists(), "the delivery")
    assert len(claim_deliveries()) == 1  # and dies
    assert work_inbox() == 0
    Delivery.objects.filter(state="claimed").update(claimed_until=F("claimed_until") - timedelta(seconds=LEASE + 1))
    work_until(
        lambda: billing_of(sides, "p0@example.org")["fields"]["name_first"] == "Ada" and at_rest(), "the edit to arrive"
    )


def test_workers_share_an_inbox(sync: Sync, sides: dict[str, Side], hooked: None) -> None:
    """Each delivery is worked on once, each edit is written once, nothing is lost."""
    ids = first_load(sides, 20)
    work_until(lambda: no_webhooks_left(sides) and at_rest(), "rest after the first load")
    for number, one in enumerate(ids):
        sides["crm"].edit(one, firstname=f"N{number}")
    wait_for(lambda: Delivery.objects.filter(state="new").count() >= 20, "the deliveries")
    counts: list[int] = []
    failures: list[Exception] = []

    def work() -> None:
        try:
            while number := work_inbox(3):
                counts.append(number)
            carry(billing, limit=5, ring_feeds=silent)
        except Exception as error:
            failures.append(error)
            raise
        finally:
            connection.close()

    billing = feed("billing").pk
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sum(counts) >= 20
    work_until(lambda: no_webhooks_left(sides) and at_rest(), "rest")
    for number in range(20):
        assert billing_of(sides, f"p{number}@example.org")["fields"]["name_first"] == f"N{number}"
        assert writes_of(sides, "billing", "name_first", f"N{number}") == 1
    assert Record.objects.count() == 20


def test_a_fault_of_ours_gives_back_what_its_job_had_claimed(
    one_by_one: None, sync: Sync, sides: dict[str, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = first_load(sides)
    for number, record in enumerate(ids):
        sides["crm"].edit(record, firstname=f"New{number}")
    poll(feed("crm").pk, at_once=True, ring_feeds=silent)
    update, calls = FeedRemote.update, []

    def broken(self: FeedRemote, *args: Any, **more: Any) -> Any:
        calls.append(args)
        if len(calls) == 2:
            raise RuntimeError("a fault of ours")
        return update(self, *args, **more)

    monkeypatch.setattr(FeedRemote, "update", broken)
    with pytest.raises(RuntimeError):
        carry(feed("billing").pk, ring_feeds=silent)
    assert not Push.objects.filter(state__in=["pending", "sending"], claimed_until__isnull=False).exists()
    assert "RuntimeError" in Push.objects.get(state="sending").error
    work_until(at_rest, "the rest to be written")
    assert {row["fields"]["name_first"] for row in sides["billing"].rows().values()} == {"New0", "New1", "New2"}


def test_a_mapping_that_does_not_fit_any_more_is_told_on_what_waits(sync: Sync, sides: dict[str, Side]) -> None:
    [one] = first_load(sides, 1)
    edit_and_judge(sides, one, firstname="Ada")
    broken = {"email": {"path": "email", "transform": ["no_such_transform"]}}
    Feed.objects.filter(role__name="billing").update(mapping=broken)
    assert carry(feed("billing").pk, ring_feeds=silent).outcomes == {"waits": 1}
    waiting = Push.objects.get(state="pending")
    assert "transform" in waiting.error
    assert (waiting.attempts, waiting.claimed_until) == (0, None)
