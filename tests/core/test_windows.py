"""A late event and the gap between look and write: what our earlier writes say about it, and what they do not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from policies.core import gone
from policies.core.draft import Draft
from policies.core.identity import place
from policies.core.norms import norm
from policies.core.plan import plan
from policies.core.planned import Plan
from policies.core.reasons import Reason, Verdict
from policies.core.rules import Field, Policy, Role, Strategy, Unit
from policies.core.seen import Context, How, Observation
from policies.core.types import field_type
from policies.core.values import Base, Belief, Link, Record, Sending, Window

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BOTH = frozenset({"crm", "app"})
NAME = Unit("name", (Field("name", field_type("text").normalise),), "shared", BOTH, BOTH, Strategy.REVIEW)
APP = Role("app", exact=True, ordered=True)


def window(guard: int, write: int, before: str, sent: str) -> Window:
    base = Base({"name": before}, {"name": before}, 1)
    at = NOW + timedelta(seconds=write)
    return Window(at, at, str(guard), str(write), {"name": base}, {"name": {"name": sent}})


def told(value: str, version: str, *, ordered: bool = True) -> Plan:
    """The hub wrote "old" as version 3 and "new" as version 9; an event now tells what `version` was."""
    role = Role("app", exact=True, ordered=ordered)
    rules = Policy(1, (NAME,), {"crm": Role("crm"), "app": role}, (("name",),), by_name={"name": NAME})
    windows = (window(1, 3, "first", "old"), window(5, 9, "mid", "new"))
    link = Link("app", "a1", "9", NOW, bases={"name": Base({"name": "new"}, {"name": "new"}, 4)}, windows=windows)
    record = Record("r", 4, "crm", {"name": Belief({"name": "new"}, 4, frozenset({"crm"}))}, {"app": link})
    at = NOW + timedelta(seconds=9)
    return plan(record, Observation("app", "a1", {"name": value}, NOW, version, at, how=How.EVENT), rules, Context(NOW))


@pytest.mark.parametrize("value", ["typed", "old"])
def test_an_edit_in_the_gap_is_a_candidate_even_if_we_wrote_the_same_once(value: str) -> None:
    made = told(value, "7")
    assert [line.verdict for line in made.lines] == [Verdict.OVERWRITTEN]
    (question,) = made.state.questions
    assert {candidate.value["name"] for candidate in question.candidates} == {"new", value}


@pytest.mark.parametrize(
    ("value", "version"), [("new", "7"), ("mid", "7"), ("typed", "9"), ("typed", "5"), ("typed", "4")]
)
def test_our_own_write_what_stood_before_and_what_lies_outside_are_none(value: str, version: str) -> None:
    assert told(value, version).lines == ()


def test_by_time_anything_that_we_wrote_could_be_ours() -> None:
    assert told("old", "7", ordered=False).lines == ()
    assert [line.verdict for line in told("typed", "7", ordered=False).lines] == [Verdict.OVERWRITTEN]


def by_the_hub(emptied: bool) -> Plan:
    """The hub looked at version 5 and deleted the record; an event tells that somebody had changed it before that."""
    name = NAME if not emptied else Unit("name", NAME.members, "shared", BOTH, BOTH, Strategy.REVIEW, may_clear=BOTH)
    rules = Policy(1, (name,), {"crm": Role("crm"), "app": APP}, (("name",),), by_name={"name": name})
    sending = Sending("key", {}, {}, NOW, delete=True, guard_version="5")
    base = Base({"name": "Anna"}, {"name": "Anna"}, 4)
    link = Link("app", "a1", "5", NOW, bases={"name": base}, sending=sending, doomed=True)
    record = Record("r", 4, "crm", {"name": Belief({"name": "Anna"}, 4, frozenset({"crm"}))}, {"app": link})
    later = NOW + timedelta(seconds=2)
    deleted = plan(record, Observation("app", "a1", {}, later, deleted=True), rules, Context(later)).state
    value = None if emptied else "Carl"
    return plan(deleted, Observation("app", "a1", {"name": value}, later, "6", how=How.EVENT), rules, Context(later))


@pytest.mark.parametrize("emptied", [False, True])
def test_an_edit_before_our_own_delete_is_none_of_ours_even_if_it_emptied_the_field(emptied: bool) -> None:
    assert by_the_hub(emptied).lines[0].reason is Reason.OVERWRITTEN_EDIT


@pytest.mark.parametrize(("remote_id", "known"), [("a1", True), ("a2", False)])
def test_our_writes_are_remembered_where_the_very_same_record_comes_out_of_the_bin(remote_id: str, known: bool) -> None:
    """It was deleted there and is to be made again; then it is linked anew, and an event of before comes late."""
    rules = Policy(1, (NAME,), {"crm": Role("crm"), "app": APP}, (("name",),), by_name={"name": NAME})
    base = Base({"name": "new"}, {"name": "new"}, 4)
    link = Link("app", "a1", "9", NOW, bases={"name": base}, windows=(window(5, 9, "mid", "new"),), gone=NOW)
    record = Record("r", 4, "crm", {"name": Belief({"name": "new"}, 4, frozenset({"crm"}))}, {"app": link})
    draft = Draft(record, rules, Context(NOW))
    gone.recreate(draft, "app", Reason.DELETE_RECREATES)
    back = Observation("app", remote_id, {"name": "new"}, NOW + timedelta(seconds=1), "12")
    linked = place(back, [draft.done().state], rules, Context(NOW), "s").state
    late = Observation("app", remote_id, {"name": "typed"}, NOW + timedelta(seconds=2), "7", how=How.EVENT)
    made = plan(plan(linked, back, rules, Context(NOW)).state, late, rules, Context(NOW))
    assert [line.verdict for line in made.lines] == ([Verdict.OVERWRITTEN] if known else [])


def test_a_member_that_shows_what_a_write_of_ours_was_stored_as_stands_for_what_was_written() -> None:
    """A person changes the zip just after our write of both, whose street the account cut."""
    members = tuple(Field(name, field_type("text").normalise) for name in ("street", "zip"))
    address = Unit("address", members, "shared", BOTH, BOTH, Strategy.REVIEW)
    role = Role("app", exact=True, ordered=True, norms={"street": norm([{"truncate": 6}])})
    rules = Policy(1, (address,), {"crm": Role("crm"), "app": role}, (("street",),), by_name={"address": address})
    empty, sent = {"street": None, "zip": None}, {"street": "Greene Street", "zip": "1"}
    gap = Window(NOW, NOW, "5", "9", {"address": Base(empty, empty, 0)}, {"address": sent})
    now = {"street": "Elm", "zip": "3"}
    link = Link("app", "a1", "9", NOW, bases={"address": Base(now, now, 4)}, windows=(gap,))
    record = Record("r", 4, "crm", {"address": Belief(now, 4, frozenset({"crm"}))}, {"app": link})
    event = Observation("app", "a1", {"street": "Greene", "zip": "2"}, NOW, "7", NOW, how=How.EVENT)
    (question,) = plan(record, event, rules, Context(NOW)).state.questions
    assert {"street": "Greene Street", "zip": "2"} in [dict(one.value) for one in question.candidates]
