"""Two real sandboxes over HTTP, the hub's web server, and workers run in bursts on real queues."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policies.models import Sync
from syncapp.clients import THROTTLE
from syncapp.connectors.client import Client
from syncapp.connectors.spec import ObjectSpec
from syncapp.models import Account, Feed
from syncapp.sandbox.server import SandboxServer
from syncapp.sandbox.settings import Settings
from syncapp.secrets import encrypt
from tests.carry.driving import Side
from tests.clerk.making import make_sync

SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()


@pytest.fixture
def sides(tmp_path: Path) -> Iterator[dict[str, Side]]:
    servers = {
        name: SandboxServer(Settings(name, tmp_path / f"{name}.sqlite", token="t0ken")).start()
        for name in ("crm", "billing")
    }
    yield {name: Side(name, server) for name, server in servers.items()}
    for server in servers.values():
        server.stop()


@pytest.fixture
def sync(transactional_db: None, redis_client: object, sides: dict[str, Side]) -> Sync:
    """The sync of the clerk's tests, bound to the two running sandboxes."""
    THROTTLE.forget()  # accounts of other tests have the same names
    made = make_sync()
    for name, side in sides.items():
        Account.objects.filter(slug=name).update(
            config={"server": side.url},
            secrets=encrypt({"token": "t0ken", "webhook": SECRET}),
            allow_private=True,
            skew=None,
        )
    Feed.objects.update(schedule=3600.0)
    return made


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As at an account without batch calls."""
    monkeypatch.setattr(ObjectSpec, "most", lambda self, name: 0)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Listings come a hundred at a time, so that a test of several pages needs no thousands of records."""
    pages = Client.pages
    monkeypatch.setattr(Client, "pages", lambda self, *told, **more: pages(self, *told, **{"size": 100, **more}))


@pytest.fixture
def hooked(sync: Sync, sides: dict[str, Side], live_server: Any) -> None:
    """Both sandboxes announce their changes to the hub."""
    for account in Account.objects.all():
        sides[account.slug].hook(f"{live_server.url}/hooks/{account.webhook_token}/", SECRET)
