"""The order of the steps over the real store and real accounts: look, write, read back; judge, then move on."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from policies.core.plan import plan
from policies.models import PolicySet, Sync
from syncapp import poll as polling
from syncapp.brakes import Braked
from syncapp.carry import carry
from syncapp.models import Feed, Ledger, Link, Push, Record
from syncapp.poll import poll
from syncapp.remote import open_remote
from syncapp.steps import pull
from syncapp.stopping import stop_all
from syncapp.store import NoPolicy, PgPage, PgStore
from tests.carry.driving import Side, begin_and_die, billing_of, first_load, work_until
from tests.clerk.making import seen, silent

pytestmark = pytest.mark.django_db(transaction=True)


def feed(role: str) -> Feed:
    return Feed.objects.get(role__name=role)


def read(role: str) -> None:
    poll(feed(role).pk, at_once=True, ring_feeds=silent)


def believed(unit: str) -> Any:
    return Record.objects.get().beliefs[unit]["value"]


def test_what_an_account_makes_of_our_write_does_not_travel_back(sync: Sync, sides: dict[str, Side]) -> None:
    """Billing stores one blank where two were sent; its answer shows that, so the next read is nothing new."""
    [one] = first_load(sides, 1)
    sides["billing"].faults(extra_normalisation=True)
    sides["crm"].edit(one, firstname="Ada  Mary")
    read("crm")
    carry(feed("billing").pk, ring_feeds=silent)
    assert billing_of(sides, "p0@example.org")["fields"]["name_first"] == "Ada Mary"
    assert Link.objects.get(feed=feed("billing")).bases["first_name"]["near_miss"] is True
    read("billing")
    assert believed("first_name") == {"first_name": "Ada  Mary"}
    assert not Push.objects.filter(state="pending").exists()


def test_an_edit_before_the_write_is_seen_by_the_look(sync: Sync, sides: dict[str, Side]) -> None:
    """Nobody was told of the edit; the write meets it first, and a person is asked."""
    [one] = first_load(sides, 1)
    sides["crm"].edit(one, phone="+49 30 111")
    read("crm")
    other = billing_of(sides, "p0@example.org")["id"]
    sides["billing"].edit(other, telephone="+49 30 222")
    carry(feed("billing").pk, ring_feeds=silent)
    assert billing_of(sides, "p0@example.org")["fields"]["telephone"] == "+49 30 222"
    assert Ledger.objects.filter(verdict="concurrent", unit="phone").exists()


def test_no_write_begins_once_all_writes_are_stopped(sync: Sync, sides: dict[str, Side]) -> None:
    """The worker had looked before the stop; its commit comes after, and is refused whole."""
    [one] = first_load(sides, 1)
    sides["crm"].edit(one, firstname="Ada")
    read("crm")
    stop_all("ada")
    with pytest.raises(Braked, match="ada stopped all writes"):
        begin_and_die(sync)
    assert list(Push.objects.exclude(state="confirmed").values_list("state", flat=True)) == ["pending"]


def test_a_record_that_is_there_already_is_not_made_again(sync: Sync, sides: dict[str, Side]) -> None:
    """It was made there after the first load and nobody was told: the very first create looks it up."""
    first_load(sides, 1)
    sides["billing"].create(email="new@example.org", name_first="Nora")
    sides["crm"].create(email="new@example.org", firstname="Nora")
    read("crm")
    carry(feed("billing").pk, ring_feeds=silent)
    assert [row["fields"]["email"] for row in sides["billing"].rows().values()].count("new@example.org") == 1


def test_the_watermark_does_not_pass_what_still_has_to_be_looked_at(
    sync: Sync, sides: dict[str, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker dies after a page was judged and before its hints are kept: the page is read again."""
    first_load(sides, 1)
    before = feed("crm").cursor["at"]
    sides["crm"].create(email="new@example.org")

    def die(*told: Any) -> None:
        raise RuntimeError("the worker died here")

    with monkeypatch.context() as patch:
        patch.setattr(polling, "look_later", die)
        with pytest.raises(RuntimeError):
            read("crm")
    assert feed("crm").cursor["at"] == before
    Feed.objects.update(claimed_until=None)
    read("crm")
    assert feed("crm").cursor["at"] != before


def test_a_page_that_could_not_be_judged_is_read_again(sync: Sync, sides: dict[str, Side]) -> None:
    first_load(sides, 1)
    store, before = PgStore(sync, ring_feeds=silent), feed("crm").cursor["at"]
    sides["crm"].create(email="new@example.org")
    PolicySet.objects.update(state=PolicySet.State.RETIRED)
    with open_remote(feed("crm")) as remote, pytest.raises(NoPolicy):
        list(pull(store, remote))
    assert store.cursor("crm") == before
    PolicySet.objects.update(state=PolicySet.State.PUBLISHED)
    with open_remote(feed("crm")) as remote:
        list(pull(store, remote))
    assert store.cursor("crm") != before
    assert Record.objects.filter(title__contains="new@example.org").exists()


def test_two_workers_on_one_record_take_turns(sync: Sync, sides: dict[str, Side]) -> None:
    """The second judges what the first left, not what both had found: no change of either is lost."""
    first_load(sides, 1)
    store = PgStore(sync, ring_feeds=silent)
    remote = str(Link.objects.get(feed=feed("crm")).remote_id)
    inside, go_on = threading.Event(), threading.Event()

    def change(page: PgPage, **fields: Any) -> None:
        observation = seen(store, "crm", remote, version="999", **fields)
        record = page.linked(observation)
        assert record is not None
        page.save(plan(record, observation, page.policy, page.context("crm")))

    def first() -> None:
        with store.page("crm", [seen(store, "crm", remote)]) as page:
            inside.set()
            assert go_on.wait(10)
            change(page, first_name="Ada")
        connection.close()

    def second() -> None:
        assert inside.wait(10)
        with store.page("crm", [seen(store, "crm", remote)]) as page:
            change(page, phone="+49 30 999")
        connection.close()

    workers = [threading.Thread(target=work) for work in (first, second)]
    for worker in workers:
        worker.start()
    workers[1].join(0.5)
    go_on.set()
    for worker in workers:
        worker.join(10)
    assert believed("first_name") == {"first_name": "Ada"}
    assert believed("phone") == {"phone": "+49 30 999"}


def test_an_edit_arrives_once_however_often_it_is_announced(
    sync: Sync, sides: dict[str, Side], hooked: None, redis_client: object
) -> None:
    [one] = first_load(sides, 1)
    sides["crm"].faults(webhook_duplicate=1.0)
    sides["crm"].edit(one, firstname="Ada")
    work_until(lambda: billing_of(sides, "p0@example.org")["fields"]["name_first"] == "Ada", "the edit to arrive")
    assert sum(write["sent"].get("name_first") == "Ada" for write in sides["billing"].writes()) == 1
