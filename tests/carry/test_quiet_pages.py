"""Pages on which nothing is new: noted together, counted all the same, and read again if they were not noted."""

from __future__ import annotations

from typing import Any

import pytest

from policies.models import Sync
from syncapp import poll as polling
from syncapp.models import Link
from syncapp.steps import Judged
from syncapp.watermark import Watermark
from tests.carry.driving import Side
from tests.carry.test_poll import feed, now

pytestmark = pytest.mark.django_db(transaction=True)


def test_they_are_noted_together_and_counted_each(
    sync: Sync, sides: dict[str, Side], small_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(130):  # two pages of the CRM
        sides["crm"].create(email=f"p{number}@example.org")
    now()
    now(full=True)
    noted: list[Judged] = []
    plain = polling._note

    def note(passing: Any, judged: Judged, sieve: Any) -> None:
        noted.append(judged)
        plain(passing, judged, sieve)

    monkeypatch.setattr(polling, "_note", note)
    run = now(full=True)
    assert (run.counts["read"], run.counts["unchanged"], run.counts["pages"]) == (130, 130, 2)
    assert len(noted) == 1, "the last page notes for both"
    Link.objects.filter(remote_id=feed().links.order_by("pk").first().remote_id).update(digest="")
    noted.clear()
    run = now(full=True)
    assert (run.counts["unchanged"], run.counts["pages"], len(noted)) == (129, 2, 2), "what was judged is noted at once"
    assert Watermark.read(feed().cursor["at"]).page is None
