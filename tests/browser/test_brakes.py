"""The pages about brakes: readable in every size and light, and the switch works with and without scripts."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from syncapp.brakes import trip
from syncapp.models import Account, Brake, Held
from syncapp.stopping import stop_all
from tests.browser.conftest import found_fault_with, signed_in
from tests.review.seeding import Desk
from tests.review.test_held import hold

pytestmark = [pytest.mark.browser, pytest.mark.servers]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_the_pages_of_brakes_fit_and_pass_the_accessibility_check(
    browser: Browser, live_server: LiveServer, desk: Desk, scheme: str, width: int
) -> None:
    brake = hold(desk, 3)
    desk.shows("crm", 1, "2", first_name="Ada")
    trip("budget", "Billing was sent 1,000 writes within this minute", account=Account.objects.get(slug="billing"))
    stop_all("ada", "a bad import")
    context = signed_in(browser, live_server, "Admin", color_scheme=scheme, viewport={"width": width, "height": 900})
    pages = ("/", "/brakes/", f"/brakes/{brake.pk}/", "/brakes/syncs/contacts/")
    assert found_fault_with(context.new_page(), pages) == {}
    context.close()


def test_the_switch_and_the_release_work_without_scripts(browser: Browser, live_server: LiveServer, desk: Desk) -> None:
    desk.contact(1)
    desk.shows("crm", 1, "2", first_name="Ada")
    context = signed_in(browser, live_server, "Business owner", java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Why (may be left empty").fill("a bad import")
    page.get_by_role("button", name="Stop all writes now").click()
    expect(page.get_by_text("All writes are stopped. 1 write waiting")).to_be_visible()
    page.get_by_role("link", name="Look at what waits, and release").click()
    expect(page.get_by_text("Person 1 → Ada")).to_be_visible()
    page.get_by_label("Why (kept in the ledger)").fill("the import was undone")
    page.get_by_role("button", name="Release 1 write").click()
    expect(page.get_by_text("The writes of Contacts go out again.")).to_be_visible()
    assert not Brake.objects.filter(released_at=None).exists()
    context.close()


def test_held_records_are_released_by_keyboard(browser: Browser, live_server: LiveServer, desk: Desk) -> None:
    brake = hold(desk, 2)
    context = signed_in(browser, live_server, "Admin")
    page = context.new_page()
    page.goto(f"/brakes/{brake.pk}/")
    page.get_by_label("Person 1").focus()
    page.keyboard.press("Space")
    page.get_by_label("Why (kept in the ledger)").fill("she left")
    page.get_by_role("button", name="Release what is ticked").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 record released; each is looked up again and judged.")).to_be_visible()
    assert sorted(Held.objects.values_list("remote_id", "state")) == [("billing-1", "released"), ("billing-2", "held")]
    context.close()
