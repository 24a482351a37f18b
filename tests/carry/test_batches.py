"""Many pushes in one call: every item keeps the rules of a push of its own, whatever happens to the others."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.db import connection, connections
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from policies.models import Sync
from syncapp import sweep
from syncapp.carry import WRITE_LEASE, carry, settle_feed
from syncapp.clients import THROTTLE
from syncapp.models import Conflict, Feed, Ledger, Link, Push, Record
from syncapp.poll import poll
from tests.carry.driving import Side, at_rest, billing_of, drain, first_load, work_until
from tests.clerk.making import silent
from tests.ground.together import failures, together

pytestmark = pytest.mark.django_db(transaction=True)


def feed(role: str = "billing") -> Feed:
    return Feed.objects.get(role__name=role)


def read(role: str, **how: Any) -> None:
    assert poll(feed(role).pk, at_once=True, ring_feeds=silent, **how) is not None


def waiting(sides: dict[str, Side], count: int) -> list[str]:
    """People in the CRM whose creates in billing wait for a worker; their ids."""
    ids = [sides["crm"].create(email=f"p{n}@example.org", firstname=f"P{n}") for n in range(count)]
    read("crm")
    read("billing")
    assert Push.objects.filter(state="pending", feed=feed()).count() == count
    return ids


def edited(sides: dict[str, Side], ids: list[str], prefix: str = "New") -> None:
    for number, one in enumerate(ids):
        sides["crm"].edit(one, firstname=f"{prefix}{number}")
    read("crm")


def calls(side: Side) -> Counter[str]:
    return Counter(side.back("GET", "stats")["api_calls"])


def emails(side: Side) -> Counter[str]:
    return Counter(row["fields"]["email"] for row in side.rows().values() if not row["deleted"])


def names(side: Side) -> dict[str, Any]:
    return {row["fields"]["email"]: row["fields"]["name_first"] for row in side.rows().values()}


def test_creates_take_one_look_up_and_one_call(sync: Sync, sides: dict[str, Side]) -> None:
    waiting(sides, 20)
    before = calls(sides["billing"])
    assert carry(feed().pk, ring_feeds=silent).outcomes == {"confirmed": 20}
    assert calls(sides["billing"]) - before == Counter({"lookup": 1, "batch_create": 1})
    assert at_rest()
    assert Link.objects.filter(feed=feed(), remote_id__isnull=False).count() == 20
    assert set(emails(sides["billing"]).values()) == {1}
    external = {row["external_id"] for row in sides["billing"].rows().values()}
    assert external == {str(key) for key in Record.objects.values_list("key", flat=True)}


def test_updates_go_in_one_call_each_at_its_own_version(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides, 12)
    edited(sides, ids)
    before = calls(sides["billing"])
    assert carry(feed().pk, ring_feeds=silent).outcomes == {"confirmed": 12}
    assert calls(sides["billing"]) - before == Counter({"batch_update": 1})
    assert names(sides["billing"]) == {f"p{n}@example.org": f"New{n}" for n in range(12)}
    assert at_rest()
    read("billing", full=True)
    assert at_rest(), "what was written is what is read"


def test_the_statements_do_not_grow_with_the_batch(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides, 24)
    counted = []
    for some in (ids[:3], ids):
        edited(sides, some, f"N{len(some)}x")
        with CaptureQueriesContext(connection) as captured:
            carry(feed().pk, ring_feeds=silent)
        counted.append(len(captured))
    assert at_rest()
    assert counted[0] == counted[1] < 60


def test_what_a_look_up_finds_is_linked_and_the_others_are_made(sync: Sync, sides: dict[str, Side]) -> None:
    waiting(sides, 6)
    for number in (1, 4):  # made there by a person after the last look; told apart by letters only
        sides["billing"].create(email=f"P{number}@Example.org", name_first=f"P{number}")
    assert carry(feed().pk, ring_feeds=silent).outcomes == {"confirmed": 4, "found": 2}
    assert len(sides["billing"].rows()) == 6
    assert Ledger.objects.filter(verdict="found").count() == 2


def test_one_that_is_refused_fails_alone(sync: Sync, sides: dict[str, Side]) -> None:
    """Billing has seen the key of one of them before, with another body."""
    waiting(sides, 5)
    one = Record.objects.get(title__startswith="P2")
    headers = {"X-Api-Key": "t0ken", "Idempotency-Key": f"{one.key}:billing:create:0"}
    made = requests.post(
        f"{sides['billing'].url}/v1/customers", json={"email": "old@example.org"}, headers=headers, timeout=5
    )
    sides["billing"].delete(made.json()["id"])
    assert carry(feed().pk, ring_feeds=silent).outcomes == {"confirmed": 4, "rejected": 1}
    assert Push.objects.get(state="failed").record == one
    assert Conflict.objects.get(state="open").record == one
    assert emails(sides["billing"]) == Counter({f"p{n}@example.org": 1 for n in (0, 1, 3, 4)})
    assert at_rest(), "what was refused is state, not work"


def test_one_that_is_limited_waits_and_the_others_are_done(sync: Sync, sides: dict[str, Side]) -> None:
    waiting(sides, 12)
    sides["billing"].faults(batch_limited=0.3, seed=4)
    carried = carry(feed().pk, ring_feeds=silent)
    done = carried.outcomes["confirmed"]
    assert 0 < done < 12
    assert carried.outcomes["waits"] == 1, "the account asked for a pause: once"
    left = Push.objects.filter(state="pending", feed=feed())
    assert left.count() == 12 - done
    assert all("wait" in push.error for push in left)
    sides["billing"].faults()
    THROTTLE.forget()
    work_until(at_rest, "the rest to be made")
    assert set(emails(sides["billing"]).values()) == {1} and len(emails(sides["billing"])) == 12


def test_one_that_moved_is_looked_at_and_the_others_are_done(sync: Sync, sides: dict[str, Side]) -> None:
    """A person edits one of them between the last look and the write: nothing of theirs is written over."""
    ids = first_load(sides, 6)
    edited(sides, ids)
    one = billing_of(sides, "p3@example.org")
    sides["billing"].edit(one["id"], address_line="Somewhere else 1")
    before = calls(sides["billing"])
    assert carry(feed().pk, ring_feeds=silent).outcomes == {"confirmed": 6}
    assert (calls(sides["billing"]) - before)["batch_update"] == 2, "the one again, after the look"
    row = billing_of(sides, "p3@example.org")["fields"]
    assert (row["name_first"], row["address_line"]) == ("New3", "Somewhere else 1")
    work_until(at_rest, "the street to reach the CRM")
    assert sides["crm"].rows()[ids[3]]["fields"]["street"] == "Somewhere else 1"
    assert Ledger.objects.filter(verdict="superseded", reason="moved_meanwhile").count() == 1


def test_an_answer_that_is_lost_is_settled_for_each(sync: Sync, sides: dict[str, Side]) -> None:
    waiting(sides, 8)
    sides["billing"].faults(hang_after_write=1.0, hang_seconds=0.1)
    assert carry(feed().pk, ring_feeds=silent).outcomes == {"found": 8}
    assert set(emails(sides["billing"]).values()) == {1}
    assert at_rest()
    sides["crm"].faults()
    edited(sides, list(sides["crm"].rows()))
    sides["billing"].faults(hang_after_write=1.0, hang_seconds=0.1)
    assert carry(feed().pk, ring_feeds=silent).outcomes == {"resend": 8}
    assert Ledger.objects.filter(verdict="landed").count() == 8
    assert at_rest()
    assert len(sides["billing"].writes()) == 16, "each was written once"


def carry_in_a_process_of_its_own(feed_id: int) -> None:
    connections.close_all()
    carry(feed_id, ring_feeds=silent)


def killed_in_the_middle(sides: dict[str, Side], written: int) -> None:
    """A worker dies after its call was carried out, before it knows."""
    sides["billing"].faults(hang_after_write=1.0, hang_seconds=30.0)
    before = len(sides["billing"].writes())
    pk = feed().pk
    connections.close_all()
    worker = multiprocessing.get_context("fork").Process(target=carry_in_a_process_of_its_own, args=(pk,))
    worker.start()
    work = threading.Event()
    for _ in range(300):
        if len(sides["billing"].writes()) - before >= written:
            break
        work.wait(0.05)
    os.kill(worker.pid or 0, signal.SIGKILL)
    worker.join()
    assert len(sides["billing"].writes()) - before == written
    sides["billing"].faults()
    assert Push.objects.filter(state="sending").count() == written
    assert sweep.unsettled_feeds(sweep.database_now()) == [], "what may still be on its way is left alone"
    Push.objects.filter(state="sending").update(started_at=F("started_at") - WRITE_LEASE - timedelta(seconds=1))


def test_a_worker_killed_between_a_batch_of_creates_and_its_confirmation(sync: Sync, sides: dict[str, Side]) -> None:
    waiting(sides, 15)
    killed_in_the_middle(sides, 15)
    before = calls(sides["billing"])
    sweep.tick()
    drain()
    assert at_rest()
    assert emails(sides["billing"]) == Counter({f"p{n}@example.org": 1 for n in range(15)})
    assert calls(sides["billing"]) - before == Counter({"lookup": 1}), "all were found, none was made again"
    assert Link.objects.filter(feed=feed(), remote_id__isnull=False).count() == 15
    assert not Conflict.objects.filter(state="open").exists()


def test_a_worker_killed_between_a_batch_of_updates_and_its_confirmation(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides, 7)
    edited(sides, ids)
    killed_in_the_middle(sides, 7)
    person = billing_of(sides, "p5@example.org")
    sides["billing"].edit(person["id"], name_first="Typed over it")
    sweep.tick()
    drain()
    work_until(at_rest, "rest")
    assert Ledger.objects.filter(verdict="landed").count() == 6
    told = names(sides["billing"])
    assert [told[f"p{n}@example.org"] for n in (0, 6)] == ["New0", "New6"]
    assert "Typed over it" in str(list(Ledger.objects.exclude(x=None).values_list("x", flat=True))), "on record"


def test_two_records_that_one_look_up_would_confuse_do_not_go_together(sync: Sync, sides: dict[str, Side]) -> None:
    """The second looks after the first was made, and asks; one call for both would have doubled them."""
    waiting(sides, 2)
    [first, second] = Record.objects.order_by("key")
    second.beliefs["email"] = first.beliefs["email"]
    Record.objects.filter(pk=second.pk).update(beliefs=second.beliefs)
    outcomes = carry(feed().pk, ring_feeds=silent).outcomes
    assert outcomes == {"confirmed": 1, "held": 1}
    assert len(sides["billing"].rows()) == 1
    assert Conflict.objects.filter(state="open", kind="match").count() == 1


def test_two_workers_write_to_one_account_side_by_side(sync: Sync, sides: dict[str, Side]) -> None:
    waiting(sides, 40)
    pk = feed().pk

    def work() -> None:
        while carry(pk, limit=7, ring_feeds=silent).outcomes:
            continue

    assert failures(together(work, work, work)) == []
    work_until(at_rest, "rest")
    assert emails(sides["billing"]) == Counter({f"p{n}@example.org": 1 for n in range(40)})
    assert len(sides["billing"].writes()) == 40


def test_settling_makes_what_was_never_made(sync: Sync, sides: dict[str, Side]) -> None:
    """Killed before the call: the look-up finds nothing, and the very same creates are made with the same keys."""
    waiting(sides, 5)
    sides["billing"].faults(server_error=1.0)
    carry(feed().pk, ring_feeds=silent)
    sides["billing"].faults()
    Push.objects.filter(state__in=["pending", "sending"]).update(next_try=sweep.database_now())
    settle_feed(feed().pk, ring_feeds=silent)
    carry(feed().pk, ring_feeds=silent)
    assert emails(sides["billing"]) == Counter({f"p{n}@example.org": 1 for n in range(5)})
    assert at_rest()
