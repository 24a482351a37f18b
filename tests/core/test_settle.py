"""What became of a write: confirmed, landed, sent again, refused, overtaken, found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.core.confirm import confirm, rejected, release
from policies.core.draft import Draft
from policies.core.due import Work, claim, due_roles, due_units
from policies.core.lookup import found
from policies.core.plan import plan
from policies.core.reasons import Reason, Verdict
from policies.core.rules import Strategy
from policies.core.seen import Observation
from policies.core.settle import settle
from policies.core.values import Failed, Kind, Sending
from tests.core.cases.making import (
    NOW,
    Case,
    app_of,
    context_of,
    minutes,
    observation_of,
    outcome,
    policy_of,
    record_of,
)

SENDING = {"H": "Berta", "k": 2, "sending": "Berta"}
COUNT = {"kind": "counter", "strategy": Strategy.MERGE, "H": 7, "stored": 5, "k": 2, "sending": 7}
PLACE = {"kind": "bundle", "stored": {"street": "Old", "zip": "1"}, "H": {"street": "New", "zip": "2"}, "k": 2}


def case(x, **more) -> Case:
    return Case("", x, None, **more)


def settled(told: Case):
    return settle(record_of(told), observation_of(told), policy_of(told), context_of(told))


def answered(told: Case, *, body: bool = True, version="6", at=NOW):
    shown = replace(observation_of(told), version=version) if body else None
    return confirm(record_of(told), "app", "key", "a1", version, shown, at, policy_of(told), context_of(told))


def reasons(made) -> list[Reason]:
    return [line.reason for line in made.lines]


def test_a_write_that_shows_has_landed():
    told = case("Berta", **SENDING)
    made = settled(told)
    assert Reason.LANDED in reasons(made)
    assert outcome(told, made) | {"k": 3, "sending": False, "due": {}} == outcome(told, made)


def test_what_was_stored_still_shows_so_it_is_sent_again_with_the_same_key():
    told = case("Anna", **SENDING, guard="6")
    made = settled(told)
    assert reasons(made) == [Reason.NOT_LANDED]
    assert due_roles(made.state, policy_of(told)) == {"app": Work.UPDATE}
    assert made.state.links["app"].epoch == 0


def test_an_account_that_moved_back_is_another_attempt():
    made = settled(case("Anna", **SENDING, guard="5"))
    assert made.state.links["app"].epoch == 1


def test_a_third_value_is_an_observation():
    told = case("Carl", **SENDING)
    assert outcome(told, settled(told))["asks"] == ["value"]


def test_a_counter_that_landed_without_proof_is_asked_about():
    told = case(7, **COUNT)
    made = settled(told)
    assert Reason.OUTCOME_UNKNOWN in reasons(made)
    assert outcome(told, made)["asks"] == ["outcome"]
    assert outcome(told, made)["H"] == 7


def test_a_counter_that_landed_with_proof_has_landed():
    told = case(7, **COUNT, seen={"correlation": "key"})
    assert outcome(told, settled(told)) | {"H": 7, "k": 3, "asks": []} == outcome(told, settled(told))


def test_a_counter_that_did_not_move_is_sent_again():
    told = case(5, **COUNT)
    assert outcome(told, settled(told))["due"] == {"app": "update"}


@pytest.mark.parametrize(
    ("kind", "stored", "sent", "x"),
    [
        ("set", ["a"], ["a", "b"], ["a", "c"]),
        ("long_text", "a\nb", "A\nb", "a\nC"),
        ("map", {}, {"a": "1"}, {"b": "2"}),
    ],
)
def test_no_arithmetic_on_an_unknown_outcome(kind, stored, sent, x):
    told = case(x, kind=kind, strategy=Strategy.MERGE, H=sent, stored=stored, k=2, sending=sent)
    made = settled(told)
    assert outcome(told, made)["asks"] == ["outcome"]
    assert outcome(told, made)["H"] == sent


def test_half_a_bundle_landed_and_the_other_half_was_changed_there():
    told = case({"street": "New", "zip": "9"}, **PLACE, sending={"street": "New", "zip": "2"})
    after = outcome(told, settled(told))
    assert after["H"] == {"street": "New", "zip": "9"}
    assert after["due"] == {"crm": "update"}


def test_a_settling_read_that_was_overtaken_is_stale_like_any_other():
    told = case("Anna", **SENDING, link={"read_at": minutes(1)})
    made = settled(told)
    assert reasons(made) == [Reason.OLDER_READ]
    assert made.look_again and made.state == record_of(told)


def test_nothing_in_flight_is_plain_judging():
    told = case("Carl")
    assert settled(told).state == plan(record_of(told), observation_of(told), policy_of(told), context_of(told)).state


def test_an_answer_with_its_body_is_the_base():
    told = case("berta", **SENDING, norms=["lower"])
    after = outcome(told, answered(told))
    assert after | {"stored": "berta", "meant": "Berta", "k": 3, "near": False, "due": {}} == after


def test_an_answer_without_body_or_version_is_confirmed_as_stored_there():
    told = case("x", **SENDING, norms=["lower"])
    made = answered(told, body=False, version=None)
    assert reasons(made) == [Reason.CONFIRMED_BLIND]
    assert outcome(told, made) | {"stored": "berta", "meant": "Berta", "k": 3} == outcome(told, made)


def test_a_difference_that_nothing_explains_is_a_near_miss_and_not_adopted():
    told = case("B3rta", **SENDING)
    made = answered(told)
    assert outcome(told, made) | {"H": "Berta", "near": True, "stored": "B3rta", "due": {}} == outcome(told, made)
    later = replace(observation_of(told), read_at=minutes(1), version="7")
    assert plan(made.state, later, policy_of(told), context_of(told)).lines == ()


def test_the_answer_for_an_older_version_leaves_the_newer_due():
    told = case("Berta", **{**SENDING, "H": "Carla"}, v=4)
    assert outcome(told, answered(told)) | {"k": 3, "due": {"app": "update"}} == outcome(told, answered(told))


def test_an_answer_to_a_push_that_was_settled_changes_nothing():
    told = case("Berta", H="Berta", k=2)
    assert answered(told).state == record_of(told)


def test_an_answer_that_was_overtaken_regresses_nothing():
    told = case("Berta", **SENDING, link={"read_at": minutes(1), "version": "9"})
    made = answered(told)
    link = made.state.links["app"]
    assert (link.version, link.read_at, made.look_again) == ("9", minutes(1), True)


def test_an_answer_of_a_later_version_counts_whatever_the_clock_of_the_hub_said():
    """The clock was set back between a read and the answer to a write: only the version tells which came after."""
    told = case("Berta", **SENDING, link={"read_at": minutes(1), "version": "5"})
    link = answered(told, version="6").state.links["app"]
    assert (link.version, link.read_at) == ("6", NOW)


def test_the_same_version_written_again_carries_another_key():
    told = case("Anna", sending="Anna", flags={"owed": True}, stored="Carl")
    state = answered(told).state
    seen = Observation("app", "a1", {"name": "Carl"}, minutes(1), version="7")
    outside = replace(told, writers=("crm",))
    back = plan(state, seen, policy_of(outside), context_of(outside)).state
    draft = Draft(back, policy_of(outside), context_of(outside))
    again = claim(draft, "app", Work.UPDATE)
    first = Draft(record_of(replace(told, sending=Case.__dataclass_fields__["sending"].default)), *two(outside))
    assert again.key != claim(first, "app", Work.UPDATE).key


def two(told: Case):
    return policy_of(told), context_of(told)


def test_a_write_taken_back_unsent_is_due_again_with_the_same_key():
    told = case("x", **SENDING)
    made = release(record_of(told), "app", "key", Reason.MOVED_MEANWHILE, policy_of(told), context_of(told))
    assert outcome(told, made) | {"sending": False, "due": {"app": "update"}} == outcome(told, made)
    assert made.state.links["app"].epoch == 0


def test_a_refused_field_is_state_and_not_due_again_at_this_version():
    told = case("x", **SENDING)
    made = rejected(record_of(told), "app", "key", {"name": "too long"}, "422", policy_of(told), context_of(told))
    assert made.state.links["app"].bases["name"].failed == Failed(3, "too long")
    assert due_units(made.state, policy_of(told), "app") == ()


@pytest.mark.parametrize(("refused_at", "due"), [(3, False), (2, True)])
def test_a_refusal_holds_for_its_version_only_and_beats_a_debt(refused_at, due):
    told = case("x", stored="Carl", flags={"owed": True, "failed": Failed(refused_at, "no")})
    assert bool(due_units(record_of(told), policy_of(told), "app")) is due


def test_a_refused_create_asks_and_is_not_tried_again():
    told = case("x")
    record = record_of(told)
    sending = Sending("key", {"name": {"name": "Anna"}}, {"name": 3}, NOW, create=True)
    record = replace(
        record, links={**record.links, "app": replace(app_of(told), remote_id=None, bases={}, sending=sending)}
    )
    made = rejected(record, "app", "key", {}, "403", policy_of(told), context_of(told))
    assert [q.kind for q in made.state.questions] == [Kind.CREATE]
    assert due_roles(made.state, policy_of(told)) == {}


@pytest.mark.parametrize(
    ("external", "x", "after"),
    [
        ("r1", "berta", {"H": "Berta", "k": 3, "due": {}}),
        ("r1", "Zoe", {"H": "Berta", "asks": ["value"]}),
        (None, "Zoe", {"H": "Berta", "asks": ["value"], "k": 0}),
        (None, None, {"H": "Berta", "asks": [], "due": {"app": "update"}}),
    ],
)
def test_a_record_found_before_a_create_is_never_confirmed_wholesale(external, x, after):
    told = case(x, H="Berta", norms=["lower"], seen={"external_id": external})
    record = record_of(told)
    sending = Sending("key", {"name": {"name": "Berta"}}, {"name": 3}, NOW, create=True)
    record = replace(
        record, links={**record.links, "app": replace(app_of(told), remote_id=None, bases={}, sending=sending)}
    )
    made = found(record, observation_of(told), policy_of(told), context_of(told))
    assert made.lines[0].verdict is Verdict.FOUND
    assert outcome(told, made) | after == outcome(told, made)
