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
from syncapp.steps import judge
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


def deleted(desk: Desk, *numbers: int) -> None:
    """One batch of hints says so, and whatever is not held is judged."""
    feed = Feed.objects.select_related("account", "role__sync").get(role__name="billing")
    holder, now = Holder.of(feed), desk.store.now()
    gone = [seen(desk.store, "billing", f"billing-{n}", version="2", deleted=True) for n in numbers]
    through = sift_hints(holder, gone, now)
    if through:
        judge(desk.store, "billing", through)
    holder.note(now)


def test_the_numbers_add_up(desk: Desk) -> None:
    """The sentence counts what came before the brake, too; the list holds what came with it and after."""
    PolicySet.objects.update(guards={"deletes": 4, "delete_share": 0})
    for number in range(1, 10):
        desk.contact(number)
    deleted(desk, 1, 2, 3)
    deleted(desk, 4, 5)
    deleted(desk, 6, 7, 8, 9)
    brake = Brake.objects.get()
    client, url = browser_of("Admin"), f"/brakes/{brake.pk}/"
    shown = text(client.get(url))
    assert "5 of 9 known records were deleted at once" in shown
    assert (
        "3 of those it counted came before it went on and are not in this list: carried out or asked about as usual"
        in shown
    )
    assert "6 came with it or later and were held: 6 are held yet, 0 released, 0 left" in shown
    queue = "/review/?sync=contacts&role=billing&kind=delete"
    assert f'href="{queue.replace("&", "&amp;")}"' in shown
    assert "Person 1" in (asked := text(client.get(queue))) and "Person 3" in asked and "Person 4" not in asked
    rows = {row.remote_id: row.pk for row in Held.objects.all()}
    client.post(url, {"how": "some", "item": [rows["billing-4"], rows["billing-5"]], "why": "left"})
    client.post(url, {"how": "leave", "item": [rows["billing-6"]], "why": "a mistake"})
    Held.objects.filter(remote_id="billing-7").update(state="gone", ended_at=desk.store.now())
    Held.objects.filter(remote_id="billing-4").update(state="passed")
    shown = text(client.get(url))
    assert (
        "6 came with it or later and were held: 2 are held yet, 2 released, 1 left as it was, 1 no longer so." in shown
    )
    client.post(url, {"how": "all", "why": "all fine"})
    shown = text(client.get(url))
    assert "0 are held yet, 4 released" in shown and "3 of those it counted came before" in shown
    Brake.objects.update(counts={})
    assert "What was counted before it went on is not in this list" in text(client.get(url)), "of older brakes"


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
