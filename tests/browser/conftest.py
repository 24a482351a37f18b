"""The hub's own pages in a real browser, signed in as a reviewer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.review.seeding import Desk, make_desk, person


@pytest.fixture(autouse=True)
def no_connection_left(transactional_db: None) -> Iterator[None]:
    """Connections that belong to Playwright's event loop would keep the test database from being dropped."""
    yield
    connections.close_all()


@pytest.fixture
def desk(transactional_db: None) -> Desk:
    return make_desk()


def signed_in(browser: Browser, live_server: LiveServer, team: str = "Reviewer", **options: object) -> BrowserContext:
    client = Client()
    client.force_login(person(team))
    context = browser.new_context(base_url=live_server.url, **options)  # type: ignore[arg-type]
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
    return context


def found_fault_with(page: Page, urls: Iterable[str]) -> dict[str, str]:
    """The pages that are wider than the window, or that not everybody can read or use, and why."""
    found: dict[str, str] = {}
    for url in urls:
        page.goto(url)
        expect(page.locator(".cc").first).to_be_visible()
        page.wait_for_timeout(200)  # unfold fades some of its parts in
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found[url] = "wider than the window"
            continue
        # Our own part of the page; the frame around it is unfold's.
        results = Axe().run(page, context=".cc")
        if results.violations_count:
            found[url] = results.generate_report()
    return found


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, desk: Desk) -> Iterator[Page]:
    """Fails when a page logged an error or broke its content-security policy."""
    context = signed_in(browser, live_server)
    made = context.new_page()
    complaints: list[str] = []
    made.on("pageerror", lambda error: complaints.append(str(error)))
    # A 4xx page that a test asks for on purpose is logged by the browser as an error, too.
    made.on("console", lambda line: _note(complaints, line.type, line.text))
    yield made
    context.close()
    assert complaints == []


def _note(complaints: list[str], kind: str, text: str) -> None:
    if kind == "error" and "Failed to load resource" not in text:
        complaints.append(text)
