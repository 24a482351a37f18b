"""The whole slice, by hand: two people edit one field on two pages, a reviewer answers, the value is everywhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from policies.models import Sync
from syncapp.models import Conflict
from tests.browser.conftest import signed_in
from tests.carry.conftest import hooked, sides, sync  # noqa: F401 - fixtures
from tests.carry.driving import Side, at_rest, billing_of, first_load, no_webhooks_left, work_until

pytestmark = [pytest.mark.browser, pytest.mark.servers, pytest.mark.django_db(transaction=True)]


def save(page: Page, label: str, value: str, name: str) -> None:
    page.get_by_label(label).fill(value)
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved")


def test_an_edit_a_question_an_answer_and_every_page_agrees(
    browser: Browser,
    live_server: LiveServer,
    sync: Sync,  # noqa: F811
    sides: dict[str, Side],  # noqa: F811
    hooked: None,  # noqa: F811
) -> None:
    first = first_load(sides)[0]
    work_until(at_rest, "rest after the first load")
    other = billing_of(sides, "p0@example.org")["id"]
    crm, billing = browser.new_page(), browser.new_page()
    crm.goto(f"{sides['crm'].url}/records/{first}")
    billing.goto(f"{sides['billing'].url}/records/{other}")

    save(crm, "First name", "Ada", "Kim")
    work_until(lambda: billing_of(sides, "p0@example.org")["fields"]["name_first"] == "Ada", "the edit to arrive")
    expect(billing.get_by_label("Given name")).to_have_value("Ada", timeout=5000)  # the page keeps itself fresh

    save(crm, "Phone", "+49 30 111", "Kim")
    save(billing, "Telephone", "+49 30 222", "Lee")
    work_until(lambda: Conflict.objects.filter(state="open").exists(), "a question")

    desk = signed_in(browser, live_server).new_page()
    desk.goto("/review/")
    desk.get_by_role("link", name="Which").first.click()
    expect(desk.get_by_text("By Kim")).to_be_visible()
    desk.get_by_role("button", name="Take Billing’s value").click()
    expect(desk.locator("#systems")).to_be_visible()
    work_until(lambda: no_webhooks_left(sides) and at_rest(), "the answer to be written back")
    expect(desk.locator("#systems")).to_contain_text("every system has it", timeout=5000)
    expect(crm.get_by_label("Phone")).to_have_value("+49 30 222", timeout=5000)

    desk.goto(f"/records/{Conflict.objects.get().record_id}/")
    row = desk.locator("#state tr", has_text="+49 30 222")
    expect(row.get_by_text("in step")).to_have_count(2)
    for page in (crm, billing, desk):
        page.close()
