"""Mass deletes, mass changes, records set back: held one by one, while everything else of the feed goes on."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from policies.models import PolicySet, Sync
from syncapp import sweep
from syncapp.carry import carry
from syncapp.holding import Holder
from syncapp.models import Brake, Conflict, Feed, Held, Ledger, Link, Push, Record, Run
from syncapp.observe import work_inbox
from syncapp.poll import poll
from syncapp.receive import look_later
from syncapp.releasing import Refused, end_answered, leave, release_brake, release_items
from syncapp.store import new_key
from tests.carry.driving import Side, at_rest, billing_of, first_load, no_webhooks_left, work_until
from tests.clerk.making import silent

pytestmark = pytest.mark.django_db(transaction=True)


def feed(role: str = "crm") -> Feed:
    return Feed.objects.select_related("account", "role__sync").get(role__name=role)


def now(role: str = "crm", *, full: bool = False) -> Run:
    run = poll(feed(role).pk, full=full, at_once=True, ring_feeds=silent)
    assert run is not None
    return run


def guards(**given: float) -> None:
    PolicySet.objects.update(guards=given)


def brake() -> Brake:
    return Brake.objects.get(released_at=None)


def held() -> set[str]:
    return set(Held.objects.filter(state="held").values_list("remote_id", flat=True))


def delete_many(sides: dict[str, Side], ids: list[str]) -> None:
    for one in ids:
        sides["crm"].delete(one)


def test_a_mass_delete_is_held_one_by_one_and_the_rest_goes_on(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides, 30)
    delete_many(sides, ids[:25])
    sides["crm"].edit(ids[28], firstname="Ada")
    sides["crm"].create(email="new@example.org", firstname="New")
    run = now()
    assert (run.state, run.counts["held"]) == ("done", 25)
    assert held() == set(ids[:25])
    assert not Conflict.objects.exists(), "none of them was judged"
    assert "25 of 30 known records were deleted" in brake().sentence
    call_command("sync", "contacts", stdout=StringIO())
    assert billing_of(sides, "p28@example.org")["fields"]["name_first"] == "Ada"
    assert billing_of(sides, "new@example.org")["fields"]["name_first"] == "New"
    assert Link.objects.filter(feed=feed(), head__gone__isnull=True).count() == 31
    assert len([row for row in sides["billing"].rows().values() if not row.get("deleted")]) == 31
    assert (now(full=True).state, held()) == ("done", set(ids[:25]))


def test_released_items_are_judged_and_the_others_stay_held(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides, 30)
    delete_many(sides, ids[:25])
    now()
    chosen = list(Held.objects.filter(remote_id__in=ids[:3]).values_list("pk", flat=True))
    with pytest.raises(Refused, match="say why"):
        release_items(brake(), chosen, "ada", " ")
    assert release_items(brake(), chosen, "ada", "they left us") == 3
    work_until(at_rest, "the three to be looked at")
    assert Conflict.objects.filter(kind="delete", state="open").count() == 3
    assert held() == set(ids[3:25])
    lines = Ledger.objects.filter(reason="released_held", record__isnull=False)
    assert lines.count() == 3
    line = lines[0]
    assert (line.verdict, line.role, line.actor) == ("released", "crm", "ada")
    assert line.detail == "the record was deleted there; they left us"
    assert set(Held.objects.filter(pk__in=chosen).values_list("state", flat=True)) == {"passed"}
    with pytest.raises(Refused, match="nothing that you chose is still held"):
        release_items(brake(), chosen, "bo", "again")
    release_brake(brake(), "bo", "all of them, it was a clean-up")
    work_until(at_rest, "the others")
    assert Conflict.objects.filter(kind="delete", state="open").count() == 25
    assert not Brake.objects.filter(released_at=None).exists()
    assert now(full=True).state == "done"
    assert not Brake.objects.filter(released_at=None).exists(), "what was released does not trip it again"


def test_what_is_left_stays_linked_and_is_asked_about_only_if_it_changes(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides, 30)
    delete_many(sides, ids[:25])
    now()
    assert leave(brake(), None, "ada", "a mistake of theirs; they restore it") == 25
    assert not Brake.objects.filter(released_at=None).exists()
    look_later(feed(), ids[:25], 0.0)
    assert work_inbox() == 25
    assert now().state == "done"
    assert now(full=True).state == "done", "a whole listing does not take them for unknown deletes"
    assert (held(), Conflict.objects.count()) == (set(), 0)
    assert Held.objects.filter(state="left").count() == 25
    assert Ledger.objects.filter(reason="left_held").count() == 25
    assert not Push.objects.filter(state="pending").exists()


def test_a_record_that_is_there_again_is_held_no_longer(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides, 30)
    delete_many(sides, ids[:25])
    now()
    sides["crm"].back("POST", "unarchive", json={"id": ids[0], "actor": "ada"})
    look_later(feed(), ids[:1], 0.0)
    work_inbox()
    assert Held.objects.get(remote_id=ids[0]).state == "gone"
    assert held() == set(ids[1:25])


def test_deletes_told_one_by_one_are_a_mass_delete(sync: Sync, sides: dict[str, Side], hooked: None) -> None:
    ids = first_load(sides, 60)
    work_until(at_rest, "rest after the first load")
    delete_many(sides, ids[:40])
    work_until(lambda: no_webhooks_left(sides) and at_rest(), "rest")
    assert brake().code == "mass_delete"
    judged = Conflict.objects.filter(kind="delete").count()
    assert judged <= 20 and judged + len(held()) == 40
    assert len([row for row in sides["billing"].rows().values() if not row.get("deleted")]) == 60


@pytest.mark.parametrize("how", ["told", "listed"])
def test_a_delete_that_has_to_settle_counts_once(sync: Sync, sides: dict[str, Side], how: str) -> None:
    """It is seen twice, when it comes in and when it has stood there for the delay; it is one delete."""
    guards(deletes=5, delete_share=0.05)
    ids = first_load(sides, 12)
    Feed.objects.filter(role__name="crm").update(settle_delay=1.0)
    delete_many(sides, ids[:4])
    if how == "told":
        tell(sides, ids[:4])
    else:
        now()
    assert not Ledger.objects.filter(verdict="deleted").exists(), "they wait"
    work_until(lambda: Ledger.objects.filter(verdict="deleted").count() == 4, "all four to be judged")
    assert not Brake.objects.exists()
    delete_many(sides, ids[4:6])
    tell(sides, ids[4:6])
    work_until(lambda: Brake.objects.exists(), "six of twelve to be noticed")
    assert brake().code == "mass_delete"


def test_a_mass_change_holds_what_goes_beyond_the_limit(sync: Sync, sides: dict[str, Side]) -> None:
    guards(changes=10, change_share=0.2)
    ids = first_load(sides, 130)
    now(full=True)
    for one in ids[:60]:
        sides["crm"].edit(one, firstname="Imported")
    run = now(full=True)
    assert run.state == "done"
    assert brake().code == "mass_change"
    assert run.counts["held"] >= 50
    changed = {
        row["fields"]["email"] for row in sides["crm"].rows().values() if row["fields"]["firstname"] == "Imported"
    }
    call_command("sync", "contacts", stdout=StringIO())
    arrived = {
        row["fields"]["email"] for row in sides["billing"].rows().values() if row["fields"]["name_first"] == "Imported"
    }
    assert len(changed) == 60 and len(arrived) == 60 - len(held())
    release_brake(brake(), "ada", "it was our own import")
    work_until(at_rest, "rest")
    assert len(imported(sides)) == 60


def tell(sides: dict[str, Side], ids: list[str], size: int = 10) -> None:
    """Webhooks say that these moved: looked at in batches, as they come in."""
    for at in range(0, len(ids), size):
        look_later(feed(), ids[at : at + size], 0.0)
        work_inbox()


def test_changes_told_one_by_one_are_a_mass_change(sync: Sync, sides: dict[str, Side]) -> None:
    """An import that webhooks announce record by record, before any listing is read."""
    guards(changes=20, change_share=0.2)
    ids = first_load(sides, 60)
    for one in ids:
        sides["crm"].edit(one, firstname="Imported")
    tell(sides, ids)
    assert brake().code == "mass_change" and "of 60 known records changed" in brake().sentence
    assert len(held()) == 30, "the batch that went beyond the limit is the last that is judged"
    work_until(at_rest, "rest")
    assert len(imported(sides)) == 30
    release_brake(brake(), "ada", "it was our own import")
    work_until(at_rest, "the others")
    assert len(imported(sides)) == 60
    assert not Brake.objects.filter(released_at=None).exists(), "what was released is not counted again"


def test_a_record_that_changes_often_counts_once(sync: Sync, sides: dict[str, Side]) -> None:
    guards(changes=3, change_share=0.05)
    ids = first_load(sides, 6)
    for number in range(4):
        for one in ids[:3]:
            sides["crm"].edit(one, firstname=f"Typed {number}")
        tell(sides, ids[:3])
    assert not Brake.objects.exists()
    sides["crm"].edit(ids[3], firstname="One more")
    tell(sides, ids[3:4])
    assert brake().code == "mass_change", "the fourth record is beyond the limit"


def test_neither_a_touch_nor_an_echo_is_a_change(sync: Sync, sides: dict[str, Side], hooked: None) -> None:
    """Each record is announced by both accounts: by one because it was touched, by the other because of our writes."""
    guards(changes=10, change_share=0.1)
    ids = first_load(sides, 30)
    work_until(at_rest, "rest after the first load")
    sides["crm"].back("POST", "touch", json={})
    tell(sides, ids)
    guards(changes=10**6)
    for one in ids:
        sides["crm"].edit(one, firstname="Imported")
    tell(sides, ids)
    guards(changes=10, change_share=0.1)
    work_until(lambda: len(imported(sides)) == 30 and at_rest(), "everything to be carried and announced")
    assert not Brake.objects.filter(released_at=None).exists()


def imported(sides: dict[str, Side]) -> list[dict[str, object]]:
    return [row for row in sides["billing"].rows().values() if row["fields"]["name_first"] == "Imported"]


def test_nothing_is_written_over_a_record_whose_delete_is_held(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides, 30)
    delete_many(sides, ids[:25])
    now()
    sides["billing"].edit(billing_of(sides, "p0@example.org")["id"], telephone="+49 1")
    call_command("sync", "contacts", stdout=StringIO())
    assert Push.objects.get(state="pending").feed == feed()
    assert carry(feed().pk, ring_feeds=silent).outcomes == {}
    assert sweep.pushable_feeds(sweep.database_now()) == []
    assert Held.objects.get(remote_id=ids[0]).state == "held"


def test_a_look_before_a_write_that_finds_many_deleted_is_held_as_well(sync: Sync, sides: dict[str, Side]) -> None:
    """Nobody told of the deletes: the looks before 30 writes are the first to see them."""
    ids = first_load(sides, 40)
    for number in range(30):
        sides["billing"].edit(billing_of(sides, f"p{number}@example.org")["id"], telephone="+49 1")
    now("billing")
    delete_many(sides, ids[:30])
    Link.objects.filter(feed=feed()).update(version=None)  # so that each write looks first
    for _ in range(5):
        carry(feed().pk, ring_feeds=silent)
    assert brake().code == "mass_delete"
    judged = Ledger.objects.filter(verdict="deleted", role="crm").values("record").distinct().count()
    assert judged <= 20 and judged + len(held()) == 30


def test_an_account_set_back_is_held(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides, 20)
    Link.objects.filter(feed=feed()).update(version="99", digest="")
    now(full=True)
    assert brake().code == "mass_rewind"
    assert held() == set(ids)


def test_a_brake_of_which_nothing_is_so_any_more_ends_by_itself(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides, 30)
    delete_many(sides, ids[:25])
    now()
    end_answered()
    assert brake().code == "mass_delete"
    Held.objects.update(state="gone", ended_at=sweep.database_now())
    end_answered()
    assert not Brake.objects.filter(released_at=None).exists()


def test_limits_are_the_policys(sync: Sync) -> None:
    guards(deletes=3, delete_share=0.01)
    assert (Holder.of(feed()).limits.deletes, Holder.of(feed()).limits.rewinds) == (3, 5)


def test_deletes_that_the_hub_itself_makes_are_not_held(sync: Sync, sides: dict[str, Side]) -> None:
    """A person released the mass delete, and the policy spreads it: there is nothing to ask at the other account."""
    PolicySet.objects.update(on_delete="propagate")
    ids = first_load(sides, 30)
    delete_many(sides, ids[:25])
    now()
    release_brake(brake(), "ada", "they left us")
    work_until(at_rest, "all of them to be deleted everywhere")
    assert len([row for row in sides["billing"].rows().values() if not row.get("deleted")]) == 5
    assert not Brake.objects.filter(released_at=None).exists()
    assert (held(), Push.objects.filter(state="sending").count()) == (set(), 0)


def test_shares_are_taken_of_the_records_that_are_there(sync: Sync, sides: dict[str, Side]) -> None:
    """Tombstones of years would hide that all that is left is deleted at once."""
    ids = first_load(sides, 30)
    tombstones(400)
    delete_many(sides, ids[:25])
    now()
    assert held() == set(ids[:25])
    assert "25 of 30 known records were deleted" in brake().sentence


def test_the_last_record_may_be_deleted(sync: Sync, sides: dict[str, Side]) -> None:
    """A listing that shows nothing is what is expected where nothing is known any more."""
    first_load(sides, 0)
    tombstones(3)
    assert now(full=True).state == "done"
    assert not Brake.objects.exists()


def tombstones(number: int) -> None:
    """Of records that were deleted long ago."""
    sync = Sync.objects.get()
    records = Record.objects.bulk_create(
        Record(key=new_key(), sync=sync, version=1, beliefs={}, updated_at=sweep.database_now()) for _ in range(number)
    )
    Link.objects.bulk_create(
        Link(record=record, feed=feed(), remote_id=f"old-{place}", head={"gone": "2020-01-01T00:00:00+00:00"})
        for place, record in enumerate(records)
    )


def test_what_is_unlinked_is_nobodys_delete_or_change(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides, 60)
    for link in Link.objects.filter(feed=feed(), remote_id__in=ids[:58]):
        link.head["unlinked"] = True
        link.save()
    delete_many(sides, ids[:30])
    for one in ids[30:58]:
        sides["crm"].edit(one, firstname="Other")
    guards(changes=10, change_share=0.1)
    assert (now().state, now(full=True).state) == ("done", "done")
    assert (held(), Brake.objects.count()) == (set(), 0)
