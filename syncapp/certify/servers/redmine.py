"""Redmine from Debian's packages, with a database of its own: one administrator, one project, everything allowed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from syncapp.certify.place import Against, Place
from syncapp.certify.servers.base import NoServer, free_port, process, wait_until
from syncapp.certify.servers.proxy import TroubledWorld, troubled
from syncapp.connectors.spec import Manifest
from syncapp.doubles.faults import Faults

HOME = Path("/usr/share/redmine")
# What Debian's package makes when it is installed: the tables and the default data, nobody's issues.
EMPTY = Path("/var/lib/dbconfig-common/sqlite3/redmine/instances/default/redmine_default")
SEED = """
Setting.rest_api_enabled = '1'
me = User.find_by(login: 'admin')
me.must_change_passwd = false
me.save!
project = Project.new(name: 'Check', identifier: 'check')
project.trackers = Tracker.all
project.save!
puts "key=#{me.api_key} project=#{project.id} tracker=#{Tracker.first.id}"
"""
ALL = {"issues": {"status_id": "*"}, "users": {"status": ""}}


class RedmineWorld(TroubledWorld):
    """The administrator in the browser, past the address that troubles strike."""

    def __init__(self, url: str, key: str, faults: Faults) -> None:
        super().__init__(faults)
        self._url, self._session = url, requests.Session()
        self._session.headers["X-Redmine-API-Key"] = key

    def edit(self, object: str, id: str, fields: dict[str, Any]) -> None:
        body = {object.removesuffix("s"): fields}
        self._session.put(f"{self._url}/{object}/{id}.json", json=body, timeout=10).raise_for_status()

    def erase(self, object: str, id: str) -> None:
        self._session.delete(f"{self._url}/{object}/{id}.json", timeout=10).raise_for_status()

    def ids(self, object: str) -> list[str]:
        found: list[str] = []
        while True:
            asked = {**ALL[object], "limit": "100", "offset": str(len(found))}
            answer = self._session.get(f"{self._url}/{object}.json", params=asked, timeout=10)
            answer.raise_for_status()
            shown = [str(record["id"]) for record in answer.json()[object]]
            if not shown:
                return found
            found += shown


@contextmanager
def places(manifest: Manifest) -> Iterator[list[Place]]:
    """Raises NoServer where Redmine is not installed."""
    if not (HOME.is_dir() and EMPTY.exists() and shutil.which("puma")):
        raise NoServer("there is no Redmine: apt-get install redmine redmine-sqlite puma")
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "redmine.sqlite3"
        shutil.copy(EMPTY, database)
        environment = {**os.environ, "DATABASE_URL": f"sqlite3:{database}", "RAILS_ENV": "production"}
        told = _seed(environment)
        port = free_port()
        command = ["puma", "--bind", f"tcp://127.0.0.1:{port}", "--environment", "production", "--threads", "1:4"]
        with process([*command, "config.ru"], cwd=HOME, environment=environment) as (running, _):
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: _answers(url), running, 60)
            with troubled(url) as (address, faults):
                # An issue is nothing without the project that it is in.
                given = {"issues": {"project": int(told["project"]), "tracker": told["tracker"]}}
                world = RedmineWorld(url, told["key"], faults)
                secrets = {"key": told["key"]}
                yield [Place(manifest, {"server": address}, secrets, Against.SERVER, world, given=given)]


def _seed(environment: dict[str, str]) -> dict[str, str]:
    """The key of the administrator, a project and a tracker: no API gives a first key, Redmine's own console does."""
    told = subprocess.run(
        ["bin/rails", "runner", SEED],
        cwd=HOME,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = [line for line in told.stdout.splitlines() if line.startswith("key=")]
    if not lines:
        raise NoServer(f"Redmine could not be prepared: {told.stderr[-300:]}")
    return dict(pair.split("=", 1) for pair in lines[0].split())


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/login", timeout=2).ok
    except (requests.ConnectionError, requests.Timeout):
        return False
