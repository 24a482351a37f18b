"""Syncs made in the browser: from a template, from what an account holds; the list and the page of one."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from policies.compile import compile_policy
from policies.models import PolicySet, Sync
from syncapp.models import Account, Draft, Ledger
from syncapp.secrets import encrypt
from syncapp.syncs.proposal import templates
from tests.accounts.conftest import crm
from tests.carry.driving import Side
from tests.clerk.making import make_account
from tests.review.conftest import desk
from tests.review.seeding import Desk, browser_of

__all__ = ["crm", "desk"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Client:
    return browser_of("Admin", "ann")


def said(answer: Any) -> str:
    return str(answer.content.decode())


def typed(template: str, **told: str) -> dict[str, str]:
    """All fields of it ticked, as the page sends them."""
    proposal = templates()[template]
    ticks = {f"use-{name}": "on" for name in proposal.fields}
    labels = {f"label-{name}": spec["label"] for name, spec in proposal.fields.items()}
    return {"name": proposal.name, "roles": "CRM\nBilling", **ticks, **labels, **told}


ADDRESSES = ("/syncs/", "/syncs/new/", "/syncs/new/template/contacts/", "/syncs/contacts/")


@pytest.mark.parametrize("team", ["Viewer", "Reviewer", "Business owner"])
def test_it_is_for_admins(team: str, desk: Desk) -> None:
    browser = browser_of(team)
    assert [browser.get(address).status_code for address in ADDRESSES] == [403] * 4
    assert browser.post("/syncs/new/template/deals/", typed("deals")).status_code == 403
    assert not Sync.objects.filter(name="Deals").exists()
    assert "/syncs/" not in said(browser.get("/"))


def test_the_empty_page_says_what_to_do(admin: Client) -> None:
    shown = said(admin.get("/syncs/"))
    assert "Nothing is kept in step yet" in shown and "/syncs/new/" in shown


@pytest.mark.parametrize("template", list(templates()))
def test_every_template_makes_a_sync_whose_policy_asks_people(admin: Client, template: str) -> None:
    answer = admin.post(f"/syncs/new/template/{template}/", typed(template), follow=True)
    assert answer.status_code == 200 and "Connect an account as CRM" in said(answer)
    sync = Sync.objects.get()
    proposal = templates()[template]
    assert set(sync.fields.values_list("name", flat=True)) == set(proposal.fields)
    assert sync.match_keys == proposal.match and list(sync.roles.values_list("name", flat=True)) == ["crm", "billing"]
    policy = PolicySet.objects.get(sync=sync, state="published")
    assert policy.published_by == "ann" and policy.on_delete == "ask"
    assert {rule.strategy for rule in policy.rules.exclude(unit="tags")} == {"manual_review"}
    assert len(compile_policy(policy, {}).units) == policy.rules.count()
    [line] = Ledger.objects.filter(reason="sync_changed")
    assert line.actor == "ann" and "CRM, Billing" in line.detail


def test_what_is_not_ticked_is_left_out_with_the_keys_that_need_it(admin: Client) -> None:
    told = typed("contacts", region="de", **{"label-email": "Mail"})
    del told["use-last_name"], told["use-tags"]
    admin.post("/syncs/new/template/contacts/", told)
    sync = Sync.objects.get()
    names = set(sync.fields.values_list("name", flat=True))
    assert not {"last_name", "tags"} & names and sync.match_keys == [["email"]]
    assert sync.title_fields == ["first_name"]
    assert sync.fields.get(name="phone").params == {"region": "DE"} and sync.fields.get(name="email").label == "Mail"


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"name": ""}, "Give the sync a name"),
        (
            {"roles": " \n "},
            "No system is named, and one by itself has nothing to be kept in step",
        ),
        (
            {"roles": "eShop\n"},
            "Only “eShop” is named, and one by itself has nothing to be",
        ),
        ({"roles": "CRM\n CRM "}, "“CRM” stands there twice; give each system a name of its own"),
        ({"roles": "Web Shop\nweb-shop"}, "would have the same short name"),
        ({"label-phone": "ePhone" + "x" * 120}, f"“ePhone{'x' * 24}…”: shorten"),
        ({"region": "d1"}, "accepted: two letters such as DE"),
        ({"region": "XX"}, "region must be a two-letter country code"),
        ({"name": "contacts"}, "There is a sync named contacts already"),
    ],
)
def test_what_cannot_be_made_says_why_and_loses_nothing(
    admin: Client, desk: Desk, told: dict[str, str], why: str
) -> None:
    sent = typed("contacts", **{"name": "People", "label-email": "My mail", **told})
    del sent["use-notes"]
    answer = admin.post("/syncs/new/template/contacts/", sent)
    shown = said(answer)
    assert answer.status_code == 422 and why in shown and 'value="My mail"' in shown
    assert 'name="use-notes">' in shown and 'name="use-email" checked' in shown
    assert f">{sent['roles'].strip()}</textarea>" in shown.replace("\r\n", "\n")
    assert Sync.objects.count() == 1


def test_of_two_admins_who_make_the_same_the_second_is_told(admin: Client) -> None:
    admin.post("/syncs/new/template/deals/", typed("deals"))
    late = browser_of("Admin", "bob").post("/syncs/new/template/deals/", typed("deals"))
    assert late.status_code == 422 and "There is a sync named Deals already" in said(late)
    assert Sync.objects.count() == 1


def test_no_fields_is_no_sync(admin: Client) -> None:
    answer = admin.post("/syncs/new/template/deals/", {"name": "Deals", "roles": "CRM\nBilling"})
    assert answer.status_code == 422 and "Tick at least one field" in said(answer) and not Sync.objects.exists()


def test_an_unknown_template_or_sync_is_not_found(admin: Client) -> None:
    for address in ("/syncs/new/template/none/", "/syncs/none/", "/syncs/none/roles/crm/connect/"):
        assert admin.get(address).status_code == 404


def test_from_an_account_the_first_role_begins_as_its_draft(admin: Client, crm: Side) -> None:
    crm.create(email="ada@example.org", firstname="Ada")
    make_account("shop", config={"server": crm.url}, secrets=encrypt({"token": "t0ken"}), allow_private=True)
    page = "/syncs/new/account/shop/contacts/"
    shown = said(admin.get(page))
    assert "For example ada@example.org" in shown
    told = {
        "name": "People", "roles": "Shop\nMail", "use-email": "on", "use-firstname": "on", "type-email": "email",
        "type-firstname": "long_text", "match-email": "on",
    }  # fmt: skip
    answer = admin.post(page, told)
    sync, draft = Sync.objects.get(), Draft.objects.get()
    assert answer["Location"] == f"/accounts/shop/drafts/{draft.pk}/"
    assert dict(sync.fields.values_list("name", "type")) == {"email": "email", "firstname": "long_text"}
    assert sync.match_keys == [["email"]] and draft.role == "shop" and draft.mapping["email"] == "email"
    assert "Finish the mapping to" in said(admin.get("/syncs/people/"))
    wrong = admin.post(page, {**told, "name": "Others", "type-email": "magic"})
    assert wrong.status_code == 422 and "there is no type &#x27;magic&#x27;; accepted: " in said(wrong)


def test_a_role_without_an_account_leads_to_one(admin: Client) -> None:
    admin.post("/syncs/new/template/deals/", typed("deals"))
    make_account("shop")
    shown = said(admin.get("/syncs/deals/roles/crm/connect/"))
    assert "/accounts/shop/bind/?target=role:deals:crm" in shown
    assert '<option value="role:deals:crm" selected>' in said(admin.get("/accounts/shop/bind/?target=role:deals:crm"))


def link(shown: str, start: str) -> str:
    return html.unescape(shown.split(f'href="{start}', 1)[1].split('"', 1)[0])


def test_an_account_that_is_connected_for_a_role_is_offered_for_it(admin: Client, crm: Side) -> None:
    admin.post("/syncs/new/template/deals/", typed("deals"))
    query = link(said(admin.get("/syncs/deals/roles/billing/connect/")), "/accounts/providers/")
    found = said(admin.get(f"/accounts/providers/{query}"))
    assert (
        "It is to play Billing in" in found and '<input type="hidden" name="for" value="role:deals:billing">' in found
    )
    part = said(admin.get(f"/accounts/providers/{query}&q=sandbox", headers={"HX-Request": "true"}))
    page = "/accounts/new/sandbox/" + link(part, "/accounts/new/sandbox/")
    assert "It is to play Billing in" in said(admin.get(page))
    told = {"name": "Bills", "config-server": crm.url, "secret-token": "t0ken", "allow_private": "on"}
    assert admin.post(page, {**told, "name": ""}).context["meant"].name == "billing"
    tested = admin.post(page, told, follow=True)
    offered = said(admin.get("/accounts/bills/bind/" + link(said(tested), "/accounts/bills/bind/")))
    assert '<option value="role:deals:billing" selected>' in offered
    admin.post("/accounts/new/sandbox/", {**told, "name": "Other"})
    assert "selected" not in said(admin.get("/accounts/other/bind/")).split('id="target"')[1].split("</select>")[0]


@pytest.mark.parametrize("asked", ["role:deals:nobody", "role:nothing:crm", "role:", "x", "role:a\0:b"])
def test_a_role_that_is_not_there_is_carried_nowhere(admin: Client, asked: str) -> None:
    admin.post("/syncs/new/template/deals/", typed("deals"))
    answer = admin.get("/accounts/providers/", {"for": asked})
    assert answer.status_code == 200 and "It is to play" not in said(answer) and "?for=" not in said(answer)


def test_list_and_page_cost_the_same_however_much_there_is(
    admin: Client, desk: Desk, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    admin.get("/syncs/")
    with django_assert_num_queries(14):
        admin.get("/syncs/")
    with django_assert_num_queries(16):
        shown = said(admin.get("/syncs/contacts/"))
    assert "Policy version 1" in shown and Account.objects.count() >= 1
    for name in ("deals", "tickets", "products"):
        admin.post(f"/syncs/new/template/{name}/", typed(name))
    desk.contact(1)
    with django_assert_num_queries(14):
        assert "Deals" in said(admin.get("/syncs/"))
    with django_assert_num_queries(16):
        admin.get("/syncs/contacts/")
