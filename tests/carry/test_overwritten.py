"""Where writes cannot carry a condition, an edit between look and write is gone there, and not lost here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from policies.models import Sync
from syncapp.connectors import registry
from syncapp.facts import facts_of
from syncapp.models import Conflict, Feed
from syncapp.poll import poll
from syncapp.remote import FeedRemote
from tests.carry.driving import Side, at_rest, billing_of, first_load, no_webhooks_left, work_until
from tests.clerk.making import silent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def unconditional(settings: Any, tmp_path: Path) -> None:
    """The billing system as one that takes every write, whatever it has become meanwhile."""
    told = yaml.safe_load(registry.files()["sandbox"].read_text())
    for name in ("update", "update_many"):
        told["objects"]["customers"]["operations"][name].pop("conditional")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "sandbox.yaml").write_text(yaml.safe_dump(told, sort_keys=False))
    settings.PROVIDER_FOLDERS = [tmp_path / "own"]


def test_an_edit_that_our_write_went_over_becomes_a_question(
    unconditional: None, sync: Sync, sides: dict[str, Side], hooked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = first_load(sides, 1)
    work_until(lambda: no_webhooks_left(sides) and at_rest(), "rest")
    feed = Feed.objects.select_related("account").get(role__name="billing")
    assert not facts_of(feed).conditional
    other = str(billing_of(sides, "p0@example.org")["id"])
    update = FeedRemote.update

    def with_an_edit_before(self: FeedRemote, *given: Any, **more: Any) -> Any:
        monkeypatch.setattr(FeedRemote, "update", update)
        sides["billing"].edit(other, telephone="+49 30 typed by a person")
        return update(self, *given, **more)

    monkeypatch.setattr(FeedRemote, "update", with_an_edit_before)
    sides["crm"].edit(ids[0], phone="+49 30 from the CRM")
    poll(Feed.objects.get(role__name="crm").pk, at_once=True, ring_feeds=silent)
    work_until(lambda: Conflict.objects.filter(state="open").exists(), "the question")
    work_until(lambda: no_webhooks_left(sides) and at_rest(), "rest")
    question = Conflict.objects.get(state="open")
    assert (question.kind, question.unit) == ("overwritten", "phone")
    lost = [one for one in question.candidates if one.get("overwritten")]
    assert [one["value"] for one in lost] == [{"phone": "+49 30 typed by a person"}]
    assert billing_of(sides, "p0@example.org")["fields"]["telephone"] == "+49 30 from the CRM"
