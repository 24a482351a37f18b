"""A column that is renamed at a provider which leaves out what is empty clears nothing: the feed waits for a person."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import call_command

from policies.models import FieldRule, Sync
from syncapp.doubles.airtable import Airtable
from syncapp.doubles.airtable_values import Field
from syncapp.models import Account, Feed, Run
from syncapp.observe import work_inbox
from syncapp.poll import poll
from syncapp.receive import look_later
from syncapp.secrets import encrypt
from tests.carry.driving import Side, at_rest, work_until
from tests.clerk.making import silent

pytestmark = pytest.mark.django_db(transaction=True)
TABLE = "Contacts"
MAPPING = {"email": "fields.Email", "first_name": "fields.Name", "phone": "fields.Phone"}
MAPPING |= {"street": "fields.Street", "city": "fields.City"}
KEPT = ("token", "client_secret", "webhook")


@pytest.fixture
def table(sync: Sync, sides: dict[str, Side]) -> Iterator[Airtable]:
    """The CRM of the sync is a table of Airtable, with three people in it."""
    double = Airtable()
    for number, name in enumerate(("Street", "City")):
        double.fields[TABLE][name] = Field(f"fld{number}", "singleLineText", [])
    with double.serve() as running:
        known = double.config(running.url)
        config = {name: known[name] for name in ("server", "login", "base", "table")}
        secrets = {name: text for name, text in double.secrets().items() if name in KEPT}
        Account.objects.filter(slug="crm").update(
            provider="airtable", config={**config, "sign_in": "token"}, secrets=encrypt(secrets), allow_private=True
        )
        FieldRule.objects.filter(unit="first_name").update(clear=["crm"])
        Feed.objects.filter(role__name="crm").update(object="records", mapping=MAPPING)
        for one in ("ann", "bob", "cyd"):
            double.shelf.add(TABLE, {"Name": one, "Email": f"{one}@example.org"}, f"rec{one}")
        call_command("sync", "contacts", stdout=StringIO())
        assert sorted(names(sides)) == ["ann", "bob", "cyd"]
        yield double


def pass_over() -> Run:
    run = poll(Feed.objects.get(role__name="crm").pk, full=True, at_once=True, ring_feeds=silent)
    assert run is not None
    return run


def rename(double: Airtable, old: str, new: str) -> None:
    columns = double.fields[TABLE]
    double.fields[TABLE] = {(new if name == old else name): column for name, column in columns.items()}
    for id in double.ids(TABLE):
        double.shelf.change(TABLE, id, lambda cells: {(new if name == old else name): v for name, v in cells.items()})


def names(sides: dict[str, Side]) -> list[str | None]:
    return [row["fields"].get("name_first") for row in sides["billing"].rows().values()]


def test_a_renamed_column_stops_the_feed_and_clears_nothing(table: Airtable, sides: dict[str, Side]) -> None:
    rename(table, "Name", "Full name")
    run = pass_over()
    assert run.state == "failed"
    assert "there is no column Name any more, to which the field first_name is mapped" in run.error
    assert "Full name" in run.error, "it says which columns there are"
    assert "no column Name" in Account.objects.get(slug="crm").last_error
    work_until(at_rest, "rest")
    assert sorted(map(str, names(sides))) == ["ann", "bob", "cyd"]


def test_a_single_record_that_is_looked_at_clears_nothing_either(table: Airtable, sides: dict[str, Side]) -> None:
    rename(table, "Name", "Full name")
    look_later(Feed.objects.select_related("account", "role__sync").get(role__name="crm"), ["recann"], 0.0)
    work_inbox()
    assert "no column Name" in Account.objects.get(slug="crm").last_error
    assert sorted(map(str, names(sides))) == ["ann", "bob", "cyd"]


def test_it_goes_on_once_the_column_is_there_again(table: Airtable, sides: dict[str, Side]) -> None:
    rename(table, "Name", "Full name")
    pass_over()
    rename(table, "Full name", "Name")
    table.shelf.change(TABLE, "recann", lambda cells: {**cells, "Name": "Anna"})
    assert pass_over().state == "done"
    work_until(lambda: "Anna" in names(sides), "the edit")


def test_what_a_person_empties_everywhere_is_emptied(table: Airtable, sides: dict[str, Side]) -> None:
    for id in table.ids(TABLE):
        table.shelf.change(TABLE, id, lambda cells: {name: v for name, v in cells.items() if name != "Name"})
    assert pass_over().state == "done"
    work_until(lambda: not any(names(sides)), "the clears")
