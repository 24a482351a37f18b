"""What holds for every double: it starts by its slug, lets nobody else in, and says what it was written from."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from syncapp.doubles.control import Controls
from syncapp.doubles.find import find, slugs

PAGE = Path(__file__).resolve().parents[2] / "docs" / "doubles.md"
# Something that only who has a key may see, and how a stranger is told.
ASKED = {
    "airtable": ("/v0/appBase0000000001/Contacts", 401),
    "generic_rest": ("/api/contacts", 401),
    "hubspot": ("/crm/v3/objects/contacts", 401),
    "microsoft_graph": ("/v1.0/me/contacts", 401),
    "notion": ("/v1/users/me", 401),
    "pipedrive": ("/api/v2/persons", 401),
    "salesforce": ("/services/data/v62.0/limits", 401),
    "slack": ("/api/users.list", 200),
    "stripe": ("/v1/customers", 401),
    "zendesk": ("/api/v2/users", 401),
}


@pytest.fixture(params=slugs())
def url(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    with find(request.param)().serve() as running:
        yield request.param, running.url


def test_it_tells_what_an_account_needs(url: tuple[str, str]) -> None:
    slug, address = url
    controls = Controls(address)
    config, secrets = controls.account()
    assert (controls.slug, config["server"]) == (slug, address)
    assert {"token", "webhook"} <= set(secrets)
    assert all(secrets.values())


@pytest.mark.parametrize("key", ["", "Bearer wrong-on-purpose-0000"])
def test_a_stranger_is_refused(url: tuple[str, str], key: str) -> None:
    slug, address = url
    path, status = ASKED[slug]
    answer = requests.get(f"{address}{path}", headers={"Authorization": key} if key else {}, timeout=5)
    assert answer.status_code == status
    assert status != 200 or answer.json()["ok"] is False


def test_trouble_strikes_once_and_the_controls_never(url: tuple[str, str]) -> None:
    slug, address = url
    controls, path = Controls(address), f"{address}{ASKED[slug][0]}"
    controls.fail("503", times=2)
    controls.fail("html")
    assert [requests.get(path, timeout=5).status_code for _ in range(2)] == [503, 503]
    assert "<html>" in requests.get(path, timeout=5).text
    assert controls.slug == slug
    assert requests.get(path, timeout=5).status_code == ASKED[slug][1]


def test_keys_are_others_after_they_ended(url: tuple[str, str]) -> None:
    controls = Controls(url[1])
    before = controls.account()[1]
    controls.expire()
    after = controls.account()[1]
    assert before["token"] != after["token"]
    assert before["refresh_token"] == after["refresh_token"]


@pytest.mark.parametrize("slug", slugs())
def test_it_says_what_it_was_written_from_and_what_it_leaves_out(slug: str) -> None:
    told = importlib.import_module(f"syncapp.doubles.{slug}").__doc__ or ""
    if slug != "generic_rest":
        assert "https://" in told
        assert "Unverified" in told
        assert "Left out:" in told
    assert f"| `{slug}` |" in PAGE.read_text()
