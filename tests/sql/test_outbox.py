"""A PostgreSQL table tells of its changes at once; late commits, crashes and dead connections lose nothing."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command

from policies.models import Sync
from syncapp.apply import apply, read
from syncapp.clients import THROTTLE
from syncapp.connectors.sql import outbox
from syncapp.connectors.sql.tables import Table
from syncapp.listening import Ear, listened, take
from syncapp.models import Account, Conflict, Delivery, Feed, Record
from syncapp.sandbox.server import SandboxServer
from syncapp.sandbox.settings import Settings
from tests.carry.driving import Side, work_until
from tests.sql.conftest import DATABASE, ROLE, House

pytestmark = pytest.mark.django_db(transaction=True)
CUSTOMERS = """
CREATE TABLE customers (
    id COUNTED, hub_id varchar(64) UNIQUE, email varchar(120) NOT NULL, name varchar(20), credit numeric(10, 2),
    vip boolean, updated_at MOMENT DEFAULT NOW, created_at MOMENT DEFAULT NOW
)
"""


@pytest.fixture
def crm(tmp_path: Path, redis_client: object) -> Iterator[Side]:
    THROTTLE.forget()
    server = SandboxServer(Settings("crm", tmp_path / "crm.sqlite", token="t0ken")).start()
    yield Side("crm", server)
    server.stop()


@pytest.fixture
def account(crm: Side, postgres: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Account:
    """The company's account, its table owned by the hub's role so that it may install the triggers."""
    postgres.make(CUSTOMERS)
    postgres.run(f"ALTER TABLE customers OWNER TO {ROLE}")
    monkeypatch.setenv("T", "t0ken")
    monkeypatch.setenv("P", "pass-word")
    text = Path(__file__).with_name("people.yaml").read_text()
    given = {"CRM": crm.url, "PROVIDER": "postgresql", "CONFIG": json.dumps(postgres.config),
             "SECRETS": "{password: {env: P}}"}  # fmt: skip
    for word, meant in given.items():
        text = text.replace(word, meant)
    (tmp_path / "people.yaml").write_text(text)
    apply(read(tmp_path / "people.yaml"))
    return Account.objects.get(slug="company")


@pytest.fixture
def installed(account: Account) -> Account:
    call_command("outbox", "company", "customers", "--install", stdout=StringIO())
    account.refresh_from_db()
    return account


@pytest.fixture
def ear(installed: Account) -> Iterator[Ear]:
    made = Ear("company")
    made.start()
    yield made
    made.stop()
    with psycopg.connect(**_parts(installed), autocommit=True) as other:
        other.execute("SELECT pg_notify('concord_outbox', '')")  # so that it need not wait
    made.join(15)
    assert not made.is_alive()


def _parts(account: Account) -> dict[str, Any]:
    parts = {"host": account.config["host"], "dbname": DATABASE, "user": ROLE, "password": "pass-word"}
    return parts | ({"port": account.config["port"]} if "port" in account.config else {})


def says(*words: str) -> str:
    said = StringIO()
    call_command("outbox", "company", "customers", *words, stdout=said)
    return said.getvalue()


def test_the_sql_is_shown_first_and_removed_without_a_trace(account: Account, postgres: House) -> None:
    shown = says("--preview")
    assert "CREATE TRIGGER concord_outbox_rows AFTER INSERT OR UPDATE OR DELETE ON public.customers" in shown
    assert "SECURITY DEFINER" in shown and "DROP FUNCTION" in shown and "pass-word" not in shown
    assert says("--status") == "Not installed.\n"
    before = postgres.run("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")
    says("--install")
    says("--install")  # a second time changes nothing
    assert listened() == ["company"] and says("--status").startswith("Installed; 0 changes wait")
    postgres.run("INSERT INTO customers (email) VALUES ('a@example.org')")
    assert says("--status").startswith("Installed; 1 changes wait, the oldest of ")
    says("--uninstall")
    assert listened() == [] and says("--status") == "Not installed.\n"
    assert postgres.run("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == before
    assert postgres.run("SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace") == [(0,)]


def test_what_a_person_ran_by_hand_is_believed_only_if_it_is_there(account: Account, postgres: House) -> None:
    postgres.run("ALTER TABLE customers OWNER TO CURRENT_USER")
    postgres.run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON customers TO {ROLE}")
    postgres.run(f"REVOKE CREATE ON SCHEMA public FROM {ROLE}")
    with pytest.raises(CommandError, match=r"permission denied.*GRANT"):
        says("--install")
    with pytest.raises(CommandError, match="run what --preview prints"):
        says("--installed")
    shown = says("--preview").split("-- To remove")[0]
    postgres.run(shown.replace("-- To install:", ""))
    says("--installed")
    account.refresh_from_db()
    postgres.run("INSERT INTO customers (email) VALUES ('a@example.org')")
    assert take(account) == 1 and Delivery.objects.count() == 1


def test_a_note_says_who_and_names_both_keys_of_a_row_that_changed_its_own(installed: Account, postgres: House) -> None:
    place, [table] = _where(installed)
    postgres.run("INSERT INTO customers (id, email) VALUES (7, 'a@example.org')")
    postgres.run("UPDATE customers SET id = 8")
    postgres.run("DELETE FROM customers")
    with outbox.claimed(place, [table]) as notes:
        assert [(note.id, note.operation) for note in notes] == [
            ("7", "INSERT"), ("8", "UPDATE"), ("7", "UPDATE"), ("8", "DELETE"),
        ]  # fmt: skip
        assert {note.who for note in notes} == {postgres.run("SELECT session_user")[0][0]}
        assert abs(notes[0].at - datetime.now(UTC)) < timedelta(seconds=60)
    with outbox.claimed(place, [table]) as notes:
        assert notes == []


def _where(account: Account) -> tuple[Any, list[Table]]:
    from syncapp.listening import where

    return where(account)


def test_a_transaction_that_commits_late_is_not_lost(installed: Account, postgres: House) -> None:
    with psycopg.connect(**_parts(installed)) as slow:
        slow.execute("INSERT INTO customers (id, email) VALUES (1, 'slow@example.org')")
        postgres.run("INSERT INTO customers (id, email) VALUES (2, 'quick@example.org')")
        assert take(installed) == 1
        slow.commit()
    assert take(installed) == 1
    told = {event["record"] for row in Delivery.objects.all() for event in row.events}
    assert told == {"1", "2"}


def test_what_the_hub_could_not_keep_stays_in_the_box(
    installed: Account, postgres: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres.run("INSERT INTO customers (email) VALUES ('a@example.org')")

    class Died(Exception):
        pass

    def dies(*told: object, **more: object) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr("syncapp.listening.look_later", dies)
        with pytest.raises(Died):
            take(installed)
    assert says("--status").startswith("Installed; 1 changes wait")
    assert take(installed) == 1 and says("--status").startswith("Installed; 0 changes wait")


def test_a_feed_in_preview_needs_no_hints(installed: Account, postgres: House) -> None:
    Feed.objects.update(stage="preview", stage_reason="new")
    postgres.run("INSERT INTO customers (email) VALUES ('a@example.org')")
    assert take(installed) == 1 and not Delivery.objects.exists()


def test_an_edit_in_the_database_arrives_at_once_and_the_hubs_own_write_is_known(
    ear: Ear, crm: Side, postgres: House
) -> None:
    ident = crm.create(email="p@example.org", firstname="P")
    call_command("sync", "people", stdout=StringIO())
    work_until(lambda: not _waiting(), "the hub's own write to be looked at later")
    own = Delivery.objects.get(account__slug="company")
    assert own.next_try > own.received_at + timedelta(seconds=2) and own.events[0]["by"] == ROLE
    began = time.monotonic()
    postgres.run("UPDATE customers SET name = 'Ada'")  # its updated_at stays: no delta would show it
    work_until(lambda: crm.rows()[ident]["fields"]["firstname"] == "Ada", "the edit to arrive")
    assert time.monotonic() - began < 5
    postgres.run("DELETE FROM customers")
    work_until(lambda: Conflict.objects.filter(state="open").exists(), "the question about the delete")
    assert Conflict.objects.get(state="open").kind == "delete" and Record.objects.count() == 1


def _waiting() -> list[tuple[Any, ...]]:
    return [] if Delivery.objects.filter(account__slug="company").exists() else [("nothing came yet",)]


def test_a_listener_whose_connection_was_cut_listens_again_and_misses_nothing(
    ear: Ear, crm: Side, postgres: House
) -> None:
    ident = crm.create(email="p@example.org", firstname="P")
    call_command("sync", "people", stdout=StringIO())
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"
    deadline = time.monotonic() + 10
    while not postgres.run(f"{cut} AND query LIKE 'LISTEN%%'", ROLE) and time.monotonic() < deadline:
        time.sleep(0.05)
    postgres.run("UPDATE customers SET name = 'meanwhile'")
    work_until(lambda: crm.rows()[ident]["fields"]["firstname"] == "meanwhile", "the edit to arrive")


def test_an_emptied_table_is_listed_as_a_whole(installed: Account, crm: Side, postgres: House) -> None:
    crm.create(email="p@example.org", firstname="P")
    call_command("sync", "people", stdout=StringIO())
    take(installed)
    assert "full_at" in Feed.objects.get(account=installed).cursor
    postgres.run("TRUNCATE customers")
    assert take(installed) == 1
    assert "full_at" not in Feed.objects.get(account=installed).cursor
    with pytest.raises(CommandError, match="shows no records at all, but 1 are known"):  # and a person is asked
        call_command("sync", "people", stdout=StringIO())
    assert len(crm.rows()) == 1


def test_the_schedule_hears_an_outbox(installed: Account, postgres: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from syncapp import listening

    monkeypatch.setattr(listening, "TEND_EVERY", 0.05)
    stopping = threading.Event()
    schedule = threading.Thread(target=listening.listen_for_ever, args=[stopping])
    schedule.start()
    postgres.run("INSERT INTO customers (email) VALUES ('a@example.org')")
    deadline = time.monotonic() + 10
    while not Delivery.objects.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    stopping.set()
    schedule.join(5)
    Account.objects.filter(slug="company").update(paused="for the test")
    ears = [thread for thread in threading.enumerate() if isinstance(thread, Ear)]
    postgres.run("SELECT pg_notify('concord_outbox', '')")
    for one in ears:
        one.join(15)
    assert Delivery.objects.exists() and listened() == [] and Sync.objects.exists()
