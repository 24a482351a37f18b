"""The pages of plans in a real browser: without scripts, on a phone, in both schemes, and readable for everybody."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from policies.models import Sync
from syncapp.models import Approval, Run
from syncapp.plan.make import ask_for_plan
from tests.browser.conftest import found_fault_with, signed_in
from tests.carry.conftest import sides, sync
from tests.carry.driving import Side
from tests.carry.test_plan import new, plan, populate

__all__ = ["new", "sides", "sync"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def test_a_plan_is_made_looked_at_and_approved_without_scripts(
    browser: Browser, live_server: LiveServer, new: Sync, sides: dict[str, Side]
) -> None:
    populate(sides)
    run = plan(new)
    context = signed_in(
        browser, live_server, "Business owner", java_script_enabled=False, viewport={"width": 390, "height": 800}
    )
    page = context.new_page()
    page.goto("/")
    page.get_by_role("link", name="Look at what would happen").click()
    expect(page.locator(".cc h1")).to_have_text("4 writes would be made, and 3 questions would be asked")
    page.get_by_role("link", name="1 ambiguous").click()
    expect(page.get_by_text("It may be: Two twice@example.org")).to_be_visible()
    page.get_by_label("Why", exact=False).last.fill("agreed")
    page.get_by_role("button", name="Approve, and let the workers carry it out").click()
    expect(page.get_by_text("Approved by business-owner")).to_be_visible()
    assert Approval.objects.get(run=run).why == "agreed"
    page.get_by_role("link", name="All plans").click()
    page.get_by_role("button", name="Make a plan").click()
    expect(page.locator(".cc h1")).to_contain_text("is being made")
    assert Run.objects.filter(kind="plan", state="running").count() == 1
    context.close()


def test_the_sides_of_all_fields_stand_below_each_other(
    browser: Browser, live_server: LiveServer, new: Sync, sides: dict[str, Side]
) -> None:
    """Values of every length: what one system holds begins at one place all the way down."""
    long = "the second to the right of her own office, and only in the morning"
    sides["crm"].create(email="d@example.org", firstname="Dora", phone="+49 30 1")
    sides["billing"].create(email="d@example.org", name_first="Dorothea", telephone=f"+49 30 2, {long}")
    run = plan(new)
    context = signed_in(browser, live_server, "Viewer", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"/plans/{run.pk}/")
    begins = [
        {
            round(box["x"])
            for one in page.locator(f".cc-sides div:has(> dt:text-is('{side}'))").all()
            if (box := one.bounding_box())
        }
        for side in ("Crm", "Billing")
    ]
    assert [len(places) for places in begins] == [1, 1] and begins[0] != begins[1], begins
    assert page.locator(".cc-sides").count() > 1
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_and_pass_the_accessibility_check(
    browser: Browser, live_server: LiveServer, new: Sync, sides: dict[str, Side], scheme: str
) -> None:
    populate(sides)
    run = plan(new)
    making = ask_for_plan(new, "bea")
    Run.objects.filter(pk=making.pk).update(counts={"progress": {"role": "crm", "done": 500, "total": 2000}})
    context = signed_in(
        browser, live_server, "Business owner", color_scheme=scheme, viewport={"width": 390, "height": 900}
    )
    pages = ("/plans/", f"/plans/{run.pk}/", f"/plans/{making.pk}/", "/")
    assert found_fault_with(context.new_page(), pages) == {}
    context.close()
