"""What people do to the identity of records: keep apart, unlink, link again, split, join, look again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.core import parting
from policies.core.answer import Refused
from policies.core.apart import are_apart, keep_apart, not_apart
from policies.core.due import due_roles
from policies.core.identity import lives_on_in
from policies.core.plan import plan
from policies.core.reasons import Reason
from policies.core.resolve import edit
from policies.core.seen import Observation
from policies.core.values import Base, Belief, Kind, Link, Record, Sending
from tests.core.cases.making import NOW, Case, context_of, minutes, policy_of, question, record_of, side
from tests.core.test_merged import record

TOLD = Case("", "Anna", None)
POLICY, CONTEXT = policy_of(TOLD), context_of(TOLD)
BOTH = record_of(TOLD)  # crm c1 and app a1


def due(state: Record) -> dict[str, str]:
    return {role: str(work) for role, work in due_roles(state, POLICY).items()}


def named(key: str, value: str) -> Record:
    made = record(key, value, app=None, crm=f"c-{key}")
    return replace(made, beliefs={"name": Belief({"name": value}, 1, frozenset({"crm"}))})


# Keep apart


def test_apart_is_remembered_by_either_of_the_two():
    one, other = named("r1", "Anna"), named("r2", "Anna")
    kept = keep_apart(one, [other], POLICY)
    assert (are_apart(kept, other, POLICY), are_apart(other, kept, POLICY)) == (True, True)
    assert not are_apart(one, other, POLICY)


@pytest.mark.parametrize(("mine", "theirs"), [("Anna B.", "Anna"), ("Anna", "Anna B.")])
def test_apart_ends_when_what_either_is_matched_by_moves(mine, theirs):
    kept = keep_apart(named("r1", "Anna"), [named("r2", "Anna")], POLICY)
    moved = replace(kept, beliefs=named("r1", mine).beliefs)
    assert not are_apart(moved, named("r2", theirs), POLICY)


def test_apart_holds_whatever_else_changes():
    kept = keep_apart(named("r1", "Anna"), [named("r2", "Anna")], POLICY)
    assert are_apart(replace(kept, links={}, version=9), replace(named("r2", "Anna"), version=9), POLICY)


def test_a_look_up_passes_over_what_belongs_to_records_kept_apart():
    one, other, third = named("r1", "Anna"), named("r2", "Anna"), named("r3", "Anna")
    hits = [Observation("app", key, {"name": "Anna"}, NOW) for key in ("a1", "a2", "a3", "a4")]
    kept = keep_apart(one, [other], POLICY)
    assert [h.remote_id for h in not_apart(kept, hits, [one, other, third, None], POLICY)] == ["a1", "a3", "a4"]


# Unlink and link again


def test_unlink_leaves_the_record_there_and_makes_none_in_its_place():
    made = parting.unlink(BOTH, "app", "Robin", POLICY, CONTEXT)
    assert (made.state.links["app"].unlinked, made.state.links["app"].remote_id) == (True, "a1")
    assert (due(made.state), made.lines[-1].reason, made.lines[-1].by) == ({}, Reason.UNLINKED, "Robin")


def test_what_is_unlinked_is_not_judged():
    cut = parting.unlink(BOTH, "app", "Robin", POLICY, CONTEXT).state
    assert plan(cut, Observation("app", "a1", {"name": "Emil"}, minutes(1)), POLICY, CONTEXT).state == cut


def test_unlink_ends_the_questions_of_the_link_and_marks_its_side_in_others():
    mine = question(side("app", "Carl"), side("crm", "Anna"))
    link_only = replace(mine, kind=Kind.PROPOSAL, role="app")
    made = parting.unlink(replace(BOTH, questions=(mine, link_only)), "app", "Robin", POLICY, CONTEXT)
    [left] = made.state.questions
    assert [c.frozen for c in left.candidates if c.source == "app"] == [True]
    assert made.closed[0].question.role == "app"


def test_linked_again_it_is_judged_as_it_is_by_then():
    cut = parting.unlink(BOTH, "app", "Robin", POLICY, CONTEXT).state
    back = parting.relink(cut, "app", "Robin", POLICY, CONTEXT).state
    seen = Observation("app", "a1", {"name": "Emil"}, minutes(1), version="9")
    assert plan(back, seen, POLICY, CONTEXT).state.beliefs["name"].value == {"name": "Emil"}


def test_linked_again_what_is_gone_is_made_again():
    gone = replace(BOTH, links={**BOTH.links, "app": replace(BOTH.links["app"], gone=NOW, unlinked=True)})
    assert due(parting.relink(gone, "app", "Robin", POLICY, CONTEXT).state) == {"app": "create"}


# Split


def split(state: Record = BOTH):
    return parting.split(state, "app", "r9", "Robin", POLICY, CONTEXT)


def test_a_split_takes_the_link_out_with_what_it_was_seen_to_hold():
    left, made = split()
    assert (left.state.links["app"].remote_id, left.state.beliefs) == (None, BOTH.beliefs)
    assert (made.state.key, made.state.creator, made.state.links["app"].remote_id) == ("r9", "app", "a1")
    assert made.state.beliefs["name"].value == {"name": "Anna"}
    assert are_apart(left.state, made.state, POLICY)


def test_what_was_split_is_due_on_both_sides():
    left, made = split()
    assert due(left.state) == {"app": "create"}
    assert due(made.state) == {"crm": "create"}


def test_a_value_that_differed_belongs_to_the_record_that_held_it():
    held = {"name": Base({"name": "Carl"}, {"name": "Carl"}, 2)}
    left, made = split(replace(BOTH, links={**BOTH.links, "app": replace(BOTH.links["app"], bases=held)}))
    names = (left.state.beliefs["name"].value["name"], made.state.beliefs["name"].value["name"])
    assert names == ("Anna", "Carl")


# Join


def test_joined_records_are_one_and_all_links_are_kept():
    ended, kept = parting.join(record("r2", app=None, crm="c1"), record("r1", app="a1"), "Robin", POLICY, CONTEXT)
    assert (lives_on_in(ended.state), sorted(kept.state.links)) == ("r1", ["app", "crm"])


def test_a_split_is_undone_by_joining():
    left, made = split()
    ended, kept = parting.join(made.state, left.state, "Robin", POLICY, CONTEXT)
    assert (kept.state.links["app"].remote_id, due(kept.state), lives_on_in(ended.state)) == ("a1", {}, "r1")


def test_a_record_that_lives_on_is_not_edited():
    ended = parting.join(record("r2", app=None, crm="c1"), record("r1", app="a1"), "Robin", POLICY, CONTEXT)[0].state
    with pytest.raises(Refused, match="lives on"):
        edit(ended, "name", {"name": "Emil"}, 3, "Robin", POLICY, CONTEXT)


# What cannot be done

WRITING = replace(BOTH.links["app"], sending=Sending("key", {}, {}, NOW))


@pytest.mark.parametrize(
    ("deed", "says"),
    [
        (lambda: parting.unlink(BOTH, "billing", "R", POLICY, CONTEXT), "no record at billing"),
        (lambda: parting.relink(BOTH, "app", "R", POLICY, CONTEXT), "not unlinked at app"),
        (lambda: split(record("r1", app="a1")), "kept at app only"),
        (lambda: split(replace(BOTH, links={**BOTH.links, "app": WRITING})), "write to app is under way"),
        (lambda: parting.join(BOTH, record("r2", app="a2"), "R", POLICY, CONTEXT), "a record of their own at app"),
        (
            lambda: parting.join(
                record("r2", app=None, crm="c2"), replace(BOTH, links={"app": WRITING}), "R", POLICY, CONTEXT
            ),
            "under way",
        ),
        (lambda: parting.look_again(BOTH, "app", "a9", "R", POLICY, CONTEXT), "not skipped any more"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(deed, says):
    with pytest.raises(Refused, match=says):
        deed()


def test_what_was_skipped_is_forgotten():
    left = replace(BOTH, links={**BOTH.links, "app": Link("app", skipped={"a9": "x", "a8": "y"})})
    made = parting.look_again(left, "app", "a9", "Robin", POLICY, CONTEXT)
    assert (made.state.links["app"].skipped, made.lines[0].by) == ({"a8": "y"}, "Robin")
