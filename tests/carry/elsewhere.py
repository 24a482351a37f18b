"""A second hub, a whole one over the same accounts: data place, PostgreSQL, Redis, worker and schedule of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from syncapp import embedded
from syncapp.demo.place import NOT_PASSED
from syncapp.embedded.place import Place, find_place
from tests.carry.driving import Side
from tests.carry.processes import PROJECT, processes

SET_UP = """
accounts:
  crm: &account
    provider: sandbox
    name: CRM
    allow_private: true
    config: {{server: "{crm}"}}
    secrets: {{token: {{env: OTHER_TOKEN}}}}
  billing: {{<<: *account, name: Billing, config: {{server: "{billing}"}}}}
syncs:
  people:
    name: People
    match: [[email]]
    title: [first_name]
    fields:
      email: {{type: email}}
      first_name: {{type: text}}
      phone: {{type: text}}
    roles:
      crm:
        account: crm
        object: contacts
        start: live
        every: 1
        mapping: {{email: email, first_name: firstname, phone: phone}}
      billing:
        account: billing
        object: customers
        start: live
        every: 1
        mapping: {{email: email, first_name: name_first, phone: telephone}}
    policy:
      rules:
        email: {{owner: crm, strategy: owner_wins, writers: [crm, billing]}}
        first_name: {{owner: crm, strategy: owner_wins, writers: [crm, billing]}}
        phone: {{owner: shared, strategy: manual_review, writers: [crm, billing]}}
"""
PATIENCE = 30.0


@dataclass(slots=True)
class Hub:
    """The other hub, as its database tells of it."""

    place: Place

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        told = {"host": str(self.place.run), "dbname": "concord", "user": "concord"}
        with psycopg.connect(**told, autocommit=True) as connection:
            return connection.execute(sql).fetchall()

    def at_rest(self) -> bool:
        [(left,)] = self.ask(
            "SELECT (SELECT count(*) FROM syncapp_push WHERE state IN ('pending', 'sending'))"
            " + (SELECT count(*) FROM syncapp_delivery WHERE state IN ('new', 'claimed'))"
        )
        return bool(left == 0)

    def questions(self) -> list[tuple[str, str]]:
        """(kind, who it is about)"""
        return [
            (str(kind), str(title))
            for kind, title in self.ask(
                "SELECT c.kind, r.title FROM syncapp_conflict c JOIN syncapp_record r ON r.key = c.record_id"
                " WHERE c.state = 'open' ORDER BY c.id"
            )
        ]


@contextmanager
def second_hub(sides: Mapping[str, Side], logs: Path) -> Iterator[Hub]:
    """It runs in the block, and leaves nothing behind."""
    place = Place(find_place().folder.parent / f"other-{secrets.token_hex(4)}")
    embedded.use(place)
    kept = {name: value for name, value in os.environ.items() if name not in NOT_PASSED}
    env = {
        **kept,
        "CONCORD_DATA": str(place.folder),
        "DJANGO_SETTINGS_MODULE": "syncapp.settings",
        "OTHER_TOKEN": "t0ken",
    }
    set_up = logs / "other.yaml"
    set_up.write_text(SET_UP.format(**{name: side.url for name, side in sides.items()}))
    try:
        for words in (("migrate", "-v0"), ("apply", str(set_up))):
            done = subprocess.run(
                [sys.executable, "manage.py", *words], cwd=PROJECT, env=env, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr
        with processes(("rqworker",), ("scheduler",), logs=logs, env=env):
            yield Hub(place)
    finally:
        _clear(place)


def _clear(place: Place) -> None:
    embedded.release(place)
    deadline = time.monotonic() + PATIENCE
    while not embedded.all_gone(place):
        assert time.monotonic() < deadline, f"the second hub's servers did not end: {place.folder}"
        time.sleep(0.05)
    shutil.rmtree(place.folder)
