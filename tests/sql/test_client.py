"""The same promises in three databases: pages, looks, conditional writes, what comes of each row of a batch."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from syncapp.connectors.errors import ConnectorError, Gone, LooksOnly, Misconfigured, Rejected, Stale
from syncapp.connectors.many import Change, New
from syncapp.connectors.records import Written
from syncapp.connectors.sql.client import SqlClient
from tests.sql.conftest import House

CUSTOMERS = """
CREATE TABLE customers (
    id COUNTED, email varchar(120) NOT NULL UNIQUE, name varchar(20), credit numeric(10, 2), vip boolean,
    born date, updated_at MOMENT DEFAULT NOW, created_at MOMENT DEFAULT NOW, CHECK (credit >= 0)
)
"""


@pytest.fixture
def client(house: House) -> SqlClient:
    house.make(CUSTOMERS)
    return house.client(zone="UTC", updated_at="updated_at", created_at="created_at")


def fill(house: House, number: int, stamp: str = "") -> None:
    for one in range(number):
        house.run(f"INSERT INTO customers (email, name) VALUES ('p{one:03d}@example.com', 'Person {one}')")  # noqa: S608
    if stamp:
        house.run(f"UPDATE customers SET updated_at = '{stamp}'")  # noqa: S608


def all_ids(client: SqlClient, **asked: Any) -> list[str]:
    return [item.id for page in client.pages("customers", **asked) for item in page.items]


def test_pages_show_every_row_once_in_order_and_go_on_from_any_cursor(house: House, client: SqlClient) -> None:
    fill(house, 7)
    pages = list(client.pages("customers", size=3))
    assert [len(page.items) for page in pages] == [3, 3, 1]
    assert [page.last for page in pages] == [False, False, True] and pages[-1].cursor is None
    assert [item.body["name"] for page in pages for item in page.items] == [f"Person {n}" for n in range(7)]
    assert all_ids(client, size=3, cursor=pages[0].cursor) == [item.id for page in pages[1:] for item in page.items]
    assert pages[0].server_date is not None and abs(pages[0].server_date.timestamp() - pages[0].asked_at) < 30


def test_a_delta_with_equal_times_and_tiny_pages_loses_nothing(house: House, client: SqlClient) -> None:
    fill(house, 9, "2026-03-01 10:00:00")
    stamp = next(iter(client.pages("customers"))).items[0].updated_at
    assert stamp is not None
    assert len(set(all_ids(client, since=stamp, size=2))) == 9
    assert all_ids(client, since=stamp + timedelta(hours=1)) == []
    house.run("UPDATE customers SET name = 'Later', updated_at = '2026-03-01 12:00:00' WHERE name = 'Person 4'")
    found = [
        item.body["name"] for page in client.pages("customers", since=stamp + timedelta(hours=1)) for item in page.items
    ]
    assert found == ["Later"]


def test_rows_that_were_never_updated_are_dated_by_their_creation(house: House, client: SqlClient) -> None:
    fill(house, 2)
    house.run("UPDATE customers SET updated_at = NULL, created_at = '2026-03-01 10:00:00' WHERE name = 'Person 0'")
    house.run("UPDATE customers SET updated_at = NULL, created_at = '2026-05-01 10:00:00' WHERE name = 'Person 1'")
    by_name = {item.body["name"]: item for page in client.pages("customers") for item in page.items}
    older = by_name["Person 0"].updated_at
    assert older is not None and older.isoformat() == "2026-03-01T10:00:00+00:00"
    assert all_ids(client, since=older + timedelta(days=1)) == [by_name["Person 1"].id]
    plain = house.client(zone="UTC", updated_at="updated_at", created_at="")
    # Nothing tells when they came: they are in every delta, whatever its beginning.
    assert len(all_ids(plain, since=older + timedelta(days=1), size=1)) == 2


def test_values_come_as_the_hub_reads_them(house: House, client: SqlClient) -> None:
    receipt = client.create(
        "customers",
        {"email": "a@example.com", "credit": "12.345", "vip": True, "born": "1990-02-03"},
        key="k",
    )
    assert receipt.item is not None
    body = receipt.item.body
    assert (body["email"], body["credit"], body["vip"], body["born"], body["name"]) == (
        "a@example.com", "12.34", True, "1990-02-03", None,
    )  # fmt: skip
    assert body["updated_at"].endswith("Z") and receipt.item.updated_at is not None
    assert client.read("customers", receipt.id).body == body


def test_a_conditional_write_meets_another_version(house: House, client: SqlClient) -> None:
    fill(house, 1)
    [seen] = [item for page in client.pages("customers") for item in page.items]
    house.run("UPDATE customers SET name = 'A person' WHERE name = 'Person 0'")
    with pytest.raises(Stale) as caught:
        client.update("customers", seen.id, {"name": "The hub"}, version=seen.version, key="k")
    assert caught.value.current is not None and caught.value.current.body["name"] == "A person"
    receipt = client.update("customers", seen.id, {"name": "The hub"}, version=caught.value.current.version, key="k")
    assert receipt.item is not None and receipt.item.body["name"] == "The hub"
    assert receipt.version == client.read("customers", seen.id).version != seen.version


def test_what_is_not_there_is_gone(client: SqlClient) -> None:
    for id in ("999", "no number", "9" * 40, ""):
        with pytest.raises(Gone):
            client.read("customers", id)
        with pytest.raises(Gone):
            client.update("customers", id, {"name": "x"}, version=None, key="k")
    with pytest.raises(Gone):
        client.delete("customers", "999", key="k")
    assert client.read_many("customers", ["1", "x"]) == {}


def test_a_look_up_finds_text_whatever_its_case(house: House, client: SqlClient) -> None:
    house.run("INSERT INTO customers (email, name) VALUES ('Ann@Example.com', 'Ann')")
    assert [item.body["name"] for item in client.find("customers", "email", "ann@example.com")] == ["Ann"]
    assert client.find("customers", "email", "bob@example.com") == []
    assert client.find("customers", "id", "no number") == []
    assert len(client.many.find("customers", {"email": ["ann@example.com", "x"], "name": ["Ann"]})) == 1
    with pytest.raises(Misconfigured, match="cannot be looked up by 'phone'"):
        client.find("customers", "phone", "1")


def test_in_a_batch_only_the_bad_row_fails_and_its_column_is_named(house: House, client: SqlClient) -> None:
    fill(house, 1)
    good, bad = {"email": "new@example.com", "name": "New"}, {"email": "p000@example.com", "name": "Twice"}
    other, wrong = {"email": "x@example.com", "name": "X"}, {"email": None, "name": "Nobody"}
    made = client.many.create("customers", [New(one, f"k{n}") for n, one in enumerate((good, bad, other, wrong))])
    assert [type(one) for one in made] == [Written, Rejected, Written, Rejected]
    assert [set(one.fields) for one in made if isinstance(one, Rejected)] == [{"email"}, {"email"}]
    assert [row[0] for row in house.run("SELECT name FROM customers ORDER BY id")] == ["Person 0", "New", "X"]
    ids = [one.id for one in made if isinstance(one, Written)]
    assert [client.read("customers", id).body["name"] for id in ids] == ["New", "X"]


def test_a_batch_of_changes_tells_each_rows_fate(house: House, client: SqlClient) -> None:
    fill(house, 4)
    items = [item for page in client.pages("customers") for item in page.items]
    house.run("UPDATE customers SET name = 'moved' WHERE name = 'Person 1'")
    house.run("DELETE FROM customers WHERE name = 'Person 2'")
    entries: list[dict[str, Any]] = [{"name": "ok"}, {"name": "ok"}, {"name": "ok"}, {"credit": "-1"}]
    changes = [Change(item.id, entry, item.version, f"k{item.id}") for item, entry in zip(items, entries, strict=True)]
    results = client.many.update("customers", changes)
    assert [type(one) for one in results] == [Written, Stale, Gone, Rejected]
    refused = results[3]
    assert isinstance(refused, Rejected) and set(refused.fields) == {"credit"}
    names = [row[0] for row in house.run("SELECT name FROM customers ORDER BY id")]
    assert names == ["ok", "moved", "Person 3"]


def test_too_long_a_text_is_refused_by_name_and_never_cut(house: House, client: SqlClient) -> None:
    fill(house, 1)
    [seen] = [item for page in client.pages("customers") for item in page.items]
    if house.dialect == "sqlite":  # it enforces no lengths, and keeps all of it
        receipt = client.update("customers", seen.id, {"name": "x" * 21}, version=None, key="k")
        assert receipt.item is not None and receipt.item.body["name"] == "x" * 21
        return
    with pytest.raises(Rejected) as caught:
        client.update("customers", seen.id, {"name": "x" * 21, "vip": True}, version=None, key="k")
    assert set(caught.value.fields) == {"name"} and "too long" in str(caught.value)
    assert client.read("customers", seen.id).body["name"] == "Person 0"


def test_a_row_is_removed(house: House, client: SqlClient) -> None:
    fill(house, 2)
    first, second = all_ids(client)
    client.delete("customers", first, key="k")
    with pytest.raises(Gone):
        client.delete("customers", first, key="k")
    with pytest.raises(Stale):
        client.delete("customers", second, version="another", key="k")
    assert all_ids(client) == [second]


def test_a_client_that_only_looks_sends_no_write(house: House, client: SqlClient) -> None:
    looking = SqlClient(client.manifest, client.tables, client.place, looks_only=True)
    with pytest.raises(LooksOnly):
        looking.create("customers", {"email": "a@example.com"}, key="k")
    assert house.run("SELECT count(*) FROM customers")[0][0] == 0

    def halted() -> None:
        raise ConnectorError("stopped by a person")

    held = SqlClient(client.manifest, client.tables, client.place, before_write=halted)
    with pytest.raises(ConnectorError, match="stopped by a person"):
        held.create("customers", {"email": "a@example.com"}, key="k")
    assert house.run("SELECT count(*) FROM customers")[0][0] == 0


def test_the_check_says_who_we_are_and_which_tables_answer(house: House, client: SqlClient) -> None:
    found = client.check()
    assert found.ok and found.objects == {"customers": "ok"} and abs(found.skew or 0) < 30
    assert (found.actor is None) == (house.dialect == "sqlite")
    house.run("DROP TABLE customers")
    found = client.check()
    assert found.authenticated and not found.ok and "not as it was chosen" in found.objects["customers"]
