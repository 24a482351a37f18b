"""Preview and live: a new feed does nothing before it is approved, and a changed mapping brings a live one back."""

from __future__ import annotations

import pytest

from policies.models import Sync
from syncapp import baseline
from syncapp.baseline import take_baseline, unfinished
from syncapp.carry import carry
from syncapp.health import READABLE, WRITABLE, why_not_read, why_not_written
from syncapp.load import Contended, database_now
from syncapp.models import Feed, Ledger, Link, Push, Record
from syncapp.poll import poll
from syncapp.replay import replay
from syncapp.steps import judge
from syncapp.store import PgStore
from syncapp.sweep import due_feeds, pushable_feeds, sync_now
from tests.clerk.making import seen, silent
from tests.clerk.test_apply import DEMO, addresses, edited, run

__all__ = ["addresses"]
pytestmark = pytest.mark.django_db
OTHER_PHONE = ("phone: telephone", "phone: {field: telephone, direction: read}")


def feed(role: str) -> Feed:
    return Feed.objects.select_related("account", "role__sync").get(role__name=role)


def in_step(phone: str = "+49301") -> Record:
    store = PgStore(Sync.objects.get(), ring_feeds=silent)
    for role in ("crm", "billing"):
        judge(store, role, [seen(store, role, f"{role}-1", email="ada@example.org", phone=phone)])
    return Record.objects.get()


def test_a_new_feed_begins_in_preview_and_does_nothing() -> None:
    said = run(edited("        start: live", "        start: preview"))
    assert "  in preview (newly bound): nothing is read or written before its plan is approved" in said
    assert not Feed.objects.filter(READABLE).exists() and not Feed.objects.filter(WRITABLE).exists()
    assert due_feeds(database_now()) == [] and pushable_feeds(database_now()) == []
    one = feed("crm")
    assert "in preview (newly bound)" in why_not_read(one)
    one.cursor = {"full_at": "2026-01-01T00:00:00+00:00"}
    assert "in preview (newly bound)" in why_not_written(one)
    assert poll(one.pk, at_once=True) is None and carry(one.pk).outcomes == {}
    assert sync_now(Sync.objects.get()).runs == {"crm": None, "billing": None, "directory": None}


def test_left_out_means_preview() -> None:
    run(edited(r"        start: live.*\n", ""))
    assert set(Feed.objects.values_list("stage", flat=True)) == {"preview"}


def test_the_start_of_a_file_does_not_make_a_feed_live_later() -> None:
    run(edited("        start: live", "        start: preview"))
    assert run(DEMO.read_text()) == ()
    assert set(Feed.objects.values_list("stage", flat=True)) == {"preview"}


def test_another_mapping_brings_a_live_feed_with_links_back_to_preview() -> None:
    run(DEMO.read_text())
    record = in_step()
    before = Ledger.objects.count()
    said = run(edited(*OTHER_PHONE))
    assert "  in preview (its mapping changed): nothing is read or written before its plan is approved" in said
    assert (feed("billing").stage, feed("billing").baseline) == ("preview", [])
    assert feed("crm").stage == "live"
    link = Link.objects.get(record=record, feed=feed("billing"))
    assert "phone" not in link.bases and "email" in link.bases and link.digest == ""
    line = Ledger.objects.order_by("id")[before]
    assert (line.verdict, line.reason, line.role, line.unit) == ("rebased", "new_baseline", "billing", "phone")
    assert replay(Sync.objects.get()).differences == []


def test_apply_plan_tells_it_and_changes_nothing() -> None:
    run(DEMO.read_text())
    record = in_step()
    said = run(edited(*OTHER_PHONE), plan=True)
    assert any(line.endswith("stage: live → preview") for line in said)
    assert any(line.endswith("stage_reason: nothing → its mapping changed") for line in said)
    assert feed("billing").stage == "live" and "phone" in Link.objects.get(record=record, feed=feed("billing")).bases


def test_another_mapping_of_a_feed_that_was_never_read_changes_nothing_else() -> None:
    run(DEMO.read_text())
    run(edited(*OTHER_PHONE))
    assert feed("billing").stage == "live"


def test_a_field_that_is_only_taken_out_needs_no_preview() -> None:
    run(DEMO.read_text())
    in_step()
    run(edited(r"          zip: postcode\n", ""))
    assert feed("billing").stage == "live"


def test_what_a_dead_worker_left_of_a_mapping_change_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    run(DEMO.read_text())
    in_step()

    def away(*_: object) -> bool:
        raise Contended("busy")

    with monkeypatch.context() as patched:
        patched.setattr(baseline, "_page", away)
        run(edited(*OTHER_PHONE))
    assert unfinished() == [feed("billing").pk]
    assert take_baseline(feed("billing").pk)
    assert unfinished() == []
    assert not Link.objects.filter(feed=feed("billing"), bases__has_key="phone").exists()


def test_the_first_read_after_it_is_a_first_link() -> None:
    """What the account held under the old mapping does not count as something it once had: it may not win by itself."""
    run(DEMO.read_text())
    record = in_step()
    run(edited("phone: telephone", "phone: town"))
    Feed.objects.update(stage="live")
    store = PgStore(Sync.objects.get(), ring_feeds=silent)
    judge(store, "billing", [seen(store, "billing", "billing-1", email="ada@example.org", phone="+49307")])
    assert record.conflicts.get().kind == "value"
    assert Record.objects.get().beliefs["phone"]["value"] == {"phone": "+49301"}


def test_a_role_that_was_only_previewed_can_be_taken_out_again() -> None:
    run(edited("        start: live", "        start: preview"))
    in_step()  # what the others hold is due at the third, and waits
    Feed.objects.exclude(role__name="directory").update(stage="live")
    assert Push.objects.filter(feed=feed("directory"), state="pending").exists()
    without = edited(r"(?s)      directory:\n        label.*?(?=    policy:)", "")
    without = without.replace("owner: directory", "owner: crm").replace("[directory, ", "[").replace(", directory", "")
    assert "role directory: removed" in run(without)
    assert Feed.objects.count() == 2
