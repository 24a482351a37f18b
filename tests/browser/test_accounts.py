"""Connecting accounts by hand: a sandbox and a real Kinto server, from nothing to the first sync; readable for all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.contrib.auth.models import Group, User
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from review.teams import make_teams
from syncapp.certify.servers.kinto import PASSWORD, PROGRAM, USER
from syncapp.models import Account, Draft, Feed, Record, Run
from tests.accounts.conftest import crm
from tests.browser.conftest import found_fault_with, signed_in
from tests.carry.driving import Side, drain, work_until
from tests.connectors.test_kinto import server

__all__ = ["crm", "server"]
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.browser,
    pytest.mark.skipif(
        not PROGRAM.exists(), reason="no Kinto server: make servers-venv installs it into .venv-servers"
    ),
]
WHO = (USER, PASSWORD)


@pytest.fixture
def people(server: str) -> Iterator[str]:
    """A collection at the Kinto server with one person in it."""
    place = f"{server}/v1/buckets/firm/collections/people"
    requests.put(place, auth=WHO, timeout=5).raise_for_status()
    told = {"mail": "ada@example.org", "given_name": "Ada", "surname": "Lovelace", "town": "London"}
    requests.put(f"{place}/records/ada", json={"data": told}, auth=WHO, timeout=5).raise_for_status()
    yield place
    requests.delete(place, auth=WHO, timeout=5).raise_for_status()


def held(people: str) -> list[dict[str, object]]:
    return list(requests.get(f"{people}/records", auth=WHO, timeout=5).json()["data"])


def everything(browser: Browser, live_server: LiveServer, **options: object) -> BrowserContext:
    """Signed in as somebody who may connect and approve."""
    context = signed_in(browser, live_server, "Admin", **options)
    make_teams()
    User.objects.get(username="admin").groups.add(Group.objects.get(name="Business owner"))
    return context


def connect(page: Page, provider: str, name: str, **told: str) -> None:
    page.goto("/accounts/")
    page.get_by_role("link", name="Connect").first.click()
    page.get_by_label("Search by name").fill(provider)
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=f"Connect {provider}").click()
    page.get_by_label("Name", exact=True).fill(name)
    for label, value in told.items():
        page.get_by_label(label.replace("_", " "), exact=True).fill(value)
    page.get_by_label("May be reached at private addresses").check()
    page.get_by_role("button", name="Connect and test").click()
    expect(page.get_by_text(f"{name} can be used.")).to_be_visible()
    page.get_by_role("link", name="Bind and map").click()


def put_to_use_and_approve(page: Page) -> None:
    page.get_by_role("button", name="Put it to use").click()
    expect(page.get_by_text("Nothing has been written yet")).to_be_visible()
    work_until(lambda: not Run.objects.filter(kind="plan", state="running").exists(), "the plan to be made")
    page.reload()
    page.get_by_role("button", name="Approve, and let the workers carry it out").click()
    expect(page.get_by_text("Approved by admin")).to_be_visible()
    drain()


def test_from_nothing_to_the_first_sync_of_two_systems(
    browser: Browser, live_server: LiveServer, crm: Side, server: str, people: str, redis_client: object
) -> None:
    """Without scripts, on a phone: no file is written, and no command is run."""
    crm.create(email="ada@example.org", firstname="Ada", lastname="Lovelace", phone="+49 30 901820")
    crm.create(email="bo@example.org", firstname="Bo", lastname="Diddley")
    context = everything(browser, live_server, java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = context.new_page()

    connect(page, "Sandbox", "Shop", Address_of_the_sandbox=crm.url, **{"API token": "t0ken"})
    page.get_by_label("Contacts (CRM)").check()
    page.get_by_label("With what?").select_option(label="A new sync, made of this object’s fields")
    page.get_by_label("Name of the sync, for a new one").fill("People")
    page.get_by_role("button", name="Go on to the fields").click()
    expect(page.locator(".cc h1")).to_have_text("Map Contacts (CRM) of Shop to People")
    expect(page.locator("#told-email")).to_contain_text("ada@example.org")
    put_to_use_and_approve(page)
    assert Record.objects.count() == 2

    told = {"Address of the server": server, "Bucket": "firm", "Collection": "people"}
    connect(page, "Kinto", "Directory", **told, **{"User name": WHO[0], "Password": WHO[1]})
    page.get_by_label("With what?").select_option(label="People: a new role")
    page.get_by_role("button", name="Go on to the fields").click()
    for field, kept in (
        ("email", "p:mail"),
        ("firstname", "p:given_name"),
        ("lastname", "p:surname"),
        ("city", "p:town"),
    ):
        expect(page.locator(f"#map-{field}")).to_have_value(kept)
    expect(page.locator("tr", has=page.locator("#map-email"))).to_contain_text("the hub holds: ada@example.org")
    put_to_use_and_approve(page)
    bo = {"mail": "bo@example.org", "given_name": "Bo", "surname": "Diddley"}
    work_until(lambda: any(bo.items() <= one.items() for one in held(people)), "Bo to be made in the directory")
    assert Record.objects.count() == 2 and len(held(people)) == 2, "Ada was matched by her address"
    page.goto("/accounts/")
    expect(page.get_by_role("row", name="Directory")).to_contain_text("well")
    context.close()


@pytest.fixture
def bound(crm: Side, browser: Browser, live_server: LiveServer, redis_client: object) -> BrowserContext:
    """A sandbox that is bound to a sync of its own fields, and a draft of another mapping of it."""
    crm.create(email="ada@example.org", firstname="Ada", lastname="Lovelace", tags="vip;press")
    context = everything(browser, live_server, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    connect(page, "Sandbox", "Shop", Address_of_the_sandbox=crm.url, **{"API token": "t0ken"})
    page.get_by_label("Contacts (CRM)").check()
    page.get_by_label("With what?").select_option(label="A new sync, made of this object’s fields")
    page.get_by_role("button", name="Go on to the fields").click()
    put_to_use_and_approve(page)
    page.goto("/accounts/shop/")
    page.get_by_role("button", name="Change the mapping").click()
    page.wait_for_url("**/drafts/*/")
    return context


def test_what_comes_of_a_mapping_is_told_while_one_types(bound: BrowserContext) -> None:
    page = bound.pages[0]
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.locator("tr", has=page.locator("#map-firstname")).locator("summary").click()
    page.get_by_label("Transforms").nth(1).fill("upper")
    page.locator("#direction-firstname").select_option("both")
    expect(page.locator("#told-firstname")).to_contain_text("the case is lost")
    page.locator("#direction-firstname").select_option("read")
    expect(page.locator("#told-firstname")).to_contain_text("ADA")
    assert Draft.objects.get().version == 1, "nothing is saved before one says so"
    page.get_by_role("button", name="Save and look").click()
    expect(page.get_by_text("The draft is saved")).to_be_visible()
    assert Draft.objects.get().mapping["firstname"] == {
        "field": "firstname", "direction": "read", "transforms": ["upper"],
    }  # fmt: skip
    assert Feed.objects.get().stage == "live" and complaints == []
    bound.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_and_pass_the_accessibility_check(
    bound: BrowserContext, browser: Browser, live_server: LiveServer, scheme: str, tmp_path: Path, settings: Any
) -> None:
    settings.SQLITE_FOLDERS = (str(tmp_path),)
    with sqlite3.connect(tmp_path / "company.db") as there:
        there.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, changed_at TEXT)")
    config = {"path": str(tmp_path / "company.db")}
    Account.objects.create(slug="company", name="Company", provider="sqlite", config=config)
    draft = Draft.objects.get()
    lossy = {"field": "phone", "jsonata": "$uppercase($)", "inverse": "$"}
    Draft.objects.update(mapping={**draft.mapping, "phone": lossy})
    shop = Account.objects.filter(slug="shop")
    shop.update(tried={**shop.get().tried, "problems": ["the provider asks us to wait 3 s"]})
    cookies = bound.cookies()
    bound.close()
    pages = (
        "/accounts/", "/accounts/providers/", "/accounts/new/kinto/", "/accounts/shop/credentials/",
        "/accounts/shop/test/", "/accounts/shop/bind/", f"/accounts/shop/drafts/{draft.pk}/", "/accounts/shop/",
        "/accounts/shop/deliveries/", "/accounts/shop/remove/", "/accounts/company/tables/",
    )  # fmt: skip
    for width in (390, 1280):
        size = {"width": width, "height": 900}
        context = browser.new_context(base_url=live_server.url, color_scheme=scheme, viewport=size)  # type: ignore[arg-type]
        context.add_cookies(cookies)  # type: ignore[arg-type]
        assert found_fault_with(context.new_page(), pages) == {}, width
        context.close()
