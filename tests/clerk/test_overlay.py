"""The copy of a sync: the same code over temporary tables, and a connection that can write nothing else."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from psycopg import sql

from policies.models import Sync
from syncapp.clients import client_of
from syncapp.connectors.errors import LooksOnly
from syncapp.connectors.many import New
from syncapp.models import Account, Conflict, Feed, Ledger, Link, MatchKey, Push, Record, Tally
from syncapp.outbox import claim_pushes
from syncapp.overlay import FIRST_ID, in_overlay, overlaid
from syncapp.secrets import encrypt
from syncapp.steps import judge
from syncapp.store import PgStore
from tests.clerk.making import make_sync, seen, silent
from tests.ground.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
TABLES = (Account, Feed, Record, Link, MatchKey, Conflict, Push, Ledger, Tally)


@pytest.fixture
def sync(transactional_db: None) -> Sync:
    made = make_sync()
    show(made, "crm", "1", email="ada@example.org", phone="1")
    show(made, "billing", "1", email="ada@example.org", phone="1")
    return made


def show(sync: Sync, role: str, remote_id: str, **fields: str) -> None:
    store = PgStore(sync, ring_feeds=silent)
    judge(store, role, [seen(store, role, remote_id, **fields)])


def inside(sync: Sync, work: Callable[[], Any]) -> list[Any]:
    return next(said for said in in_overlay(sync, lambda tell: tell([work()])) if said is not None)


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of the hub, as it is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        names = [name for (name,) in cursor.fetchall()]
        out = {}
        for name in names:
            cursor.execute(sql.SQL("SELECT * FROM {} ORDER BY 1").format(sql.Identifier(name)))
            out[name] = cursor.fetchall()
    return out


def test_the_engine_works_on_the_copy_and_the_real_tables_stay_as_they_are(sync: Sync) -> None:
    before = everything()

    def work() -> tuple[Any, ...]:
        show(sync, "crm", "1", phone="2")
        show(sync, "crm", "2", email="bo@example.org")
        store = PgStore(sync, ring_feeds=silent)
        claimed = claim_pushes(Feed.objects.get(role__name="billing").pk, 10, store.now(), store.now() - store.now())
        newest = Ledger.objects.latest("id").pk
        return Record.objects.count(), Push.objects.filter(state="pending").count(), len(claimed), newest

    [(records, pushes, claimed, newest)] = inside(sync, work)
    assert (records, pushes, claimed) == (2, 2, 2)
    assert newest >= FIRST_ID, "ids of the copy are never those of real rows"
    assert everything() == before


def test_the_copy_decides_as_the_real_tables_do(sync: Sync) -> None:
    def work() -> tuple[Any, ...]:
        show(sync, "crm", "1", phone="2")
        show(sync, "billing", "1", phone="3")
        asked = Conflict.objects.get()
        return asked.kind, asked.unit, asked.reason, asked.candidates and [c["value"] for c in asked.candidates]

    [tried] = inside(sync, work)
    assert not Conflict.objects.exists()
    assert tried == work()


REFUSED: dict[str, Callable[[Sync], Any]] = {
    "a real row": lambda sync: execute("UPDATE public.syncapp_record SET title = 'x'"),
    "a real row deleted": lambda sync: execute("DELETE FROM public.syncapp_link"),
    "a lock on a real row": lambda sync: execute("SELECT id FROM public.policies_sync FOR KEY SHARE"),
    "a table the copy lacks": lambda sync: sync.fields.update(label="x"),
    "a real sequence": lambda sync: execute("SELECT nextval('public.syncapp_feed_id_seq')"),
    "a new table": lambda sync: execute("CREATE TABLE public.strange (id int)"),
    "a copy that is gone": lambda sync: after_a_reconnect(),
}


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def after_a_reconnect() -> None:
    """Without its temporary tables the very same code would reach the real ones."""
    connection.close()
    Record.objects.update(title="x")


@pytest.mark.parametrize("attempt", REFUSED, ids=str)
def test_a_write_that_misses_the_copy_is_refused_by_the_database(sync: Sync, attempt: str) -> None:
    before = everything()
    with pytest.raises(DatabaseError, match="read-only transaction"):
        inside(sync, lambda: REFUSED[attempt](sync))
    assert everything() == before


def test_a_client_in_a_copy_sends_no_write(sync: Sync) -> None:
    Account.objects.update(config={"server": "http://192.0.2.1"}, secrets=encrypt({"token": "t"}))
    calls: dict[str, Callable[[Any], Any]] = {
        "create": lambda client: client.create("contacts", {"email": "x@example.org"}, key="k"),
        "update": lambda client: client.update("contacts", "1", {"email": "x@example.org"}, version=None, key="k"),
        "delete": lambda client: client.delete("contacts", "1", key="k"),
        "create many": lambda client: client.many.create("contacts", [New({"email": "x@example.org"}, "k", None)]),
    }

    def work() -> list[str]:
        client, said = client_of(Account.objects.get(slug="crm")), []
        for name, call in calls.items():
            with pytest.raises(LooksOnly, match="nothing was sent"):
                call(client)
            said.append(name)
        return said

    assert inside(sync, work) == [["create", "update", "delete", "create many"]]
    assert not overlaid() and not client_of(Account.objects.get(slug="crm"))._caller.looks_only


def test_workers_wait_for_nothing_while_a_copy_is_in_use(sync: Sync) -> None:
    """A page of the copy is open, with everything it locks; a worker judges the same records meanwhile."""
    held, finish = threading.Event(), threading.Event()

    def work(tell: Callable[[Any], None]) -> None:
        store = PgStore(sync, ring_feeds=silent)
        sights = [seen(store, "crm", "1", phone="2"), seen(store, "crm", "9", email="new@example.org")]
        with store.page("crm", sights):
            held.set()
            assert finish.wait(30)

    found: list[Exception | None] = []

    def worker() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '200ms'")
                cursor.execute("SELECT id FROM policies_sync FOR UPDATE")
                cursor.execute("SELECT key FROM syncapp_record FOR UPDATE")
            show(sync, "crm", "9", email="new@example.org")  # the same advisory locks
            found.append(None)
        except DatabaseError as error:
            found.append(error)
        finally:
            connection.close()
            finish.set()

    def release() -> None:
        held.wait(30)
        worker()

    thread = threading.Thread(target=release)
    thread.start()
    list(in_overlay(sync, work))
    thread.join()
    assert found == [None]
    assert Record.objects.count() == 2


def test_only_the_sync_in_question_is_copied(sync: Sync) -> None:
    other = Sync.objects.create(slug="other", name="Other")
    Record.objects.create(key=uuid.uuid4(), sync=other, updated_at=Record.objects.get().updated_at)
    [copied] = inside(sync, lambda: list(Record.objects.values_list("sync__slug", flat=True)))
    assert copied == ["contacts"]


def test_a_fault_inside_comes_out_and_the_connection_goes(sync: Sync) -> None:
    with pytest.raises(ZeroDivisionError):
        inside(sync, lambda: 1 // 0)
    wait_until(lambda: copies() == 0, "the copy to go")


def test_leaving_early_ends_it(sync: Sync) -> None:
    def work(tell: Callable[[int], None]) -> None:
        number = 0
        while True:
            tell(number := number + 1)

    told = in_overlay(sync, work)
    assert next(told) == 1
    told.close()  # type: ignore[attr-defined]
    wait_until(lambda: copies() == 0, "the copy to go")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("overlay-")]


def copies() -> int:
    """Sessions of this database that hold a copy."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname = 'syncapp_record' AND relpersistence = 't'")
        return int(cursor.fetchone()[0])
