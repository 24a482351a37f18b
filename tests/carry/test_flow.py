"""One edit all the way: out of one sandbox, through the hub, into the other, and its echo dies."""

from __future__ import annotations

import time

import pytest
from django.core.management import call_command

from policies.models import Sync
from syncapp.models import Conflict, Delivery, Ledger, Link, Push, Record, Run
from tests.carry.driving import Side, at_rest, billing_of, drain, first_load, no_webhooks_left, work_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_first_load_makes_the_records_on_the_other_side(sync: Sync, sides: dict[str, Side]) -> None:
    first_load(sides)
    assert Record.objects.count() == 3
    assert Link.objects.filter(remote_id__isnull=False).count() == 6
    assert billing_of(sides, "p1@example.org")["fields"]["name_first"] == "P1"
    assert not Conflict.objects.exists()
    assert Push.objects.filter(state="confirmed").count() == 3


def test_after_it_a_full_sync_writes_nothing(sync: Sync, sides: dict[str, Side]) -> None:
    first_load(sides)
    call_command("sync", "contacts", full=True)
    written = {name: len(side.writes()) for name, side in sides.items()}
    lines = Ledger.objects.count()
    call_command("sync", "contacts", full=True)
    assert {name: len(side.writes()) for name, side in sides.items()} == written
    assert Ledger.objects.count() == lines
    assert Run.objects.first().counts["unchanged"] == 3


def test_an_edit_travels_by_webhook_and_its_echo_dies(sync: Sync, sides: dict[str, Side], hooked: None) -> None:
    ids = first_load(sides)
    work_until(at_rest, "rest after the first load")
    writes = {name: len(side.writes()) for name, side in sides.items()}
    sides["crm"].edit(ids[0], firstname="Ada")
    work_until(lambda: billing_of(sides, "p0@example.org")["fields"]["name_first"] == "Ada", "the edit to arrive")
    work_until(lambda: no_webhooks_left(sides) and at_rest(), "rest")
    assert len(sides["billing"].writes()) == writes["billing"] + 1
    assert len(sides["crm"].writes()) == writes["crm"]
    assert not Delivery.objects.exclude(state="done").exists()


def test_two_edits_at_once_become_one_question(sync: Sync, sides: dict[str, Side], hooked: None) -> None:
    ids = first_load(sides)
    work_until(at_rest, "rest after the first load")
    other = billing_of(sides, "p0@example.org")["id"]
    sides["crm"].edit(ids[0], phone="+49 1")
    sides["billing"].edit(other, telephone="+49 2")
    work_until(lambda: Conflict.objects.filter(state="open").exists(), "a question")
    work_until(at_rest, "rest")
    question = Conflict.objects.get(state="open")
    values = {tuple(candidate["value"].values()) for candidate in question.candidates}
    assert {("+49 1",), ("+49 2",)} <= values
    assert sides["crm"].rows()[ids[0]]["fields"]["phone"] == "+49 1"
    assert sides["billing"].rows()[other]["fields"]["telephone"] == "+49 2"


def test_a_delete_is_seen_in_a_delta_and_asks(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides)
    sides["crm"].delete(ids[0])
    call_command("sync", "contacts")
    assert Conflict.objects.get(state="open").kind == "delete"


def test_a_delta_reads_only_what_changed(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides)
    call_command("sync", "contacts")
    time.sleep(2.2)  # the watermark is cut to the second of the Date header, and the manifest asks for 1 s again
    call_command("sync", "contacts")
    sides["crm"].edit(ids[1], firstname="Bo")
    call_command("sync", "contacts")
    run = Run.objects.filter(feed__role__name="crm").first()
    assert (run.kind, run.state, run.counts["read"]) == ("delta", "done", 1)
    assert billing_of(sides, "p1@example.org")["fields"]["name_first"] == "Bo"


def test_workers_find_the_schedule_without_being_told(sync: Sync, sides: dict[str, Side]) -> None:
    sides["crm"].create(email="a@example.org", firstname="A")
    work_until(lambda: bool(sides["billing"].rows()), "the record to arrive by polling alone")
    drain()
    assert Run.objects.filter(state="done").count() >= 1
