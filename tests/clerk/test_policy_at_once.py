"""A policy that is published while pages are judged, questions answered and pushes derived: one version a page, no
deadlock, and at the end everything stands under the newest.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection

from policies.models import PolicySet, Sync
from syncapp.again import again
from syncapp.apply import apply
from syncapp.apply.file import parse
from syncapp.models import Ledger, Push, Record, Revision
from syncapp.observe import patiently
from syncapp.replay import replay
from syncapp.revising import finish_revisions
from syncapp.steps import judge
from syncapp.store import PgStore
from tests.clerk.making import seen, silent
from tests.clerk.test_apply import DEMO, addresses, edited
from tests.ground.together import failures, together

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["addresses"]

OTHER_OWNER = ("first_name: {owner: directory, strategy: owner_wins", "first_name: {owner: crm, strategy: owner_wins")
PAGES, PEOPLE = 12, 8


@pytest.fixture
def sync(addresses: None) -> Sync:
    apply(parse(DEMO.read_text(), "set-up.yaml"))
    return Sync.objects.get()


def publish(*texts: str) -> None:
    """As somebody does who runs the command: tried again where workers were in the way for long."""
    for text in texts:
        again(partial(apply, parse(text, "set-up.yaml")))


def pages(sync: Sync, role: str, until: threading.Event) -> int:
    """A worker that judges one page after the other, each of the same people with new names; how many."""
    store, number = PgStore(sync, ring_feeds=silent), 0
    while number < PAGES or not until.is_set():
        number += 1
        page = [
            seen(
                store,
                role,
                f"{role}-{n}",
                email=f"p{n}@example.org",
                first_name=f"{role} {number}",
                version=str(number),
            )
            for n in range(PEOPLE)
        ]
        patiently(lambda page=page: judge(store, role, page))
    return number


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def ended(work: Callable[[], None], event: threading.Event) -> None:
    try:
        work()
    finally:
        event.set()


def test_a_policy_published_under_load_is_never_half_applied(sync: Sync) -> None:
    changed, published, before = edited(*OTHER_OWNER), threading.Event(), deadlocks()
    texts = [changed, DEMO.read_text(), changed, DEMO.read_text()]
    gave = together(
        partial(ended, partial(publish, *texts), published),
        partial(pages, sync, "crm", published),
        partial(pages, sync, "billing", published),
        partial(pages, sync, "directory", published),
    )
    assert failures(gave) == []
    assert deadlocks() == before
    assert PolicySet.objects.get(state="published").version == 5
    by_page: dict[object, set[int]] = defaultdict(set)
    for moment, policy in Ledger.objects.values_list("recorded_at", "policy"):
        by_page[moment].add(policy)
    assert {len(policies) for policies in by_page.values()} == {1}, "a page was judged by two policies"
    assert len({policy for policies in by_page.values() for policy in policies}) > 1, "nothing happened at once"
    finish_revisions(sync, silent)
    assert not Revision.objects.filter(done_at=None).exists()
    assert replay(sync).different == 0
    assert as_derived(sync), "what is due is what the newest policy and the state say"


def as_derived(sync: Sync) -> bool:
    """Deriving all pending pushes anew changes none."""

    def due() -> set[tuple[object, ...]]:
        pending = Push.objects.filter(state="pending")
        return {(p.record_id, p.feed_id, p.why, tuple(p.units)) for p in pending}

    before = due()
    PgStore(sync, ring_feeds=silent).derive([str(key) for key in Record.objects.values_list("key", flat=True)])
    return due() == before


def test_two_who_apply_at_once_publish_one_after_the_other(sync: Sync) -> None:
    changed = edited(*OTHER_OWNER)
    gave = together(partial(publish, changed), partial(publish, DEMO.read_text()), partial(publish, changed))
    assert failures(gave) == []
    versions = list(PolicySet.objects.order_by("version").values_list("version", "state"))
    assert [version for version, _ in versions] == list(range(1, len(versions) + 1))
    assert [state for _, state in versions[:-1]] == ["retired"] * (len(versions) - 1)
    assert versions[-1][1] == "published"
