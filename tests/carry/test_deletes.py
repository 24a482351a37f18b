"""Deletes over real sandboxes, by each policy; and what comes back."""

from __future__ import annotations

import pytest

from policies.models import Sync
from syncapp.models import Conflict, Record
from tests.carry.driving import Side, billing_of, work_until
from tests.carry.test_identity import answer, asked, policy, record_of, settle, two_in_the_crm, whole

pytestmark = pytest.mark.django_db(transaction=True)


def deleted(sides: dict[str, Side], how: str) -> tuple[str, str]:
    """Two people on both sides; one is deleted in the CRM under this policy. Its ids there and at billing."""
    one, _ = two_in_the_crm(sides)
    policy(on_delete=how)
    there = str(billing_of(sides, "p0@example.org")["id"])
    sides["crm"].delete(one)
    work_until(lambda: gone(one), "the delete to be seen")
    settle(sides)
    return one, there


def gone(remote_id: str) -> bool:
    """A tombstone, or the id was let go."""
    found = Record.objects.filter(links__feed__role__name="crm", links__remote_id=remote_id).exists()
    return not found or record_of("crm", remote_id).links["crm"].gone is not None


def living(side: Side) -> set[str]:
    return {str(row["fields"]["email"]) for row in side.rows().values() if not row["deleted"]}


BOTH = {"p0@example.org", "p1@example.org"}


def test_propagate_deletes_it_everywhere(sync: Sync, sides: dict[str, Side], hooked: None) -> None:
    deleted(sides, "propagate")
    assert (living(sides["crm"]), living(sides["billing"])) == ({"p1@example.org"}, {"p1@example.org"})
    whole(sync)


def test_unlink_keeps_it_elsewhere_and_makes_it_nowhere(sync: Sync, sides: dict[str, Side], hooked: None) -> None:
    one, there = deleted(sides, "unlink")
    assert (living(sides["crm"]), living(sides["billing"])) == ({"p1@example.org"}, BOTH)
    sides["billing"].edit(there, name_first="Ada")
    settle(sides)
    assert living(sides["crm"]) == {"p1@example.org"}
    assert record_of("crm", one).links["crm"].unlinked
    whole(sync)


def test_recreate_makes_it_again_once(sync: Sync, sides: dict[str, Side], hooked: None) -> None:
    one, there = deleted(sides, "recreate")
    assert (living(sides["crm"]), living(sides["billing"])) == (BOTH, BOTH)
    again = record_of("billing", there).links["crm"].remote_id
    assert again not in (None, one)
    assert sum(row["fields"]["email"] == "p0@example.org" for row in sides["crm"].rows().values()) == 2
    whole(sync)


@pytest.mark.parametrize("how", ["ask", "review"])
def test_by_default_a_delete_asks(how: str, sync: Sync, sides: dict[str, Side], hooked: None) -> None:
    one, _ = deleted(sides, how)
    assert asked("delete").record_id == Record.objects.get(links__remote_id=one).pk
    assert (living(sides["crm"]), living(sides["billing"])) == ({"p1@example.org"}, BOTH)
    answer(asked("delete"), "propagate")
    settle(sides)
    assert living(sides["billing"]) == {"p1@example.org"}
    whole(sync)


def test_an_edit_elsewhere_beats_a_delete(sync: Sync, sides: dict[str, Side], hooked: None) -> None:
    _, there = deleted(sides, "ask")
    sides["billing"].edit(there, name_first="Ada")
    work_until(lambda: not Conflict.objects.filter(state="open").exists(), "the question to end")
    settle(sides)
    assert (living(sides["crm"]), living(sides["billing"])) == (BOTH, BOTH)
    assert {row["fields"]["firstname"] for row in sides["crm"].rows().values() if not row["deleted"]} == {"Ada", "P1"}
    whole(sync)


@pytest.mark.parametrize("how", ["ask", "review"])
def test_an_id_that_comes_back_revives_its_tombstone(
    how: str, sync: Sync, sides: dict[str, Side], hooked: None
) -> None:
    one, there = deleted(sides, how)
    sides["crm"].unarchive(one)
    work_until(lambda: record_of("crm", one).links["crm"].gone is None, "the record to come back")
    settle(sides)
    assert record_of("crm", one).links["billing"].remote_id == there
    assert not Conflict.objects.filter(state="open").exists()
    whole(sync)


def test_an_id_that_comes_back_after_the_record_was_made_again_asks(
    sync: Sync, sides: dict[str, Side], hooked: None
) -> None:
    one, there = deleted(sides, "recreate")
    sides["crm"].unarchive(one)
    work_until(lambda: Conflict.objects.filter(state="open", kind="match", about=one).exists(), "the question")
    settle(sides)
    assert Record.objects.count() == 2, "nothing is doubled"
    assert record_of("billing", there).links["crm"].remote_id != one
    whole(sync)
