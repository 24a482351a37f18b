"""Keys of several columns, marks of deletion, counted versions, our own ids, zones, odd types, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from syncapp.connectors import registry
from syncapp.connectors.errors import (
    EgressDenied,
    Gone,
    Misconfigured,
    Rejected,
    Retryable,
    Stale,
    Unauthorised,
    Unknown,
)
from syncapp.connectors.many import New
from syncapp.connectors.records import Written
from syncapp.connectors.sql.describe import describe
from syncapp.connectors.sql.place import place_of
from tests.sql.conftest import DATABASE, ROLE, House


def items(client: Any, slug: str, **asked: Any) -> list[Any]:
    return [item for page in client.pages(slug, **asked) for item in page.items]


def test_a_key_of_two_columns_is_one_id(house: House) -> None:
    house.make("CREATE TABLE orders (land varchar(2), number int, total numeric(8, 2), PRIMARY KEY (land, number))")
    house.run("INSERT INTO orders VALUES ('DE', 1, 5), ('DE', 2, 6), ('AT', 1, 7)")
    client = house.client("orders")
    ids = [item.id for item in items(client, "orders", size=1)]
    assert ids == ['["AT","1"]', '["DE","1"]', '["DE","2"]']
    assert set(client.read_many("orders", [*ids, "nonsense", '["DE"]'])) == set(ids)
    seen = client.read("orders", ids[1])
    assert client.update("orders", ids[1], {"total": "9"}, version=seen.version, key="k").id == ids[1]
    with pytest.raises(Rejected, match="never changed"):
        client.update("orders", ids[1], {"number": 5}, version=None, key="k")
    made = client.create("orders", {"land": "FR", "number": 3, "total": "1"}, key="k")
    assert made.id == '["FR","3"]'


def test_a_row_that_is_marked_as_deleted_is_a_tombstone(house: House) -> None:
    house.make("CREATE TABLE people (id COUNTED, email varchar(60), gone boolean)")
    house.run("INSERT INTO people (email) VALUES ('a@example.org'), ('b@example.org')")
    client = house.client("people", deleted="gone")
    first = items(client, "people")[0]
    client.delete("people", first.id, version=first.version, key="k")
    assert [item.deleted for item in items(client, "people")] == [True, False]
    with pytest.raises(Gone) as caught:
        client.read("people", first.id)
    assert caught.value.item is not None and client.find("people", "email", "a@example.org") == []
    with pytest.raises(Gone):
        client.update("people", first.id, {"email": "c@example.org"}, version=None, key="k")


def test_a_counted_version_is_counted_on(house: House) -> None:
    house.make("CREATE TABLE people (id COUNTED, email varchar(60), version int NOT NULL DEFAULT 1)")
    house.run("INSERT INTO people (email) VALUES ('a@example.org')")
    client = house.client("people", version="version")
    [seen] = items(client, "people")
    assert client.manifest.objects["people"].version.ordered and seen.version == "1"
    assert client.update("people", seen.id, {"email": "b@example.org"}, version="1", key="k").version == "2"
    with pytest.raises(Stale):
        client.update("people", seen.id, {"email": "c@example.org"}, version="1", key="k")


def test_a_create_that_was_interrupted_makes_no_second_row(house: House) -> None:
    house.make("CREATE TABLE people (id COUNTED, email varchar(60), hub_id varchar(60) UNIQUE)")
    client = house.client("people")
    first = client.create("people", {"email": "a@example.org"}, key="k", external_id="ours")
    again = client.many.create("people", [New({"email": "a@example.org"}, "other", "ours")])[0]
    assert isinstance(again, Written) and again.existed and again.id == first.id and not first.existed
    house.make("CREATE TABLE notes (id varchar(40) PRIMARY KEY, said varchar(60))")
    notes = house.client("notes")
    made = notes.create("notes", {"said": "x"}, key="k")  # the key is ours to give, from the push's own
    assert notes.create("notes", {"said": "x"}, key="k").existed and len(items(notes, "notes")) == 1
    assert len(made.id) == 36


def test_times_without_a_zone_need_one(house: House) -> None:
    kind = {"postgresql": "timestamp(0)", "mysql": "datetime", "sqlite": "datetime"}[house.dialect]
    house.make(f"CREATE TABLE visits (id COUNTED, at {kind} NOT NULL)")
    house.run("INSERT INTO visits (at) VALUES ('2026-07-01 12:00:00')")
    with pytest.raises(Misconfigured, match=r"have no zone.*zone: UTC"):
        house.client("visits", updated_at="at")
    assert items(house.client("visits"), "visits")[0].body["at"] == "2026-07-01T12:00:00"
    client = house.client("visits", updated_at="at", zone="Europe/Berlin", overlap=0)
    [seen] = items(client, "visits")
    assert seen.body["at"] == "2026-07-01T10:00:00Z"
    assert len(items(client, "visits", since=datetime(2026, 7, 1, 10, tzinfo=UTC))) == 1
    assert items(client, "visits", since=datetime(2026, 7, 1, 10, 0, 1, tzinfo=UTC)) == []
    receipt = client.create("visits", {"at": "2026-12-01T11:00:00.900Z"}, key="k")
    assert receipt.item is not None and receipt.item.body["at"].startswith("2026-12-01T11:00:00")
    assert house.run("SELECT count(*) FROM visits WHERE at >= '2026-12-01 12:00:01'")[0][0] == 0, "cut, not rounded"


def test_times_that_come_twice_when_clocks_are_set_back_are_not_missed(house: House) -> None:
    kind = {"postgresql": "timestamp", "mysql": "datetime", "sqlite": "datetime"}[house.dialect]
    house.make(f"CREATE TABLE visits (id COUNTED, at {kind} NOT NULL)")
    # 02:10 for the second time that night, which is later than the first 02:50 that was seen before.
    house.run("INSERT INTO visits (at) VALUES ('2026-10-25 02:10:00')")
    client = house.client("visits", updated_at="at", zone="Europe/Berlin", overlap=0)
    assert len(items(client, "visits", since=datetime(2026, 10, 25, 0, 50, tzinfo=UTC))) == 1


def test_postgresqls_own_types(postgres: House) -> None:
    postgres.run("CREATE TYPE mood AS ENUM ('good', 'bad')")
    postgres.run(
        "CREATE TABLE things (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), mood mood, tags text[], facts jsonb,"
        " at timestamptz, day date, picture bytea, code char(5), big bigint,"
        " twice int GENERATED ALWAYS AS (1 + 1) STORED)"
    )
    client = postgres.client("things", updated_at="at")
    body = {"mood": "good", "tags": ["a", 'b "c"'], "facts": {"x": [1, None]}, "at": "2026-01-01T00:00:00Z",
            "day": "2026-02-03", "code": "ab", "big": 9007199254740993}  # fmt: skip
    made = client.create("things", body, key="k")
    assert made.item is not None
    assert {name: made.item.body[name] for name in body} == {**body, "code": "ab   "}
    assert "picture" not in made.item.body and not client.manifest.objects["things"].fields["twice"].writable
    assert [item.id for item in client.find("things", "mood", "good")] == [made.id]
    with pytest.raises(Rejected) as caught:
        client.update("things", made.id, {"mood": "sad"}, version=None, key="k")
    assert set(caught.value.fields) == {"mood"} and "invalid input value for enum" in str(caught.value)
    postgres.run("UPDATE things SET at = 'infinity'")  # no driver reads it; only this field is refused
    [seen] = items(client, "things")
    assert (seen.body["at"], seen.updated_at, seen.body["mood"]) == ("infinity", None, "good")


def test_what_there_is_to_choose_from(postgres: House) -> None:
    postgres.run("CREATE TABLE a (id int PRIMARY KEY, email text UNIQUE NOT NULL, updated_at timestamp, raw bytea, deleted_at timestamptz)")  # fmt: skip  # noqa: E501
    postgres.run("CREATE VIEW b AS SELECT id FROM a")
    found = {one.name: one for one in describe(postgres.place)}
    assert set(found) == {"a", "b"} and found["b"].view and not found["a"].view
    one = found["a"]
    assert one.key == ("id",) and one.keys == (("id",), ("email",)) and one.updated_at[0] == "updated_at"
    assert one.deleted == ("deleted_at",) and one.suggested["version"] == "xmin" and "updated_at" not in one.suggested
    said = " ".join(one.notes)
    assert "have no zone" in said and "may be empty" in said and "'raw' cannot be a field" in said
    assert any("never written" in note for note in found["b"].notes)
    assert any("no key" in note for note in found["b"].notes)
    with pytest.raises(Misconfigured, match="a row has to be named"):
        postgres.client("b")


def test_a_missing_grant_is_named(postgres: House) -> None:
    postgres.run("CREATE TABLE people (id int PRIMARY KEY, name text)")
    postgres.run(f"REVOKE INSERT, SELECT ON people FROM {ROLE}")  # noqa: S608
    with pytest.raises(Unauthorised, match=r"permission denied.*GRANT SELECT"):
        items(postgres.client("people"), "people")
    postgres.run(f"GRANT SELECT ON people TO {ROLE}")
    with pytest.raises(Unauthorised, match=rf"permission denied.*GRANT INSERT ON public.people TO {ROLE}"):
        postgres.client("people").create("people", {"id": 1, "name": "x"}, key="k")


def test_locks_wrong_passwords_and_lost_connections(postgres: House, monkeypatch: pytest.MonkeyPatch) -> None:
    postgres.run("CREATE TABLE people (id int PRIMARY KEY, name text)")
    postgres.run("INSERT INTO people VALUES (1, 'x')")
    client = postgres.client("people")
    login = {"host": postgres.config["host"], "dbname": DATABASE, "user": ROLE, "password": "pass-word"}
    login |= {"port": postgres.config["port"]} if "port" in postgres.config else {}
    with psycopg.connect(**login) as other:
        other.execute("UPDATE people SET name = 'held'")
        with pytest.raises(Retryable, match="lock timeout"):
            client.update("people", "1", {"name": "y"}, version=None, key="k")
    from syncapp.connectors.sql.session import Session

    plain = Session._commit

    def cut(self: Session, transaction: Any, asked: Any) -> None:
        postgres.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", ROLE)
        plain(self, transaction, asked)

    with monkeypatch.context() as patch:
        patch.setattr(Session, "_commit", cut)
        with pytest.raises(Unknown, match="during the commit"):
            client.update("people", "1", {"name": "z"}, version=None, key="k")
    assert client.read("people", "1").body["name"] in ("held", "x", "z")


def test_where_a_database_may_be(postgres: House, tmp_path: Any) -> None:
    manifest, config = registry.load("postgresql"), {"database": "d", "user": "u"}
    with pytest.raises(EgressDenied, match="allow private"):
        place_of(manifest, {**config, "host": "/run"}, {})
    near = place_of(manifest, {**config, "host": "127.0.0.1"}, {"password": "s3cret"})
    assert "s3cret" not in repr(near)
    with pytest.raises(EgressDenied, match="loopback"):
        describe(near)
    with pytest.raises(Misconfigured, match="tls: 'maybe'"):
        place_of(manifest, {**config, "host": "h", "tls": "maybe"}, {})
    files = registry.load("sqlite")
    (tmp_path / "out.sqlite").touch()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link.sqlite").symlink_to(tmp_path / "out.sqlite")
    with pytest.raises(EgressDenied, match="no folder that SQLite accounts may use"):
        place_of(files, {"path": str(tmp_path / "in" / "link.sqlite")}, {}, folders=(str(tmp_path / "in"),))
