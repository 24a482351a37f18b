"""Approving a plan: exactly what was shown is carried out, by an ordinary full pass; what moved meanwhile is listed."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from policies.models import FieldRule, PolicySet, Sync
from syncapp.apply.precedence import NotAccepted, choose_precedence
from syncapp.models import Account, Approval, Conflict, Delivery, Feed, Link, Planned, Push, Record, Run
from syncapp.plan.approve import NotApprovable, approve
from syncapp.plan.compared import CHANGED, GONE, NEW, SETTLED
from tests.carry.driving import Side, at_rest, work_until
from tests.carry.test_plan import new, plan, populate, rows

__all__ = ["new"]
pytestmark = pytest.mark.django_db(transaction=True)


def carried_out() -> bool:
    """Both feeds were read as a whole, nothing is compared any more, and nothing is left to do."""
    loaded = Feed.objects.filter(cursor__has_key="full_at").count() == Feed.objects.count()
    return loaded and not Feed.objects.exclude(plan=None).exists() and at_rest()


def planned_writes(run: Run) -> dict[tuple[str, str], int]:
    return {(role, what): number for role, told in run.counts["writes"].items() for what, number in told.items()}


def made_writes(sides: dict[str, Side], before: dict[str, int]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for push in Push.objects.filter(state="confirmed").select_related("feed__role"):
        place = (push.feed.role.name, push.why)
        found[place] = found.get(place, 0) + 1
    remote = {name: len(side.writes()) - before[name] for name, side in sides.items()}
    assert remote == {name: sum(n for (role, _), n in found.items() if role == name) for name in sides}
    return found


def test_approving_does_exactly_what_was_previewed(new: Sync, sides: dict[str, Side]) -> None:
    populate(sides)
    before = {name: len(side.writes()) for name, side in sides.items()}
    run = plan(new)
    approval = approve(run.pk, "ada", "looked at with the sales team")
    assert (approval.by, approval.why, approval.roles) == ("ada", "looked at with the sales team", ["crm", "billing"])
    work_until(carried_out, "the plan to be carried out", 40)
    assert made_writes(sides, before) == planned_writes(run)
    asked: dict[str, int] = {}
    for kind in Conflict.objects.filter(state="open").values_list("kind", flat=True):
        asked[kind] = asked.get(kind, 0) + 1
    assert asked == run.counts["questions"]
    assert not Planned.objects.filter(run=run).exclude(moved="").exists()
    values_as_planned(run, sides)


NAMES = {
    "billing": {"first_name": "name_first", "email": "email"},
    "crm": {"first_name": "firstname", "email": "email"},
}


def values_as_planned(run: Run, sides: dict[str, Side]) -> None:
    """Every name and address that the plan said stands where it said."""
    checked = 0
    for row in Planned.objects.filter(run=run).exclude(group="side"):
        for write in row.detail.get("writes", ()):
            names = NAMES[write["role"]]
            told = {name: value for change in write["fields"].values() for name, value in change["to"].items()}
            wanted = {names[name]: value for name, value in told.items() if name in names}
            shown = sides[write["role"]].rows().values()
            assert any(wanted.items() <= one["fields"].items() for one in shown), (row.title, wanted)
            checked += 1
    assert checked == 4


def test_after_it_a_plan_has_nothing_to_do(new: Sync, sides: dict[str, Side]) -> None:
    populate(sides)
    approve(plan(new).pk, "ada")
    work_until(carried_out, "the plan to be carried out", 40)
    again = plan(new)
    assert again.counts["acts"] is False, again.counts
    assert again.counts["feeds"]["crm"]["previewed"] is False


def test_what_moved_meanwhile_is_judged_anew_and_listed(new: Sync, sides: dict[str, Side]) -> None:
    ids = populate(sides)
    run = plan(new)
    sides["crm"].edit(ids["same"], firstname="Samantha")
    sides["billing"].delete(ids["there"])
    sides["billing"].edit(ids["twice there too"], email="thrice@example.org")
    later = sides["crm"].create(email="later@example.org", firstname="Late")
    approve(run.pk, "ada")
    work_until(carried_out, "the plan to be carried out", 40)
    moved = {row.remote_id: row.moved for row in Planned.objects.filter(run=run).exclude(moved="")}
    assert moved == {ids["same"]: CHANGED, ids["there"]: GONE, ids["twice there too"]: SETTLED, later: NEW}
    assert Planned.objects.get(run=run, group="new").title == "Late later@example.org"
    names = {row["fields"]["email"]: row["fields"]["name_first"] for row in sides["billing"].rows().values()}
    assert names["same@example.org"] == "Samantha" and names["later@example.org"] == "Late"


def test_webhooks_are_kept_until_it_is_live(new: Sync, sides: dict[str, Side], live_server: Any) -> None:
    from syncapp.models import Account
    from tests.carry.conftest import SECRET

    account = Account.objects.get(slug="crm")
    sides["crm"].hook(f"{live_server.url}/hooks/{account.webhook_token}/", SECRET)
    sides["crm"].create(email="ada@example.org", firstname="Ada")
    work_until(lambda: Delivery.objects.filter(state="new", reason__contains="in preview").exists(), "the hint to wait")
    assert not Record.objects.exists()
    approve(plan(new).pk, "ada")
    Delivery.objects.update(next_try="2026-01-01T00:00:00Z")
    work_until(lambda: carried_out() and Delivery.objects.filter(state="done").exists(), "it to be looked at", 40)
    assert Record.objects.get().title == "Ada ada@example.org"


def test_a_live_feed_goes_on_while_another_is_previewed(new: Sync, sides: dict[str, Side]) -> None:
    populate(sides)
    Feed.objects.filter(role__name="crm").update(stage="live")
    work_until(lambda: Record.objects.count() == 5, "the live side to be read")
    assert sides["billing"].writes() == [] or not Push.objects.filter(state="confirmed").exists()
    assert not Link.objects.filter(feed__role__name="billing").exists()
    run = plan(new)
    assert approve(run.pk, "ada").roles == ["billing"]


REFUSED: dict[str, tuple[Any, str]] = {
    "a newer plan": (lambda run: plan(run.sync), "there is a newer plan"),
    "another policy": (lambda run: choose_precedence(run.sync, {"phone": "crm"}, "bo"), "the policy changed"),
    "another mapping": (
        lambda run: Feed.objects.filter(role__name="crm").update(mapping={"email": "email"}),
        "the mapping or the scope of crm changed",
    ),
    "a live side taken otherwise": (
        lambda run: Feed.objects.filter(role__name="billing").update(
            stage="live", scope=[{"field": "email", "set": True}]
        ),
        "the mapping or the scope of billing changed",
    ),
    "another direction": (
        lambda run: Account.objects.filter(slug="billing").update(direction="in"),
        "what is read and written at billing changed",
    ),
    "approved already": (lambda run: approve(run.pk, "bo"), "bo approved it already"),
    "all live": (lambda run: Feed.objects.update(stage="live"), "nothing waits for an approval"),
    "not whole": (lambda run: Run.objects.filter(pk=run.pk).update(state="halted", error="crm: x"), "not whole"),
}


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_a_plan_that_is_no_longer_true_is_not_approved(new: Sync, sides: dict[str, Side], case: str) -> None:
    populate(sides)
    run = plan(new)
    step, said = REFUSED[case]
    step(run)
    stages = sorted(Feed.objects.values_list("stage", flat=True))
    with pytest.raises(NotApprovable, match=said):
        approve(run.pk, "ada")
    assert sorted(Feed.objects.values_list("stage", flat=True)) == stages


def test_only_what_the_plan_read_goes_live(new: Sync, sides: dict[str, Side]) -> None:
    populate(sides)
    Feed.objects.filter(role__name="billing").update(paused="later")
    assert approve(plan(new).pk, "ada").roles == ["crm"]
    assert Feed.objects.get(role__name="billing").stage == "preview"


def test_an_account_that_is_only_written_to_goes_live_with_the_others(new: Sync, sides: dict[str, Side]) -> None:
    """Nothing is read there, so the plan shows what would be made there, and that is approved."""
    Account.objects.filter(slug="billing").update(direction="out")
    sides["crm"].create(email="here@example.org", firstname="Hera")
    run = plan(new)
    assert planned_writes(run) == {("billing", "create"): 1}
    assert approve(run.pk, "ada").roles == ["crm", "billing"]
    work_until(lambda: bool(sides["billing"].rows()) and at_rest(), "it to be made", 40)
    assert [row["fields"]["email"] for row in sides["billing"].rows().values()] == ["here@example.org"]
    work_until(lambda: not Feed.objects.exclude(plan=None).exists(), "the comparison to end")


def test_the_command_approves(new: Sync, sides: dict[str, Side], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match=r"There is no such plan of contacts\. Known: none"):
        call_command("plan", "contacts", approve=True)
    populate(sides)
    run = plan(new)
    with pytest.raises(SystemExit):
        call_command("plan", "contacts")
    run = Run.objects.filter(kind="plan").latest("pk")
    assert f"to carry it out: python manage.py plan contacts --approve --run {run.pk}" in capsys.readouterr().out
    call_command("plan", "contacts", approve=True, run=run.pk, why="agreed")
    assert f"plan {run.pk} is approved; live now: crm, billing" in capsys.readouterr().out
    assert Approval.objects.get().why == "agreed"
    with pytest.raises(CommandError, match="was not approved: command approved it already"):
        call_command("plan", "contacts", approve=True)


def test_precedence_is_chosen_per_field_and_published(new: Sync, sides: dict[str, Side]) -> None:
    ids = populate(sides)
    assert choose_precedence(new, {"phone": "billing", "first_name": "owner"}, "ada")
    policy = PolicySet.objects.get(state="published")
    assert (policy.version, policy.published_by) == (2, "ada")
    rules = dict(FieldRule.objects.filter(policy_set=policy).values_list("unit", "first_link"))
    assert rules == {"email": "", "first_name": "owner", "phone": "billing", "address": ""}
    run = plan(new)
    [row] = rows(run, "differs").values()
    assert {told["unit"]: told["winner"] for told in row.detail["fields"]} == {
        "phone": ["billing"],
        "first_name": ["crm"],
    }
    approve(run.pk, "ada")
    work_until(carried_out, "the plan to be carried out", 40)
    assert sides["crm"].rows()[ids["differs"]]["fields"]["phone"] == "+49 30 2"
    assert not choose_precedence(new, {"phone": "billing"}, "ada"), "the same once more is no new version"


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"fax": "crm"}, "there is no field 'fax'; accepted: email"),
        (
            {"phone": "owner"},
            "phone: 'owner' cannot be chosen; accepted: nothing .the policy decides., ask, crm, billing",
        ),
        ({"address": "crm"}, "address: 'crm' cannot be chosen"),
    ],
)
def test_what_cannot_be_chosen_is_told(new: Sync, chosen: dict[str, str], said: str) -> None:
    with pytest.raises(NotAccepted, match=said):
        choose_precedence(new, chosen, "ada")
    assert PolicySet.objects.count() == 1


def test_a_changed_mapping_is_planned_as_a_new_baseline_and_approved(sync: Sync, sides: dict[str, Side]) -> None:
    from syncapp.baseline import take_baseline

    one = sides["crm"].create(email="ada@example.org", firstname="Ada", phone="+49 30 1", city="Bonn")
    call_command("sync", "contacts", stdout=StringIO())
    [other] = sides["billing"].rows()
    feed = Feed.objects.get(role__name="billing")
    Feed.objects.filter(pk=feed.pk).update(
        mapping={**feed.mapping, "phone": "postcode"},
        stage="preview",
        baseline=["phone"],
        stage_reason="its mapping changed",
    )
    sides["billing"].edit(other, postcode="53111")
    assert plan(sync).state == "failed", "not while it is being taken in"
    assert take_baseline(feed.pk)
    run = plan(sync)
    [row] = Planned.objects.filter(run=run).exclude(group="side")
    [field] = row.detail["fields"]
    assert (field["unit"], field["asks"]) == ("phone", True)
    assert field["sides"] == {"crm": {"phone": "+49 30 1"}, "billing": {"phone": "53111"}}
    approve(run.pk, "ada")
    work_until(carried_out, "the plan to be carried out", 40)
    assert Conflict.objects.get(state="open").unit == "phone"
    assert sides["crm"].rows()[one]["fields"]["phone"] == "+49 30 1"
    assert not Planned.objects.filter(run=run).exclude(moved="").exists()
