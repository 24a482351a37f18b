"""Edits on both sides while webhooks are lost, doubled and late, calls fail and answers get lost: at rest all agree."""

from __future__ import annotations

import threading
import time
from io import StringIO
from random import Random
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from policies.models import Sync
from syncapp import sweep
from syncapp.models import Conflict, Ledger, Push, Record
from tests.carry.driving import Side, at_rest, first_load, no_webhooks_left, work_until

pytestmark = pytest.mark.django_db(transaction=True)
FAULTS: dict[str, Any] = {
    "webhook_duplicate": 0.2,
    "webhook_reorder": 0.2,
    "webhook_reorder_seconds": 0.2,
    "webhook_lose": 0.2,
    "webhook_bodyless": 0.3,
    "server_error": 0.05,
    "hang_after_write": 0.1,
    "hang_seconds": 0.1,
}
PEOPLE, EDITS = 12, 60


def full_sync() -> None:
    call_command("sync", "contacts", full=True, stdout=StringIO())


@pytest.mark.timeout(120)
def test_both_sides_agree_when_people_stop(sync: Sync, sides: dict[str, Side], hooked: None) -> None:
    ids = first_load(sides, PEOPLE)
    work_until(lambda: no_webhooks_left(sides) and at_rest(), "rest after the first load")
    for number, side in enumerate(sides.values()):
        side.faults(seed=number + 7, **FAULTS)
    stop = threading.Event()
    workers = [threading.Thread(target=keep_working, args=(stop,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    typed = people_edit(sides, ids, Random(5))
    stop.set()
    for worker in workers:
        worker.join()
    for side in sides.values():
        side.faults()
    full_sync()
    Push.objects.filter(state__in=["pending", "sending"]).update(next_try=sweep.database_now())
    work_until(lambda: no_webhooks_left(sides) and at_rest(), "rest", 60)
    full_sync()
    written = {name: len(side.writes()) for name, side in sides.items()}
    full_sync()
    assert {name: len(side.writes()) for name, side in sides.items()} == written, "at rest nothing is written"
    assert not Conflict.objects.filter(state="open").exists()
    assert Record.objects.count() == PEOPLE
    assert differing(sides) == []
    crm = sides["crm"].rows()
    assert {one: crm[one]["fields"]["firstname"] for one in typed} == typed
    assert Ledger.objects.filter(verdict__in=["landed", "resend"]).exists(), "no answer was lost: the test is too kind"


def keep_working(stop: threading.Event) -> None:
    """What a worker and a schedule do; each thread has a connection of its own."""
    try:
        while not stop.is_set():
            sweep.tick()
            for pk in sweep.unsettled_feeds(sweep.database_now()):
                sweep.settle_feed(pk)
            while sweep.work_inbox(5):
                continue
            for pk in sweep.pushable_feeds(sweep.database_now()):
                sweep.carry(pk, limit=5)
            time.sleep(0.05)
    finally:
        connection.close()


def people_edit(sides: dict[str, Side], ids: list[str], random: Random) -> dict[str, str]:
    """First names are typed in the CRM, streets in billing, each by its owner; the last name typed per contact."""
    last: dict[str, str] = {}
    for number in range(EDITS):
        place = random.randrange(len(ids))
        if number % 3:
            last[ids[place]] = f"N{number}"
            sides["crm"].edit(ids[place], firstname=f"N{number}")
        else:
            customers = sorted(sides["billing"].rows().values(), key=lambda row: row["fields"]["email"])
            sides["billing"].edit(customers[place]["id"], address_line=f"Street {number}", town=f"Town {number}")
        time.sleep(random.random() * 0.1)
    return last


def differing(sides: dict[str, Side]) -> list[tuple[str, Any, Any]]:
    """What the two systems hold differently, by e-mail."""
    pairs = {"firstname": "name_first", "street": "address_line", "city": "town", "phone": "telephone"}
    by_mail = {row["fields"]["email"]: row["fields"] for row in sides["billing"].rows().values()}
    out = []
    for row in sides["crm"].rows().values():
        other = by_mail[row["fields"]["email"]]
        for mine, theirs in pairs.items():
            if row["fields"][mine] != other[theirs]:
                out.append((row["fields"]["email"], row["fields"][mine], other[theirs]))
    return out
