"""The ledger keeps what was written, whoever asks."""

from __future__ import annotations

import uuid
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from policies.models import Sync
from syncapp.models import Ledger, Record
from syncapp.replay import replay
from syncapp.steps import judge
from syncapp.store import PgStore
from tests.clerk.making import make_sync, seen, silent

pytestmark = pytest.mark.django_db


@pytest.fixture
def line() -> Ledger:
    made = make_line(make_sync())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else TRUNCATE fails because of this transaction's own inserts
    return made


def make_line(sync: Sync) -> Ledger:
    now = timezone.now()
    return Ledger.objects.create(
        sync=sync, record=uuid.uuid4(), correlation=uuid.uuid4(), line=0, verdict="adopt", policy=1, recorded_at=now
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE syncapp_ledger SET verdict = 'echo'",
        "DELETE FROM syncapp_ledger",
        "TRUNCATE syncapp_ledger",
        "DELETE FROM syncapp_ledger WHERE false",
    ],
)
def test_it_refuses_change(line: Ledger, statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match=r"append-only.*write a new line"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    line.refresh_from_db()
    assert line.verdict == "adopt"


def test_it_takes_new_lines(line: Ledger) -> None:
    make_line(line.sync)
    assert Ledger.objects.count() == 2


class TestReplay:
    @pytest.fixture
    def sync(self) -> Sync:
        sync = make_sync()
        store = PgStore(sync, ring_feeds=silent)
        steps: list[tuple[str, str, dict[str, str]]] = [
            ("crm", "1", {"email": "a@example.org", "first_name": "Ann", "phone": "1", "version": "1"}),
            ("billing", "c", {"email": "a@example.org", "first_name": "Ann", "phone": "1", "version": "1"}),
            ("billing", "c", {"email": "a@example.org", "first_name": "Anna", "phone": "2", "version": "2"}),
            ("crm", "1", {"email": "a@example.org", "first_name": "Anne", "phone": "3", "version": "2"}),
            ("crm", "1", {"email": "not an address", "first_name": "Anne", "phone": "4", "version": "3"}),
            ("crm", "2", {"email": "b@example.org", "first_name": "Bo", "street": "Elm 1", "version": "1"}),
        ]
        for role, remote, fields in steps:
            judge(store, role, [seen(store, role, remote, **fields)])
        return sync

    def test_the_ledger_gives_what_is_stored(self, sync: Sync) -> None:
        found = replay(sync)
        assert found.differences == []
        assert (found.records, found.lines) == (2, Ledger.objects.count())
        assert found.rejudged >= 8
        assert found.other_policy == 0
        call_command("replay", "contacts", stdout=StringIO())

    def test_a_belief_that_no_line_gave_is_found(self, sync: Sync) -> None:
        record = Record.objects.get(title__startswith="Bo")
        record.beliefs["first_name"]["value"]["first_name"] = "Bob"
        record.save()
        with pytest.raises(SystemExit):
            call_command("replay", "contacts", stdout=StringIO())
        assert replay(sync).differences == [f"record {record.key}: beliefs of first_name is not what its ledger says"]

    def test_a_verdict_that_would_not_be_given_again_is_found(self, sync: Sync) -> None:
        line = Ledger.objects.filter(verdict="adopt", unit="first_name").last()
        assert line is not None
        line.pk, line.correlation, line.changes, line.verdict = None, uuid.uuid4(), None, "echo"
        line.save(force_insert=True)
        assert replay(sync).differences == [
            f"line {line.pk} (crm, first_name): recorded echo, judged again adopt by row 9a"
        ]

    def test_an_unknown_sync_is_told(self) -> None:
        with pytest.raises(CommandError, match="no sync 'x'; accepted: none yet"):
            call_command("replay", "x")
