"""How much is written, and when: budgets, quota, writes that come back different, values that are still being typed."""

from __future__ import annotations

import time
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import transaction
from django.db.models import F
from django.test.utils import override_settings

from policies.core.due import Work
from policies.models import PolicySet, Sync
from syncapp.alerts import alert, look_after_brakes
from syncapp.brakes import Braked
from syncapp.carry import WRITE_LEASE, carry, settle_feed
from syncapp.claims import claim_new
from syncapp.load import database_now
from syncapp.models import Account, Brake, Delivery, Feed, Ledger, Push, Record, Spending
from syncapp.observe import work_inbox
from syncapp.pacing import end_paced
from syncapp.poll import poll
from syncapp.receive import look_later
from syncapp.releasing import release_brake
from syncapp.spending import spend
from syncapp.stopping import stop_all
from syncapp.store import PgStore
from tests.carry.driving import Side, at_rest, billing_of, first_load, work_until
from tests.clerk.making import silent
from tests.ground.together import failures, together
from tests.review.seeding import person

pytestmark = pytest.mark.django_db(transaction=True)


def feed(role: str = "billing") -> Feed:
    return Feed.objects.select_related("account", "role__sync").get(role__name=role)


def due(sides: dict[str, Side], count: int) -> None:
    for number in range(count):
        sides["crm"].create(email=f"p{number}@example.org", firstname=f"P{number}")
    for role in ("crm", "billing"):
        assert poll(feed(role).pk, at_once=True, ring_feeds=silent) is not None


def brake() -> Brake:
    return Brake.objects.get(released_at=None)


def carry_all(rounds: int = 6) -> None:
    for _ in range(rounds):
        carry(feed().pk, ring_feeds=silent)


def test_no_more_is_written_in_a_minute_than_the_budget_says(sync: Sync, sides: dict[str, Side], settings: Any) -> None:
    due(sides, 12)
    Account.objects.filter(slug="billing").update(write_budget=5)
    settings.CLOCK_OFFSET = 60.0 - database_now().second  # a minute has just begun
    carry_all()
    assert len(sides["billing"].writes()) == 5
    assert brake().code == "budget" and "5 writes within this minute" in brake().sentence
    settings.CLOCK_OFFSET += 60
    carry_all()
    assert len(sides["billing"].writes()) == 10
    settings.CLOCK_OFFSET += 60
    carry_all()
    assert len(sides["billing"].writes()) == 12
    settings.CLOCK_OFFSET += 180
    end_paced(database_now())
    assert not Brake.objects.filter(released_at=None).exists(), "it needs no person"
    assert Brake.objects.get().released_by == ""


def lost(sides: dict[str, Side], count: int) -> None:
    """Creates that were begun, and none of which arrived: their workers died before the call."""
    due(sides, count)
    keys = [str(key) for key in Record.objects.values_list("key", flat=True)]
    with PgStore(feed().role.sync, ring_feeds=silent).open(*keys) as page:
        for key in keys:
            record = page.record(key)
            assert record is not None and claim_new(page, "billing", record, Work.CREATE) is not None
    Push.objects.filter(state="sending").update(started_at=F("started_at") - WRITE_LEASE - timedelta(seconds=1))


@pytest.mark.parametrize("together", [True, False])
def test_a_create_that_is_sent_again_counts_again(
    sync: Sync, sides: dict[str, Side], settings: Any, request: pytest.FixtureRequest, together: bool
) -> None:
    if not together:
        request.getfixturevalue("one_by_one")
    settings.CLOCK_OFFSET = 60.0 - database_now().second  # a minute has just begun
    lost(sides, 8)
    settings.CLOCK_OFFSET += 60
    Account.objects.filter(slug="billing").update(write_budget=5)
    for _ in range(4):
        settle_feed(feed().pk, ring_feeds=silent)
    assert len(sides["billing"].writes()) == Spending.objects.get().writes == 5
    settings.CLOCK_OFFSET += 60
    for _ in range(4):
        settle_feed(feed().pk, ring_feeds=silent)
    assert len(sides["billing"].writes()) == 8
    assert Spending.objects.get().writes == 3
    assert not Push.objects.filter(state="sending").exists()


def test_a_create_that_had_arrived_does_not(sync: Sync, sides: dict[str, Side], settings: Any) -> None:
    """Its answer was lost, the look-up finds it, and nothing is sent."""
    due(sides, 4)
    settings.CLOCK_OFFSET = 60.0 - database_now().second
    sides["billing"].faults(hang_after_write=1.0, hang_seconds=0.1)
    carry_all(1)
    assert len(sides["billing"].writes()) == Spending.objects.get().writes == 4


def test_two_workers_together_stay_within_the_budget(sync: Sync) -> None:
    account = Account.objects.get(slug="billing")
    account.write_budget = 30
    refused: list[str] = []
    now = database_now()

    def worker() -> None:
        for _ in range(20):
            try:
                with transaction.atomic():
                    spend(account, 1, now)
            except Braked as braked:
                refused.append(str(braked))

    assert failures(together(worker, worker, worker)) == []
    assert (Spending.objects.get().writes, len(refused)) == (30, 30)


def test_beyond_its_share_of_the_quota_the_hub_stops_writing(sync: Sync, sides: dict[str, Side]) -> None:
    due(sides, 2)
    resets = (database_now().replace(microsecond=0)).isoformat()
    later = resets.replace("2026", "2099", 1)
    quota = {"limit": 1000, "remaining": 150, "resets_at": later, "seen_at": resets}
    Account.objects.filter(slug="billing").update(quota=quota)
    carry_all()
    assert sides["billing"].writes() == []
    assert brake().code == "quota" and "850 of 1,000 calls" in brake().sentence
    release_brake(brake(), "ada", "the rest of the day is ours")
    carry_all()
    assert len(sides["billing"].writes()) == 2
    assert not Brake.objects.filter(released_at=None).exists(), "until the quota begins anew"


def test_a_released_quota_stays_released_however_its_end_is_told(sync: Sync, sides: dict[str, Side]) -> None:
    """Answers tell the seconds that are left, so that each names another moment; some name none."""
    due(sides, 3)
    now = database_now()
    for number, resets in enumerate((now + timedelta(hours=5), now + timedelta(hours=5, seconds=0.4), None)):
        told = resets.isoformat() if resets else None
        quota = {"limit": 1000, "remaining": 150 - number, "resets_at": told, "seen_at": now.isoformat()}
        Account.objects.filter(slug="billing").update(quota=quota)
        carry(feed().pk, limit=1, ring_feeds=silent)
        if number == 0:
            release_brake(brake(), "ada", "the rest of the day is ours")
    assert not Brake.objects.filter(released_at=None).exists()
    assert len(sides["billing"].writes()) == 2


def test_a_quota_whose_end_nobody_tells_ends_its_brake_when_it_is_left_again(
    sync: Sync, sides: dict[str, Side], settings: Any
) -> None:
    due(sides, 1)
    quota: dict[str, Any] = {"limit": 1000, "remaining": 0, "resets_at": None, "seen_at": database_now().isoformat()}
    Account.objects.filter(slug="billing").update(quota=quota)
    carry_all(1)
    release_brake(brake(), "ada", "only today")
    settings.CLOCK_OFFSET = 25 * 3600.0
    carry_all(1)
    assert brake().code == "quota", "a release is for one day's quota"
    end_paced(database_now())
    assert brake().code == "quota"
    Account.objects.filter(slug="billing").update(quota=quota | {"remaining": 900})
    end_paced(database_now())
    assert not Brake.objects.filter(released_at=None).exists()
    assert Brake.objects.latest("pk").released_by == ""


def test_a_quota_that_began_anew_ends_its_brake(sync: Sync, sides: dict[str, Side], settings: Any) -> None:
    due(sides, 1)
    resets = database_now().isoformat()
    quota = {"limit": 1000, "remaining": 0, "resets_at": resets.replace("2026", "2027", 1), "seen_at": resets}
    Account.objects.filter(slug="billing").update(quota=quota)
    carry_all()
    assert brake().code == "quota"
    settings.CLOCK_OFFSET = 370 * 86400.0
    look_after_brakes(database_now())
    assert Brake.objects.get().why == "the quota began anew"


def test_writes_that_come_back_different_stop(sync: Sync, sides: dict[str, Side]) -> None:
    """The account makes something of telephone numbers that its provider file does not say."""
    PolicySet.objects.update(guards={"near_misses": 5, "near_miss_share": 0.5})
    sides["billing"].faults(extra_normalisation=True)
    for number in range(40):
        sides["crm"].create(email=f"p{number}@example.org", phone=f"+49 30 {number}")
    for role in ("crm", "billing"):
        poll(feed(role).pk, at_once=True, ring_feeds=silent)
    for _ in range(8):
        carry(feed().pk, limit=5, ring_feeds=silent)
    assert brake().code == "near_misses" and brake().feed == feed()
    assert len(sides["billing"].writes()) <= 20, "a batch or two, not all of them"
    assert Push.objects.filter(state="pending").count() >= 20
    release_brake(brake(), "ada", "they like digits")
    carry(feed().pk, limit=5, ring_feeds=silent)
    assert not Brake.objects.filter(released_at=None).exists(), "it counts from the release on"


def test_a_half_typed_value_is_not_judged(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides, 1)
    loaded = Ledger.objects.latest("pk").pk
    Feed.objects.filter(role__name="crm").update(settle_delay=2.0)
    for typed in ("A", "Ad", "Ada"):
        sides["crm"].edit(ids[0], firstname=typed)
        poll(feed("crm").pk, at_once=True, ring_feeds=silent)
        look_later(feed("crm"), ids, 0.0)
        work_inbox()
        time.sleep(0.2)
    assert not Ledger.objects.filter(verdict="adopt", pk__gt=loaded).exists()
    assert Delivery.objects.filter(state="new").count() == 1, "it is remembered"
    work_until(lambda: billing_of(sides, "p0@example.org")["fields"]["name_first"] == "Ada", "the whole value")
    work_until(at_rest, "rest")
    adopted = Ledger.objects.filter(verdict="adopt", unit="first_name", pk__gt=loaded)
    assert [line.x for line in adopted] == [{"first_name": "Ada"}]


def test_a_delete_settles_too_and_is_not_lost(sync: Sync, sides: dict[str, Side]) -> None:
    ids = first_load(sides, 1)
    Feed.objects.filter(role__name="crm").update(settle_delay=1.5)
    sides["crm"].delete(ids[0])
    poll(feed("crm").pk, at_once=True, ring_feeds=silent)
    assert not Ledger.objects.filter(verdict="deleted").exists()
    work_until(lambda: Ledger.objects.filter(verdict="deleted").exists(), "the delete to be judged")


def test_people_are_told_once(sync: Sync) -> None:
    for team in ("Business owner", "Viewer"):
        user = person(team)
        user.email = f"{user.username}@example.org"
        user.save()
    with override_settings(EMAIL_HOST="mail.example.org", PUBLIC_ADDRESS="https://hub.example.org"):
        stop_all("ada", "a test")
        for _ in range(3):
            look_after_brakes(database_now())
    told = mail.outbox
    assert [one.to for one in told] == [["business-owner@example.org"]]
    assert "https://hub.example.org/brakes/syncs/contacts/" in told[0].body
    assert told[0].subject == "Concord: a person stopped all writes, Contacts"
    assert Ledger.objects.filter(verdict="held", reason="brake_tripped", record=None).count() == 1
    assert alert(Brake.objects.get(sync=sync)) is False


def test_without_a_mail_server_nothing_is_mailed(sync: Sync) -> None:
    stop_all("ada")
    look_after_brakes(database_now())
    assert mail.outbox == []
    assert Brake.objects.get(sync=sync).alerted_at is not None


def test_what_counting_costs_a_push(sync: Sync, sides: dict[str, Side]) -> None:
    """A handful of small statements, and the same number however much was written before."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    due(sides, 6)
    counts = []
    for limit in (1, 1):
        with CaptureQueriesContext(connection) as queries:
            carry(feed().pk, limit=limit, ring_feeds=silent)
        ours = [q for q in queries if any(t in q["sql"] for t in ("syncapp_brake", "syncapp_spending", "advisory"))]
        counts.append(len(ours))
    assert counts[0] == counts[1] <= 11
    assert Record.objects.count() == 6
    call_command("sync", "contacts", stdout=StringIO())
