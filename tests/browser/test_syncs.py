"""A sync made from a template and connected to two systems, from nothing and without a file; readable for all."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from policies.models import PolicySet, Role, Sync
from syncapp.models import Account, Feed, Record
from syncapp.sandbox.server import SandboxServer
from syncapp.sandbox.settings import Settings
from tests.accounts.conftest import crm
from tests.browser.conftest import found_fault_with
from tests.browser.test_accounts import everything, put_to_use_and_approve
from tests.carry.driving import Side, work_until

__all__ = ["crm"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
# Where a person who wants to look at the pages has them drawn; nothing is kept without it.
SHOTS = os.environ.get("CONCORD_SCREENSHOTS", "")


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def connect_as(page: Page, role: str, url: str, token: str) -> None:
    """From the page of the sync: a new account at the sandbox, tested, mapped, looked at and approved."""
    page.get_by_role("link", name=f"Connect an account as {role}").click()
    page.get_by_role("link", name="Connect another account").click()
    page.get_by_role("link", name="Connect Sandbox").click()
    page.get_by_label("Name", exact=True).fill(f"{role} account")
    page.get_by_label("Address of the sandbox", exact=True).fill(url)
    page.get_by_label("API token", exact=True).fill(token)
    page.get_by_label("May be reached at private addresses").check()
    page.get_by_role("button", name="Connect and test").click()
    page.get_by_role("link", name="Bind and map").click()
    page.get_by_label("Contacts (CRM)").check()
    page.get_by_label("With what?").select_option(label=f"Contacts: the role {role}")
    page.get_by_role("button", name="Go on to the fields").click()
    put_to_use_and_approve(page)


def test_a_contacts_sync_from_nothing(
    browser: Browser, live_server: LiveServer, crm: Side, tmp_path: Path, redis_client: object
) -> None:
    """Without scripts, on a phone."""
    server = SandboxServer(Settings("crm", tmp_path / "shop.sqlite", token="sh0p")).start()
    shop = Side("shop", server)
    crm.create(email="ada@example.org", firstname="Ada", lastname="Lovelace", phone="+49 30 901820")
    crm.create(email="bo@example.org", firstname="Bo", lastname="Diddley")
    shop.create(email="ada@example.org", firstname="Ada", lastname="Lovelace", phone="+49 30 901820")
    context = everything(browser, live_server, java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto("/syncs/")
    shot(page, "empty")
    page.get_by_role("link", name="Create the first sync").click()
    page.get_by_role("link", name="Start from Contacts").click()
    page.get_by_label("Which systems take part?").fill("CRM\nShop")
    for field in ("company", "job_title", "notes"):
        page.get_by_label(field, exact=True).uncheck()
    shot(page, "new-phone")
    page.get_by_role("button", name="Create the sync").click()
    expect(page.get_by_text("Nothing is read or written before an account plays")).to_be_visible()
    shot(page, "made-phone")
    connect_as(page, "CRM", crm.url, "t0ken")
    page.goto("/syncs/contacts/")
    connect_as(page, "Shop", shop.url, "sh0p")
    work_until(lambda: len(shop.rows()) == 2, "Bo to be made in the shop")
    assert Record.objects.count() == 2, "Ada was matched by her address"
    rule = PolicySet.objects.get(state="published").rules.get(unit="email")
    assert rule.readers == ["crm", "shop"] and rule.strategy == "manual_review"
    page.goto("/syncs/")
    expect(page.get_by_role("row", name="Contacts")).to_contain_text("well")
    context.close()
    server.stop()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_and_pass_the_accessibility_check(
    browser: Browser, live_server: LiveServer, crm: Side, scheme: str
) -> None:
    pages = ["/syncs/", "/syncs/new/", "/syncs/new/template/contacts/"]
    context = everything(browser, live_server, color_scheme=scheme)
    page = context.new_page()
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert found_fault_with(page, pages) == {}, width
        if not Sync.objects.exists():
            page.get_by_label("Which systems take part?").fill("CRM\nShop")
            page.get_by_role("button", name="Create the sync").click()
            expect(page.locator(".cc h1")).to_contain_text("Contacts")
            account = Account.objects.create(slug="shop", name="Shop", provider="sandbox", config={"server": crm.url})
            role = Role.objects.get(name="shop")
            Feed.objects.create(role=role, account=account, object="contacts", mapping={"email": "email"}, stage="live")
            changes = ("add-field/", "add-role/", "rename/", "type/", "retire/", "leave/?role=crm")
            pages += ["/syncs/contacts/", "/syncs/contacts/roles/crm/connect/", "/syncs/new/account/shop/contacts/"]
            pages += [f"/syncs/contacts/change/{kind}" for kind in changes]
            assert found_fault_with(page, pages[3:]) == {}, width
        for url in pages if SHOTS else ():
            page.goto(url)
            shot(page, re.sub(r"\W+", "-", f"{scheme}-{width}{url}"))
    context.close()
