"""Tryton from `.venv-servers`, with a SQLite database of its own: parties and what they need, one administrator."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import requests
from werkzeug.wrappers import Request

from syncapp.certify.place import Against, Place
from syncapp.certify.servers.base import ROOT, NoServer, free_port, process, wait_until
from syncapp.certify.servers.proxy import TroubledWorld, troubled
from syncapp.connectors.spec import Manifest
from syncapp.doubles.faults import Faults

PROGRAM, ADMIN = ROOT / ".venv-servers" / "bin" / "trytond", ROOT / ".venv-servers" / "bin" / "trytond-admin"
DATABASE, USER, PASSWORD = "check", "admin", "only-for-checks"
SETTINGS = """[database]
uri = sqlite://
path = {folder}
[web]
listen = 127.0.0.1:{port}
[password]
passlib = {folder}/passlib.conf
"""
# Every call brings the password: the usual number of rounds would be most of the time of a run.
ROUNDS = "[passlib]\nschemes = pbkdf2_sha512\npbkdf2_sha512__default_rounds = 1\n"
MODULES = ("ir", "res", "country", "party")
WRITES = (".create", ".write", ".delete")


class TrytonWorld(TroubledWorld):
    """Another client of the same database, past the address that troubles strike."""

    def __init__(self, url: str, faults: Faults) -> None:
        super().__init__(faults)
        self._url = url

    def edit(self, object: str, id: str, fields: dict[str, Any]) -> None:
        self._ask("write", [int(id)], fields, {})

    def erase(self, object: str, id: str) -> None:
        self._ask("delete", [int(id)], {})

    def ids(self, object: str) -> list[str]:
        return [str(id) for id in self._ask("search", [], 0, None, None, {"active_test": False})]

    def _ask(self, name: str, *params: Any) -> Any:
        body = {"id": 0, "method": f"model.party.party.{name}", "params": list(params)}
        answer = requests.post(f"{self._url}/{DATABASE}/", json=body, auth=(USER, PASSWORD), timeout=10)
        answer.raise_for_status()
        told = answer.json()
        if "error" in told:
            raise ValueError(f"Tryton refused {name}: {told['error']}")
        return told["result"]


@contextmanager
def places(manifest: Manifest) -> Iterator[list[Place]]:
    """Raises NoServer where Tryton is not installed."""
    if not PROGRAM.exists():
        raise NoServer(f"there is no {PROGRAM}: make servers-venv installs it")
    with tempfile.TemporaryDirectory() as folder:
        port, settings = free_port(), Path(folder) / "trytond.conf"
        settings.write_text(SETTINGS.format(folder=folder, port=port))
        _prepare(Path(folder), settings)
        with process([str(PROGRAM), "-c", str(settings), "-d", DATABASE]) as (running, _):
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: _answers(url), running)
            with troubled(url, writes=_writes) as (address, faults):
                config = {"server": address, "database": DATABASE}
                secrets = {"user": USER, "password": PASSWORD}
                yield [Place(manifest, config, secrets, Against.SERVER, TrytonWorld(url, faults))]


def _prepare(folder: Path, settings: Path) -> None:
    """An empty database with the modules in it: a few seconds."""
    (folder / "passlib.conf").write_text(ROUNDS)
    (folder / "password").write_text(PASSWORD)
    (folder / f"{DATABASE}.sqlite").touch()
    command = [str(ADMIN), "-c", str(settings), "-d", DATABASE, "--email", "admin@example.org", "-u", *MODULES]
    environment = {**os.environ, "TRYTONPASSFILE": str(folder / "password")}
    told = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    if told.returncode:
        raise NoServer(f"Tryton could not be prepared: {told.stderr[-300:]}")


def _writes(request: Request) -> bool:
    """Every call is a POST to one address: its method says what it is. The body is put back for who reads it next."""
    body = request.get_data()
    request.environ["wsgi.input"] = BytesIO(body)
    try:
        return str(json.loads(body)["method"]).endswith(WRITES)
    except (ValueError, KeyError, TypeError):
        return False


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/", timeout=1).status_code < 500
    except (requests.ConnectionError, requests.Timeout):
        return False
