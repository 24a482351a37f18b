"""How edits are judged to have ended: each ending, and that what is missing is reported."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from syncapp.demo.journal import Dispute, Edit, Line, OnRecord, Restore
from syncapp.demo.verdict import LONGEST_LOOK, Ending, Judge, differing, drift, nobodys

START = datetime(2026, 1, 1, tzinfo=UTC)
ANN = ("ann", "phone")
ROLES = ("crm", "billing")


def edit(number: int = 1, value: Any = "1", role: str = "crm", after: float = 0.0, **more: Any) -> Edit:
    return Edit(number, START + timedelta(seconds=after), role, "ann", "phone", {"phone": value}, **more)


def held(crm: Any, billing: Any) -> dict[Any, Any]:
    return {ANN: {"crm": {"phone": crm}, "billing": {"phone": billing}}}


def line(number: int, verdict: str, value: Any, role: str = "crm", after: float = 1.0) -> Line:
    return Line(number, START + timedelta(seconds=after), role, verdict, {"phone": value})


def plain(name: str, value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def ending(*edits: Edit, now: Any, lines: Any = (), disputes: Any = ()) -> Ending:
    """Of the first edit."""
    record = OnRecord({ANN: tuple(lines)}, {ANN: tuple(disputes)})
    return Judge(edits, now, record, plain).ending(edits[0])


def test_a_value_that_every_system_holds_is_everywhere_in_the_form_they_share():
    assert ending(edit(value="1 "), now=held("1", "1")) is Ending.EVERYWHERE


def test_a_value_that_one_system_lacks_is_lost_although_it_was_adopted():
    assert ending(edit(), now=held("1", "0"), lines=[line(1, "adopt", "1")]) is Ending.LOST


def test_an_edit_that_nobody_saw_is_lost():
    assert ending(edit(), now=held("0", "0")) is Ending.LOST


def test_an_adopted_edit_is_superseded_by_a_later_one_on_record():
    lines = [line(1, "adopt", "1"), line(2, "adopt", "2", "billing")]
    assert ending(edit(), edit(2, "2", "billing"), now=held("2", "2"), lines=lines) is Ending.SUPERSEDED


def test_an_adopted_edit_that_went_back_by_itself_is_lost():
    lines = [line(1, "adopt", "1"), line(2, "adopt", "0", "billing")]
    assert ending(edit(), now=held("0", "0"), lines=lines) is Ending.LOST


def test_a_line_from_before_the_edit_is_no_evidence():
    lines = [line(1, "adopt", "1", after=-1), line(2, "adopt", "2", "billing")]
    assert ending(edit(), edit(2, "2", "billing"), now=held("2", "2"), lines=lines) is Ending.LOST


def test_a_side_of_a_decision_is_superseded_and_of_an_open_question_undecided():
    sides = (("crm", {"phone": "1"}), ("billing", {"phone": "2"}))
    decided, asked = Dispute(sides, False, {"phone": "2"}), Dispute(sides, True)
    assert ending(edit(), now=held("2", "2"), disputes=[decided]) is Ending.SUPERSEDED
    assert ending(edit(), now=held("0", "0"), disputes=[asked]) is Ending.UNDECIDED


def test_a_decision_between_other_values_is_no_excuse():
    other = Dispute((("crm", {"phone": "3"}), ("billing", {"phone": "2"})), False, {"phone": "2"})
    assert ending(edit(), now=held("2", "2"), disputes=[other]) is Ending.LOST


@pytest.mark.parametrize(
    ("role", "after", "expected"),
    [
        ("crm", 0.1, Ending.CHANGED_AGAIN),
        ("billing", 0.1, Ending.LOST),
        ("crm", LONGEST_LOOK.total_seconds() + 1, Ending.LOST),
    ],
)
def test_the_window_is_the_same_account_and_soon(role: str, after: float, expected: Ending):
    assert ending(edit(), edit(2, "2", role, after), now=held("2", "2")) is expected


def test_a_bundle_of_which_a_part_was_changed_again_must_be_seen_whole():
    whole = replace(edit(), values={"phone": "1", "area": "a"})
    part = edit(2, "2", after=0.1)
    seen = Line(1, START + timedelta(seconds=1), "crm", "adopt", {"phone": "2", "area": "a"})
    assert ending(whole, part, now=held("2", "2"), lines=[seen]) is Ending.CHANGED_AGAIN
    half = replace(seen, values={"phone": "2", "area": "b"})
    assert ending(whole, part, now=held("2", "2"), lines=[half]) is Ending.LOST


def test_who_may_not_write_is_turned_away_on_record_and_never_let_through():
    stranger = edit(authorised=False)
    assert ending(stranger, now=held("0", "0"), lines=[line(1, "unauthorised", "1")]) is Ending.TURNED_AWAY
    assert ending(stranger, now=held("1", "1"), lines=[line(1, "adopt", "1")]) is Ending.LET_THROUGH
    agreed = Dispute((("crm", {"phone": "1"}),), False, {"phone": "1"})
    assert ending(stranger, now=held("1", "1"), disputes=[agreed]) is Ending.SUPERSEDED


def test_who_may_not_write_may_type_what_somebody_entered_who_may():
    stranger, owner = edit(authorised=False), edit(2, role="billing")
    assert ending(stranger, owner, now=held("1", "1")) is Ending.EVERYWHERE
    assert ending(stranger, replace(owner, authorised=False), now=held("1", "1")) is Ending.LET_THROUGH


@pytest.mark.parametrize(
    ("labels", "expected"), [(["a", "b"], Ending.EVERYWHERE), (["a"], Ending.LOST), (["a", "b", "c"], Ending.LOST)]
)
def test_a_merged_set_keeps_what_was_added_and_loses_what_was_removed(labels: list[str], expected: Ending):
    merged = edit(value=["a", "b"], merged=True, added=frozenset("b"), removed=frozenset("c"))
    assert ending(merged, now=held(labels, labels)) is expected


def test_a_label_is_superseded_where_a_person_chose_the_other_side_s_set():
    merged = edit(value=["b"], merged=True, added=frozenset("b"))
    sides = (("crm", {"phone": ["b"]}), ("billing", {"phone": []}))
    decided, asked = Dispute(sides, False, {"phone": []}), Dispute(sides, True)
    assert ending(merged, now=held([], []), disputes=[decided]) is Ending.SUPERSEDED
    assert ending(merged, now=held([], []), disputes=[asked]) is Ending.UNDECIDED
    assert ending(merged, now=held([], []), disputes=[replace(decided, sides=sides[1:])]) is Ending.LOST


def test_a_label_that_a_later_edit_removed_is_superseded():
    merged = edit(value=["b"], merged=True, added=frozenset("b"))
    undone = edit(2, [], "billing", merged=True, removed=frozenset("b"))
    assert ending(merged, undone, now=held([], [])) is Ending.SUPERSEDED


def restored(value: Any, taken: float, done: float, role: str = "crm") -> Restore:
    at = [START + timedelta(seconds=seconds) for seconds in (taken, done)]
    return Restore(role, at[0], at[1], {ANN: {"phone": value}})


def after_restore(first: Edit, restore: Restore, now: Any, *lines: Line) -> Ending:
    return Judge([first], now, OnRecord({ANN: lines}), plain, restores=[restore]).ending(first)


def test_what_a_restore_destroyed_at_its_own_account_is_a_window_and_what_came_after_is_not():
    inside, before, later = edit(after=3), edit(after=1), edit(after=9)
    restore = restored("0", 2, 5)
    assert after_restore(inside, restore, held("0", "0")) is Ending.SET_BACK
    assert after_restore(before, restore, held("0", "0")) is Ending.LOST
    assert after_restore(later, restore, held("0", "0")) is Ending.LOST
    assert after_restore(replace(inside, role="billing"), restore, held("0", "0")) is Ending.LOST


def test_an_edit_elsewhere_is_set_back_only_where_the_hub_took_the_old_value_afterwards():
    elsewhere, restore = edit(role="billing", after=3), restored("0", 2, 5)
    mine = line(1, "adopt", "1", "billing", after=4)
    taken_over = line(2, "adopt", "0", "crm", after=8)
    assert after_restore(elsewhere, restore, held("0", "0"), mine, taken_over) is Ending.SET_BACK
    assert after_restore(elsewhere, restore, held("0", "0"), mine, replace(taken_over, at=START)) is Ending.LOST
    other = replace(taken_over, values={"phone": "7"})
    assert after_restore(elsewhere, restore, held("7", "7"), mine, other) is Ending.LOST


def test_an_edit_that_a_restored_account_counts_as_a_version_of_before_is_a_window():
    again = edit(after=9, version=4)
    restore = replace(restored("0", 2, 5), versions={"ann": 4})
    assert after_restore(again, restore, held("0", "0")) is Ending.VERSION_AGAIN
    assert after_restore(replace(again, version=5), restore, held("0", "0")) is Ending.LOST
    assert after_restore(replace(again, version=0), restore, held("0", "0")) is Ending.LOST
    assert after_restore(replace(again, role="billing"), restore, held("0", "0")) is Ending.LOST


def test_a_label_is_set_back_only_where_the_old_state_did_not_have_it():
    merged = replace(edit(role="billing", value=["b"], after=3), merged=True, added=frozenset("b"))
    assert after_restore(merged, restored([], 2, 5), held([], [])) is Ending.SET_BACK
    assert after_restore(merged, restored(["b"], 2, 5), held([], [])) is Ending.LOST
    assert (
        after_restore(replace(merged, at=START + timedelta(seconds=9)), restored([], 2, 5), held([], [])) is Ending.LOST
    )


def test_differences_are_found_by_field_in_the_shared_form():
    assert differing(held("1", "1 "), plain) == []
    assert differing(held("1", None), plain) == [(ANN, "phone")]


def test_a_value_that_nobody_entered_is_found():
    known = {ANN: [{"phone": "0"}, {"phone": "1"}]}
    assert nobodys(held("1", "0"), known, plain) == []
    assert nobodys(held("1", "cut"), known, plain) == [(ANN, "phone")]


def test_a_difference_is_drift_only_where_nobody_who_may_write_holds_anything():
    only_crm = frozenset({"crm"})
    assert drift(held(None, "1"), ANN, "phone", only_crm, plain)
    assert not drift(held("0", "1"), ANN, "phone", only_crm, plain)
    assert not drift(held(None, "1"), ANN, "phone", frozenset(ROLES), plain)
    assert not drift(held(None, "1"), ANN, "phone", frozenset(), plain)
