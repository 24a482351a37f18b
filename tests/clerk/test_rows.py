"""Many rows at once: what a column refuses comes as Django's own error, and a ledger line keeps what it is about."""

from __future__ import annotations

import uuid

import pytest
from django.db import DatabaseError, transaction

from policies.models import Sync
from syncapp.models import Ledger, MatchKey
from syncapp.replay import replay
from syncapp.rows import add, put
from syncapp.steps import judge
from syncapp.store import PgStore
from tests.clerk.making import make_sync, seen, silent

pytestmark = pytest.mark.django_db
KEY = (("record_id", "uuid"), ("name", "text"), ("sync_id", "bigint"), ("digest", "text"))


@pytest.fixture
def sync() -> Sync:
    return make_sync()


def test_a_copy_that_is_refused_raises_what_the_rest_of_django_raises(sync: Sync) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        add(
            "syncapp_tally", ["account_id", "reason", "number", "last_at", "last_said"], [(1, "x", "no number", "", "")]
        )


def test_put_makes_a_row_and_then_changes_it(sync: Sync) -> None:
    store = PgStore(sync, ring_feeds=silent)
    judge(store, "crm", [seen(store, "crm", "1", email="ann@example.org")])
    found = MatchKey.objects.get()
    tricky = 'a "quoted\\" \t \u2028 name'
    put("syncapp_matchkey", ["record_id", "name"], KEY, [(found.record_id, tricky, sync.pk, "one")])
    put("syncapp_matchkey", ["record_id", "name"], KEY, [(found.record_id, tricky, sync.pk, "two")])
    assert MatchKey.objects.get(name=tricky).digest == "two"
    assert MatchKey.objects.count() == 2


def test_of_what_was_seen_a_line_keeps_the_fields_that_it_is_about(sync: Sync) -> None:
    store = PgStore(sync, ring_feeds=silent)
    told = {"street": 'Mill "Road\\', "city": "Zoë\u2028\ttown"}
    judge(store, "billing", [seen(store, "billing", "1", email="ann@example.org", **told)])
    line = Ledger.objects.get(unit="address", verdict="adopt")
    assert line.saw["observation"]["fields"] == told == line.x
    assert line.saw["observation"]["remote_id"] == "1"
    assert (line.saw["link"]["remote_id"], line.saw["context"]["now"]) == ("1", line.recorded_at.isoformat())
    assert isinstance(line.record, uuid.UUID)
    found = replay(sync)
    assert (found.different, found.rejudged > 0) == (0, True)
