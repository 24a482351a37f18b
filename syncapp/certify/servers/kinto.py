"""A Kinto server in memory, from `.venv-servers`, with one user, one bucket and one collection."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from syncapp.certify.place import Against, Place
from syncapp.certify.servers.base import ROOT, NoServer, free_port, process, wait_until
from syncapp.certify.servers.proxy import TroubledWorld, troubled
from syncapp.connectors.spec import Manifest
from syncapp.doubles.faults import Faults

PROGRAM = ROOT / ".venv-servers" / "bin" / "kinto"
INI = """[server:main]
use = egg:waitress#main
host = 127.0.0.1
port = {port}
[app:main]
use = egg:kinto
kinto.storage_backend = kinto.core.storage.memory
kinto.permission_backend = kinto.core.permission.memory
kinto.cache_backend = kinto.core.cache.memory
kinto.userid_hmac_secret = only-for-checks
kinto.includes = kinto.plugins.accounts
multiauth.policies = account
multiauth.policy.account.use = kinto.plugins.accounts.authentication.AccountsAuthenticationPolicy
kinto.account_create_principals = system.Everyone
kinto.bucket_create_principals = system.Authenticated
"""
USER, PASSWORD = "hub", "only-for-checks"


class KintoWorld(TroubledWorld):
    """Another user of the same account, past the address that troubles strike."""

    def __init__(self, url: str, faults: Faults) -> None:
        super().__init__(faults)
        self._records = f"{url}/buckets/firm/collections/check/records"

    def edit(self, object: str, id: str, fields: dict[str, Any]) -> None:
        answer = requests.patch(f"{self._records}/{id}", json={"data": fields}, auth=(USER, PASSWORD), timeout=5)
        answer.raise_for_status()

    def erase(self, object: str, id: str) -> None:
        requests.delete(f"{self._records}/{id}", auth=(USER, PASSWORD), timeout=5).raise_for_status()

    def ids(self, object: str) -> list[str]:
        answer = requests.get(self._records, auth=(USER, PASSWORD), timeout=5)
        answer.raise_for_status()
        return [record["id"] for record in answer.json()["data"]]


@contextmanager
def serving(more: str = "") -> Iterator[str]:
    """The address of a server that has the user and the bucket; ``more``: lines for its settings. Raises NoServer."""
    if not PROGRAM.exists():
        raise NoServer(f"there is no {PROGRAM}: make servers-venv installs it")
    with tempfile.TemporaryDirectory() as folder:
        port, ini = free_port(), Path(folder) / "kinto.ini"
        ini.write_text(f"{INI.format(port=port)}{more}\n")
        with process([str(PROGRAM), "start", "--ini", str(ini), "--port", str(port)]) as (running, _):
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: _answers(f"{url}/v1"), running)
            _put(f"{url}/v1/accounts/{USER}", None, {"data": {"password": PASSWORD}})
            _put(f"{url}/v1/buckets/firm", (USER, PASSWORD), {})
            yield url


@contextmanager
def places(manifest: Manifest) -> Iterator[list[Place]]:
    """Raises NoServer where Kinto is not installed."""
    with serving() as url, troubled(url) as (address, faults):
        _put(f"{url}/v1/buckets/firm/collections/check", (USER, PASSWORD), {})
        config = {"server": address, "bucket": "firm", "collection": "check"}
        world, secrets = KintoWorld(f"{url}/v1", faults), {"user": USER, "password": PASSWORD}
        yield [Place(manifest, config, secrets, Against.SERVER, world)]


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/", timeout=1).ok
    except requests.ConnectionError:
        return False


def _put(url: str, auth: tuple[str, str] | None, body: dict[str, object]) -> None:
    requests.put(url, json=body, auth=auth, timeout=5).raise_for_status()
