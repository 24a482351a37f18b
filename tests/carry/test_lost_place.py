"""A provider that does not tell any more what changed since the last pass: everything is listed, nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from policies.models import Sync
from syncapp import poll as polling
from syncapp.connectors import registry
from syncapp.models import Account, Feed, Link, Run
from syncapp.poll import poll
from syncapp.sweep import due_feeds
from syncapp.watermark import Watermark
from tests.carry.driving import Side, first_load
from tests.clerk.making import silent

pytestmark = pytest.mark.django_db(transaction=True)
DELTA = "{param: updated_after, format: iso, resolution: 0.001, inclusive: true, overlap: 1"


@pytest.fixture
def forgetful(sync: Sync, tmp_path: Path, settings: Any) -> None:
    """A provider that tells changes for less than a moment."""
    own = tmp_path / "own"
    own.mkdir()
    text = (registry.OWN / "sandbox.yaml").read_text()
    assert DELTA in text
    (own / "sandbox.yaml").write_text(text.replace(DELTA, f"{DELTA}, retention: 0.001"))
    settings.PROVIDER_FOLDERS = [own]


def feed() -> Feed:
    return Feed.objects.select_related("account", "role__sync").get(role__name="crm")


def test_everything_is_listed_at_once_and_the_next_pass_goes_on_from_there(
    forgetful: None, sides: dict[str, Side]
) -> None:
    ids = first_load(sides, 3)
    sides["crm"].edit(ids[0], firstname="Grace")
    run = poll(feed().pk, at_once=True, ring_feeds=silent)
    assert run is not None
    assert (run.kind, run.state, run.counts["read"], run.counts["left_out"]) == ("full", "done", 3, 0)
    lost = Run.objects.filter(feed=feed(), kind=Run.Kind.DELTA).first()
    assert lost is not None
    assert (lost.state, "everything is listed now" in lost.error) == ("failed", True)
    assert "lost" not in feed().cursor
    assert Watermark.read(feed().cursor["at"]).since is not None
    record = Link.objects.get(feed=feed(), remote_id=ids[0]).record
    assert "Grace" in json.dumps(record.beliefs)


def test_a_worker_leaves_it_due_and_the_next_one_lists_everything(forgetful: None, sides: dict[str, Side]) -> None:
    first_load(sides, 3)
    Feed.objects.update(next_due=None)
    first = poll(feed().pk, ring_feeds=silent)
    assert first is not None
    assert (first.kind, first.state) == ("delta", "failed")
    assert "told for" in feed().cursor["lost"]
    assert due_feeds(polling.database_now()).count(feed().pk) == 1
    second = poll(feed().pk, ring_feeds=silent)
    assert second is not None
    assert (second.kind, second.state, second.counts["read"]) == ("full", "done", 3)
    assert Account.objects.get(slug="crm").health == "well"


def test_a_listing_that_seemed_to_have_no_end_begins_again_and_is_read_once_it_has_one(
    sync: Sync, sides: dict[str, Side], tmp_path: Path, settings: Any
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    text = (registry.OWN / "sandbox.yaml").read_text()
    paging = "param: after, size: 500, max_size: 500"
    assert paging in text
    (own / "sandbox.yaml").write_text(text.replace(paging, "param: after, size: 1, max_size: 1, most_pages: 2"))
    for number in range(6):
        sides["crm"].create(email=f"p{number}@example.org")
    settings.PROVIDER_FOLDERS = [own]
    run = poll(feed().pk, full=True, at_once=True, ring_feeds=silent)
    assert run is not None
    assert (run.kind, run.state, "does not come to an end: 3 pages" in run.error) == ("full", "failed", True)
    assert Watermark.read(feed().cursor["at"]).page is None
    due = feed().next_due
    assert due is not None and due > polling.database_now()
    settings.PROVIDER_FOLDERS = []
    again = poll(feed().pk, at_once=True, ring_feeds=silent)
    assert again is not None
    assert (again.kind, again.state, again.counts["read"]) == ("full", "done", 6)
    assert "lost" not in feed().cursor
