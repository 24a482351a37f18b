"""The hub's pages as people use them: by keyboard, live, without scripts, on a phone, in the dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from syncapp.models import Conflict
from tests.browser.conftest import found_fault_with, signed_in
from tests.review.seeding import BOLD, Desk, person

pytestmark = [pytest.mark.browser, pytest.mark.servers]


def test_a_question_is_answered_by_keyboard_and_the_receipt_follows(page: Page, desk: Desk) -> None:
    desk.disagree(1)
    conflict = desk.disagree(2)
    page.goto("/review/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Which Telephone is right for Person 2")).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".cc h1")).to_contain_text("Which Telephone is right for Person 2")
    page.wait_for_load_state()  # keys are heard once the page has loaded
    page.keyboard.press("1")
    expect(page.get_by_role("button", name="Take CRM’s value")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#systems")).to_contain_text("On its way")
    expect(page.locator("#systems li", has_text="Billing")).to_contain_text("behind")
    desk.shows("billing", 2, "3", phone="+49 30 2000")
    expect(page.locator("#systems")).to_contain_text("every system has it", timeout=5000)
    expect(page.locator("#systems li", has_text="Billing")).to_contain_text("in step")
    assert Conflict.objects.get(pk=conflict.pk).decided_by == "reviewer"


def test_help_and_typing_have_their_keys(page: Page, desk: Desk) -> None:
    page.goto(f"/review/{desk.disagree(1).pk}/")
    page.keyboard.press("?")
    expect(page.locator("#keys p")).to_be_visible()
    page.keyboard.press("e")
    expect(page.get_by_label("Telephone")).to_be_focused()
    page.keyboard.type("1")  # a digit in a field is a digit
    expect(page.get_by_label("Telephone")).to_have_value("1")
    page.keyboard.press("Enter")
    expect(page.get_by_text("the answer is “1”")).to_be_visible()


def test_a_card_that_moved_on_says_what_moved(page: Page, desk: Desk) -> None:
    conflict = desk.disagree(1)
    page.goto(f"/review/{conflict.pk}/")
    desk.shows("billing", 1, "3", phone="+49 30 9999")
    page.get_by_role("button", name="Take Billing’s value").click()
    expect(page.get_by_role("alert")).to_contain_text("Billing now holds “+49 30 9999” (you saw “+49 30 3000”)")
    page.get_by_role("button", name="Take Billing’s value").click()
    expect(page.get_by_text("the answer is “+49 30 9999”")).to_be_visible()


def test_the_record_page_keeps_itself_fresh_and_what_was_opened_open(page: Page, desk: Desk) -> None:
    record = desk.contact(1)
    page.goto(f"/records/{record.key}/")
    page.get_by_role("link", name="Why is First name so?").click()
    expect(page.locator("#why")).to_contain_text("because CRM was the first to hold a value")
    link = page.get_by_role("link", name="Why is Email so?")
    link.focus()
    page.wait_for_timeout(1500)
    expect(link).to_be_focused()  # nothing changed, so nothing was swapped
    desk.shows("crm", 1, "2", first_name=BOLD)
    expect(page.locator("#state")).to_contain_text(BOLD, timeout=4000)
    expect(page.locator("#state tr", has_text="First name")).to_contain_text("behind")
    expect(page.locator("#why")).to_contain_text("because CRM was the first to hold a value")
    assert page.locator("#state b", has_text="Ada").count() == 0


def test_everything_works_without_scripts(browser: Browser, live_server: LiveServer, desk: Desk) -> None:
    conflict = desk.disagree(1)
    context = signed_in(browser, live_server, java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto("/")
    expect(page.get_by_role("heading", name="1 question waits for an answer")).to_be_visible()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Review").click()
    page.get_by_label("Kind").select_option("two values")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="Which Telephone is right").click()
    page.get_by_role("button", name="Take Billing’s value").click()
    expect(page.locator("#systems")).to_contain_text("On its way")
    desk.shows("crm", 1, "3", phone="+49 30 3000")
    page.get_by_role("link", name="Refresh").click()
    expect(page.locator("#systems")).to_contain_text("every system has it")
    page.get_by_role("link", name="The whole record").click()
    page.get_by_role("link", name="Why is Telephone so?").click()
    expect(page.get_by_text("because a person chose the value of Telephone")).to_be_visible()
    assert Conflict.objects.get(pk=conflict.pk).value == {"phone": "+49 30 3000"}
    context.close()


def test_signing_in_works_without_scripts(browser: Browser, live_server: LiveServer, desk: Desk) -> None:
    user = person("Viewer")
    user.set_password("a pass phrase")
    user.save()
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/review/")
    page.get_by_label("Username").fill(user.username)
    page.get_by_label("Password").fill("a pass phrase")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".cc h1")).to_have_text("Review: 0 questions")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_pages_fit_and_pass_the_accessibility_check(
    browser: Browser, live_server: LiveServer, desk: Desk, scheme: str, width: int
) -> None:
    conflict, match = desk.disagree(1), desk.second(2)
    key = conflict.record_id
    pages = ["/", "/review/", f"/review/{conflict.pk}/", f"/review/{match.pk}/", "/records/", f"/records/{key}/"]
    pages += [f"/records/{key}/why/phone/", f"/records/{match.record_id}/edit/phone/"]
    pages += [f"/records/{key}/links/billing/", f"/records/{key}/join/{match.record_id}/"]
    context = signed_in(browser, live_server, color_scheme=scheme, viewport={"width": width, "height": 900})
    assert found_fault_with(context.new_page(), pages) == {}
    context.close()
