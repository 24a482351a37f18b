"""Identity on the desk: answers that join, part and follow, their undo, and what the record page lets people do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client

from policies.core.identity import lives_on_in
from policies.core.seen import Observation
from policies.core.values import Record as CoreRecord
from review.decide import Choice, Refused, decide
from syncapp.models import Conflict, Delivery, Ledger, Link, Record
from syncapp.replay import replay
from syncapp.steps import judge
from tests.clerk.making import seen
from tests.review.seeding import Desk, browser_of


def state(desk: Desk, row: Record) -> CoreRecord:
    with desk.store.open(str(row.pk)) as page:
        found = page.record(str(row.pk))
    assert found is not None
    return found


def answer(conflict: Conflict, action: str, record: str = "") -> None:
    decide(conflict, conflict.version, Choice(action=action, record=record), "robin")


def owner(remote_id: str) -> Record:
    return Record.objects.get(links__remote_id=remote_id)


def reviewer() -> Client:
    return browser_of("Reviewer")


def undone(client: Client, conflict: Conflict) -> int:
    return client.post(f"/review/{conflict.pk}/undo/").status_code


def merge(desk: Desk, loser: int, winner: int) -> Conflict:
    one = seen(desk.store, "crm", f"crm-{loser}", version="9", deleted=True)
    judge(desk.store, "crm", [replace(one, merged_into=f"crm-{winner}")])
    return Conflict.objects.get(kind="merge", state="open")


def whole(desk: Desk) -> None:
    assert replay(desk.sync).differences == []


# Apart, and its undo


def test_apart_makes_a_record_that_is_not_asked_about_again(desk: Desk) -> None:
    question = desk.second(1)
    answer(question, "apart")
    new = owner("crm-1-twin")
    assert new.apart.keys() == {str(question.record_id)}
    judge(desk.store, "crm", [seen(desk.store, "crm", "crm-1-twin", version="2", first_name="Twin B.")])
    assert not Conflict.objects.filter(state="open", kind="match").exists()
    whole(desk)


def test_apart_cannot_be_undone_where_both_have_a_record_and_says_so(desk: Desk) -> None:
    question, client = desk.second(1), reviewer()
    answer(question, "apart")
    shown = client.post(f"/review/{question.pk}/undo/")
    assert shown.status_code == 422
    assert "both have a record of their own at crm" in shown.content.decode()


def test_the_receipt_says_what_keeps_an_answer_from_being_undone(desk: Desk) -> None:
    question = desk.second(1)
    answer(question, "apart")
    page = reviewer().get(f"/review/{question.pk}/receipt/").content.decode()
    assert "It cannot be undone as things stand: both have a record at CRM; merge the two there" in page
    assert "Undo this answer" not in page


def test_what_the_record_found_lacks_is_shown_as_well(desk: Desk) -> None:
    desk.contact(1)
    lacks = {"email": "p1@example.org", "first_name": "Twin", "phone": None}
    judge(desk.store, "crm", [replace(seen(desk.store, "crm", "crm-9", version="1"), fields=lacks)])
    question = Conflict.objects.get(about="crm-9", state="open")
    card = reviewer().get(f"/review/{question.pk}/").context["card"]
    assert "nothing" in dict(card.seen)[card.sight.words.field("phone")]


def two_hits(desk: Desk) -> Conflict:
    """A record that two known ones could be: at billing only, with an e-mail address that two records share."""
    desk.shows("crm", 1, "1", email="p1@example.org", first_name="One")
    twin = seen(desk.store, "crm", "crm-1-twin", version="1", email="p1@example.org", first_name="Twin")
    judge(desk.store, "crm", [twin])
    answer(Conflict.objects.get(about="crm-1-twin", state="open"), "apart")
    desk.shows("billing", 1, "1", email="p1@example.org", first_name="Bill")
    return Conflict.objects.get(about="billing-1", state="open")


def test_same_with_another_record_links_there_and_is_undone_by_a_split(desk: Desk) -> None:
    question, client = two_hits(desk), reviewer()
    other = next(c["source"] for c in question.candidates if c["source"] not in ("billing", str(question.record_id)))
    answer(question, "same", other)
    assert str(owner("billing-1").pk) == other
    question.refresh_from_db()
    assert question.winner == "other"
    receipt = client.get(f"/review/{question.pk}/receipt/").content.decode()
    assert "Split Billing record billing-1 out again" in receipt
    assert undone(client, question) == 302
    new = owner("billing-1")
    assert str(new.pk) not in (other, str(question.record_id))
    assert "Undo this answer" in receipt
    assert "Undo this answer" not in client.get(f"/review/{question.pk}/receipt/").content.decode()
    assert undone(client, question) == 422
    whole(desk)


def test_same_is_undone_by_a_split_and_the_two_stay_apart(desk: Desk) -> None:
    question = two_hits(desk)
    answer(question, "same", str(question.record_id))
    assert owner("billing-1").pk == question.record_id
    assert undone(reviewer(), question) == 302
    assert owner("billing-1").apart.keys() == {str(question.record_id)}
    whole(desk)


def test_apart_is_undone_by_joining_where_no_system_has_both(desk: Desk) -> None:
    question = two_hits(desk)
    answer(question, "apart")
    new, client = owner("billing-1"), reviewer()
    assert "Join the two again" in client.get(f"/review/{question.pk}/receipt/").content.decode()
    assert undone(client, question) == 302
    assert owner("billing-1").pk == question.record_id
    assert lives_on_in(state(desk, new)) == str(question.record_id)
    whole(desk)


def test_skip_is_undone_by_looking_again(desk: Desk) -> None:
    question = desk.second(1)
    answer(question, "skip")
    assert undone(reviewer(), question) == 302
    assert Delivery.objects.get(state="new").events[0]["record"] == "crm-1-twin"
    judge(desk.store, "crm", [seen(desk.store, "crm", "crm-1-twin", version="2", email="p1@example.org")])
    assert Conflict.objects.get(about="crm-1-twin", state="open").pk != question.pk
    whole(desk)


# What a look-up found belongs to another record


def found_elsewhere(desk: Desk) -> Conflict:
    from policies.core.lookup import ambiguous

    desk.shows("billing", 1, "1", email="p1@example.org", first_name="Bill")
    desk.shows("crm", 2, "1", email="p2@example.org", first_name="Carl")
    hit = Observation("billing", "billing-1", {"email": "p1@example.org"}, desk.store.now())
    with desk.store.open(str(owner("crm-2").pk)) as page:
        record = page.record(str(owner("crm-2").pk))
        assert record is not None
        page.save(ambiguous(record, "billing", [hit], page.policy, page.context("billing")))
    return Conflict.objects.get(about="billing-1", state="open")


def test_the_same_as_what_another_record_holds_makes_the_two_one(desk: Desk) -> None:
    question = found_elsewhere(desk)
    card = reviewer().get(f"/review/{question.pk}/").content.decode()
    assert "In the hub it is" in card
    into = owner("billing-1")
    answer(question, "same", str(question.record_id))
    assert owner("crm-2").pk == into.pk
    assert lives_on_in(state(desk, question.record)) == str(into.pk)
    whole(desk)


def test_apart_from_what_another_record_holds_is_remembered(desk: Desk) -> None:
    question = found_elsewhere(desk)
    answer(question, "apart")
    assert Record.objects.count() == 2
    assert question.record.__class__.objects.get(pk=question.record_id).apart.keys() == {str(owner("billing-1").pk)}
    whole(desk)


# Merges


def test_the_card_of_a_merge_shows_the_other_record_and_what_following_does(desk: Desk) -> None:
    desk.contact(1)
    desk.contact(2, first_name="Other")
    question = merge(desk, 1, 2)
    card = reviewer().get(f"/review/{question.pk}/").content.decode()
    assert "The record it was merged into, crm-2" in card
    assert "Other" in card
    assert "both have a record there; merge the two there, and the hub follows" in card
    assert "the record is made there" in card, "what keeping apart does"


def test_what_a_followed_merge_leaves_open_is_named_and_shows_the_other_record(desk: Desk) -> None:
    desk.contact(1)
    desk.contact(2, first_name="Other")
    question, client = merge(desk, 1, 2), reviewer()
    answer(question, "follow")
    left = Conflict.objects.get(kind="match", state="open")
    receipt = client.get(f"/review/{question.pk}/receipt/").content.decode()
    assert "Still asked about this record:" in receipt and f'href="/review/{left.pk}/"' in receipt
    card = client.get(f"/review/{left.pk}/").context["card"]
    assert card.conflict.about == "billing-2" and dict(card.seen)["First name"].endswith("Other</ins>")
    order = [label for label in card.sight.words.fields.values() if label in dict(card.seen)]
    assert [label for label, _ in card.seen] == order, "as the sync lists its fields"
    same, apart, _ = card.answers
    assert same.refusal == "both have a record at Billing; merge the two there, and the hub follows"
    assert not apart.refusal
    assert "Billing holds a second record that matches this one: records billing-1 and billing-2." in card.because


def test_the_timeline_says_what_a_person_decided_about_a_record(desk: Desk) -> None:
    desk.contact(1)
    desk.contact(2)
    question = merge(desk, 1, 2)
    answer(question, "follow")
    page = reviewer().get(f"/records/{question.record_id}/").content.decode()
    assert "A person decided: the two that were merged there are one record here too." in page
    assert "chose the value of the record" not in page


def test_a_merge_is_followed_on_the_card(desk: Desk) -> None:
    desk.shows("crm", 1, "1", email="p1@example.org", first_name="One")
    desk.contact(2)
    ended = owner("crm-1")
    question = merge(desk, 1, 2)
    client = reviewer()
    given = {"version": question.version, "answer": "1", "shown": ""}
    assert client.post(f"/review/{question.pk}/", given).status_code == 302
    assert lives_on_in(state(desk, ended)) == str(owner("crm-2").pk)
    assert "Undo this answer" not in client.get(f"/review/{question.pk}/receipt/").content.decode()
    page = client.get(f"/records/{ended.pk}/").content.decode()
    assert "This record lives on in" in page
    whole(desk)


def test_a_merge_is_followed_to_where_the_other_record_lives_on_by_then(desk: Desk) -> None:
    for n in (1, 2, 3):
        desk.shows("crm", n, "1", email=f"p{n}@example.org", first_name=f"P{n}")
    one, two, three = (owner(f"crm-{n}") for n in (1, 2, 3))
    first = merge(desk, 1, 2)
    judge(
        desk.store, "crm", [replace(seen(desk.store, "crm", "crm-2", version="9", deleted=True), merged_into="crm-3")]
    )
    answer(Conflict.objects.get(kind="merge", state="open", about="crm-3"), "follow")
    answer(first, "follow")
    assert [lives_on_in(state(desk, row)) for row in (one, two)] == [str(three.pk)] * 2
    assert not Conflict.objects.filter(record=two, state="open").exists()
    whole(desk)


def test_an_unlinked_merge_is_undone_and_asked_about_anew(desk: Desk) -> None:
    desk.contact(1)
    desk.contact(2)
    question = merge(desk, 1, 2)
    answer(question, "unlink")
    assert undone(reviewer(), question) == 302
    assert merge(desk, 1, 2).pk != question.pk
    whole(desk)


# The record page


def test_a_link_is_cut_and_made_again(desk: Desk) -> None:
    row, client = desk.contact(1), reviewer()
    url = f"/records/{row.pk}/links/billing/"
    assert "You can undo this here" in client.get(url).content.decode()
    assert client.post(url, {"action": "unlink"}).status_code == 302
    assert state(desk, row).links["billing"].unlinked
    assert "no longer kept in step" in client.get(f"/records/{row.pk}/").content.decode()
    assert client.post(url, {"action": "unlink"}).status_code == 422
    assert client.post(url, {"action": "relink"}).status_code == 302
    assert not state(desk, row).links["billing"].unlinked
    assert Delivery.objects.get(state="new").events[0]["record"] == "billing-1"
    assert set(Ledger.objects.filter(reason__in=["unlinked", "linked_again"]).values_list("actor", flat=True)) == {
        "reviewer"
    }
    whole(desk)


def test_a_link_is_split_out_and_the_record_page_points_out_the_two_no_more(desk: Desk) -> None:
    row, client = desk.contact(1), reviewer()
    answered = client.post(f"/records/{row.pk}/links/billing/", {"action": "split"})
    new = owner("billing-1")
    assert answered.headers["Location"] == f"/records/{new.pk}/"
    assert "Another record has the same" not in client.get(f"/records/{row.pk}/").content.decode()
    whole(desk)


def alike(desk: Desk) -> tuple[Record, Record]:
    """Two records whose e-mail addresses came to be the same by an edit."""
    desk.shows("crm", 1, "1", email="p1@example.org", first_name="One")
    desk.shows("billing", 2, "1", email="p2@example.org", first_name="Two")
    desk.shows("billing", 2, "2", email="p1@example.org", first_name="Two")
    return owner("crm-1"), owner("billing-2")


def test_records_that_come_to_share_a_match_key_are_pointed_out_and_not_joined(desk: Desk) -> None:
    one, other = alike(desk)
    assert Link.objects.filter(record=one).count() == 1
    assert not Conflict.objects.filter(state="open").exists()
    page = reviewer().get(f"/records/{one.pk}/").content.decode()
    assert f"/records/{one.pk}/join/{other.pk}/" in page


def test_they_are_joined_by_a_person(desk: Desk) -> None:
    one, other = alike(desk)
    client = reviewer()
    assert "Join: one record from now on" in client.get(f"/records/{one.pk}/join/{other.pk}/").content.decode()
    assert client.post(f"/records/{one.pk}/join/{other.pk}/", {"action": "join"}).status_code == 302
    assert owner("crm-1").pk == other.pk
    whole(desk)


def test_they_are_kept_apart_by_a_person_and_pointed_out_no_more(desk: Desk) -> None:
    one, other = alike(desk)
    client = reviewer()
    assert client.post(f"/records/{one.pk}/join/{other.pk}/", {"action": "apart"}).status_code == 302
    for row in (one, other):
        assert "Another record has the same" not in client.get(f"/records/{row.pk}/").content.decode()
    whole(desk)


@pytest.mark.parametrize(
    "url", ["/records/{one}/links/crm/", "/records/{one}/join/{other}/", "/review/{question}/undo/"]
)
def test_viewers_may_not_and_see_no_way(desk: Desk, url: str) -> None:
    one, other = alike(desk)
    question = desk.second(3)
    answer(question, "skip")
    viewer = browser_of("Viewer")
    given = url.format(one=one.pk, other=other.pk, question=question.pk)
    assert viewer.post(given, {"action": "unlink"}).status_code == 403
    page = viewer.get(f"/records/{one.pk}/").content.decode()
    assert "/links/" not in page
    assert "/join/" not in page
    assert "Undo" not in viewer.get(f"/review/{question.pk}/receipt/").content.decode()


# The API


def test_links_over_the_api(desk: Desk) -> None:
    row, client = desk.contact(1), reviewer()
    url = f"/api/v1/records/{row.pk}/links/billing/"
    assert client.post(url, {"action": "cut"}, "application/json").status_code == 400
    assert client.post(url, {"action": "unlink"}, "application/json").status_code == 200
    refused = client.post(url, {"action": "unlink"}, "application/json")
    assert (refused.status_code, "no record at billing" in refused.content.decode()) == (400, True)
    assert client.post(url, {"action": "relink"}, "application/json").status_code == 200
    made = client.post(url, {"action": "split"}, "application/json").json()
    assert made["split"] == str(owner("billing-1").pk)
    other = client.post(f"/api/v1/records/{made['split']}/join/", {"into": str(row.pk)}, "application/json")
    assert other.status_code == 200
    assert owner("billing-1").pk == row.pk
    whole(desk)


def test_two_records_are_kept_apart_over_the_api(desk: Desk) -> None:
    one, other = alike(desk)
    client, url = reviewer(), f"/api/v1/records/{one.pk}/apart/"
    assert client.post(url, {"from": str(one.pk)}, "application/json").status_code == 400
    assert client.post(url, {"from": str(other.pk)}, "application/json").json()["key"] == str(one.pk)
    assert Record.objects.get(pk=one.pk).apart.keys() == {str(other.pk)}


def test_an_answer_is_undone_over_the_api(desk: Desk) -> None:
    question, client = desk.second(1), reviewer()
    answer(question, "skip")
    assert client.post(f"/api/v1/conflicts/{question.pk}/undo/").json()["undone"] is True
    again = client.post(f"/api/v1/conflicts/{question.pk}/undo/")
    assert (again.status_code, "moved on since" in again.content.decode()) == (400, True)


def test_what_was_refused_changes_nothing(desk: Desk) -> None:
    question = desk.second(1)
    with pytest.raises(Refused):
        answer(question, "same", str(question.record_id))
    assert Conflict.objects.get(pk=question.pk).state == "open"
