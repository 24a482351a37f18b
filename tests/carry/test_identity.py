"""Merges, deletes and records kept apart, over real sandboxes: seen, followed by policy, and never doubled."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models import F

from policies.core.identity import lives_on_in
from policies.core.values import Record as CoreRecord
from policies.models import PolicySet, Sync
from review.decide import Choice, decide
from syncapp.models import Conflict, Link, Push, Record
from syncapp.replay import replay
from syncapp.store import PgStore
from tests.carry.driving import Side, at_rest, billing_of, first_load, no_webhooks_left, work_until

pytestmark = pytest.mark.django_db(transaction=True)


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
