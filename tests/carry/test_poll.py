"""Delta syncs: cheap where nothing changed, resumable after any page, halted before harm."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from policies.models import Sync
from syncapp import carry as carrying
from syncapp import poll as polling
from syncapp.carry import carry
from syncapp.clients import THROTTLE
from syncapp.models import Account, Brake, Delivery, Feed, Ledger, Link, Push, Run
from syncapp.observe import work_inbox
from syncapp.poll import poll
from syncapp.receive import look_later
from syncapp.releasing import release_brake
from syncapp.remote import open_remote
from syncapp.secrets import encrypt
from syncapp.sweep import due_feeds, pushable_feeds, tick
from syncapp.watermark import Watermark
from tests.carry.conftest import SECRET
from tests.carry.driving import Side, at_rest, billing_of, drain, first_load, work_until
from tests.clerk.making import silent

pytestmark = pytest.mark.django_db(transaction=True)


def feed(role: str = "crm") -> Feed:
    return Feed.objects.select_related("account", "role__sync").get(role__name=role)


def braked() -> str:
    return " ".join(Brake.objects.filter(released_at=None).values_list("sentence", flat=True))


def release() -> None:
    for brake in Brake.objects.filter(released_at=None):
        release_brake(brake, "ada", "looked at")


def now(role: str = "crm", *, full: bool = False) -> Run:
    run = poll(feed(role).pk, full=full, at_once=True, ring_feeds=silent)
    assert run is not None
    return run


def queries_of_a_full_pass() -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert now(full=True).state == "done"
    return [query["sql"] for query in captured.captured_queries]


def test_unchanged_records_cost_no_query_of_their_own_and_no_write(sync: Sync, sides: dict[str, Side]) -> None:
    first_load(sides, 3)
    now(full=True)
    few = queries_of_a_full_pass()
    for number in range(40):
        sides["crm"].create(email=f"more{number}@example.org", firstname="M")
    call_command("sync", "contacts", stdout=StringIO())
    now(full=True)
    many = queries_of_a_full_pass()
    assert Run.objects.filter(feed=feed()).first().counts["unchanged"] == 43
    assert len(many) == len(few)
    written = [sql for sql in many if sql.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert {sql.split('"')[1] for sql in written} <= {"syncapp_feed", "syncapp_run", "syncapp_shown"}
    assert not any("syncapp_link" in sql and sql.startswith("UPDATE") for sql in many)


def test_a_pass_is_gone_on_with_where_it_was_left(
    sync: Sync, sides: dict[str, Side], small_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(130):  # two pages of the CRM
        sides["crm"].create(email=f"p{number}@example.org")
    monkeypatch.setattr(polling, "SLICE", 0.0)
    first = poll(feed().pk, ring_feeds=silent)
    assert first is not None
    assert (first.state, first.counts["read"], Link.objects.count()) == ("running", 100, 100)
    assert Watermark.read(feed().cursor["at"]).in_full
    assert due_feeds(polling.database_now()).count(feed().pk) == 1, "the rest is due at once"
    second = poll(feed().pk, ring_feeds=silent)
    assert second is not None
    assert (second.pk, second.state, second.counts["read"]) == (first.pk, "done", 130)
    assert Link.objects.count() == 130
    assert Watermark.read(feed().cursor["at"]).since is not None


def test_a_page_that_the_provider_forgot_is_asked_for_from_the_beginning(sync: Sync, sides: dict[str, Side]) -> None:
    first_load(sides, 3)
    at = Watermark(None, "no cursor of this provider", None).text()
    Feed.objects.filter(pk=feed().pk).update(cursor={"at": at})
    assert now().counts["read"] == 3


def test_a_feed_is_read_by_one_worker_at_a_time(sync: Sync, sides: dict[str, Side]) -> None:
    claimed_until = polling._claim(feed().pk, at_once=True)
    assert claimed_until is not None
    assert poll(feed().pk, at_once=True) is None
    with pytest.raises(CommandError, match="crm: not read"):
        call_command("sync", "contacts", stdout=StringIO())


def test_an_account_that_shows_nothing_any_more_is_halted(sync: Sync, sides: dict[str, Side], tmp_path: Any) -> None:
    from syncapp.sandbox.server import SandboxServer
    from syncapp.sandbox.settings import Settings

    first_load(sides, 3)
    with SandboxServer(Settings("crm", tmp_path / "empty.sqlite", token="t0ken")) as empty:
        Account.objects.filter(slug="crm").update(config={"server": empty.url})
        assert now(full=True).state == "halted"
        assert "shows no records at all" in braked()
        assert poll(feed().pk, at_once=True) is None, "it is not read while it is halted"
        release()
        assert now(full=True).state == "done", "for this once"
        assert now(full=True).state == "halted"
    assert "shows no records at all" in braked()
    assert Link.objects.filter(feed=feed(), head__gone__isnull=True).count() == 3


def test_wrong_credentials_need_a_person_and_the_work_waits(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides, 1)
    wrong = encrypt({"token": "wrong-token", "webhook": SECRET})
    Account.objects.filter(slug="billing").update(secrets=wrong)
    sides["crm"].edit(ids[0], firstname="Ada")
    now()
    carried = carry(feed("billing").pk, ring_feeds=silent)
    account = Account.objects.get(slug="billing")
    assert carried.outcomes == {"waits": 1}
    assert account.health == "attention"
    assert "does not accept the credentials" in account.last_error
    assert "wrong-token" not in account.last_error
    assert pushable_feeds(polling.database_now()) == []
    Account.objects.filter(slug="billing").update(secrets=encrypt({"token": "t0ken", "webhook": SECRET}))
    Push.objects.filter(state="pending").update(next_try=polling.database_now())
    assert carry(feed("billing").pk, ring_feeds=silent).outcomes == {"confirmed": 1}
    assert Account.objects.get(slug="billing").health == "well"


def test_a_busy_account_is_left_in_peace_for_as_long_as_it_asks(sync: Sync, sides: dict[str, Side]) -> None:
    for number in range(8):
        sides["crm"].create(email=f"p{number}@example.org")
    now()
    now("billing")
    THROTTLE.block("billing", 4.0)  # as an answer 429 with Retry-After does
    carried = carry(feed("billing").pk, ring_feeds=silent)
    assert carried.outcomes == {"waits": 1}
    assert Push.objects.filter(state="pending", attempts=0).count() == 7, "what was not tried has made no attempt"
    assert pushable_feeds(polling.database_now()) == []
    work_until(lambda: len(sides["billing"].rows()) == 8 and at_rest(), "the records to arrive")


def test_stopped_writes_stay_in_the_hub(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides, 1)
    sync.paused = "a person stopped all writes"
    sync.save()
    sides["crm"].edit(ids[0], firstname="Ada")
    call_command("sync", "contacts", stdout=StringIO())
    assert Push.objects.filter(state="pending").count() == 1
    assert billing_of(sides, "p0@example.org")["fields"]["name_first"] == "P0"
    sync.paused = ""
    sync.save()
    call_command("sync", "contacts", stdout=StringIO())
    assert billing_of(sides, "p0@example.org")["fields"]["name_first"] == "Ada"


def test_the_skew_of_an_account_is_learned(sync: Sync, sides: dict[str, Side]) -> None:
    sides["crm"].faults(clock_skew_seconds=120)
    first_load(sides, 1)
    account = Account.objects.get(slug="crm")
    assert account.skew == pytest.approx(120, abs=account.uncertainty)
    assert 1.0 <= account.uncertainty < 2.0


def test_a_skewed_account_misses_nothing(sync: Sync, sides: dict[str, Side]) -> None:
    sides["crm"].faults(clock_skew_seconds=-3600)
    ids = first_load(sides, 2)
    sides["crm"].edit(ids[1], firstname="Late")
    call_command("sync", "contacts", stdout=StringIO())
    assert billing_of(sides, "p1@example.org")["fields"]["name_first"] == "Late"


def test_what_could_not_be_judged_is_looked_at_again(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides, 1)
    sides["crm"].edit(ids[0], firstname="Ada")
    look_later(feed(), ids, 0.0)
    look_later(feed(), ids, 0.0)
    assert Delivery.objects.count() == 1
    assert work_inbox() == 1
    assert Delivery.objects.get().state == "done"
    assert Ledger.objects.filter(verdict="adopt", unit="first_name").exists()


def test_a_link_set_back_is_believed_after_five_looks(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides, 1)
    Link.objects.filter(feed=feed()).update(version="99", digest="")
    look_later(feed(), ids, 0.0)
    for _ in range(6):
        assert work_inbox() == 1
        Delivery.objects.update(next_try=polling.database_now())
    assert Delivery.objects.get().state == "done"
    assert Ledger.objects.filter(verdict="rewound").count() == 1


def test_many_records_with_one_time_are_a_bulk_touch_over_pages(sync: Sync, sides: dict[str, Side]) -> None:
    from syncapp.store import PgStore

    store = PgStore(sync)
    with open_remote(feed()) as remote:
        sides["crm"].create(email="a@example.org")
        seen = next(remote.pages("")).observations
    assert seen[0].updated_at is not None
    store.shared = {seen[0].updated_at: 30}
    with store.page("crm", seen) as page:
        assert page.context("crm").bulk == {seen[0].updated_at: 30}


def test_idle_passes_are_not_heaped_up(sync: Sync, sides: dict[str, Side]) -> None:
    first_load(sides, 1)
    for _ in range(5):
        now()
    assert Run.objects.filter(feed=feed(), kind="delta").count() <= 2


def test_the_command_names_the_syncs_there_are(sync: Sync) -> None:
    with pytest.raises(CommandError, match=r"no sync 'nothing'\. Accepted: contacts"):
        call_command("sync", "nothing")


def test_first_loads_go_in_the_order_of_the_roles(sync: Sync, sides: dict[str, Side]) -> None:
    assert due_feeds(polling.database_now()) == [feed("crm").pk]
    now("crm")
    assert due_feeds(polling.database_now()) == [feed("billing").pk]
    now("billing")
    assert due_feeds(polling.database_now()) == []


def test_a_side_that_fails_keeps_no_other_from_its_first_load(sync: Sync, sides: dict[str, Side]) -> None:
    Account.objects.filter(slug="crm").update(secrets=encrypt({"token": "wrong-token"}))
    assert now("crm").state == "failed"
    assert due_feeds(polling.database_now()) == [feed("billing").pk]


def test_a_slow_account_gives_its_batch_back(
    one_by_one: None, sync: Sync, sides: dict[str, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = first_load(sides, 3)
    for one in ids:
        sides["crm"].edit(one, firstname="Ada")
    now()
    monkeypatch.setattr(carrying, "SLICE", -1.0)
    assert carry(feed("billing").pk, ring_feeds=silent).more
    assert pushable_feeds(polling.database_now()) == [feed("billing").pk]
    assert Push.objects.filter(state="pending", attempts=0).count() == 3


def test_two_schedules_are_harmless(sync: Sync, sides: dict[str, Side], redis_client: Any) -> None:
    for _ in range(5):
        tick()
    assert redis_client.llen("rq:queue:push") == 1, "one ring for the one feed that is due"
    drain()
    assert Run.objects.filter(feed=feed()).count() == 1


def test_the_command_prints_counts_as_json(sync: Sync, sides: dict[str, Side]) -> None:
    sides["crm"].create(email="a@example.org")
    out = StringIO()
    call_command("sync", "contacts", json=True, stdout=out)
    told = json.loads(out.getvalue())
    assert told["feeds"]["crm"]["read"] == 1
    assert told["pushes"]["billing"] == {"confirmed": 1}
    assert told["resting"] is True
