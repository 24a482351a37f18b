"""The page of a brake: what is held, what would happen to each, releasing some, leaving the rest."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from policies.models import PolicySet
from syncapp import brakepages
from syncapp.guard import sift_hints
from syncapp.holding import Holder
from syncapp.models import Brake, Conflict, Delivery, Feed, Held, Ledger
from tests.clerk.making import seen
from tests.review.seeding import Desk, browser_of, make_desk


def text(page) -> str:
    return re.sub(r"\s+", " ", page.content.decode())


def hold(desk: Desk, count: int, role: str = "billing") -> Brake:
    """The account shows them all deleted at once."""
    PolicySet.objects.update(guards={"deletes": 0, "delete_share": 0})
    feed = Feed.objects.select_related("account", "role__sync").get(role__name=role)
    for number in range(1, count + 1):
        desk.contact(number)
    gone = [seen(desk.store, role, f"{role}-{number}", version="2", deleted=True) for number in range(1, count + 1)]
    assert sift_hints(Holder.of(feed), gone, desk.store.now()) == []
    return Brake.objects.get(code="mass_delete", released_at=None)


def test_each_item_says_what_would_happen(desk: Desk) -> None:
    brake = hold(desk, 2)
    shown = text(browser_of("Viewer").get(f"/brakes/{brake.pk}/"))
    assert "2 records held, not judged; everything else of this feed goes on" in shown
    assert "Person 1 p1@example.org" in shown and "as billing-1" in shown
    assert "Released, this happens: The record was deleted at Billing." in shown
    assert "<b>A person:</b> is asked" in shown
    assert "Releasing is for the teams Business owner and Admin." in shown and 'name="item"' not in shown
    assert "2 of 2 known records were deleted" in text(browser_of("Reviewer").get("/"))


@pytest.mark.django_db
def test_what_would_happen_is_the_judges_own_plan() -> None:
    """The policy spreads deletes: the page says so before anything is released."""
    desk = make_desk()
    PolicySet.objects.update(on_delete="propagate")
    brake = hold(desk, 1)
    shown = text(browser_of("Admin").get(f"/brakes/{brake.pk}/"))
    assert "<b>CRM:</b> is deleted" in shown
    assert "cannot be taken back from here" in shown


def test_some_are_released_some_are_left(desk: Desk) -> None:
    brake = hold(desk, 4)
    client, url = browser_of("Business owner"), f"/brakes/{brake.pk}/"
    first, second = Held.objects.filter(remote_id__in=["billing-1", "billing-2"]).order_by("remote_id")
    refused = client.post(url, {"how": "some", "item": [first.pk], "why": ""})
    assert refused.status_code == 422 and "say why" in text(refused) and f'value="{first.pk}" checked' in text(refused)
    assert "nothing that you chose" in text(client.post(url, {"how": "some", "why": "x"}))
    assert "choose what to do" in text(client.post(url, {"why": "x", "item": [first.pk]}))
    said = text(client.post(url, {"how": "some", "item": [first.pk], "why": "left the company"}, follow=True))
    assert "1 record released; each is looked up again and judged." in said
    assert Delivery.objects.filter(event_id__endswith="billing-1").count() == 1
    said = text(client.post(url, {"how": "leave", "item": [second.pk], "why": "will be restored"}, follow=True))
    assert "1 record left as they were" in said
    assert "2 records held" in said
    said = text(client.post(url, {"how": "all", "why": "all fine"}, follow=True))
    assert "Released: mass delete." in said and "by business-owner: all fine." in said
    assert sorted(Held.objects.values_list("remote_id", "state")) == [
        ("billing-1", "released"), ("billing-2", "left"), ("billing-3", "released"), ("billing-4", "released"),
    ]  # fmt: skip
    assert Ledger.objects.filter(actor="business-owner", record__isnull=False).count() == 4
    assert not Conflict.objects.exists(), "nothing was judged by the page itself"
    record = first.record
    assert record is not None
    timeline = text(client.get(f"/records/{record.key}/"))
    assert "A person released what a brake had held: the record was deleted there; left the company." in timeline


@pytest.mark.parametrize("how", ["some", "all", "leave", "leave_all"])
def test_a_reason_that_is_too_long_is_refused_and_kept_in_the_form(desk: Desk, how: str) -> None:
    brake, long = hold(desk, 2), "x" * 501
    answer = browser_of("Admin").post(
        f"/brakes/{brake.pk}/", {"how": how, "item": [Held.objects.first().pk], "why": long}
    )
    assert answer.status_code == 422
    assert "Nothing was released: the reason has 501 characters; shorten it to 500 at most." in text(answer)
    assert f'autocomplete="off" value="{long}"' in text(answer)
    assert set(Held.objects.values_list("state", flat=True)) == {"held"}


@pytest.mark.parametrize("team", ["Viewer", "Reviewer"])
def test_others_release_nothing(desk: Desk, team: str) -> None:
    brake = hold(desk, 1)
    assert browser_of(team).post(f"/brakes/{brake.pk}/", {"how": "all", "why": "x"}).status_code == 403
    assert Held.objects.get().state == "held"


def test_only_deletes_can_be_left(desk: Desk) -> None:
    brake = hold(desk, 1)
    Brake.objects.filter(pk=brake.pk).update(code="mass_change")
    client = browser_of("Admin")
    assert "Leave what is ticked" not in text(client.get(f"/brakes/{brake.pk}/"))
    assert "would be lost" in text(client.post(f"/brakes/{brake.pk}/", {"how": "leave_all", "why": "x"}))


def test_as_many_queries_for_one_as_for_many(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    brake = hold(desk, 7)
    client, counts = browser_of("Admin"), []
    for size in (1, 5):
        monkeypatch.setattr(brakepages, "ITEMS", size)
        client.get(f"/brakes/{brake.pk}/")
        with CaptureQueriesContext(connection) as queries:
            page = client.get(f"/brakes/{brake.pk}/")
        counts.append(len(queries))
    assert counts[0] == counts[1]
    rest = client.get(f"/brakes/{brake.pk}/", {"after": page.context["next"]})
    assert len(page.context["items"]) == 5 and len(rest.context["items"]) == 2
