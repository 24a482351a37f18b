"""The card: what it shows, what an answer does, what happens when somebody or something was quicker."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from policies.core.resolve import Choice, Moved
from review.decide import decide
from syncapp.load import Contended
from syncapp.models import Conflict, Ledger, Push, Record
from syncapp.steps import judge
from tests.clerk.making import RULES, seen
from tests.review.seeding import BOLD, Desk, browser_of, make_desk


def answer(client: Client, conflict: Conflict, number: str, **more: str) -> Any:
    page = client.get(f"/review/{conflict.pk}/")
    card = page.context["card"]
    given = {"version": card.question.version, "shown": card.shown, "answer": number, **more}
    return client.post(f"/review/{conflict.pk}/", given)


def text(page: Any) -> str:
    return " ".join(page.content.decode().split())


def test_it_asks_in_one_sentence_and_says_what_each_answer_does(desk: Desk) -> None:
    shown = text(browser_of("Reviewer").get(f"/review/{desk.disagree(1).pk}/"))
    assert "Which Telephone is right for Person 1 p1@example.org?" in shown
    assert "The sides disagree about Telephone and the policy asks a person." in shown
    assert "Telephone is shared by all who may write it; policy version 1 says: a person decides." in shown
    assert "+49 30 <del>1</del><ins>2</ins>000" in shown
    assert "<b>Billing:</b> Telephone changes from “+49 30 3000” to “+49 30 2000”" in shown
    assert "<b>CRM:</b> nothing" in shown


def test_choosing_makes_the_value_due_where_it_is_not(desk: Desk) -> None:
    conflict = desk.disagree(1)
    client = browser_of("Reviewer")
    answered = answer(client, conflict, "1")
    assert answered.headers["Location"] == f"/review/{conflict.pk}/receipt/"
    conflict.refresh_from_db()
    assert (conflict.state, conflict.decided_by, conflict.winner) == ("decided", "reviewer", "crm")
    push = Push.objects.get(state="pending", record=conflict.record)
    assert (push.feed.role.name, push.units) == ("billing", ["phone"])
    receipt = text(client.get(answered.headers["Location"]))
    assert "the answer is “+49 30 2000” (by reviewer)" in receipt
    assert "behind" in receipt and "every 1s" in receipt


def test_the_receipt_rests_when_the_other_side_shows_the_value(desk: Desk) -> None:
    conflict = desk.disagree(1)
    client = browser_of("Reviewer")
    answer(client, conflict, "1")
    desk.shows("billing", 1, "3", phone="+49 30 2000")
    receipt = text(client.get(f"/review/{conflict.pk}/receipt/", headers={"HX-Request": "true"}))
    assert receipt.startswith("<section") and "every 1s" not in receipt
    assert receipt.count("in step") == 2


def test_a_typed_value_is_taken(desk: Desk) -> None:
    conflict = desk.disagree(1)
    answer(browser_of("Reviewer"), conflict, "typed", **{"value-phone": "  +49 30 7777 "})
    conflict.refresh_from_db()
    assert conflict.value == {"phone": "+49 30 7777"}
    assert Push.objects.filter(state="pending", record=conflict.record).count() == 2


def test_a_bad_typed_value_is_kept_and_the_card_says_what_is_accepted(db: None) -> None:
    desk = make_desk({"email": {**RULES["email"], "owner": "shared", "strategy": "manual_review"}})
    desk.contact(1)
    desk.shows("crm", 1, "2", email="new@example.org")
    desk.shows("billing", 1, "2", email="other@example.org")
    conflict = Conflict.objects.get(unit="email")
    page = answer(browser_of("Reviewer"), conflict, "typed", **{"value-email": "not <an> address"})
    assert page.status_code == 422
    assert 'value="not &lt;an&gt; address"' in text(page)
    assert "accepted: " in text(page)
    assert Conflict.objects.get(pk=conflict.pk).state == "open"


def test_no_answer_is_refused_in_words(desk: Desk) -> None:
    conflict = desk.disagree(1)
    page = answer(browser_of("Reviewer"), conflict, "17")
    assert page.status_code == 422
    assert "Choose one of the answers, or type a value." in text(page)
    assert Conflict.objects.get(pk=conflict.pk).state == "open"


@pytest.mark.parametrize("version", ["", "x", "-1", "1.5"])
def test_a_form_without_a_version_decides_nothing(desk: Desk, version: str) -> None:
    conflict = desk.disagree(1)
    page = browser_of("Reviewer").post(f"/review/{conflict.pk}/", {"version": version, "answer": "1"})
    assert page.status_code == 400
    assert Conflict.objects.get(pk=conflict.pk).state == "open"


def test_a_question_that_moved_comes_back_with_what_moved(desk: Desk) -> None:
    conflict = desk.disagree(1)
    client = browser_of("Reviewer")
    card = client.get(f"/review/{conflict.pk}/").context["card"]
    desk.shows("billing", 1, "3", phone="+49 30 9999")
    given = {"version": card.question.version, "shown": card.shown, "answer": "2"}
    page = client.post(f"/review/{conflict.pk}/", given)
    assert page.status_code == 409
    assert "Billing now holds “+49 30 9999” (you saw “+49 30 3000”)." in text(page)
    assert Conflict.objects.get(pk=conflict.pk).state == "open"
    assert answer(client, conflict, "2").status_code == 302
    assert Conflict.objects.get(pk=conflict.pk).value == {"phone": "+49 30 9999"}


@pytest.mark.parametrize("shown", ["", "[", "7", '[["crm"]]', '[["crm", 3]]', "null"])
def test_what_a_form_claims_to_have_shown_may_be_nonsense(desk: Desk, shown: str) -> None:
    conflict = desk.disagree(1)
    page = browser_of("Reviewer").post(f"/review/{conflict.pk}/", {"version": "99", "shown": shown, "answer": "1"})
    assert page.status_code == 409
    assert "nothing was decided" in text(page)


def test_a_question_that_ended_says_how(desk: Desk) -> None:
    conflict = desk.disagree(1)
    client = browser_of("Reviewer")
    card = client.get(f"/review/{conflict.pk}/").context["card"]
    desk.shows("billing", 1, "3", phone="+49 30 2000")
    page = client.post(f"/review/{conflict.pk}/", {"version": card.question.version, "answer": "2"})
    assert page.status_code == 409
    assert "All sides now hold the same Telephone" in text(page)
    assert "nothing of yours was decided" in text(page)


def test_values_are_escaped_everywhere(desk: Desk) -> None:
    conflict = desk.disagree(1, crm=BOLD, billing="<script>alert(1)</script>")
    client = browser_of("Reviewer")
    pages = ["/review/", f"/review/{conflict.pk}/", f"/records/{conflict.record_id}/"]
    pages.append(f"/records/{conflict.record_id}/why/phone/")
    for url in pages:
        shown = client.get(url).content.decode()
        assert "<script>alert" not in shown, url
        assert BOLD not in shown, url
        assert "&lt;" in shown, url


def test_a_delete_offers_its_three_answers(desk: Desk) -> None:
    conflict = desk.delete(1)
    client = browser_of("Reviewer")
    shown = text(client.get(f"/review/{conflict.pk}/"))
    for words in ("Make it again", "Delete it everywhere", "Leave it deleted at Billing"):
        assert words in shown
    assert "<b>CRM:</b> the record is deleted there" in shown
    answer(client, conflict, "1")
    conflict.refresh_from_db()
    assert (conflict.state, conflict.winner) == ("decided", "recreate")
    assert Push.objects.get(state="pending", record=conflict.record).why == "create"
    decided = Ledger.objects.filter(record=conflict.record_id, verdict="decided")
    assert set(decided.values_list("actor", flat=True)) == {"reviewer"}


def test_a_delete_everywhere_says_which_system_it_leaves_out(desk: Desk) -> None:
    conflict = desk.delete(1)
    out = seen(desk.store, "crm", "crm-1", version="2", email="p1@example.org", first_name="Person 1")
    judge(desk.store, "crm", [replace(out, in_scope=False)])
    conflict.refresh_from_db()
    shown = text(browser_of("Reviewer").get(f"/review/{conflict.pk}/"))
    assert "<b>CRM:</b> nothing: the record is out of scope there" in shown
    assert "<b>CRM:</b> the record is deleted there" not in shown


def test_a_match_can_be_kept_apart(desk: Desk) -> None:
    conflict = desk.second(1)
    client = browser_of("Reviewer")
    assert "Is CRM record crm-1-twin the same as Person 1" in text(client.get(f"/review/{conflict.pk}/"))
    answer(client, conflict, "2")
    twin = Record.objects.get(links__remote_id="crm-1-twin")
    assert twin.pk != conflict.record_id
    assert twin.beliefs["first_name"]["value"] == {"first_name": "Twin"}
    assert not Conflict.objects.filter(state="open").exists()


def test_a_match_with_a_record_that_is_linked_there_is_refused_in_words(desk: Desk) -> None:
    conflict = desk.second(1)
    client = browser_of("Reviewer")
    offered = client.get(f"/review/{conflict.pk}/").context["card"].answers
    assert "merge the two there" in offered[0].refusal and not offered[1].refusal
    page = answer(client, conflict, "1")
    assert page.status_code == 422
    assert "merge the two there, or keep them apart" in text(page)
    assert Conflict.objects.get(pk=conflict.pk).state == "open"


def test_a_skipped_match_links_nothing(desk: Desk) -> None:
    conflict = desk.second(1)
    answer(browser_of("Reviewer"), conflict, "3")
    conflict.refresh_from_db()
    assert (conflict.state, conflict.winner) == ("decided", "skip")
    assert not Record.objects.filter(links__remote_id="crm-1-twin").exists()


def test_a_skipped_match_is_asked_about_again_only_when_its_keys_change(desk: Desk) -> None:
    conflict = desk.second(1)
    desk.contact(2)
    answer(browser_of("Reviewer"), conflict, "3")
    twin = {"remote_id": "crm-1-twin", "first_name": "Twin"}
    judge(desk.store, "crm", [seen(desk.store, "crm", version="2", email="p1@example.org", **twin)])
    assert not Conflict.objects.filter(state="open").exists()
    judge(desk.store, "crm", [seen(desk.store, "crm", version="3", email="p2@example.org", **twin)])
    assert Conflict.objects.get(state="open").about == "crm-1-twin"


def test_one_of_several_matches_is_linked(desk: Desk) -> None:
    """Two records that only Billing knows carry one address; the CRM's new record is the second."""
    desk.shows("billing", 1, "1", email="a@example.org", first_name="First")
    desk.shows("billing", 2, "1", email="b@example.org", first_name="Second")
    desk.shows("billing", 2, "2", email="a@example.org", first_name="Second")
    desk.shows("crm", 1, "1", email="a@example.org", first_name="New")
    conflict = Conflict.objects.get(kind="match")
    client = browser_of("Reviewer")
    offered = client.get(f"/review/{conflict.pk}/").context["card"].answers
    wanted = next(one for one in offered if "Second" in one.title)
    answer(client, conflict, str(wanted.number))
    assert str(Record.objects.get(links__remote_id="crm-1").key) == wanted.choice.record


@pytest.mark.django_db(transaction=True)
def test_of_two_decisions_at_once_one_wins() -> None:
    desk = make_desk()
    conflict = desk.disagree(1)
    outcomes: list[str] = []
    start = threading.Barrier(4)

    def choose(source: str) -> None:
        start.wait()
        try:
            decide(Conflict.objects.get(pk=conflict.pk), conflict.version, Choice(source), source)
            outcomes.append(source)
        except Moved as moved:
            outcomes.append("moved" if moved.question is None else "changed")
        except Contended:
            outcomes.append("busy")
        finally:
            connection.close()

    threads = [threading.Thread(target=choose, args=(source,)) for source in ("crm", "billing") * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes)[1:] == ["moved"] * 3
    conflict.refresh_from_db()
    assert conflict.winner in outcomes
    assert Ledger.objects.filter(record=conflict.record_id, verdict="decided").count() == 1


def proposal() -> tuple[Desk, Conflict]:
    desk = make_desk({"address": {**RULES["address"], "unauthorised": "propose"}})
    desk.contact(1, street="Old 1", city="Rome")
    desk.shows("billing", 1, "2", street="Main 1", city="Rome")
    desk.shows("crm", 1, "2", street="Main 1", city="Rome")
    desk.shows("crm", 1, "3", street="Side 2", city="Rome")
    return desk, Conflict.objects.get(state="open")


@pytest.mark.parametrize(("number", "street"), [("1", "Main 1"), ("2", "Side 2")])
def test_a_proposal_is_taken_or_what_is_believed_kept(db: None, number: str, street: str) -> None:
    _, conflict = proposal()
    client = browser_of("Reviewer")
    shown = text(client.get(f"/review/{conflict.pk}/"))
    assert "May CRM change Address of Person 1 p1@example.org?" in shown
    assert "Address is owned by Billing" in shown
    assert shown.count("data-answer=") == 2
    answer(client, conflict, number)
    record = Record.objects.get(pk=conflict.record_id)
    assert record.beliefs["address"]["value"] == {"street": street, "city": "Rome"}
    assert not Conflict.objects.filter(state="open").exists()


def test_a_bundle_is_typed_member_by_member(db: None) -> None:
    _, conflict = proposal()
    given = {"value-street": "Third 3", "value-city": "Oslo"}
    answer(browser_of("Reviewer"), conflict, "typed", **given)
    conflict.refresh_from_db()
    assert conflict.value == {"street": "Third 3", "city": "Oslo"}


def test_a_value_that_is_not_valid_cannot_be_chosen_and_says_why(desk: Desk) -> None:
    desk.contact(1)
    wrong = {"$invalid": "nobody at all", "reason": "got 'nobody at all'; accepted: an e-mail address"}
    judge(desk.store, "crm", [seen(desk.store, "crm", "crm-1", version="2", email=wrong)])
    conflict = Conflict.objects.get(state="open")
    client = browser_of("Reviewer")
    shown = text(client.get(f"/review/{conflict.pk}/"))
    assert "CRM holds a Email of Person 1 p1@example.org that is not valid" in shown
    assert "It cannot be chosen: this value cannot be kept in step: got" in shown
    assert "nobody at all" in shown
    assert answer(client, conflict, "2").status_code == 422
    answer(client, conflict, "1")
    conflict.refresh_from_db()
    assert (conflict.state, conflict.value) == ("decided", {"email": "p1@example.org"})


def test_an_empty_box_clears_nothing(desk: Desk) -> None:
    conflict = desk.disagree(1)
    page = answer(browser_of("Reviewer"), conflict, "typed", **{"value-phone": " "})
    assert page.status_code == 422
    assert "nothing was typed; type a value, or tick “Clear it everywhere” to empty Telephone" in text(page)
    assert "Billing: “+49 30 3000” is removed there." in text(page)
    assert Conflict.objects.get(pk=conflict.pk).state == "open"


def test_clearing_takes_a_tick_of_its_own(desk: Desk) -> None:
    conflict = desk.disagree(1)
    client = browser_of("Reviewer")
    both = answer(client, conflict, "typed", **{"value-phone": "1", "value-clear-everywhere": "on"})
    assert both.status_code == 422 and "but a value stands in the form" in text(both)
    answer(client, conflict, "typed", **{"value-phone": "", "value-clear-everywhere": "on"})
    conflict.refresh_from_db()
    assert (conflict.state, conflict.value) == ("decided", {"phone": None})


def test_where_no_person_may_clear_the_box_is_not_offered(db: None) -> None:
    desk = make_desk({"phone": {**RULES["phone"], "clear": ["crm"]}})
    conflict = desk.disagree(1)
    page = answer(browser_of("Reviewer"), conflict, "typed", **{"value-phone": "", "value-clear-everywhere": "on"})
    assert page.status_code == 422
    assert "the policy lets no person empty Telephone" in text(page)
    assert "Clear it everywhere" not in text(page)


def test_clearing_a_match_key_says_what_it_means(db: None) -> None:
    rule = {**RULES["email"], "owner": "shared", "strategy": "manual_review", "clear": ["hub"]}
    desk = make_desk({"email": {**rule, "writers": ["crm", "billing", "hub"]}})
    desk.contact(1)
    desk.shows("crm", 1, "2", email="new@example.org")
    desk.shows("billing", 1, "2", email="other@example.org")
    page = answer(browser_of("Reviewer"), Conflict.objects.get(unit="email"), "typed", **{"value-email": ""})
    assert page.status_code == 422 and "Records are looked up by this field" in text(page)


def test_deleting_everywhere_takes_a_tick_and_its_receipt_is_at_rest(desk: Desk) -> None:
    conflict = desk.delete(1)
    client = browser_of("Reviewer")
    page = answer(client, conflict, "2")
    assert page.status_code == 422
    assert "Yes, delete it in 1 system (CRM). This cannot be undone from here." in text(page)
    assert Conflict.objects.get(pk=conflict.pk).state == "open"
    receipt = client.get(answer(client, conflict, "2", confirmed="2").headers["Location"])
    assert "the answer is “Delete it everywhere” (by reviewer)" in text(receipt)
    assert "On its way" in text(receipt) and "to be deleted" in text(receipt)
    judge(desk.store, "crm", [seen(desk.store, "crm", "crm-1", version="2", deleted=True)])
    rested = client.get(f"/review/{conflict.pk}/receipt/")
    assert rested.context["receipt"].heading == "Done: every system stands as decided"
    assert {standing.tone for _, standing in rested.context["receipt"].systems} == {"good"}


def test_a_receipt_speaks_the_words_of_the_button(desk: Desk) -> None:
    conflict = desk.second(1)
    client = browser_of("Reviewer")
    receipt = client.get(answer(client, conflict, "2").headers["Location"])
    assert "the answer is “Keep apart: make a record of its own” (by reviewer)" in text(receipt)
