"""The one switch: no write leaves the hub any more, whoever was about to send one; each sync is let go by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from policies.models import Role, Sync
from syncapp import brakes as module
from syncapp.brakes import Braked, begin_writing
from syncapp.carry import carry, settle_feed
from syncapp.models import Account, Brake, Feed, Ledger, Push
from syncapp.poll import poll
from syncapp.receive import look_later
from syncapp.remote import open_remote
from syncapp.stopping import Refused, is_stopped, release_stop, stop_all
from syncapp.sweep import pushable_feeds, sync_now, tick
from tests.carry.driving import Side, at_rest, first_load, work_until
from tests.carry.processes import processes
from tests.clerk.making import silent

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 400  # several batches of the account's own size


def feed(role: str = "billing") -> Feed:
    return Feed.objects.select_related("account", "role__sync").get(role__name=role)


def people(sides: dict[str, Side], count: int) -> None:
    for number in range(count):
        sides["crm"].create(email=f"p{number}@example.org", firstname=f"P{number}")


def read_both() -> None:
    for role in ("crm", "billing"):
        assert poll(feed(role).pk, at_once=True, ring_feeds=silent) is not None


@contextmanager
def uncommitted(deed: Callable[[], Any]) -> Iterator[threading.Event]:
    """Somebody else did this and has not committed it; the event, or the end of the block, lets them."""
    done, commit = threading.Event(), threading.Event()

    def other() -> None:
        with transaction.atomic():
            deed()
            done.set()
            commit.wait(20)
        connections.close_all()

    thread = threading.Thread(target=other)
    thread.start()
    try:
        assert done.wait(10)
        yield commit
    finally:
        commit.set()
        thread.join()


def test_within_a_second_no_write_leaves_a_running_hub(sync: Sync, sides: dict[str, Side], tmp_path: Path) -> None:
    """Two workers write to an account that takes its time for each answer, and are stopped in the middle."""
    people(sides, MANY)
    sides["billing"].faults(hang_after_write=1.0, hang_seconds=0.5)
    with processes(("rqworker",), ("rqworker",), ("scheduler",), logs=tmp_path):
        wait_for(lambda: len(sides["billing"].writes()) >= 5, 60.0)
        found = stop_all("ada", "something is wrong")
        time.sleep(1.0)
        written = len(sides["billing"].writes())
        assert written < MANY
        time.sleep(3.0)
        assert len(sides["billing"].writes()) == written, "nothing was sent a second after the stop, or later"
        look_later(feed("crm"), [sides["crm"].create(email="late@example.org", firstname="Late")], 0.0)
        wait_for(lambda: Push.objects.filter(record__title__startswith="Late", state="pending").exists(), 20.0)
        wait_for(lambda: not Push.objects.filter(state="sending", why="update").exists(), 20.0)
        assert len(sides["billing"].writes()) == written, "reads and judging went on, writes did not"
        assert (found.syncs, is_stopped(sync) is not None) == (1, True)
        sides["billing"].faults()
        release_stop(sync, "ada", "it was nothing")
        wait_for(lambda: len(sides["billing"].rows()) == MANY + 1, 60.0)
        wait_for(at_rest, 60.0)
    emails = [row["fields"]["email"] for row in sides["billing"].rows().values()]
    assert len(set(emails)) == len(emails) == MANY + 1


def wait_for(done: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, list(Push.objects.values_list("state", "error")[:5])
        time.sleep(0.1)


def test_what_was_begun_but_not_sent_is_taken_back(
    sync: Sync, sides: dict[str, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the commit that begins a write and the request lies the look-up of a create: the stop comes there."""
    people(sides, 1)
    read_both()
    from syncapp.remote import FeedRemote

    found = FeedRemote.find

    def find(self: FeedRemote, *given: Any) -> Any:
        hits = found(self, *given)
        stop_all("ada")
        return hits

    monkeypatch.setattr(FeedRemote, "find", find)
    assert carry(feed().pk, ring_feeds=silent).outcomes == {"waits": 1}
    assert sides["billing"].writes() == []
    assert list(Push.objects.values_list("state", flat=True)) == ["superseded", "pending"]
    monkeypatch.undo()
    release_stop(sync, "ada", "found the cause")
    assert carry(feed().pk, ring_feeds=silent).outcomes == {"confirmed": 1}
    assert len(sides["billing"].writes()) == 1


def test_a_stop_that_comes_before_the_commit_that_begins_a_write_keeps_it_from_beginning(
    sync: Sync, sides: dict[str, Side]
) -> None:
    people(sides, 1)
    read_both()
    stop_all("ada")
    with pytest.raises(Braked, match="ada stopped all writes"), transaction.atomic():
        begin_writing([feed()])
    carried = carry(feed().pk, ring_feeds=silent)
    assert (carried.outcomes, Push.objects.filter(state="pending").count()) == ({}, 1)
    assert pushable_feeds(module.database_now()) == []


def test_a_stop_waits_for_no_apply_and_no_page(sync: Sync, sides: dict[str, Side]) -> None:
    """Whoever has the sync, its feeds and its accounts locked keeps nobody from stopping."""

    def apply() -> None:
        Sync.objects.select_for_update().get()
        list(Feed.objects.select_for_update(no_key=True))
        list(Account.objects.select_for_update(no_key=True))

    with uncommitted(apply):
        began = time.monotonic()
        stop_all("ada")
        took = time.monotonic() - began
    assert took < 0.5
    assert is_stopped(sync) is not None


def test_a_stop_waits_for_a_write_that_is_about_to_begin_but_not_for_long(sync: Sync) -> None:
    with uncommitted(lambda: begin_writing([feed()])) as commit:
        threading.Timer(0.3, commit.set).start()
        began = time.monotonic()
        stop_all("ada")
        assert 0.2 < time.monotonic() - began < 1.0, "it knows what was under way"


def test_a_call_in_flight_is_settled_by_reading(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides, 1)
    sides["crm"].edit(ids[0], firstname="Ada")
    read_both()
    sides["billing"].faults(hang_after_write=1.0, hang_seconds=0.1)
    with open_remote(feed()) as remote:
        from syncapp.push import push
        from syncapp.store import PgStore

        assert push(PgStore(sync, ring_feeds=silent), remote, str(Push.objects.get(state="pending").record_id)) == (
            "unknown"
        )
    stop_all("ada")
    Push.objects.filter(state="sending").update(error="the outcome of the write is not known yet")
    written = len(sides["billing"].writes())
    settle_feed(feed().pk, ring_feeds=silent)
    assert not Push.objects.filter(state="sending").exists()
    assert Ledger.objects.filter(verdict="landed").exists()
    assert len(sides["billing"].writes()) == written


def test_a_sync_made_later_is_stopped_too_and_each_is_released_by_itself(sync: Sync) -> None:
    stop_all("ada", "a bad import")
    later = Sync.objects.create(slug="later", name="Later")
    Feed.objects.filter(role__name="billing").update(role=Role.objects.create(sync=later, name="billing"))
    with pytest.raises(Braked), transaction.atomic():
        begin_writing([feed()])
    tick()
    assert is_stopped(later) is not None
    release_stop(sync, "bo", "clean again")
    assert is_stopped(sync) is None
    assert is_stopped(later) is not None, "the other one waits for its own release"
    with transaction.atomic():
        begin_writing([feed("crm")])
    release_stop(later, "bo", "clean as well")
    assert not Brake.objects.filter(released_at=None).exists()
    assert Sync.objects.create(slug="last", name="Last") and not Brake.objects.filter(released_at=None).exists()
    line = Ledger.objects.filter(sync=sync, record=None, verdict="released").get()
    assert (line.verdict, line.reason, line.actor) == ("released", "released_held", "bo")
    assert line.detail == "all writes of Contacts; clean again"


def test_a_release_takes_a_reason_and_something_to_release(sync: Sync) -> None:
    with pytest.raises(Refused, match="not stopped"):
        release_stop(sync, "ada", "no reason")
    stop_all("ada")
    with pytest.raises(Refused, match="say why"):
        release_stop(sync, "ada", "  ")
    assert is_stopped(sync) is not None


def test_stopping_twice_is_stopping_once(sync: Sync) -> None:
    assert (stop_all("ada").syncs, stop_all("bo").syncs) == (1, 0)


def test_the_commands(sync: Sync, sides: dict[str, Side]) -> None:
    people(sides, 2)
    read_both()
    out = StringIO()
    call_command("stop", why="a test", stdout=out)
    assert "All writes are stopped. 2 writes wait" in out.getvalue()
    with pytest.raises(CommandError, match="Give the reason with --why"):
        call_command("release", "contacts", stdout=out)
    with pytest.raises(CommandError, match=r"no sync 'nothing'\. Accepted: contacts"):
        call_command("release", "nothing", why="x", stdout=out)
    call_command("release", "contacts", why="done testing", stdout=out)
    with pytest.raises(CommandError, match=r"there is nothing to release\.$"):
        call_command("release", "contacts", why="once more", stdout=out)
    assert "Billing: 2 writes waiting" in out.getvalue()
    sync_now(sync)
    assert len(sides["billing"].rows()) == 2
    work_until(at_rest, "rest")
