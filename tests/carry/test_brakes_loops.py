"""The real loop makers over real accounts: the writes stay few, a person is asked or a brake trips, no edit is lost."""

from __future__ import annotations

import time
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from policies.models import FieldRule, PolicySet, Role, Sync, SyncField
from syncapp import sweep
from syncapp.models import Brake, Conflict, Feed, Ledger, Push
from syncapp.poll import poll
from syncapp.releasing import release_brake
from tests.carry.driving import Side, at_rest, billing_of, drain, first_load, no_webhooks_left, work_until
from tests.clerk.making import silent
from tests.review.seeding import browser_of

pytestmark = pytest.mark.django_db(transaction=True)


def written(sides: dict[str, Side]) -> int:
    return sum(len(side.writes()) for side in sides.values())


def rest(sides: dict[str, Side], seconds: float = 40.0) -> None:
    """Nothing moves any more, for a while: a loop would."""

    def quiet() -> bool:
        if not (no_webhooks_left(sides) and at_rest()):
            return False
        before = written(sides)
        for _ in range(5):
            time.sleep(0.2)
            sweep.tick()
            drain()
        return no_webhooks_left(sides) and at_rest() and written(sides) == before

    work_until(quiet, "rest", seconds)


def candidates(unit: str = "first_name") -> set[Any]:
    question = Conflict.objects.get(state="open", unit=unit)
    return {value for one in question.candidates for value in one["value"].values()}


def test_automations_on_both_sides_that_rewrite_what_the_hub_writes(
    sync: Sync, sides: dict[str, Side], hooked: None
) -> None:
    """Each appends a sign to every name that is written over its API: without a guard this never ends."""
    ids = first_load(sides, 2)
    rest(sides)
    for side, field, sign in (("crm", "firstname", "!"), ("billing", "name_first", "?")):
        rule = {"field": field, "append": sign, "after_seconds": 0.05}
        sides[side].back("PUT", "rules", json=[rule])
    before = written(sides)
    sides["crm"].edit(ids[0], firstname="Ada")
    rest(sides, 60.0)
    assert 2 <= written(sides) - before <= 24
    assert Conflict.objects.get(state="open").kind == "ping_pong"
    assert all(str(one).startswith("Ada") for one in candidates()), "what the person typed is in all of them"
    sides["crm"].edit(ids[1], firstname="Bo")
    work_until(lambda: "Bo" in billing_of(sides, "p1@example.org")["fields"]["name_first"], "the other record goes on")


def test_a_person_and_a_robot_fight_over_one_field(sync: Sync, sides: dict[str, Side], hooked: None) -> None:
    """At the billing system a rule sets the name back each time; the person types it again at the CRM."""
    ids = first_load(sides, 1)
    rest(sides)
    sides["billing"].back("PUT", "rules", json=[{"field": "name_first", "set": "Robot", "after_seconds": 0.05}])
    before = written(sides)
    typed = ""
    for number in range(12):
        typed = f"Ada {number}"
        sides["crm"].edit(ids[0], firstname=typed)
        work_until(lambda: no_webhooks_left(sides) and at_rest(), "the round", 30.0)
        if Conflict.objects.filter(state="open").exists():
            break
    rest(sides)
    assert Conflict.objects.get(state="open").kind == "ping_pong"
    assert written(sides) - before <= 24
    assert {typed, "Robot"} & candidates() and sides["crm"].rows()[ids[0]]["fields"]["firstname"] in {typed, "Robot"}
    last = (
        Ledger.objects.filter(role="crm", unit="first_name").exclude(x=None).order_by("-pk").values_list("x", flat=True)
    )
    assert any(one == {"first_name": typed} for one in last), "the person's last edit is on record"
    more = written(sides)
    sides["crm"].edit(ids[0], firstname="Ada at last")
    rest(sides)
    assert written(sides) == more, "while it is held nothing is written"
    assert "Ada at last" in candidates()


def robot(sides: dict[str, Side], *, on: bool) -> None:
    rule = {"field": "name_first", "set": "Robot", "after_seconds": 0.05}
    sides["billing"].back("PUT", "rules", json=[rule] if on else [])


def fight(sides: dict[str, Side], record: str, name: str) -> int:
    """A person types again and again what the robot sets back, until somebody is asked; how often that was."""
    for number in range(1, 13):
        sides["crm"].edit(record, firstname=f"{name} {number}")
        work_until(lambda: no_webhooks_left(sides) and at_rest(), "the round", 30.0)
        if Conflict.objects.filter(state="open").exists():
            return number
    raise AssertionError("nobody was asked")


def shown(sides: dict[str, Side], record: str) -> tuple[str, str]:
    theirs = sides["crm"].rows()[record]["fields"]["firstname"]
    return theirs, billing_of(sides, "p0@example.org")["fields"]["name_first"]


def test_an_answer_lets_the_field_move_again_and_the_count_begins_anew(
    sync: Sync, sides: dict[str, Side], hooked: None
) -> None:
    """While it is held nobody's value goes anywhere; the answer goes everywhere, and so does the edit after it."""
    ids = first_load(sides, 1)
    rest(sides)
    robot(sides, on=True)
    first = fight(sides, ids[0], "Ada")
    rest(sides)
    robot(sides, on=False)
    question = Conflict.objects.get(state="open")
    assert question.kind == "ping_pong"
    url = f"/review/{question.pk}/"
    answer = {"version": question.version, "answer": "typed", "value-first_name": "Ada herself"}
    browser = browser_of("Reviewer")
    assert browser.post(url, answer).status_code == 302, "the page takes it"
    rest(sides)
    assert shown(sides, ids[0]) == ("Ada herself", "Ada herself")
    sides["crm"].edit(ids[0], firstname="Ada, later")
    rest(sides)
    assert shown(sides, ids[0]) == ("Ada, later", "Ada, later"), "the field moves again"
    assert not Conflict.objects.filter(state="open").exists()
    robot(sides, on=True)
    again = fight(sides, ids[0], "Bo")
    assert again >= max(2, first - 2), "what was counted before the answer does not count after it"
    assert Conflict.objects.get(state="open").kind == "ping_pong"


def test_a_nightly_import_that_touches_everything_with_one_time(sync: Sync, sides: dict[str, Side]) -> None:
    """Every record is new to look at and holds what it held: the feed halts, nothing is written, edits are kept."""
    first_load(sides, 60)
    call_command("sync", "contacts", full=True, stdout=StringIO())
    before = written(sides)
    ids = list(sides["crm"].rows())
    sides["crm"].back("POST", "touch", json={})
    sides["crm"].edit(ids[7], firstname="Typed by a person")
    run = poll(feed().pk, full=True, at_once=True, ring_feeds=silent)
    assert run is not None and run.state == "halted"
    assert Brake.objects.get(released_at=None).code == "all_changed"
    assert written(sides) == before
    release_brake(Brake.objects.get(released_at=None), "ada", "the import does that every night")
    call_command("sync", "contacts", stdout=StringIO())
    assert written(sides) - before == 1, "the one edit, and nothing for the touch"
    assert billing_of(sides, "p7@example.org")["fields"]["name_first"] == "Typed by a person"


def feed(role: str = "crm", sync: str = "contacts") -> Feed:
    return Feed.objects.select_related("account", "role__sync").get(role__name=role, role__sync__slug=sync)


def test_an_import_that_sets_one_value_everywhere_is_held_back(sync: Sync, sides: dict[str, Side]) -> None:
    PolicySet.objects.update(guards={"changes": 10, "change_share": 0.2, "all_changed": 1000})
    ids = first_load(sides, 130)
    call_command("sync", "contacts", full=True, stdout=StringIO())
    before = written(sides)
    for one in ids:
        sides["crm"].edit(one, firstname="Imported")
    call_command("sync", "contacts", full=True, stdout=StringIO())
    assert Brake.objects.get(released_at=None).code == "mass_change"
    assert written(sides) - before <= 10
    call_command("sync", "contacts", full=True, stdout=StringIO())
    assert written(sides) - before <= 10, "another pass lets no more through"


def test_two_hubs_on_the_same_pair_of_accounts(sync: Sync, sides: dict[str, Side], hooked: None) -> None:
    """A second sync keeps the same two accounts in step, knowing nothing of the first."""
    ids = first_load(sides, 3)
    rest(sides)
    twin = second_sync()
    call_command("sync", twin.slug, full=True, stdout=StringIO())
    rest(sides)
    before = written(sides)
    sides["crm"].edit(ids[0], firstname="Ada")
    rest(sides, 60.0)
    assert 1 <= written(sides) - before <= 4
    assert billing_of(sides, "p0@example.org")["fields"]["name_first"] == "Ada"
    other = billing_of(sides, "p1@example.org")["id"]
    sides["billing"].edit(other, name_first="Bo")
    sides["crm"].edit(ids[2], phone="+49 99")
    rest(sides, 60.0)
    assert written(sides) - before <= 12
    assert sides["crm"].rows()[ids[1]]["fields"]["firstname"] == "Bo"
    assert billing_of(sides, "p2@example.org")["fields"]["telephone"] == "+49 99"
    assert len(sides["crm"].rows()) == len(sides["billing"].rows()) == 3, "neither made anything twice"
    assert not Push.objects.filter(state__in=["pending", "sending"]).exists()


def second_sync() -> Sync:
    first = Sync.objects.get(slug="contacts")
    twin = Sync.objects.create(slug="twin", name="Twin", match_keys=first.match_keys, title_fields=first.title_fields)
    for one in first.fields.all():
        SyncField.objects.create(
            sync=twin, name=one.name, type=one.type, params=one.params, bundle=one.bundle, order=one.order
        )
    for old in Feed.objects.filter(role__sync=first).select_related("role"):
        role = Role.objects.create(sync=twin, name=old.role.name, order=old.role.order)
        Feed.objects.create(
            account=old.account, object=old.object, role=role, mapping=old.mapping, schedule=3600.0, stage="live"
        )
    policy = PolicySet.objects.get(sync=first)
    made = PolicySet.objects.create(sync=twin, version=1, state="published", published_at=policy.published_at)
    for rule in policy.rules.all():
        told = {"unit": rule.unit, "owner": rule.owner, "writers": rule.writers, "readers": rule.readers}
        FieldRule.objects.create(policy_set=made, strategy=rule.strategy, **told)
    return twin
