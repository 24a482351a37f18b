"""A database as an account, by hand: connect, choose a table, bind it, and the first sync begins by itself."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from syncapp.models import Account, Draft, Feed, Record, Run
from syncapp.plan.make import carry_out
from tests.accounts.test_binding import form_of
from tests.carry.driving import drain
from tests.review.seeding import browser_of

pytestmark = pytest.mark.django_db(transaction=True)
TABLES = "/accounts/company/tables/"


@pytest.fixture
def file(tmp_path: Path, settings: Any) -> Path:
    settings.SQLITE_FOLDERS = (str(tmp_path),)
    path = tmp_path / "company.db"
    with sqlite3.connect(path) as there:
        there.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, first_name TEXT, town TEXT)")
        there.execute("CREATE TABLE notes (body TEXT)")
        there.execute("INSERT INTO customers VALUES (1, 'ada@example.org', 'Ada', 'London')")
    return path


@pytest.fixture
def admin(file: Path, redis_client: object) -> Client:
    """The database is connected."""
    browser = browser_of("Admin", "ann")
    answer = browser.post("/accounts/new/sqlite/", {"name": "Company", "config-path": str(file)})
    assert answer.status_code == 302, answer.content.decode()
    return browser


def said(answer: Any) -> str:
    return str(answer.content.decode())


def do(admin: Client, **told: str) -> Any:
    return admin.post(TABLES, {"seen": admin.get(TABLES).context["seen"], **told})


def test_from_a_table_to_the_first_sync(admin: Client) -> None:
    assert admin.get("/accounts/company/bind/").headers["Location"] == TABLES, "no table is chosen yet"
    shown = said(admin.get(TABLES))
    assert "customers" in shown and "email (text)" in shown and "notes" in shown
    assert do(admin, table="customers", name="customers", key="id").status_code == 302
    assert Account.objects.get().tables["customers"]["key"] == ["id"]
    given = {"object": "customers", "target": "new-sync", "name": "Company", "sync_name": "People"}
    assert admin.post("/accounts/company/bind/", given).status_code == 302
    draft = Draft.objects.get()
    page = admin.get(f"/accounts/company/drafts/{draft.pk}/")
    assert "ada@example.org" in said(page) and "London" in said(page)
    assert admin.post(f"/accounts/company/drafts/{draft.pk}/", form_of(page) | {"do": "bind"}).status_code == 302
    run = Run.objects.get(kind="plan")
    made = carry_out(run.pk)
    assert made is not None and made.error == ""
    assert browser_of("Business owner", "bea").post(f"/plans/{run.pk}/approve/").status_code == 302
    drain()
    assert Record.objects.get().links.get().feed.object == "customers"
    refused = do(admin, name="customers", do="drop")
    assert refused.status_code == 422 and "is kept in step" in said(refused)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"table": "nothing", "name": "nothing"}, "nothing"),
        ({"table": "customers", "name": "No Name!"}, "accepted: lower-case letters"),
        ({"table": "customers", "name": "customers", "key": "shoe"}, "shoe"),
        ({"table": "customers", "name": "customers", "updated_at": "shoe"}, "shoe"),
        ({"name": "unknown", "do": "drop"}, "not among the chosen"),
    ],
)
def test_what_cannot_be_chosen_says_why(admin: Client, told: dict[str, str], why: str) -> None:
    answer = do(admin, **told)
    assert answer.status_code == 422 and why in said(answer) and "Nothing was changed" in said(answer)
    assert Account.objects.get().tables == {}


def test_chosen_tables_are_dropped_and_looked_at_again(admin: Client, file: Path) -> None:
    do(admin, table="customers", name="customers")
    stale = admin.get(TABLES).context["seen"]
    with sqlite3.connect(file) as there:
        there.execute("ALTER TABLE customers ADD COLUMN shoe INTEGER")
    shown = admin.post(TABLES, {"seen": stale, "do": "refresh"}, follow=True)
    assert "Changed: customers." in said(shown)
    assert [one["name"] for one in Account.objects.get().tables["customers"]["columns"]][-1] == "shoe"
    late = admin.post(TABLES, {"seen": stale, "do": "drop", "name": "customers"})
    assert late.status_code == 409 and Account.objects.get().tables
    do(admin, do="drop", name="customers")
    assert Account.objects.get().tables == {} and not Feed.objects.exists()


def test_a_database_that_is_away_is_told(admin: Client, file: Path) -> None:
    file.unlink()
    assert "cannot be looked at" in said(admin.get(TABLES))


def test_tables_are_for_admins_and_for_databases(admin: Client) -> None:
    for team in ("Viewer", "Business owner"):
        assert browser_of(team).get(TABLES).status_code == 403
    Account.objects.create(slug="shop", name="Shop", provider="sandbox")
    assert admin.get("/accounts/shop/tables/").status_code == 404
