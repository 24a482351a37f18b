"""A policy or a mapping that is replaced while a page is being judged by the old one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.db import connection

from policies.models import FieldRule, PolicySet, Sync
from syncapp.apply import apply
from syncapp.apply.file import parse
from syncapp.meaning import translator_of
from syncapp.models import Feed, Link, Record
from syncapp.steps import Judged, judge, judge_one
from syncapp.store import PgStore
from tests.clerk.making import RULES, make_sync, seen, silent
from tests.clerk.test_apply import DEMO, addresses, edited

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["addresses"]


@pytest.fixture
def sync(addresses: None) -> Sync:
    apply(parse(DEMO.read_text(), "set-up.yaml"))
    return Sync.objects.get()


@pytest.fixture
def page_in_progress(sync: Sync) -> Iterator[threading.Event]:
    """A worker has judged a page by the policy in force, and commits it when the event is set."""
    judged, commit = threading.Event(), threading.Event()

    def work() -> None:
        store = PgStore(sync, ring_feeds=silent)
        observation = replace(seen(store, "crm", "1", email="a@example.org", version="1"), digest="old")
        with store.page("crm", [observation]) as page:
            judge_one(page, observation, page.context("crm"), Judged())
            judged.set()
            commit.wait(10)
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    assert judged.wait(10)
    yield commit
    commit.set()
    worker.join()


def test_a_digest_of_the_old_policy_is_not_remembered_under_the_new(page_in_progress: threading.Event) -> None:
    changed = edited("phone: {owner: shared, strategy: manual_review", "phone: {owner: crm, strategy: owner_wins")

    def publish() -> None:
        apply(parse(changed, "set-up.yaml"))
        connection.close()

    publisher = threading.Thread(target=publish)
    publisher.start()
    publisher.join(0.5)
    assert PolicySet.objects.get(state="published").version == 1, "it waits for the page"
    page_in_progress.set()
    publisher.join(10)
    assert PolicySet.objects.get(state="published").version == 2
    assert Link.objects.get().digest == ""


def test_pages_go_on_beside_each_other(page_in_progress: threading.Event, sync: Sync) -> None:
    store = PgStore(sync, ring_feeds=silent)
    judge(store, "crm", [seen(store, "crm", "2", email="b@example.org", version="1")])
    assert Record.objects.count() == 1, "the other page is not committed yet"


def test_a_job_that_began_before_judges_by_the_match_keys_of_the_new_policy() -> None:
    before = PgStore(make_sync(), ring_feeds=silent)
    judge(before, "crm", [seen(before, "crm", "1", email="a@example.org", first_name="Ada", version="1")])
    PolicySet.objects.update(state="retired")
    Sync.objects.update(match_keys=[["email"], ["first_name"]])
    made = PolicySet.objects.create(
        sync=before.sync, version=2, state="published", published_at=before.now(), note="by first name too"
    )
    FieldRule.objects.bulk_create(FieldRule(policy_set=made, unit=unit, **rule) for unit, rule in RULES.items())
    with before.open(str(Record.objects.get().key)) as page:
        assert page.policy.match_keys == (("email",), ("first_name",))
    after = PgStore(Sync.objects.get(), ring_feeds=silent)
    with after.open(str(Record.objects.get().key)) as page:
        assert page.policy.match_keys == (("email",), ("first_name",)), "and nothing wrong is remembered of it"


def test_what_a_digest_rests_on_is_the_mapping_and_the_types() -> None:
    sync = make_sync()

    def basis() -> bytes:
        feed = Feed.objects.select_related("account", "role__sync").get(role__name="crm")
        return translator_of(feed).basis

    first = basis()
    assert basis() == first
    sync.fields.filter(name="first_name").update(params={"case_fold": True})
    retyped = basis()
    Feed.objects.filter(role__name="crm").update(mapping={"email": "email", "first_name": "lastname"})
    assert len({first, retyped, basis()}) == 3
