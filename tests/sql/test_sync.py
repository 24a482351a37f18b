"""A CRM and a table in step, through the real clerk: the table is an account like any other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from syncapp.apply import apply, read
from syncapp.apply.file import ApplyError
from syncapp.clients import THROTTLE
from syncapp.models import Account, Conflict, Feed, Link, Record, Run
from syncapp.sandbox.server import SandboxServer
from syncapp.sandbox.settings import Settings
from tests.carry.driving import Side
from tests.sql.conftest import House

pytestmark = pytest.mark.django_db(transaction=True)
CUSTOMERS = """
CREATE TABLE customers (
    id COUNTED, hub_id varchar(64) UNIQUE, email varchar(120) NOT NULL, name varchar(20), credit numeric(10, 2),
    vip boolean, updated_at MOMENT DEFAULT NOW, created_at MOMENT DEFAULT NOW, CHECK (credit >= 0)
)
"""


@pytest.fixture
def crm(tmp_path: Path, redis_client: object) -> Iterator[Side]:
    THROTTLE.forget()
    server = SandboxServer(Settings("crm", tmp_path / "crm.sqlite", token="t0ken")).start()
    yield Side("crm", server)
    server.stop()


@pytest.fixture
def people(crm: Side, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> House:
    """Both accounts, set up by a file."""
    house.make(CUSTOMERS)
    settings.SQLITE_FOLDERS = house.folders
    monkeypatch.setenv("T", "t0ken")
    monkeypatch.setenv("P", house.secrets.get("password", "-"))
    text = Path(__file__).with_name("people.yaml").read_text()
    given = {"CRM": crm.url, "PROVIDER": house.dialect, "CONFIG": json.dumps(house.config),
             "SECRETS": json.dumps({name: {"env": "P"} for name in house.secrets})}  # fmt: skip
    for word, meant in given.items():
        text = text.replace(word, meant)
    file = tmp_path / "people.yaml"
    file.write_text(text)
    assert apply(read(file)).changes
    assert not apply(read(file)).changes  # and the tables are as they were: nothing is looked at again
    return house


def sync_now(*, full: bool = False) -> None:
    call_command("sync", "people", full=full, stdout=StringIO())
    assert not Run.objects.exclude(state="done").exists()


def rows(house: House) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in house.run("SELECT email, name, credit, vip FROM customers ORDER BY email")]


def test_both_sides_are_filled_and_then_nothing_is_written(people: House, crm: Side) -> None:
    for number in range(3):
        crm.create(email=f"p{number}@example.org", firstname=f"P{number}", credit_limit="10.50", newsletter="true")
    people.run(
        "INSERT INTO customers (email, name, credit) VALUES ('P2@Example.org', NULL, 99), ('q@example.org', 'Q', 1)"
    )
    sync_now()
    assert (Record.objects.count(), Link.objects.filter(remote_id__isnull=False).count()) == (4, 8)
    found = {str(row[0]).lower(): row for row in rows(people)}
    assert (
        found["p0@example.org"][1] == "P0" and float(found["p0@example.org"][2]) == 10.5 and found["p0@example.org"][3]
    )
    assert found["p2@example.org"][1] == "P2", "an empty side is filled"
    assert {row["fields"]["firstname"] for row in crm.rows().values()} == {"P0", "P1", "P2", "Q"}
    assert len({row[0] for row in people.run("SELECT hub_id FROM customers WHERE hub_id IS NOT NULL")}) == 2
    before, written = people.run("SELECT * FROM customers ORDER BY id"), len(crm.writes())
    sync_now(full=True)
    sync_now(full=True)
    assert people.run("SELECT * FROM customers ORDER BY id") == before and len(crm.writes()) == written


def test_edits_travel_both_ways_and_a_removed_row_asks(people: House, crm: Side) -> None:
    ids = [crm.create(email=f"p{number}@example.org", firstname=f"P{number}") for number in range(3)]
    sync_now()
    crm.edit(ids[0], firstname="Ada")
    people.make("UPDATE customers SET name = 'Bob', credit = 12.5, updated_at = NOW WHERE email = 'p1@example.org'")
    sync_now()
    assert [row[1] for row in rows(people)] == ["Ada", "Bob", "P2"]
    assert (
        crm.rows()[ids[1]]["fields"]["firstname"] == "Bob" and crm.rows()[ids[1]]["fields"]["credit_limit"] == "12.50"
    )
    people.run("DELETE FROM customers WHERE email = 'p2@example.org'")
    sync_now(full=True)
    assert Conflict.objects.get(state="open").kind == "delete"


def test_what_the_table_refuses_fails_that_field_of_that_record_alone(people: House, crm: Side) -> None:
    first, second = (crm.create(email=f"p{number}@example.org", firstname="P", credit_limit="1") for number in range(2))
    sync_now()
    crm.edit(first, firstname="Ada", credit_limit="-5")
    crm.edit(second, firstname="Bob")
    sync_now()
    assert [(row[1], float(row[2])) for row in rows(people)] == [("Ada", 1.0), ("Bob", 1.0)]
    failed = [
        link
        for link in Link.objects.filter(feed__role__name="company")
        if "failed" in json.dumps(link.head) + json.dumps(link.bases)
    ]
    assert len(failed) == 1
    crm.edit(first, credit_limit="5")
    sync_now()
    assert [float(row[2]) for row in rows(people)] == [5.0, 1.0]


def test_an_edit_between_look_and_write_is_no_victim(people: House, crm: Side) -> None:
    ident = crm.create(email="p@example.org", firstname="P")
    sync_now()
    people.run(
        "UPDATE customers SET name = 'typed there', updated_at = '2020-01-01 00:00:00'"
    )  # the delta cannot see it
    crm.edit(ident, firstname="typed here")
    sync_now()
    assert rows(people)[0][1] == "typed there"
    assert Conflict.objects.get(state="open").kind == "value"


def test_a_table_that_is_not_there_is_said_where_it_is_named(people: House, crm: Side, tmp_path: Path) -> None:
    text = (tmp_path / "people.yaml").read_text().replace("customers: {zone", "clients: {zone")
    (tmp_path / "wrong.yaml").write_text(text)
    with pytest.raises(ApplyError, match=r"there is no table 'clients'.*customers"):
        apply(read(tmp_path / "wrong.yaml"))
    said = StringIO()
    call_command("tables", "company", stdout=said)
    assert "customers (table" in said.getvalue() and "email: text (VARCHAR(120), not null)" in said.getvalue()
    account = Account.objects.get(slug="company")
    assert "columns" in account.tables["customers"] and "pass-word" not in json.dumps(account.tables)


def test_a_table_that_went_away_needs_a_person_and_deletes_nothing(people: House, crm: Side) -> None:
    crm.create(email="p@example.org", firstname="P")
    sync_now()
    people.run("ALTER TABLE customers RENAME TO kept")
    with pytest.raises(CommandError, match="not as it was chosen"):
        call_command("sync", "people", full=True, stdout=StringIO(), stderr=StringIO())
    account = Account.objects.get(slug="company")
    assert account.health == "attention" and "not as it was chosen" in account.last_error
    assert not Conflict.objects.exists() and len(crm.rows()) == 1
    people.run("ALTER TABLE kept RENAME TO customers")
    people.run("ALTER TABLE customers ADD COLUMN phone varchar(40)")
    call_command("tables", "company", refresh=True, stdout=StringIO())
    assert "phone" in json.dumps(Account.objects.get(slug="company").tables)
    Feed.objects.update(next_due=None)
    call_command("sync", "people", full=True, stdout=StringIO())
    assert Account.objects.get(slug="company").health == "well"
