"""Plans over two real sandboxes: what they show, that they write nothing anywhere, and how they end."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from policies.models import FieldRule, Sync
from syncapp.load import database_now
from syncapp.models import Account, Brake, Conflict, Delivery, Feed, Held, Ledger, Link, Planned, Push, Record, Run
from syncapp.plan import make
from syncapp.plan.make import ask_for_plan, carry_out
from syncapp.sweep import tick
from tests.carry.driving import Side, drain, first_load
from tests.clerk.test_overlay import everything
from tests.ground.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
OF_PLANS = ("syncapp_run", "syncapp_planned")


@pytest.fixture
def new(sync: Sync) -> Sync:
    """Both sides are newly bound."""
    Feed.objects.update(stage="preview", stage_reason="newly bound")
    FieldRule.objects.filter(unit="first_name").update(validators={"first_name": [{"max_length": 20}]})
    return sync


def populate(sides: dict[str, Side]) -> dict[str, str]:
    """One of each kind; their ids by name."""
    crm, billing = sides["crm"], sides["billing"]
    return {
        "same": crm.create(email="same@example.org", firstname="Sam"),
        "same there": billing.create(email="same@example.org", name_first="Sam"),
        "differs": crm.create(email="differs@example.org", firstname="Dora", phone="+49 30 1"),
        "differs there": billing.create(email="Differs@example.org", name_first="Dorothea", telephone="+49 30 2"),
        "here": crm.create(email="here@example.org", firstname="Hera"),
        "there": billing.create(email="there@example.org", name_first="Theo"),
        "twice": crm.create(email="twice@example.org", firstname="Two"),
        "twice there": billing.create(email="twice@example.org", name_first="Two"),
        "twice there too": billing.create(email="TWICE@example.org", name_first="Too"),
        "wrong": crm.create(email="wrong@example.org", firstname="A name that is much too long"),
    }


def plan(sync: Sync) -> Run:
    run = carry_out(ask_for_plan(sync, "ada").pk)
    assert run is not None
    return run


def rows(run: Run, group: str) -> dict[str, Planned]:
    return {
        str(row.remote_id): row for row in Planned.objects.filter(run=run, group=group).select_related("feed__role")
    }


def told(*words: str) -> dict[str, Any]:
    out = StringIO()
    try:
        call_command("plan", "contacts", "--json", *words, stdout=out)
    except SystemExit as ended:
        return json.loads(out.getvalue()) | {"exit": ended.code}
    return json.loads(out.getvalue()) | {"exit": 0}


def test_every_record_is_in_its_group(new: Sync, sides: dict[str, Side]) -> None:
    ids = populate(sides)
    run = plan(new)
    assert run.state == "done", run.error
    assert set(rows(run, "identical")) == {ids["same"], ids["twice"]}
    assert set(rows(run, "differs")) == {ids["differs"]}
    assert {(row.feed.role.name, row.title) for row in rows(run, "only").values() if row.feed} == {
        ("crm", "Hera here@example.org"),
        ("billing", "Theo there@example.org"),
    }
    assert set(rows(run, "ambiguous")) == {ids["twice there too"]}
    assert set(rows(run, "refused")) == {ids["wrong"]}
    assert run.counts["groups"] == {"identical": 2, "differs": 1, "only": 2, "ambiguous": 1, "refused": 1}
    assert run.counts["only"] == {"crm": 1, "billing": 1}
    assert run.counts["in_step"] == 0


def test_differing_fields_say_who_would_win_and_why(new: Sync, sides: dict[str, Side]) -> None:
    ids = populate(sides)
    [row] = rows(plan(new), "differs").values()
    fields = {told["unit"]: told for told in row.detail["fields"]}
    assert set(fields) == {"first_name", "phone"}, "the case of an e-mail address is no difference"
    name = fields["first_name"]
    assert name["sides"] == {"crm": {"first_name": "Dora"}, "billing": {"first_name": "Dorothea"}}
    assert (name["winner"], name["value"], name["why"]["reason"]) == (["crm"], {"first_name": "Dora"}, "owner_won")
    assert fields["phone"]["asks"] and fields["phone"]["why"]["reason"] == "manual"
    [write] = row.detail["writes"]
    assert (write["role"], write["what"]) == ("billing", "update")
    assert write["fields"]["first_name"] == {"from": {"first_name": "Dorothea"}, "to": {"first_name": "Dora"}}
    assert row.detail["sides"] == {"crm": ids["differs"], "billing": ids["differs there"]}


def test_creates_are_told_with_their_values(new: Sync, sides: dict[str, Side]) -> None:
    ids = populate(sides)
    row = rows(plan(new), "only")[ids["there"]]
    [write] = row.detail["writes"]
    assert (write["role"], write["what"]) == ("crm", "create")
    assert write["fields"]["email"] == {"to": {"email": "there@example.org"}}


def test_a_plan_writes_nothing_anywhere(new: Sync, sides: dict[str, Side]) -> None:
    populate(sides)
    before, held = everything(), {name: (side.rows(), side.writes()) for name, side in sides.items()}
    run = plan(new)
    after = everything()
    for table in OF_PLANS:
        before.pop(table), after.pop(table)
    assert run.counts["acts"]
    assert after == before
    assert {name: (side.rows(), side.writes()) for name, side in sides.items()} == held
    assert not Record.objects.exists() and not Link.objects.exists() and not Ledger.objects.exists()
    assert not Push.objects.exists() and not Conflict.objects.exists() and not Delivery.objects.exists()


def test_the_exit_code_says_whether_anything_would_happen(sync: Sync, sides: dict[str, Side]) -> None:
    first_load(sides)
    quiet = told()
    assert (quiet["exit"], quiet["acts"], quiet["in_step"]) == (0, False, 3)
    sides["crm"].create(email="new@example.org", firstname="New")
    loud = told()
    assert (loud["exit"], loud["writes"]) == (2, {"billing": {"create": 1}})
    assert [item["title"] for item in loud["items"]] == ["New new@example.org"]


def test_a_question_alone_counts_too(sync: Sync, sides: dict[str, Side]) -> None:
    [one] = first_load(sides, 1)
    sides["crm"].edit(one, phone="+49 1")
    other = next(iter(sides["billing"].rows()))
    sides["billing"].edit(other, telephone="+49 2")
    found = told()
    assert (found["exit"], found["writes"], found["questions"]) == (2, {}, {"value": 1})


def test_an_unknown_sync_is_told_with_the_known_ones(sync: Sync) -> None:
    with pytest.raises(CommandError, match=r"There is no sync 'contact'\. Accepted: contacts"):
        call_command("plan", "contact")


def test_an_account_that_cannot_be_read_ends_the_plan(new: Sync, sides: dict[str, Side]) -> None:
    populate(sides)
    sides["billing"].server.stop()
    make_fast(Account.objects.get(slug="billing"))
    with pytest.raises(CommandError, match="came to no end: billing: "):
        call_command("plan", "contacts", stdout=StringIO())
    run = Run.objects.get(kind="plan")
    assert run.state == "failed" and not Planned.objects.exists()


def make_fast(account: Account) -> None:
    """An address that is refused at once, and for good."""
    account.allow_private = False
    account.save()


def test_a_feed_that_may_not_be_read_is_told(new: Sync, sides: dict[str, Side]) -> None:
    populate(sides)
    Account.objects.filter(slug="billing").update(paused="moving house")
    found = told()
    assert found["feeds"]["billing"]["state"] == "unread" and "moving house" in found["feeds"]["billing"]["why"]
    assert found["feeds"]["crm"]["read"] == 5


def test_a_plan_holds_what_a_brake_would_hold_and_trips_none(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides, 30)
    sides["crm"].delete(ids[0])
    few = plan(sync)
    assert (few.state, few.counts["questions"], few.counts["acts"]) == ("done", {"delete": 1}, True)
    for one in ids[1:25]:
        sides["crm"].delete(one)
    call_command("plan", "contacts", stdout=StringIO())
    assert not Brake.objects.exists() and not Held.objects.exists()
    many = Run.objects.filter(kind="plan").latest("pk")
    assert many.pk != few.pk
    assert (many.state, many.counts["questions"], many.counts["acts"]) == ("done", {}, False), "none would be judged"


def test_what_a_worker_that_died_left_is_made_again(new: Sync, sides: dict[str, Side]) -> None:
    populate(sides)
    run = ask_for_plan(new, "ada")
    Run.objects.filter(pk=run.pk).update(claimed_until=database_now() + timedelta(minutes=1))
    Planned.objects.create(run=run, group="only", remote_id="half", feed=Feed.objects.first())
    assert make.open_plans() == [] and carry_out(run.pk) is None, "another worker is at it"
    Run.objects.filter(pk=run.pk).update(claimed_until=database_now() - timedelta(seconds=1))
    tick()
    drain()
    wait_until(lambda: Run.objects.get(pk=run.pk).state != "running", "the plan to be made")
    assert Run.objects.get(pk=run.pk).state == "done"
    assert not Planned.objects.filter(remote_id="half").exists()


def test_asked_for_twice_it_is_one_plan(new: Sync) -> None:
    assert ask_for_plan(new, "ada").pk == ask_for_plan(new, "bo").pk


def test_a_worker_that_lost_its_claim_keeps_nothing_more(
    new: Sync, sides: dict[str, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    populate(sides)
    run = ask_for_plan(new, "ada")
    take = make._Keeper.take

    def lose(self: Any, message: Any) -> None:
        Run.objects.filter(pk=run.pk).update(claimed_until=database_now() + timedelta(hours=1))
        take(self, message)

    monkeypatch.setattr(make._Keeper, "take", lose)
    assert carry_out(run.pk) is None
    assert Run.objects.get(pk=run.pk).state == "running" and not Planned.objects.exists()


def test_a_chosen_precedence_shows_in_the_plan(new: Sync, sides: dict[str, Side]) -> None:
    populate(sides)
    FieldRule.objects.filter(unit="phone").update(first_link="billing")
    [row] = rows(plan(new), "differs").values()
    phone = next(told for told in row.detail["fields"] if told["unit"] == "phone")
    assert (phone["winner"], phone["why"]["reason"]) == (["billing"], "first_link_rule")


def test_costs_are_counted_in_calls(new: Sync, sides: dict[str, Side]) -> None:
    populate(sides)
    costs = plan(new).counts["costs"]
    # One page; what is made there is looked up in one call and made in another; what is changed carries its version.
    assert [costs["crm"][name] for name in ("reads", "looks", "writes", "calls")] == [1, 1, 1, 3]
    assert [costs["billing"][name] for name in ("reads", "looks", "writes", "calls")] == [1, 1, 2, 4]


def test_old_plans_keep_their_numbers_only(new: Sync, sides: dict[str, Side]) -> None:
    populate(sides)
    made = [plan(new).pk for _ in range(make.KEPT + 1)]
    assert not Planned.objects.filter(run=made[0]).exists()
    assert Planned.objects.filter(run=made[1]).exists()
    assert Run.objects.get(pk=made[0]).counts["groups"]["only"] == 2


def test_the_command_says_it_in_sentences(
    new: Sync, sides: dict[str, Side], capsys: pytest.CaptureFixture[str]
) -> None:
    populate(sides)
    with pytest.raises(SystemExit) as ended:
        call_command("plan", "contacts", limit=50)
    said = capsys.readouterr().out
    assert ended.value.code == 2
    assert "4 writes would be made, and 3 questions would be asked" in said
    assert "First name: crm “Dora”, billing “Dorothea”" in said.replace("Crm", "crm").replace("Billing", "billing")
    assert "wins" in said and "API calls" in said
