"""Scope in the database: what is left out makes no record; what leaves sleeps and wakes, with a ledger line each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.core.draft import Draft
from policies.core.due import Work, claim
from syncapp.models import Ledger, Link, Push, Record
from syncapp.steps import judge
from syncapp.store import PgStore
from tests.clerk.making import make_sync, seen, silent

pytestmark = pytest.mark.django_db
ANNA = {"email": "anna@example.org", "first_name": "Anna"}


@pytest.fixture
def store() -> PgStore:
    return PgStore(make_sync(), ring_feeds=silent)


def outside(store: PgStore, role: str, remote_id: str, **fields: object):
    return replace(seen(store, role, remote_id, **fields), in_scope=False)


def test_no_record_is_made_of_what_the_feed_leaves_out(store):
    judged = judge(store, "crm", [outside(store, "crm", "1", **ANNA)])
    assert (judged.outside, judged.verdicts, Record.objects.count(), Ledger.objects.count()) == (1, {}, 0, 0)


def test_a_record_that_matches_but_is_left_out_is_not_linked(store):
    judge(store, "crm", [seen(store, "crm", "1", **ANNA)])
    judge(store, "billing", [outside(store, "billing", "7", **ANNA)])
    assert list(Link.objects.values_list("feed__role__name", flat=True)) == ["crm"]


def test_what_is_left_out_waits_while_a_create_of_that_record_is_in_flight(store):
    judge(store, "crm", [seen(store, "crm", "1", **ANNA)])
    record = str(Record.objects.get().pk)

    with store.open(record) as page:
        draft = Draft(page.record(record), page.policy, page.context("billing"))
        assert claim(draft, "billing", Work.CREATE) is not None
        page.save(draft.done())
    assert judge(store, "billing", [outside(store, "billing", "7", **ANNA)]).waiting == ["7"]


def test_a_link_sleeps_and_wakes_with_a_line_each_and_its_work_is_withdrawn_meanwhile(store):
    judge(store, "crm", [seen(store, "crm", "1", **ANNA)])
    judge(store, "billing", [seen(store, "billing", "7", email=ANNA["email"], first_name="Anna")])
    judge(store, "crm", [seen(store, "crm", "1", email=ANNA["email"], first_name="Berta")])
    assert Push.objects.filter(state="pending", feed__role__name="billing").count() == 1
    judge(store, "billing", [outside(store, "billing", "7", email=ANNA["email"], first_name="Anna")])
    assert not Push.objects.filter(state="pending").exists()
    assert Link.objects.get(feed__role__name="billing").head["asleep"] is True
    judge(store, "billing", [seen(store, "billing", "7", email=ANNA["email"], first_name="Anna")])
    assert Push.objects.filter(state="pending", feed__role__name="billing").count() == 1
    told = Ledger.objects.filter(reason__in=["out_of_scope", "back_in_scope"]).order_by("pk")
    assert [(line.verdict, line.reason) for line in told] == [
        ("asleep", "out_of_scope"), ("revived", "back_in_scope"),
    ]  # fmt: skip


def test_counts_of_pages_are_added_up(store):
    total = judge(store, "crm", [outside(store, "crm", "1", **ANNA)])
    total.add(judge(store, "crm", [outside(store, "crm", "2", email="b@example.org")]))
    assert total.outside == 2
