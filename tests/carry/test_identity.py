"""Merges, deletes and records kept apart, over real sandboxes: seen, followed by policy, and never doubled."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import F

from policies.core.identity import lives_on_in
from policies.core.values import Record as CoreRecord
from policies.models import PolicySet, Sync
from review.decide import Choice, decide
from syncapp import poll as polling
from syncapp.connectors.errors import Limited
from syncapp.guard import Guarded
from syncapp.models import Brake, Conflict, Delivery, Feed, Link, Push, Record, Shown
from syncapp.poll import RunStore, poll
from syncapp.releasing import release_brake
from syncapp.replay import replay
from syncapp.store import PgStore
from tests.carry.driving import Side, at_rest, billing_of, first_load, no_webhooks_left, work_until
from tests.clerk.making import silent

pytestmark = pytest.mark.django_db(transaction=True)


def feed(role: str) -> Feed:
    return Feed.objects.get(role__name=role)


def settle(sides: dict[str, Side]) -> None:
    work_until(lambda: no_webhooks_left(sides) and at_rest(), "rest", 40.0)


def full_sync() -> None:
    call_command("sync", "contacts", "--full", stdout=StringIO())


def record_of(role: str, remote_id: str) -> CoreRecord:
    """The record that this remote id is linked to, tombstone or not."""
    link = Link.objects.select_related("record__sync").get(feed__role__name=role, remote_id=remote_id)
    return loaded(str(link.record_id), link.record.sync)


def loaded(key: str, sync: Sync) -> CoreRecord:
    with PgStore(sync).open(key) as page:
        found = page.record(key)
    assert found is not None
    return found


def policy(**fields: str) -> None:
    PolicySet.objects.update(version=F("version") + 1, **fields)


def asked(kind: str) -> Conflict:
    return Conflict.objects.select_related("sync", "record").get(state="open", kind=kind)


def answer(conflict: Conflict, action: str, record: str = "") -> None:
    decide(conflict, conflict.version, Choice(action=action, record=record), "robin")


def whole(sync: Sync) -> None:
    """One to one, explained by the ledger, and nothing left to write."""
    told = replay(sync)
    assert told.differences == []
    before = {row.pk for row in Push.objects.all()}
    full_sync()
    assert not Push.objects.exclude(pk__in=before).exists()


def two_in_the_crm(sides: dict[str, Side]) -> list[str]:
    ids = [sides["crm"].create(email=f"p{n}@example.org", firstname=f"P{n}", phone=f"+49 30 {n}") for n in range(2)]
    full_sync()
    settle(sides)
    return ids


# Merges


def test_a_merge_is_followed_and_the_other_side_keeps_both_until_a_person_says(
    sync: Sync, sides: dict[str, Side], hooked: None
) -> None:
    winner, loser = two_in_the_crm(sides)
    policy(on_merge="follow")
    sides["crm"].merge(winner, loser)
    work_until(lambda: Conflict.objects.filter(state="open", kind="match").exists(), "the question at billing")
    settle(sides)
    ended, kept = record_of("crm", loser), record_of("crm", winner)
    assert ended.links["crm"].into == kept.key
    assert [q.role for q in ended.questions] == ["billing"]
    both = [str(billing_of(sides, f"p{n}@example.org")["id"]) for n in range(2)]
    sides["billing"].merge(*both)
    work_until(lambda: lives_on_in(record_of("crm", loser)) == kept.key, "the merge at billing to be followed")
    settle(sides)
    assert not Conflict.objects.filter(state="open", kind="match").exists()
    whole(sync)


def test_a_merge_moves_the_link_that_only_the_loser_had(sync: Sync, sides: dict[str, Side], hooked: None) -> None:
    winner, loser = two_in_the_crm(sides)
    policy(on_merge="follow", on_delete="unlink")
    kept_there, gone_there = [str(billing_of(sides, f"p{n}@example.org")["id"]) for n in range(2)]
    key = record_of("billing", kept_there).key
    Link.objects.filter(feed__role__name="billing", remote_id=kept_there).delete()
    Link.objects.filter(record_id=key, feed__role__name="billing").delete()
    sides["crm"].merge(winner, loser)
    work_until(lambda: lives_on_in(record_of("crm", loser)) == key, "the merge to be followed")
    assert record_of("billing", gone_there).key == key
    settle(sides)
    assert sides["billing"].rows()[gone_there]["fields"]["email"] == "p0@example.org"


def test_a_merge_asks_and_is_followed_by_a_person(sync: Sync, sides: dict[str, Side], hooked: None) -> None:
    winner, loser = two_in_the_crm(sides)
    sides["crm"].merge(winner, loser)
    work_until(lambda: Conflict.objects.filter(state="open", kind="merge").exists(), "the question")
    settle(sides)
    full_sync()
    question = asked("merge")
    assert (question.about, str(question.record_id)) == (winner, record_of("crm", loser).key)
    answer(question, "follow")
    assert record_of("crm", loser).links["crm"].into == record_of("crm", winner).key
    settle(sides)
    whole(sync)


def test_a_merge_that_is_kept_apart_makes_the_record_again_and_is_asked_once(
    sync: Sync, sides: dict[str, Side], hooked: None
) -> None:
    winner, loser = two_in_the_crm(sides)
    sides["crm"].merge(winner, loser)
    work_until(lambda: Conflict.objects.filter(state="open", kind="merge").exists(), "the question")
    settle(sides)
    key = record_of("crm", loser).key
    answer(asked("merge"), "apart")
    settle(sides)
    state = loaded(key, sync)
    assert state.links["crm"].remote_id not in (None, winner, loser)
    assert not Conflict.objects.filter(state="open").exists()
    whole(sync)


def test_a_merge_is_unlinked_by_policy(sync: Sync, sides: dict[str, Side], hooked: None) -> None:
    winner, loser = two_in_the_crm(sides)
    policy(on_merge="unlink")
    sides["crm"].merge(winner, loser)
    work_until(lambda: record_of("crm", loser).links["crm"].unlinked, "the merge to be unlinked")
    settle(sides)
    assert record_of("crm", loser).links["billing"].gone is None
    whole(sync)


def test_a_merge_found_only_by_a_listing_changes_the_id_of_a_link(sync: Sync, sides: dict[str, Side]) -> None:
    [loser] = first_load(sides, 1)
    key = record_of("crm", loser).key
    winner = sides["crm"].create(email="p0@example.org", firstname="P0 again")
    sides["crm"].merge(winner, loser)
    full_sync()
    work_until(at_rest, "rest")
    assert record_of("crm", winner).key == key
    assert Record.objects.count() == 1
    whole(sync)


# Deletes that nobody reports


def quiet(side: Side) -> None:
    """It reports deletes nowhere: its listings simply do not show the record any more."""
    side.back("PUT", "deletes", json={"deletes": "never"})


def test_a_delete_that_no_listing_reports_is_found_by_id_after_a_complete_one(
    sync: Sync, sides: dict[str, Side]
) -> None:
    ids = first_load(sides)
    work_until(at_rest, "rest")
    quiet(sides["crm"])
    sides["crm"].delete(ids[0])
    poll(feed("crm").pk, at_once=True, ring_feeds=silent)
    assert not Delivery.objects.exists(), "a delta listing says nothing about what it does not show"
    run = poll(feed("crm").pk, full=True, at_once=True, ring_feeds=silent)
    assert run is not None
    assert (run.state, run.counts["left_out"]) == ("done", 1)
    assert record_of("crm", ids[0]).links["crm"].gone is None, "only the answer to its own id is believed"
    work_until(at_rest, "the look by id")
    assert record_of("crm", ids[0]).links["crm"].gone is not None
    assert asked("delete").record_id == Record.objects.get(links__remote_id=ids[0]).pk


def test_what_a_listing_left_out_and_is_there_stays(
    sync: Sync, sides: dict[str, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = first_load(sides)
    work_until(at_rest, "rest")
    keep = Guarded.keep
    monkeypatch.setattr(Guarded, "keep", lambda self, page, read_at, last: keep(self, page[1:], read_at, last))
    run = poll(feed("crm").pk, full=True, at_once=True, ring_feeds=silent)
    assert run is not None
    assert run.counts["left_out"] == 1
    work_until(at_rest, "the look by id")
    assert [record_of("crm", one).links["crm"].gone for one in ids] == [None, None, None]


def test_a_listing_that_ends_early_asks_for_nothing(
    sync: Sync, sides: dict[str, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pass that is halted, or fails, is not complete."""
    first_load(sides)
    work_until(at_rest, "rest")
    monkeypatch.setattr(Guarded, "keep", lambda self, page, read_at, last: [])

    def broken(self: PgStore, *args: object) -> str:
        raise Limited("slow down")

    monkeypatch.setattr(RunStore, "advance", broken)
    run = poll(feed("crm").pk, full=True, at_once=True, ring_feeds=silent)
    assert run is not None
    assert run.state == "failed"
    assert not Delivery.objects.filter(state="new").exists()


@pytest.mark.parametrize("full_at", [{"full_at": "2026-01-01T00:00:00+00:00"}, {}])
def test_so_many_left_out_records_halt_the_pass_and_nothing_is_asked_for(
    sync: Sync, sides: dict[str, Side], monkeypatch: pytest.MonkeyPatch, full_at: dict[str, str]
) -> None:
    """A later pass, or the first one of all, which webhooks and creates may have been ahead of."""
    first_load(sides, 25)
    work_until(at_rest, "rest")
    keep = Guarded.keep
    monkeypatch.setattr(Guarded, "keep", lambda self, page, read_at, last: keep(self, page[:1], read_at, last))
    run = poll(feed("crm").pk, full=True, at_once=True, ring_feeds=silent)
    assert run is not None
    assert run.state == "halted"
    assert "left out by a complete listing" in run.error
    assert not Delivery.objects.filter(state="new").exists()
    crm = feed("crm")
    Feed.objects.filter(pk=crm.pk).update(cursor={"at": crm.cursor["at"], **full_at})
    next_one = poll(crm.pk, at_once=True, ring_feeds=silent)
    assert next_one is not None and next_one.kind == "delta", "not over and over until a person looks"
    release_brake(Brake.objects.get(released_at=None), "ada", "they moved them")
    next_one = poll(crm.pk, at_once=True, ring_feeds=silent)
    assert next_one is not None and (next_one.kind, next_one.state) == ("full", "done")


def test_a_pass_that_is_gone_on_with_knows_what_its_beginning_showed(
    sync: Sync, sides: dict[str, Side], small_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_load(sides, 120)
    work_until(at_rest, "rest", 60.0)
    Shown.objects.all().delete()
    note = polling._note
    noted: list[object] = []

    def dies(*args: Any) -> None:
        note(*args)
        noted.append(args)
        if len(noted) == 1:
            raise Limited("slow down")

    monkeypatch.setattr(polling, "_note", dies)
    monkeypatch.setattr("syncapp.poll.NOTE_EVERY", 0.0)
    first = poll(feed("crm").pk, full=True, at_once=True, ring_feeds=silent)
    second = poll(feed("crm").pk, full=True, at_once=True, ring_feeds=silent)
    assert first is not None
    assert second is not None
    assert (first.state, second.state, second.counts["left_out"]) == ("failed", "done", 0)
    assert second.counts["read"] < 120, "it went on where the first had stopped"
    assert not Shown.objects.exists()


def test_a_write_to_an_id_that_was_merged_away_finds_out_and_goes_to_nobody_else(
    sync: Sync, sides: dict[str, Side]
) -> None:
    """Nobody told the hub of the merge; the write is what meets it."""
    winner, loser = two_in_the_crm(sides)
    policy(on_merge="follow")
    there = str(billing_of(sides, "p1@example.org")["id"])
    sides["crm"].merge(winner, loser)
    sides["billing"].edit(there, name_first="Late")
    poll(feed("billing").pk, at_once=True, ring_feeds=silent)
    work_until(lambda: record_of("crm", loser).links["crm"].gone is not None, "the merge to be met")
    work_until(at_rest, "rest")
    assert sides["crm"].rows()[winner]["fields"]["firstname"] == "P0", "the other person's name is not written over"
    assert record_of("crm", loser).links["crm"].into == record_of("crm", winner).key
    whole(sync)
