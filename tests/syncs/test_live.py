"""Changes of a sync between two running systems: backfilled, silent while a role is out, caught up when it is back."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from policies.models import FieldRule, PolicySet, Role, Sync, SyncField
from syncapp.models import Conflict, Feed, Link, Push, Record, Run
from syncapp.plan.approve import approve
from syncapp.plan.make import carry_out as make
from syncapp.revising import finish_revisions
from syncapp.syncs.changing import Change, carry_out, seen
from syncapp.syncs.fieldchanges import AddField
from syncapp.syncs.retiring import Retire, TakeUp
from syncapp.syncs.retyping import Retype
from syncapp.syncs.rolechanges import Leave, Return
from tests.carry.conftest import sides, sync
from tests.carry.driving import Side, at_rest, billing_of, drain, first_load, work_until

__all__ = ["sides", "sync"]
pytestmark = pytest.mark.django_db(transaction=True)


def change(sync: Sync, wish: Change) -> Run | None:
    run = carry_out(sync, wish, seen(sync), "ann", "asked for")
    finish_revisions(sync)
    return run


def look_and_approve(run: Run | None) -> Run:
    assert run is not None
    made = make(run.pk)
    assert made is not None and made.state == "done", made
    approve(made.pk, "ann", "looked at")
    work_until(lambda: not Feed.objects.exclude(plan=None).exists() and at_rest(), "the plan to be carried out", 40)
    return made


def read_now() -> None:
    """Every feed that may be read is read once more."""
    Feed.objects.update(next_due=None)
    drain()
    work_until(at_rest, "what was read to be written")


def fields(sides: dict[str, Side], email: str) -> dict[str, Any]:
    return dict(billing_of(sides, email)["fields"])


def test_a_new_field_is_filled_from_one_side_and_written_to_the_other_once_the_plan_is_approved(
    sync: Sync, sides: dict[str, Side]
) -> None:
    ids = first_load(sides, 2)
    sides["crm"].edit(ids[0], lastname="Lovelace")
    sides["crm"].edit(ids[1], lastname="Diddley")
    theirs = billing_of(sides, "p1@example.org")
    sides["billing"].edit(theirs["id"], name_last="Didley")
    before = len(sides["billing"].writes())
    wish = AddField("last_name", "Last name", "text", {}, {"crm": "lastname", "billing": "name_last"})
    run = change(sync, wish)
    assert len(sides["billing"].writes()) == before and not Record.objects.filter(beliefs__has_key="last_name").exists()
    made = look_and_approve(run)
    assert made.counts["writes"] == {"billing": {"update": 1}}, "the plan said what would be written"
    assert fields(sides, "p0@example.org")["name_last"] == "Lovelace"
    assert fields(sides, "p1@example.org")["name_last"] == "Didley", "nobody owns it: people are asked"
    assert Conflict.objects.get(state="open").unit == "last_name"
    assert len(sides["billing"].writes()) == before + 1


def test_a_role_that_left_is_not_written_and_catches_up_when_it_is_back(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides, 2)
    rules = FieldRule.objects.filter(policy_set__state="published", unit="address")
    rules.update(owner="shared", strategy="manual_review", writers=["crm", "billing", "hub"])
    before = len(sides["billing"].writes())
    assert change(sync, Leave(Role.objects.get(name="billing"))) is None
    sides["crm"].edit(ids[0], phone="+49 30 77")
    sides["billing"].edit(billing_of(sides, "p1@example.org")["id"], telephone="+49 30 88")
    read_now()
    assert len(sides["billing"].writes()) == before and not Push.objects.filter(state="pending").exists()
    assert sorted(row["fields"]["phone"] for row in sides["crm"].rows().values()) == ["+49 30 1", "+49 30 77"]
    assert Link.objects.filter(feed__role__name="billing", remote_id__isnull=False).count() == 2
    run = change(sync, Return(Role.objects.get(name="billing")))
    assert len(sides["billing"].writes()) == before, "nothing is written before the plan is approved"
    made = look_and_approve(run)
    assert made.counts["writes"] == {"billing": {"update": 1}, "crm": {"update": 1}}
    assert fields(sides, "p0@example.org")["telephone"] == "+49 30 77"
    assert sorted(row["fields"]["phone"] for row in sides["crm"].rows().values()) == ["+49 30 77", "+49 30 88"]
    assert Record.objects.count() == 2 and len(sides["billing"].rows()) == 2


def test_after_a_change_of_type_nothing_is_asked_or_written_and_values_are_read_by_the_new_one(
    sync: Sync, sides: dict[str, Side]
) -> None:
    record = sides["crm"].create(email="p0@example.org", phone="+493012345678")
    call_command("sync", "contacts", stdout=StringIO())
    before = {name: len(side.writes()) for name, side in sides.items()}
    assert change(sync, Retype(SyncField.objects.get(name="phone"), "phone", {})) is None
    call_command("sync", "contacts", "--full", stdout=StringIO())
    assert {name: len(side.writes()) for name, side in sides.items()} == before and not Conflict.objects.exists()
    sides["crm"].edit(record, phone="+49 30 1234 5679")
    read_now()
    assert fields(sides, "p0@example.org")["telephone"] == "+493012345679"


def test_a_retired_sync_does_nothing_until_it_is_taken_up(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides, 1)
    before = len(sides["billing"].writes())
    change(sync, Retire(sync))
    sides["crm"].edit(ids[0], phone="+49 30 77")
    read_now()
    assert len(sides["billing"].writes()) == before
    sync.refresh_from_db()
    run = change(sync, TakeUp(sync))
    assert len(sides["billing"].writes()) == before
    look_and_approve(run)
    assert fields(sides, "p0@example.org")["telephone"] == "+49 30 77"
    assert PolicySet.objects.count() == 1 and SyncField.objects.count() == 5
