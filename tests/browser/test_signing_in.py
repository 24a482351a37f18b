"""Signing in at a provider in a real browser: the button leads there, the way back ends at the account's test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from syncapp.clients import THROTTLE
from syncapp.models import Account
from syncapp.secrets import encrypt
from tests.browser.conftest import found_fault_with, signed_in
from tests.oauthserver.running import HERE, INSTALLED, AuthorizationServer, running

pytestmark = [
    pytest.mark.browser,
    pytest.mark.servers,
    pytest.mark.skipif(not INSTALLED, reason="no authorization server: make servers-venv installs it"),
]


@pytest.fixture
def provider(tmp_path: Path, live_server: LiveServer, settings: Any) -> Iterator[AuthorizationServer]:
    settings.PUBLIC_ADDRESS = live_server.url
    settings.PROVIDER_FOLDERS = [HERE / "providers"]
    THROTTLE.forget()
    with running(tmp_path, f"{live_server.url}/oauth/callback/") as server:
        Account.objects.create(
            slug="kims", name="Kim's people", provider="toolkit", config={"server": server.url},
            secrets=encrypt({"client_secret": "app-s3cret"}), allow_private=True,
        )  # fmt: skip
        yield server


def to_the_question(page: Page) -> None:
    """From the hub's page to what the provider asks, by keyboard."""
    page.goto("/accounts/kims/signin/")
    page.get_by_role("button", name="Sign in at Toolkit").press("Enter")
    page.get_by_label("Username").fill("kim")
    page.get_by_label("Password").fill("pass-word")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Read people")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_the_whole_way(
    browser: Browser, live_server: LiveServer, provider: AuthorizationServer, *, scripts: bool
) -> None:
    context = signed_in(browser, live_server, "Admin", java_script_enabled=scripts)
    page = context.new_page()
    to_the_question(page)
    page.locator("input[type=submit]:not([name])").click()
    expect(page.get_by_text("access_denied")).to_be_visible()
    expect(page).to_have_url(f"{live_server.url}/accounts/kims/signin/")
    page.get_by_role("button", name="Sign in at Toolkit").click()
    page.locator("input[name=allow]").click()
    expect(page.get_by_text("The provider knows these credentials as kim")).to_be_visible()
    assert "code=" not in page.url
    page.goto("/accounts/kims/signin/")
    expect(page.get_by_text("The hub renews the access by itself")).to_be_visible()
    context.close()


@pytest.mark.parametrize("width", [1400, 390])
def test_the_page_fits_and_passes_the_accessibility_check(
    browser: Browser, live_server: LiveServer, provider: AuthorizationServer, width: int
) -> None:
    context = signed_in(browser, live_server, "Admin", viewport={"width": width, "height": 900})
    page = context.new_page()
    assert found_fault_with(page, ["/accounts/kims/signin/"]) == {}
    context.close()
