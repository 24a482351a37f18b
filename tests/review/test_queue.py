"""The queue: oldest first, filtered, counted, paged by key, with as many queries for one question as for many."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from review import queue as module
from syncapp.models import Conflict
from tests.review.seeding import Desk, browser_of


def headlines(page) -> list[str]:
    return [row.headline for row in page.context["queue"].rows]


def test_oldest_first_with_both_sides(desk: Desk) -> None:
    desk.disagree(1)
    desk.disagree(2)
    page = browser_of("Viewer").get("/review/")
    assert [line.split(" for ")[1] for line in headlines(page)] == [
        "Person 1 p1@example.org?",
        "Person 2 p2@example.org?",
    ]
    assert page.context["queue"].rows[0].sides == [("CRM", "+49 30 2000"), ("Billing", "+49 30 3000")]
    assert page.context["queue"].by_kind == [("value", "two values", 2)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("kind=delete", 1),
        ("kind=value", 1),
        ("kind=nonsense", 3),
        ("field=phone", 1),
        ("field=email", 0),
        ("sync=contacts", 3),
        ("role=billing", 2),
        ("role=crm", 2),
        ("age=1h", 1),
        ("age=7d", 0),
        ("state=decided", 0),
        ("state=open&kind=match", 1),
        ("after=nonsense", 3),
        ("after=2026-13-99_x", 3),
    ],
)
def test_filters(desk: Desk, query: str, found: int) -> None:
    old = desk.disagree(1)
    Conflict.objects.filter(pk=old.pk).update(opened_at=old.opened_at - timedelta(hours=2))
    desk.delete(2)
    desk.second(3)
    page = browser_of("Viewer").get(f"/review/?{query}")
    assert page.status_code == 200
    assert (len(headlines(page)), page.context["queue"].count) == (found, found)


def test_pages_follow_each_other_without_gap(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    asked = [desk.disagree(n).pk for n in range(1, 6)]
    Conflict.objects.update(
        opened_at=Conflict.objects.get(pk=asked[0]).opened_at
    )  # all at one moment: ids break the tie
    client, seen, cursor = browser_of("Viewer"), [], ""
    for _ in range(3):
        page = client.get("/review/", {"after": cursor, "kind": "value"}).context["queue"]
        seen += [row.conflict.pk for row in page.rows]
        cursor = page.next
    assert (seen, cursor) == (asked, "")


def test_as_many_queries_for_one_as_for_many(desk: Desk) -> None:
    client = browser_of("Reviewer")
    counts = []
    for n in range(1, 8):
        desk.disagree(n)
        if n in (1, 7):
            client.get("/review/")
            with CaptureQueriesContext(
                connection,
            ) as queries:
                client.get("/review/")
            counts.append(len(queries))
    assert counts[0] == counts[1] <= 14


def test_an_empty_queue_says_what_to_do(desk: Desk) -> None:
    client = browser_of("Viewer")
    assert "Nothing waits for an answer" in client.get("/review/").content.decode()
    assert "Clear the filters" in client.get("/review/?kind=match").content.decode()


def test_the_filter_calls_fields_by_their_labels(desk: Desk) -> None:
    shown = browser_of("Viewer").get("/review/").content.decode()
    assert '<option value="phone">Telephone</option>' in shown and '<option value="address">Address</option>' in shown
