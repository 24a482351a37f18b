"""The page in a real browser: it keeps itself fresh and never takes away what somebody is typing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.sandbox.conftest import Caller

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser, crm: Caller) -> Iterator[Page]:
    made = browser.new_page()
    complaints: list[str] = []
    made.on("pageerror", lambda error: complaints.append(str(error)))
    made.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    made.goto(f"{crm.server.url}/records/1001")
    yield made
    made.close()
    assert complaints == []


def change(crm: Caller, **properties: str) -> None:
    assert crm.call("PATCH", "/1001", json={"properties": properties}).status_code == 200


def test_a_change_elsewhere_appears_by_itself(page: Page, crm: Caller) -> None:
    change(crm, city="Rom", lifecycle="former", firstname="Zora")
    expect(page.get_by_label("City")).to_have_value("Rom", timeout=4000)
    expect(page.get_by_label("Lifecycle stage")).to_have_value("former")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Zora")
    expect(page.locator("#head")).to_contain_text("integration (by API)")


def test_typing_is_kept_and_the_other_change_is_told(page: Page, crm: Caller) -> None:
    page.get_by_label("City").fill("Pi")
    change(crm, city="Rom", street="Elsewhere 1")
    expect(page.get_by_label("Street")).to_have_value("Elsewhere 1", timeout=4000)
    expect(page.get_by_label("City")).to_have_value("Pi")
    expect(page.locator("#note-city")).to_contain_text("Changed meanwhile to “Rom”")
    page.get_by_label("City").press_sequentially("sa")
    page.get_by_label("Your name").fill("Kim")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    kept = crm.call("GET", "/1001").json()
    assert (kept["properties"]["city"], kept["properties"]["street"]) == ("Pisa", "Elsewhere 1")
    assert [line["field"] for line in crm.back("GET", "edits").json()["edits"]] == ["city"]
    expect(page.get_by_label("Your name")).to_have_value("Kim")


def test_the_list_keeps_itself_fresh(page: Page, crm: Caller) -> None:
    page.goto(crm.server.url)
    change(crm, firstname="Zora")
    expect(page.get_by_role("link", name="Zora")).to_be_visible(timeout=4000)


def test_it_works_without_javascript(browser: Browser, crm: Caller) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{crm.server.url}/records/1001")
    change(crm, city="Rom")
    page.get_by_role("link", name="Refresh").click()
    expect(page.get_by_label("City")).to_have_value("Rom")
    page.get_by_label("City").fill("Pisa")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    page.close()
