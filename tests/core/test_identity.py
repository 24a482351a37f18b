"""Which record a remote record is, and what follows when one is deleted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.core.due import due_roles
from policies.core.identity import place
from policies.core.plan import plan
from policies.core.reasons import Reason
from policies.core.resolve import Choice, resolve
from policies.core.rules import OnDelete
from policies.core.seen import How, Observation
from policies.core.values import Kind, Link, Record, Sending
from tests.core.cases.making import (
    NOTHING,
    NOW,
    Case,
    context_of,
    minutes,
    observation_of,
    policy_of,
    question,
    record_of,
    side,
)

TOLD = Case("", "Anna", None)


def placed(*matches: Record, remote_id: str = "a9"):
    seen = Observation("app", remote_id, {"name": "Anna"}, NOW)
    return place(seen, matches, policy_of(TOLD), context_of(TOLD), "r9")


def without_app(key: str = "r1", **link) -> Record:
    record = record_of(TOLD)
    links = {"crm": record.links["crm"]}
    if link:
        links["app"] = replace(record.links["app"], **{"remote_id": None, "bases": {}, **link})
    return replace(record, key=key, links=links)


def test_no_match_makes_a_record_whose_creator_is_this_role():
    made = placed()
    assert (made.state.key, made.state.creator, made.lines[0].reason) == ("r9", "app", Reason.NEW_RECORD)


def test_what_has_no_valid_match_key_says_so_instead():
    """It was not compared with anything, which is no finding that no record matches."""
    policy = replace(policy_of(TOLD), match_keys=(("email",), ("name", "phone")))
    seen = Observation("app", "a9", {"name": "Anna", "email": None}, NOW)
    [line] = place(seen, (), policy, context_of(TOLD), "r9").lines
    assert (line.reason, line.detail) == (Reason.NOTHING_TO_MATCH, "email or name with phone")
    whole = Observation("app", "a9", {"name": "Anna", "phone": "1"}, NOW)
    assert place(whole, (), policy, context_of(TOLD), "r9").lines[0].reason is Reason.NEW_RECORD


def test_one_match_is_linked_with_empty_bases():
    made = placed(without_app())
    assert made.lines[0].reason is Reason.MATCHED
    assert (made.state.links["app"].remote_id, dict(made.state.links["app"].bases)) == ("a9", {})


def test_several_matches_ask_a_person_and_link_nothing():
    made = placed(without_app(), without_app("r2"))
    assert [q.reason for q in made.state.questions] == [Reason.AMBIGUOUS]
    assert "app" not in made.state.links


def test_a_second_remote_record_that_matches_a_linked_one_is_a_question_asked_once():
    made = placed(record_of(TOLD))
    assert [(q.kind, q.about) for q in made.state.questions] == [(Kind.MATCH, "a9")]
    assert made.state.links["app"].remote_id == "a1"
    assert placed(made.state).lines == ()


def test_a_match_with_a_create_in_flight_waits():
    sending = Sending("key", {}, {}, NOW, create=True)
    made = placed(without_app(sending=sending))
    assert made.wait
    assert made.state.links["app"].remote_id is None


def test_a_link_that_a_person_cut_is_not_linked_again_by_matching():
    assert placed(without_app(unlinked=True, remote_id="a1")).state.questions[0].reason is Reason.SECOND_MATCH


def test_a_new_id_takes_the_place_of_a_tombstone():
    made = placed(without_app(gone=NOW, remote_id="a1"))
    assert (made.state.links["app"].remote_id, made.state.links["app"].gone) == ("a9", None)


@pytest.mark.parametrize(
    ("on_delete", "due", "asks"),
    [
        (OnDelete.ASK, {}, ["delete"]),
        (OnDelete.REVIEW, {}, ["delete"]),
        (OnDelete.PROPAGATE, {"crm": "delete"}, []),
        (OnDelete.UNLINK, {}, []),
        (OnDelete.RECREATE, {"app": "create"}, []),
    ],
)
def test_what_follows_a_delete(on_delete, due, asks):
    made = deleted(TOLD, on_delete)
    assert {role: str(work) for role, work in due_roles(made.state, policy_of(TOLD)).items()} == due
    assert [str(q.kind) for q in made.state.questions] == asks


def deleted(told: Case, on_delete: OnDelete):
    gone = replace(observation_of(replace(told, x=NOTHING)), deleted=True)
    return plan(record_of(told), gone, replace(policy_of(told), on_delete=on_delete), context_of(told))


@pytest.mark.parametrize("on_delete", list(OnDelete))
def test_a_delete_that_meets_an_open_question_asks_whatever_the_policy_and_names_it(on_delete):
    told = replace(TOLD, asked=(question(side("crm", "Anna"), side("app", "Carl")),))
    made = deleted(told, on_delete)
    asked = made.state.questions[-1]
    assert (asked.kind, asked.reason, asked.note) == (Kind.DELETE, Reason.DELETE_MEETS_QUESTION, "name")
    assert [c.frozen for c in made.state.questions[0].candidates] == [False, True]


def test_an_edit_after_a_delete_that_waits_for_a_person_beats_it():
    waiting = deleted(TOLD, OnDelete.ASK).state
    edit = Observation("crm", "c1", {"name": "Emil"}, NOW, version="2")
    made = plan(waiting, edit, policy_of(TOLD), context_of(TOLD))
    assert Reason.EDIT_BEATS_DELETE in [line.reason for line in made.lines]
    assert (made.state.questions, {r: str(w) for r, w in due_roles(made.state, policy_of(TOLD)).items()}) == (
        (),
        {"app": "create"},
    )


def test_a_read_from_before_a_delete_does_not_link_the_dead_record_again():
    """It was deleted and is to be made again; a slow worker read it before that."""
    record = without_app(read_at=minutes(-1))
    policy, context = policy_of(TOLD), context_of(TOLD)
    old = Observation("app", "a9", {"name": "Anna"}, minutes(-2))
    made = place(old, [record], policy, context, "r9")
    assert (made.look_again, made.state.links["app"].remote_id) == (True, None)
    new = place(replace(old, read_at=NOW), [record], policy, context, "r9")
    assert new.state.links["app"].remote_id == "a9"


def doomed(**app) -> Record:
    """A person had the record deleted everywhere: at `crm` it is gone, at `app` its delete is due."""
    record = record_of(TOLD)
    crm, there = record.links["crm"], record.links["app"]
    links = {"crm": replace(crm, gone=minutes(-3)), "app": replace(there, doomed=True, **app)}
    return replace(record, links=links)


def test_an_edit_that_a_spreading_delete_meets_calls_it_off():
    edit = Observation("app", "a1", {"name": "Emil"}, NOW)
    made = plan(doomed(), edit, policy_of(TOLD), context_of(TOLD))
    assert made.state.beliefs["name"].value == {"name": "Emil"}
    assert not made.state.links["app"].doomed
    assert {role: str(work) for role, work in due_roles(made.state, policy_of(TOLD)).items()} == {"crm": "create"}


def test_where_deletes_always_spread_an_edit_does_not_stop_one():
    spreading = replace(policy_of(TOLD), on_delete=OnDelete.PROPAGATE)
    made = plan(doomed(), Observation("app", "a1", {"name": "Emil"}, NOW), spreading, context_of(TOLD))
    assert {role: str(work) for role, work in due_roles(made.state, spreading).items()} == {"app": "delete"}


def test_a_spreading_delete_lets_a_record_out_of_scope_rest():
    spreading = replace(policy_of(TOLD), on_delete=OnDelete.PROPAGATE)
    record = record_of(TOLD)
    asleep = replace(record.links["app"], asleep=True)
    gone = Observation("crm", "c1", {}, NOW, deleted=True)
    made = plan(replace(record, links={**record.links, "app": asleep}), gone, spreading, context_of(TOLD))
    assert (made.state.links["crm"].gone, made.state.links["app"]) == (NOW, asleep)
    back = replace(observation_of(TOLD), read_at=minutes(1))
    awake = plan(made.state, back, spreading, context_of(TOLD)).state
    assert not awake.links["app"].asleep and due_roles(awake, spreading) == {}, "nor is it deleted once it is back"


def test_a_record_that_leaves_the_scope_before_it_is_deleted_there_rests():
    spreading = replace(policy_of(TOLD), on_delete=OnDelete.PROPAGATE)
    out = replace(observation_of(TOLD), in_scope=False)
    made = plan(doomed(), out, spreading, context_of(TOLD)).state
    assert (made.links["app"].asleep, made.links["app"].doomed) == (True, False)


@pytest.mark.parametrize(("version", "asks"), [("6", ["overwritten"]), ("4", [])])
def test_an_edit_that_our_delete_went_over_is_not_lost(version, asks):
    """The hub looked at version 4 and deleted; an event shows what was typed in between, or what the look saw."""
    sending = Sending("k", {}, {}, minutes(-2), delete=True, guard_version="4")
    gone = replace(observation_of(replace(TOLD, x=NOTHING)), deleted=True)
    role = replace(policy_of(TOLD).roles["app"], ordered=True, exact=True)
    policy = replace(policy_of(TOLD), roles={**policy_of(TOLD).roles, "app": role})
    buried = plan(doomed(sending=sending, version="4"), gone, policy, context_of(TOLD)).state
    event = Observation("app", "a1", {"name": "Emil"}, NOW, version=version, how=How.EVENT)
    made = plan(buried, event, policy, context_of(TOLD))
    assert [q.kind for q in made.state.questions] == asks


def test_an_edit_that_our_last_write_went_over_is_not_lost_with_the_record():
    """The answer was lost, and before anybody settled the write the record was deleted: the event tells of the edit."""
    record = record_of(TOLD)
    sending = Sending("k", {"name": {"name": "Berta"}}, {"name": 3}, minutes(-2), guard_version="4")
    links = {**record.links, "app": replace(record.links["app"], sending=sending, version="4")}
    role = replace(policy_of(TOLD).roles["app"], ordered=True, exact=True)
    policy = replace(policy_of(TOLD), roles={**policy_of(TOLD).roles, "app": role})
    gone = replace(observation_of(replace(TOLD, x=NOTHING)), deleted=True)
    buried = plan(replace(record, links=links), gone, policy, context_of(TOLD)).state
    for told, asks in (("Emil", True), ("Berta", False)):
        event = Observation("app", "a1", {"name": told}, NOW, version="6", how=How.EVENT)
        made = plan(buried, event, policy, context_of(TOLD))
        assert any(q.kind is Kind.OVERWRITTEN for q in made.state.questions) is asks


def test_a_write_that_landed_before_a_delete_is_nobodys_change_when_the_record_comes_back():
    """The hub believed Berta, wrote it, and the record was deleted; it believes Anna again, as was stored before."""
    record = record_of(TOLD)
    sending = Sending("k", {"name": {"name": "Berta"}}, {"name": 2}, minutes(-2))
    links = {**record.links, "app": replace(record.links["app"], sending=sending)}
    gone = replace(observation_of(replace(TOLD, x=NOTHING)), deleted=True)
    buried = plan(replace(record, links=links), gone, policy_of(TOLD), context_of(TOLD)).state
    back = Observation("app", "a1", {"name": "Berta"}, minutes(1))
    made = plan(buried, back, policy_of(TOLD), replace(context_of(TOLD), now=minutes(1)))
    assert made.state.beliefs["name"].value == {"name": "Anna"}
    assert {role: str(work) for role, work in due_roles(made.state, policy_of(TOLD)).items()} == {"app": "update"}


def skipped() -> Record:
    """A person left the second record at `app` alone."""
    asked = placed(record_of(TOLD)).state
    one = asked.questions[0]
    return resolve(asked, one.key, 1, Choice(action="skip"), "Robin", policy_of(TOLD), context_of(TOLD)).state


def test_a_record_that_was_left_alone_is_not_asked_about_again():
    record = skipped()
    made = placed(record)
    assert (record.questions, made.lines, made.state) == ((), (), record)


def test_it_is_asked_about_again_when_its_match_keys_changed():
    seen = Observation("app", "a9", {"name": "Anna B."}, NOW)
    made = place(seen, [skipped()], policy_of(TOLD), context_of(TOLD), "r9")
    assert [(q.kind, q.about) for q in made.state.questions] == [(Kind.MATCH, "a9")]


def test_another_record_there_is_still_asked_about():
    assert [q.about for q in placed(skipped(), remote_id="a10").state.questions] == ["a10"]


def test_nothing_is_made_beside_a_record_that_was_left_alone():
    record = without_app()
    assert due_roles(record, policy_of(TOLD)) == {"app": "create"}
    left = replace(record, links={**record.links, "app": Link("app", skipped={"a9": "x"})})
    assert due_roles(left, policy_of(TOLD)) == {}
