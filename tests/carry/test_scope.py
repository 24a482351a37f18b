"""Scope over real HTTP: what is asked of the provider, what sleeps, what wakes, and what a change of scope does."""

from __future__ import annotations

from typing import Any

import pytest

from policies.models import Sync
from syncapp import poll as polling
from syncapp.apply.scopes import read_anew
from syncapp.carry import carry
from syncapp.models import Feed, Ledger, Link, Push, Record, Run
from syncapp.observe import work_inbox
from syncapp.poll import poll
from syncapp.receive import look_later
from syncapp.reconcile import forget_digests
from tests.carry.driving import Side
from tests.clerk.making import silent

pytestmark = pytest.mark.django_db(transaction=True)
CUSTOMERS = [{"field": "lifecycle", "is": "customer"}]
BERLIN = [{"field": "city", "is": "Berlin"}]


def feed(role: str = "crm") -> Feed:
    return Feed.objects.select_related("account", "role__sync").get(role__name=role)


def scoped(role: str, conditions: list[dict[str, Any]]) -> None:
    """As `apply` does it."""
    Feed.objects.filter(role__name=role).update(scope=conditions)
    forget_digests(feed_id=feed(role).pk)
    read_anew(feed(role))


def now(role: str = "crm", *, full: bool = False) -> Run:
    run = poll(feed(role).pk, full=full, at_once=True, ring_feeds=silent)
    assert run is not None and run.state == "done", run and run.error
    return run


def look(role: str, remote_id: str) -> None:
    look_later(feed(role), [remote_id], 0.0)
    work_inbox()


def asleep() -> dict[str, str]:
    """Remote id → role of every link that sleeps."""
    return {link.remote_id or "": link.feed.role.name for link in Link.objects.filter(head__asleep=True)}


def test_the_provider_is_asked_for_what_is_taken_and_lists_nothing_else(sync: Sync, sides: dict[str, Side]) -> None:
    inside = sides["crm"].create(email="in@example.org", lifecycle="customer")
    sides["crm"].create(email="out@example.org", lifecycle="lead")
    scoped("crm", CUSTOMERS)
    assert now().counts | {"read": 1, "in_scope": 1, "out_of_scope": 0} == Run.objects.get().counts
    assert list(Link.objects.values_list("remote_id", flat=True)) == [inside]


def test_what_cannot_be_asked_for_is_left_out_here_and_counted(sync: Sync, sides: dict[str, Side]) -> None:
    sides["crm"].create(email="in@example.org", city="Berlin")
    sides["crm"].create(email="out@example.org", city="Bonn")
    scoped("crm", BERLIN)
    run = now()
    assert (run.counts["read"], run.counts["in_scope"], run.counts["out_of_scope"]) == (2, 1, 1)
    assert Record.objects.count() == 1


def test_several_values_are_asked_for_at_once(sync: Sync, sides: dict[str, Side]) -> None:
    for stage in ("customer", "lead", "former"):
        sides["crm"].create(email=f"{stage}@example.org", lifecycle=stage)
    scoped("crm", [{"field": "lifecycle", "in": ["customer", "lead"]}])
    assert now().counts["read"] == 2


def test_a_record_that_left_sleeps_and_wakes_and_then_takes_what_it_missed(sync: Sync, sides: dict[str, Side]) -> None:
    one = sides["crm"].create(email="a@example.org", firstname="Anna", lifecycle="customer")
    scoped("crm", CUSTOMERS)
    now()
    now("billing")
    carry(feed("billing").pk, ring_feeds=silent)
    there = next(iter(sides["billing"].rows()))
    sides["crm"].edit(one, lifecycle="former", firstname="Gone")
    look("crm", one)
    assert asleep() == {one: "crm"}
    assert sides["billing"].rows()[there]["fields"]["name_first"] == "Anna"
    sides["billing"].edit(there, telephone="+49 30 99")
    look("billing", there)
    carry(feed("crm").pk, ring_feeds=silent)
    assert sides["crm"].writes() == []
    sides["crm"].edit(one, lifecycle="customer")
    now()
    carry(feed("crm").pk, ring_feeds=silent)
    carry(feed("billing").pk, ring_feeds=silent)
    assert asleep() == {}
    assert sides["crm"].rows()[one]["fields"]["phone"] == "+49 30 99"
    assert sides["billing"].rows()[there]["fields"]["name_first"] == "Gone"
    assert list(Ledger.objects.filter(verdict__in=["asleep", "deleted"]).values_list("reason", flat=True)) == [
        "out_of_scope"
    ]


def test_a_sleeping_record_that_did_not_change_costs_a_pass_nothing(sync: Sync, sides: dict[str, Side]) -> None:
    one = sides["crm"].create(email="a@example.org", city="Berlin")
    scoped("crm", BERLIN)
    now()
    sides["crm"].edit(one, city="Bonn")
    now()
    lines = Ledger.objects.count()
    run = now(full=True)
    assert (run.counts["unchanged"], run.counts["out_of_scope"], run.counts.get("judged")) == (1, 1, 0)
    assert Ledger.objects.count() == lines and asleep() == {one: "crm"}


def test_a_record_whose_values_are_not_taken_there_is_not_made_there(sync: Sync, sides: dict[str, Side]) -> None:
    sides["crm"].create(email="a@example.org", phone="+49 1")
    Feed.objects.filter(role__name="billing").update(scope=[{"field": "telephone", "is": "+49 2"}])
    one = sides["crm"].create(email="b@example.org", phone="+49 2")
    now("billing")
    now()
    assert list(Push.objects.values_list("record__title", flat=True)) == ["b@example.org"]
    carry(feed("billing").pk, ring_feeds=silent)
    assert [row["fields"]["email"] for row in sides["billing"].rows().values()] == ["b@example.org"]
    sides["crm"].edit(one, phone="+49 3")
    now()
    carry(feed("billing").pk, ring_feeds=silent)
    assert [row["fields"]["telephone"] for row in sides["billing"].rows().values()] == ["+49 3"]
    assert list(asleep().values()) == ["billing"], "the write itself showed that the record left the scope"


def test_a_change_of_scope_reads_everything_once_more_and_deletes_nothing(sync: Sync, sides: dict[str, Side]) -> None:
    bonn = sides["crm"].create(email="a@example.org", city="Bonn")
    berlin = sides["crm"].create(email="b@example.org", city="Berlin")
    now()
    scoped("crm", BERLIN)
    assert now().kind == "full"
    assert asleep() == {bonn: "crm"}
    scoped("crm", [{"field": "city", "not": "Berlin"}])
    assert now().kind == "full"
    assert asleep() == {berlin: "crm"}
    scoped("crm", [])
    now()
    assert asleep() == {} and Record.objects.count() == 2
    assert len(sides["crm"].rows()) == 2 and not Ledger.objects.filter(verdict="deleted").exists()


def test_records_that_a_new_filter_would_hide_are_put_to_sleep_and_not_taken_for_missing(
    sync: Sync, sides: dict[str, Side]
) -> None:
    for number in range(12):
        sides["crm"].create(email=f"{number}@example.org", lifecycle="lead" if number else "customer")
    now()
    scoped("crm", CUSTOMERS)
    run = now()
    assert (run.kind, run.counts["read"], run.counts["out_of_scope"], run.counts["left_out"]) == ("full", 12, 11, 0)
    assert len(asleep()) == 11
    run = now(full=True)
    assert (run.counts["read"], run.counts["left_out"]) == (1, 0)


def test_a_pass_that_began_under_another_scope_does_not_stand_for_a_whole_one(
    sync: Sync, sides: dict[str, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    sides["crm"].create(email="a@example.org", city="Bonn")
    count = polling.count

    def and_apply(*given: Any) -> None:
        count(*given)
        Feed.objects.filter(role__name="crm").update(scope=BERLIN)

    monkeypatch.setattr(polling, "count", and_apply)
    now(full=True)
    assert "full_at" not in feed().cursor
