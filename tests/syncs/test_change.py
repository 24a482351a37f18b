"""Changes of a sync in use: looked at first, refused with a next step, done with a reason, taken back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from policies.models import FieldRule, PolicySet, Role, Sync, SyncField
from syncapp.models import Draft, Feed, Ledger, Link, Record, Revision, Run
from tests.review.conftest import desk
from tests.review.seeding import Desk, browser_of

__all__ = ["desk"]
pytestmark = pytest.mark.django_db
PAGE = "/syncs/contacts/"
KINDS = ("add-field", "add-role", "rename", "retire", "take-up")
FIELD = {"label": "Customer number", "type": "text", "map-crm": "f:company", "owner": "crm"}


@pytest.fixture
def admin() -> Client:
    return browser_of("Admin", "ann")


def said(answer: Any) -> str:
    return str(answer.content.decode())


def look(admin: Client, kind: str, **told: str) -> Any:
    return admin.post(f"{PAGE}change/{kind}/", {**told, "do": "look"})


def confirm(admin: Client, kind: str, seen: Any, why: str = "asked for by sales", **told: str) -> Any:
    """What was looked at, as the page sends it."""
    frame = {"seen": seen.context["seen"], "looked": seen.context["looked"], "why": why, "do": "confirm"}
    return admin.post(f"{PAGE}change/{kind}/", {**told, **frame}, follow=True)


def do(admin: Client, kind: str, **told: str) -> Any:
    return confirm(admin, kind, look(admin, kind, **told), **told)


def everything() -> str:
    rows: list[Any] = []
    for model in (Sync, SyncField, Role, PolicySet, FieldRule, Feed, Revision, Draft, Run, Ledger):
        rows.append(list(model.objects.order_by("pk").values()))  # type: ignore[attr-defined]
    return json.dumps(rows, default=str)


def test_the_page_and_what_was_done_name_the_role(admin: Client, desk: Desk) -> None:
    Role.objects.filter(name="crm").update(label="eShop")
    shared("crm")
    assert "<h1>Take eShop out of Contacts</h1>" in said(admin.get(f"{PAGE}change/leave/?role=crm"))
    assert "Take eShop out of Contacts: done." in said(do(admin, "leave", role="crm"))
    assert "<h1>Take eShop back into Contacts</h1>" in said(admin.get(f"{PAGE}change/return/?role=crm"))


@pytest.mark.parametrize(
    ("kind", "told", "why"),
    [
        ("rename", {"name": "Contacts", "role-crm": "eShop" + "x" * 120}, "“eShopxx"),
        ("add-field", {**FIELD, "map-crm": "f:nothing"}, "“eShop”: "),
    ],
)
def test_what_was_typed_is_not_spelled_otherwise(admin: Client, desk: Desk, kind: str, told: Any, why: str) -> None:
    Role.objects.filter(name="crm").update(label="eShop")
    answer = look(admin, kind, **told)
    assert answer.status_code == 422 and why in said(answer) and "EShop" not in said(answer)


@pytest.mark.parametrize("team", ["Viewer", "Reviewer", "Business owner"])
def test_it_is_for_admins(team: str, desk: Desk) -> None:
    browser = browser_of(team)
    for kind in KINDS:
        assert browser.get(f"{PAGE}change/{kind}/").status_code == 403
        assert browser.post(f"{PAGE}change/{kind}/", {"do": "confirm", "why": "x"}).status_code == 403


@pytest.mark.parametrize(
    ("kind", "told"),
    [("add-field", FIELD), ("add-role", {"label": "Shop"}), ("leave", {"role": "crm"}), ("retire", {}),
     ("rename", {"name": "People", "field-phone": "Call"})],
)  # fmt: skip
def test_looking_changes_nothing(admin: Client, desk: Desk, kind: str, told: dict[str, str]) -> None:
    desk.contact(1)
    shared("crm", "billing")
    before = everything()
    answer = look(admin, kind, **told)
    assert answer.status_code == 200 and "What it would do" in said(answer)
    assert everything() == before


def test_a_field_is_added_with_its_rule_and_the_feed_that_fills_it_goes_to_preview(admin: Client, desk: Desk) -> None:
    desk.contact(1)
    shown = said(look(admin, "add-field", **FIELD))
    assert "1 record will be judged again" in shown and "CRM goes back to preview" in shown
    answer = do(admin, "add-field", **FIELD)
    assert "Nothing is written before somebody approves this plan" in said(answer)
    assert answer.redirect_chain[-1][0] == f"/plans/{Run.objects.get(kind='plan').pk}/"
    feed = Feed.objects.get(role__name="crm")
    assert (feed.stage, feed.mapping["customer_number"], feed.baseline) == ("preview", "company", [])
    assert Feed.objects.get(role__name="billing").stage == "live"
    policy = PolicySet.objects.get(state="published")
    rule = policy.rules.get(unit="customer_number")
    assert (policy.version, rule.owner, rule.strategy, rule.readers) == (2, "crm", "owner_wins", ["crm"])
    assert policy.shape["fields"]["customer_number"] == ["text", {}, ""]
    [line] = Ledger.objects.filter(reason="sync_changed")
    assert line.actor == "ann" and "customer_number" in line.detail and "asked for by sales" in line.detail
    assert Record.objects.count() == 1 and Link.objects.filter(remote_id__isnull=False).count() == 2


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"label": ""}, "Give the field a name"),
        ({"label": "E-mail", "map-crm": "f:company"}, ""),
        ({"label": "Phone"}, "has a field or a bundle phone already"),
        ({"label": "Address"}, "has a field or a bundle address already"),
        ({"type": "choice"}, "There is no type &#x27;choice&#x27;; accepted: "),
        ({"type": "decimal", "scale": "-1"}, "accepted: a whole number from 0 to 30"),
        ({"type": "phone", "region": "Germany"}, "accepted: two letters such as DE"),
        ({"map-crm": ""}, "Choose at least one system that fills it"),
        ({"map-crm": "f:nothing"}, "has no field &#x27;nothing&#x27;"),
        ({"owner": "nobody"}, "accepted: shared, hub, crm, billing"),
        ({"owner": "billing"}, "its feed does not tell customer_number"),
        ({"first_link": "nobody"}, "first_link names &#x27;nobody&#x27;"),
    ],
)
def test_a_field_that_cannot_be_added_says_why_and_keeps_what_was_typed(
    admin: Client, desk: Desk, told: dict[str, str], why: str
) -> None:
    before = everything()
    sent = {**FIELD, **told}
    answer = look(admin, "add-field", **sent)
    shown = said(answer)
    assert why in shown and (answer.status_code in (409, 422)) == bool(why)
    assert f'value="{sent["label"]}"' in shown and everything() == before
    late = confirm(admin, "add-field", answer, **sent) if why else None
    assert late is None or (late.status_code in (409, 422) and everything() == before)


def test_nothing_is_done_without_a_reason_or_unlike_what_was_looked_at(admin: Client, desk: Desk) -> None:
    seen, before = look(admin, "add-role", label="Shop"), everything()
    mute = confirm(admin, "add-role", seen, why=" ", label="Shop")
    assert mute.status_code == 422 and "Say why" in said(mute)
    other = confirm(admin, "add-role", seen, label="Store")
    assert other.status_code == 422 and "not what you looked at" in said(other) and 'value="Store"' in said(other)
    assert everything() == before


def test_of_two_admins_the_second_is_told(admin: Client, desk: Desk) -> None:
    bob = browser_of("Admin", "bob")
    late = look(bob, "rename", name="Persons")
    do(admin, "rename", name="People")
    answer = confirm(bob, "rename", late, name="Persons")
    assert answer.status_code == 409 and "somebody else changed this sync" in said(answer)
    assert Sync.objects.get().name == "People"


def test_renaming_keeps_the_short_names(admin: Client, desk: Desk) -> None:
    do(admin, "rename", **{"name": "People", "field-phone": "Call", "role-crm": "Sales"})
    assert SyncField.objects.get(name="phone").label == "Call" and Role.objects.get(name="crm").label == "Sales"
    assert PolicySet.objects.count() == 1 and not Revision.objects.exists()
    assert "Take Sales out" in said(admin.get(PAGE))


def test_a_role_that_owns_something_cannot_leave_and_says_what_to_do(admin: Client, desk: Desk) -> None:
    answer = look(admin, "leave", role="billing")
    assert answer.status_code == 409 and "Billing owns Address: give them another owner first." in said(answer)
    late = confirm(admin, "leave", answer, role="billing")
    assert late.status_code == 409 and Role.objects.get(name="billing").left == ""


def shared(*roles: str) -> None:
    rules = FieldRule.objects.filter(owner__in=roles)
    rules.update(owner="shared", strategy="manual_review", writers=["crm", "billing", "hub"], clear=[])


def test_a_role_leaves_asleep_and_comes_back_with_its_rights_through_a_plan(admin: Client, desk: Desk) -> None:
    desk.contact(1)
    shared("crm", "billing")
    had = list(FieldRule.objects.order_by("unit").values_list("unit", "readers", "writers", "clear"))
    Draft.objects.create(account=Feed.objects.get(role__name="crm").account, object="contacts", sync=desk.sync,
                         role="crm")  # fmt: skip
    assert "(1 link) sleeps and is kept" in said(look(admin, "leave", role="crm"))
    do(admin, "leave", role="crm")
    feed = Feed.objects.select_related("role").get(role__name="crm")
    assert feed.role.left == "by ann: asked for by sales" and feed.paused.startswith("taken out by ann")
    assert Link.objects.filter(feed=feed, remote_id__isnull=False).count() == 1 and not Draft.objects.exists()
    rules = PolicySet.objects.get(state="published").rules.all()
    assert not [rule for rule in rules if "crm" in (*rule.readers, *rule.writers, *rule.clear)]
    assert "taken out" in said(admin.get(PAGE))
    seen = {one.pk: seen for one, seen in admin.get("/accounts/crm/").context["feeds"]}[feed.pk]
    wake = admin.post(f"/accounts/crm/feeds/{feed.pk}/", {"seen": seen, "do": "resume"}, follow=True)
    assert "take it back on the page of Contacts" in said(wake) and Feed.objects.get(pk=feed.pk).paused
    admin.post(f"/accounts/crm/feeds/{feed.pk}/remap/", follow=True)
    assert not Draft.objects.exists(), "a role that left is not bound anew"

    assert "CRM goes back to preview" in said(look(admin, "return", role="crm"))
    do(admin, "return", role="crm")
    feed.refresh_from_db()
    assert (feed.paused, feed.stage, Role.objects.get(name="crm").left) == ("", "preview", "")
    rules = PolicySet.objects.get(state="published").rules.order_by("unit")
    assert list(rules.values_list("unit", "readers", "writers", "clear")) == had
    assert Run.objects.filter(kind="plan").count() == 1


def test_a_retired_sync_is_silent_and_is_taken_up_through_a_plan(admin: Client, desk: Desk) -> None:
    desk.contact(1)
    Feed.objects.filter(role__name="billing").update(paused="by hand")
    do(admin, "retire")
    assert dict(Feed.objects.values_list("role__name", "paused")) == {
        "crm": "the sync was retired", "billing": "by hand",
    }  # fmt: skip
    shown = said(admin.get(PAGE))
    assert "retired by ann: asked for by sales" in shown.lower() and "Take it up again" in shown
    assert "Add a field" not in shown and "change/leave" not in shown
    assert admin.get(f"{PAGE}change/add-field/")["Location"] == PAGE
    assert "Contacts: a new role" not in said(admin.get("/accounts/crm/bind/"))
    do(admin, "take-up")
    assert Sync.objects.get().retired == ""
    assert dict(Feed.objects.values_list("role__name", "paused")) == {"crm": "", "billing": "by hand"}
    assert dict(Feed.objects.values_list("role__name", "stage")) == {"crm": "preview", "billing": "live"}
    assert Run.objects.filter(kind="plan").count() == 1


def test_a_type_changes_where_every_known_value_is_spelled_the_same_there(admin: Client, desk: Desk) -> None:
    desk.contact(1, phone="+493012345678")
    before = Record.objects.get().beliefs
    shown = said(look(admin, "type", field="phone", type="phone"))
    assert "fits it as it is" in shown and "1 record will be judged again" in shown
    do(admin, "type", field="phone", type="phone")
    assert SyncField.objects.get(name="phone").type == "phone" and Record.objects.get().beliefs == before
    assert PolicySet.objects.get(state="published").shape["fields"]["phone"] == ["phone", {}, ""]


def test_values_that_do_not_fit_another_type_are_listed_and_nothing_changes(admin: Client, desk: Desk) -> None:
    for n in range(1, 9):
        desk.contact(n, phone="+493012345678")
    desk.contact(9, phone="ask her")
    before = everything()
    answer = look(admin, "type", field="phone", type="phone")
    shown = said(answer)
    assert answer.status_code == 409 and "Person 9" in shown and "ask her" in shown and "Person 8" not in shown
    assert "as the hub believes" in shown and "as crm holds it" in shown
    assert confirm(admin, "type", answer, field="phone", type="phone").status_code == 409
    many = said(look(admin, "type", field="first_name", type="integer"))
    assert "And 25 more values." in many, "nine records, each believed, and held and meant at two accounts"
    assert everything() == before


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"field": "none", "type": "text"}, "Choose a field; accepted: email, first_name"),
        ({"field": "phone", "type": "counter"}, "is no type that can be changed here"),
        ({"field": "phone", "type": "text"}, "Telephone is text already"),
        ({"field": "email", "type": "text"}, "Records are matched by email"),
        ({"field": "phone", "type": "phone"}, "1 open question about Telephone: answer them first"),
    ],
)
def test_a_type_that_cannot_change_says_why(admin: Client, desk: Desk, told: dict[str, str], why: str) -> None:
    desk.disagree(1)
    answer = look(admin, "type", **told)
    assert answer.status_code in (409, 422) and why in said(answer)


def test_a_role_is_added_and_waits_for_an_account(admin: Client, desk: Desk) -> None:
    shown = said(do(admin, "add-role", label="Web shop"))
    assert "Connect an account as Web shop" in shown
    assert Role.objects.get(name="web_shop").order == 2
    assert PolicySet.objects.get(state="published").shape["roles"] == ["crm", "billing", "web_shop"]
    again = look(admin, "add-role", label="web-shop")
    assert again.status_code == 409 and "give this one another name" in said(again)


def test_the_page_of_a_change_costs_the_same_however_many_records_there_are(
    admin: Client, desk: Desk, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    desk.contact(1)
    look(admin, "add-field", **FIELD)
    with django_assert_num_queries(61):
        look(admin, "add-field", **FIELD)
    for n in range(2, 6):
        desk.contact(n)
    with django_assert_num_queries(61):
        look(admin, "add-field", **FIELD)
