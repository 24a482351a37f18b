"""The demo's own database, and the set-up without it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection

from syncapp.apply.file import parse
from syncapp.chaos.setup import without_database
from syncapp.demo import database
from syncapp.demo.database import Database
from syncapp.demo.setup import FILE


@pytest.fixture
def own(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setattr(database, "DATABASE", "concord_company_of_a_test")
    monkeypatch.setattr(database, "ROLE", "company_hub_of_a_test")
    yield Database.prepare("first")
    given = connection.get_connection_params()
    login = {name: given[name] for name in ("host", "port", "user", "password") if given.get(name)}
    with psycopg.connect(**login, dbname="postgres", autocommit=True) as server:
        server.execute("DROP DATABASE concord_company_of_a_test WITH (FORCE)")
        server.execute("DROP ROLE company_hub_of_a_test")


def test_the_hub_has_a_role_of_its_own_there_and_a_second_start_keeps_everything(own: Database) -> None:
    with own.connect() as admin:
        admin.execute("INSERT INTO customers (email) VALUES ('a@example.org')")
    again = Database.prepare("second")
    [row] = again.rows()
    changed = again.edit(str(row["id"]), {"first_name": "Ada"})
    assert changed["first_name"] == "Ada" and changed["updated_at"] > row["updated_at"]
    assert again.rows()[0]["xmin"] != row["xmin"]
    with own.connect() as admin:
        owner = admin.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'customers'").fetchone()
    assert owner == {"tableowner": "company_hub_of_a_test"}
    assert again.psql().startswith("psql -h ") and again.psql().endswith(" concord_company_of_a_test")


def test_the_set_up_without_the_database_names_it_nowhere() -> None:
    text = without_database(FILE.read_text())
    found = parse(text, "concord.yaml").data
    assert set(found["accounts"]) == {"crm", "billing", "directory"}
    assert set(found["syncs"]["contacts"]["roles"]) == {"crm", "billing", "directory"}
    assert "database" not in str(found["syncs"]["contacts"]["policy"])
