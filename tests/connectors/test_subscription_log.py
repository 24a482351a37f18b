"""Changes that stand in the log of a subscription: with one they are read there, without one everything is listed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests

from syncapp.connectors import registry
from syncapp.connectors.client import Client
from syncapp.connectors.errors import PlaceLost
from syncapp.doubles.airtable import Airtable

CONFIG = ("server", "login", "base", "table")


@pytest.fixture
def base() -> Iterator[tuple[str, Airtable]]:
    with Airtable().serve() as running:
        assert isinstance(running.double, Airtable)
        yield running.url, running.double


def opened(url: str, double: Airtable, subscription: str) -> Client:
    config = {name: text for name, text in double.config(url).items() if name in CONFIG}
    token = {"token": double.secrets()["token"]}
    return Client(registry.load("airtable"), config, token, allow_private=True, subscription=subscription)


def test_without_a_subscription_everything_is_listed(base: tuple[str, Airtable]) -> None:
    url, double = base
    client = opened(url, double, "")
    double._add("Contacts", {"Name": "Nora"})
    assert [item.body["fields"]["Name"] for page in client.pages("records") for item in page.items] == ["Nora"]
    with pytest.raises(PlaceLost, match="there is no webhook whose log could be read"):
        next(client.pages("records", since=datetime.now(UTC)))


def test_with_one_its_log_is_read_and_tells_deletes(base: tuple[str, Airtable]) -> None:
    url, double = base
    client = opened(url, double, double.config(url)["subscription"])
    stays, goes = double._add("Contacts", {"Name": "Nora"}), double._add("Contacts", {"Name": "Bo"})
    double.erase("Contacts", goes.id)
    told = {item.id: item.deleted for page in client.pages("records", since=datetime.now(UTC)) for item in page.items}
    assert told == {stays.id: False, goes.id: True}


def test_a_create_goes_by_our_own_id_and_is_found_by_any_column(base: tuple[str, Airtable]) -> None:
    """The column of our id goes in beside the cells."""
    url, double = base
    client = opened(url, double, "")
    cells = {"fields": {"Name": "Nora"}}
    first = client.create("records", cells, key="k", external_id="rec-1")
    again = client.create("records", cells, key="k", external_id="rec-1")
    assert first.id == again.id
    headers = {"Authorization": f"Bearer {double.secrets()['token']}"}
    table = double.config(url)["table"]
    shown = requests.get(f"{url}/v0/{double.config(url)['base']}/{table}/{first.id}", headers=headers, timeout=10)
    assert {name: shown.json()["fields"][name] for name in ("Name", "Hub ID")} == {"Name": "Nora", "Hub ID": "rec-1"}
    assert [item.id for item in client.find("records", "fields.Name", "Nora")] == [first.id]
