"""The ledger keeps what was written, whoever asks."""

from __future__ import annotations

import uuid

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from policies.models import Sync
from syncapp.models import Ledger
from tests.clerk.making import make_sync

pytestmark = pytest.mark.django_db


@pytest.fixture
def line() -> Ledger:
    made = make_line(make_sync())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else TRUNCATE fails because of this transaction's own inserts
        cursor.execute("ALTER TABLE syncapp_ledger ENABLE TRIGGER ledger_keeps_whole")  # as the migration left it
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
