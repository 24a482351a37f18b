"""The PostgreSQL store: what one page writes, how often it asks, and what happens when two want the same."""

from __future__ import annotations

import threading
import time
import uuid
from datetime import timedelta

import pytest
from django.db import connection

from policies.core.confirm import confirm
from policies.core.draft import Draft
from policies.core.due import Work, claim
from policies.models import Sync
from syncapp.lines import fold_all, state_json
from syncapp.load import Contended
from syncapp.models import Conflict, Feed, Ledger, Link, MatchKey, Push, Record
from syncapp.outbox import claim_pushes, claim_unsettled, postpone, put_off
from syncapp.reconcile import mark_read
from syncapp.steps import judge
from syncapp.store import NoPolicy, PgStore, new_key
from tests.clerk.making import RULES, make_sync, seen, silent

pytestmark = pytest.mark.django_db


@pytest.fixture
def sync() -> Sync:
    return make_sync()


@pytest.fixture
def store(sync: Sync) -> PgStore:
    return PgStore(sync, ring_feeds=silent)


def contacts(store: PgStore, count: int, **fields: object) -> list:
    return [
        seen(store, "crm", str(n), **{"email": f"p{n}@example.org", "first_name": f"P{n}", "version": "1", **fields})
        for n in range(count)
    ]


def rebuilt(record: Record) -> dict:
    return fold_all(Ledger.objects.filter(record=record.key).order_by("id").values_list("changes", flat=True))


def stored(store: PgStore, record: Record) -> dict:
    with store.open(str(record.key)) as page:
        found = page.record(str(record.key))
    assert found is not None
    return state_json(found)


def test_a_new_contact_becomes_a_record_with_a_link_a_key_and_a_push(store: PgStore) -> None:
    judge(store, "crm", contacts(store, 1))
    record = Record.objects.get()
    assert record.title == "P0 p0@example.org"
    assert record.beliefs["email"]["value"] == {"email": "p0@example.org"}
    assert record.creator == "crm"
    assert Link.objects.get().remote_id == "0"
    assert MatchKey.objects.get().name == "email"
    push = Push.objects.get()
    assert (push.feed.role.name, push.state, push.why) == ("billing", "pending", "create")
    assert sorted(push.units) == ["email", "first_name"]


def test_the_other_side_is_matched_and_agrees(store: PgStore) -> None:
    judge(store, "crm", contacts(store, 1))
    judge(store, "billing", [seen(store, "billing", "cus_1", email="P0@example.org", first_name="P0", version="1")])
    assert Record.objects.count() == 1
    assert Link.objects.count() == 2


def test_a_page_sees_what_it_made_itself(store: PgStore) -> None:
    twice = [
        seen(store, "crm", "1", email="a@example.org", version="1"),
        seen(store, "crm", "1", email="a@example.org", version="1"),
    ]
    judge(store, "crm", twice)
    assert (Record.objects.count(), Link.objects.count()) == (1, 1)


def test_a_second_remote_record_with_the_same_key_is_a_question(store: PgStore) -> None:
    judge(store, "crm", contacts(store, 1))
    judge(store, "crm", [seen(store, "crm", "99", email="p0@example.org", version="1")])
    question = Conflict.objects.get()
    assert (question.kind, question.about, question.state) == ("match", "99", "open")
    assert Record.objects.count() == 1


def test_concurrent_changes_open_one_question_and_hold_its_push(store: PgStore) -> None:
    judge(store, "crm", contacts(store, 1, phone="1"))
    judge(
        store,
        "billing",
        [seen(store, "billing", "c1", email="p0@example.org", first_name="P0", phone="1", version="1")],
    )
    judge(store, "crm", [seen(store, "crm", "0", email="p0@example.org", first_name="P0", phone="2", version="2")])
    judge(
        store,
        "billing",
        [seen(store, "billing", "c1", email="p0@example.org", first_name="P0", phone="3", version="2")],
    )
    question = Conflict.objects.get(kind="value")
    assert (question.unit, question.state) == ("phone", "open")
    assert {c["source"]: c["value"]["phone"] for c in question.candidates} == {"crm": "2", "billing": "3"}
    assert not Push.objects.filter(state="pending").exists()
    # The two sides agree after all: the question ends itself.
    judge(store, "crm", [seen(store, "crm", "0", email="p0@example.org", first_name="P0", phone="3", version="3")])
    question.refresh_from_db()
    assert (question.state, question.outcome) == ("closed", "candidates_agree")
    assert question.value == {"phone": "3"}


def test_beliefs_bases_and_questions_are_rebuilt_from_the_ledger(store: PgStore) -> None:
    test_concurrent_changes_open_one_question_and_hold_its_push(store)
    record = Record.objects.get()
    assert rebuilt(record) == stored(store, record)
    assert set(rebuilt(record)["links"]) == {"crm", "billing"}


def test_an_unchanged_read_moves_the_read_mark_and_nothing_else(store: PgStore) -> None:
    judge(store, "crm", contacts(store, 1))
    before, link = Ledger.objects.count(), Link.objects.get()
    record = Record.objects.get()
    judge(store, "crm", contacts(store, 1))
    after = Link.objects.get()
    assert after.read_at > link.read_at
    assert (after.bases, after.head) == (link.bases, link.head)
    assert Ledger.objects.count() == before
    assert Record.objects.get().updated_at == record.updated_at


@pytest.mark.parametrize("step", ["new", "unchanged", "changed"])
def test_a_page_of_200_takes_as_many_queries_as_a_page_of_one(
    step: str, store: PgStore, django_assert_max_num_queries
) -> None:
    def queries(count: int) -> int:
        if step != "new":
            judge(store, "crm", contacts(store, count))
        more = {"first_name": "New", "version": "2"} if step == "changed" else {}
        page = contacts(store, count, **more)
        with django_assert_max_num_queries(30) as counted:
            judge(store, "crm", page)
        return len(counted)

    with store.open(new_key()):
        pass  # the policy is compiled once for the process
    one = queries(1)
    Link.objects.all().delete()
    Record.objects.all().delete()
    assert queries(200) == one


def test_a_push_goes_from_pending_to_sending_to_its_end(store: PgStore) -> None:
    judge(store, "crm", contacts(store, 1))
    key = str(Record.objects.get().key)
    with store.open(key) as page:
        record = page.record(key)
        assert record is not None
        draft = Draft(record, page.policy, page.context("billing"))
        sending = claim(draft, "billing", Work.CREATE)
        assert sending is not None
        page.save(draft.done())
    push = Push.objects.get()
    assert (push.state, push.key) == ("sending", sending.key)
    assert push.values["email"] == {"email": "p0@example.org"}
    with store.open(key) as page:
        record = page.record(key)
        assert record is not None
        at = store.now()
        page.save(confirm(record, "billing", sending.key, "cus_7", "1", None, at, page.policy, page.context("billing")))
    push.refresh_from_db()
    assert push.state == "confirmed"
    assert push.ended_at is not None
    assert Link.objects.get(feed__role__name="billing").remote_id == "cus_7"
    assert rebuilt(Record.objects.get()) == stored(store, Record.objects.get())


def test_nothing_is_written_when_the_block_fails(store: PgStore) -> None:
    observation = contacts(store, 1)
    with pytest.raises(ZeroDivisionError), store.page("crm", observation) as page:
        assert page.linked(observation[0]) is None
        raise ZeroDivisionError
    assert not Record.objects.exists()


def test_a_sync_without_a_policy_says_so(sync: Sync, store: PgStore) -> None:
    sync.policy_sets.update(state="retired")
    with pytest.raises(NoPolicy, match="contacts"), store.page("crm", contacts(store, 1)):
        pass


def test_keys_are_uuids_in_the_order_of_their_making() -> None:
    first = uuid.UUID(new_key())
    time.sleep(0.002)
    assert first.version == 7
    assert first < uuid.UUID(new_key())


def test_the_watermark_is_kept_per_feed(store: PgStore) -> None:
    assert store.cursor("crm") == ""
    store.advance("crm", "2026-01-01")
    assert (store.cursor("crm"), store.cursor("billing")) == ("2026-01-01", "")


def test_an_unchanged_body_only_moves_the_read_mark(store: PgStore) -> None:
    judge(store, "crm", contacts(store, 3))
    Link.objects.filter(remote_id="1").update(head={"sending": {"key": "x"}})
    before = {link.remote_id: link.read_at for link in Link.objects.all()}
    now = store.now()
    crm = Feed.objects.get(role__name="crm").pk
    mark_read(crm, ["0", "1", "7"], now)
    mark_read(crm, ["0"], before["0"])  # an older page that comes late
    after = {link.remote_id: link.read_at for link in Link.objects.all()}
    assert after == {**before, "0": now}


def test_match_keys_follow_the_sync(sync: Sync, store: PgStore) -> None:
    judge(store, "crm", contacts(store, 2))
    Sync.objects.update(match_keys=[["first_name"], ["email"]])
    sync.refresh_from_db()
    sync.policy_sets.update(version=2)
    store.derive([str(key) for key in Record.objects.values_list("key", flat=True)])
    assert MatchKey.objects.count() == 4
    judge(store, "billing", [seen(store, "billing", "c", first_name="P1", version="1")])
    assert Link.objects.filter(remote_id="c").get().record.title == "P1 p1@example.org"


OUTSIDER = {**RULES, "email": {**RULES["email"], "writers": ["crm"], "unauthorised": "keep"}}


def test_a_key_that_only_an_outsider_holds_is_known_as_soon_as_it_is_seen() -> None:
    """Billing may not write the address, so nothing is believed; the CRM's record of that address is the same one."""
    store = PgStore(make_sync(OUTSIDER), ring_feeds=silent)
    judge(store, "billing", [seen(store, "billing", "c1", first_name="Ada", version="1")])
    assert not MatchKey.objects.exists()
    judge(store, "billing", [seen(store, "billing", "c1", email="a@example.org", first_name="Ada", version="2")])
    judge(store, "crm", [seen(store, "crm", "1", email="a@example.org", first_name="Ada", version="1")])
    assert Record.objects.count() == 1


def test_a_page_knows_a_key_that_only_an_outsider_holds() -> None:
    store = PgStore(make_sync(OUTSIDER), ring_feeds=silent)
    twins = [seen(store, "billing", f"c{n}", email="a@example.org", version="1") for n in range(2)]
    judge(store, "billing", twins)
    assert (Record.objects.count(), Conflict.objects.get().kind) == (1, "match")


@pytest.mark.django_db(transaction=True)
class TestTogether:
    def test_two_workers_make_one_record_of_one_person(self) -> None:
        sync = make_sync()
        ready = threading.Barrier(2)
        problems: list[BaseException] = []

        def work(role: str) -> None:
            store = PgStore(sync, ring_feeds=silent)
            observations = [seen(store, role, f"{role}{n}", email=f"p{n}@example.org", version="1") for n in range(20)]
            try:
                ready.wait()
                for _ in range(5):
                    try:
                        judge(store, role, observations)
                        return
                    except Contended:
                        continue
                raise AssertionError("contended five times")
            except BaseException as error:  # noqa: BLE001 - told to the test's own thread
                problems.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=work, args=(role,)) for role in ("crm", "billing")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        assert Record.objects.count() == 20
        assert Link.objects.count() == 40

    def test_a_lock_that_takes_too_long_is_contention(self, monkeypatch: pytest.MonkeyPatch) -> None:
        store = PgStore(make_sync(), ring_feeds=silent)
        judge(store, "crm", contacts(store, 1))
        key = str(Record.objects.get().key)
        monkeypatch.setattr("syncapp.load.LOCK_TIMEOUT", "50ms")
        locked, done = threading.Event(), threading.Event()

        def hold() -> None:
            with store.open(key):
                locked.set()
                done.wait(10)
            connection.close()

        holder = threading.Thread(target=hold)
        holder.start()
        locked.wait(10)
        try:
            with pytest.raises(Contended), store.open(key):
                pass
        finally:
            done.set()
            holder.join()


class TestPushes:
    def pending(self) -> list[tuple]:
        rows = Push.objects.filter(state="pending").order_by("record", "feed")
        return list(rows.values_list("record", "feed", "why", "units"))

    def test_forgetting_them_loses_nothing(self, store: PgStore) -> None:
        judge(store, "crm", contacts(store, 5))
        judge(store, "billing", [seen(store, "billing", "c1", email="p1@example.org", first_name="Pam", version="1")])
        before = self.pending()
        assert len(before) == 5
        Push.objects.all().delete()
        store.derive([str(key) for key in Record.objects.values_list("key", flat=True)])
        assert self.pending() == before

    def test_a_claimed_push_is_not_claimed_twice_until_its_lease_ends(self, store: PgStore) -> None:
        judge(store, "crm", contacts(store, 3))
        feed = Push.objects.first().feed_id
        now, lease = store.now(), timedelta(seconds=30)
        taken = claim_pushes(feed, 2, now, lease)
        rest = claim_pushes(feed, 5, now, lease)
        assert (len(taken), len(rest)) == (2, 1)
        assert claim_pushes(feed, 5, now, lease) == []
        assert len(claim_pushes(feed, 5, now + timedelta(seconds=31), lease)) == 3

    def test_one_that_must_wait_keeps_its_count_and_its_error(self, store: PgStore) -> None:
        judge(store, "crm", contacts(store, 1))
        push = Push.objects.get()
        until = store.now() + timedelta(minutes=1)
        postpone(push.feed_id, str(push.record_id), until, "the account is busy")
        judge(store, "crm", contacts(store, 1, first_name="New", version="2"))
        push.refresh_from_db()
        assert (push.attempts, push.next_try, push.error) == (1, until, "the account is busy")
        assert claim_pushes(push.feed_id, 5, store.now(), timedelta(seconds=30)) == []

    def test_those_put_off_for_no_time_can_be_claimed_at_once(self, store: PgStore) -> None:
        judge(store, "crm", contacts(store, 1))
        push = Push.objects.get()
        lease = timedelta(seconds=30)
        assert claim_pushes(push.feed_id, 5, store.now(), lease) == [(str(push.record_id), 0)]
        put_off(push.feed_id, [str(push.record_id)], store.now(), "")
        assert len(claim_pushes(push.feed_id, 5, store.now(), lease)) == 1

    def test_pushes_without_an_outcome_are_taken_to_be_settled(self, store: PgStore) -> None:
        judge(store, "crm", contacts(store, 3))
        feed = Push.objects.first().feed_id
        now, lease = store.now(), timedelta(seconds=30)
        Push.objects.update(state="sending", key="k", started_at=now - timedelta(seconds=60))
        longer, shorter = timedelta(seconds=90), timedelta(seconds=30)
        assert claim_unsettled(feed, 5, now, lease, longer) == []
        assert len(claim_unsettled(feed, 2, now, lease, shorter)) == 2
        assert len(claim_unsettled(feed, 2, now, lease, shorter)) == 1

    def test_the_feeds_where_something_is_due_are_rung(self, sync: Sync) -> None:
        rung: list[int] = []
        store = PgStore(sync, ring_feeds=rung.extend)
        judge(store, "crm", contacts(store, 3))
        assert rung == [Push.objects.first().feed_id]
        judge(store, "crm", contacts(store, 3))
        assert len(rung) == 1
