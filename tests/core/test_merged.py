"""An account merges two records: what becomes of the ones that the hub linked to them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.core.due import due_roles
from policies.core.identity import known, lives_on_in
from policies.core.joining import busy
from policies.core.merged import follow, merged, partner
from policies.core.plan import plan
from policies.core.reasons import Reason, Verdict
from policies.core.resolve import Choice, resolve
from policies.core.rules import OnMerge, Policy, Strategy
from policies.core.seen import Observation
from policies.core.values import Base, Kind, Link, Record, Sending
from tests.core.cases.making import NOW, Case, context_of, minutes, policy_of, question, record_of, side

TOLD = Case("", "Anna", None)
CONTEXT = context_of(TOLD)


def policy(how: OnMerge = OnMerge.FOLLOW, told: Case = TOLD) -> Policy:
    return replace(policy_of(told), on_merge=how)


def record(key: str, value: str = "Anna", *, app: str | None, crm: str | None = None, v: int = 3) -> Record:
    """A record that its links hold as the hub believes it."""
    made = record_of(replace(TOLD, H=value, stored=value))
    held = {"name": Base({"name": value}, {"name": value}, v)}
    ids = {"app": app, "crm": crm}
    links = {role: Link(role, one, "7", minutes(-30), bases=held) for role, one in ids.items() if one is not None}
    return replace(made, key=key, links=links)


LOSER, WINNER = record("r1", app="a1", crm="c1"), record("r2", app="a2")


def seen(remote_id: str = "a1", into: str = "a2", **more) -> Observation:
    return Observation("app", remote_id, {}, NOW, merged_into=into, **more)


def judged(loser=LOSER, winner=WINNER, how=OnMerge.FOLLOW, told=TOLD, **more):
    return merged(loser, winner, seen(**more), policy(how, told), CONTEXT)


def due(state: Record, told: Case = TOLD) -> dict[str, str]:
    return {role: str(work) for role, work in due_roles(state, policy(told=told)).items()}


def test_an_id_that_lives_on_unknown_changes_the_id_of_the_link_and_keeps_what_was_joined():
    [made] = judged(winner=None)
    link = made.state.links["app"]
    assert (link.remote_id, link.version, link.digest, link.bases) == ("a2", None, "", LOSER.links["app"].bases)
    assert [line.reason for line in made.lines] == [Reason.NEW_ID]


@pytest.mark.parametrize(
    ("how", "asks", "unlinked", "into"),
    [(OnMerge.ASK, ["merge"], False, ""), (OnMerge.UNLINK, [], True, ""), (OnMerge.FOLLOW, [], False, "r2")],
)
def test_what_follows_a_merge_of_two_known_records(how, asks, unlinked, into):
    first = judged(how=how)[0].state
    link = first.links["app"]
    assert [str(q.kind) for q in first.questions] == asks
    assert (link.remote_id, link.gone, link.unlinked, link.into) == ("a1", NOW, unlinked, into)
    assert due(first) == {}


@pytest.mark.parametrize("how", list(OnMerge))
def test_a_merge_is_judged_once(how):
    first = judged(how=how)[0].state
    assert merged(first, WINNER, seen(), policy(how), CONTEXT) == ()


def test_a_followed_merge_moves_the_other_links_with_empty_bases_and_judges_them():
    ended, other = judged()
    assert lives_on_in(ended.state) == "r2"
    assert (ended.state.links["crm"].remote_id, ended.state.links["crm"].into) == (None, "r2")
    moved = other.state.links["crm"]
    assert (moved.remote_id, moved.bases["name"].k) == ("c1", 3)
    assert Reason.AGREED in [line.reason for line in other.lines]


def test_no_remote_id_is_ever_at_both():
    ended, other = judged()
    ids = [(r, link.remote_id) for p in (ended, other) for r, link in p.state.links.items() if link.remote_id]
    assert len(ids) == len(set(ids))


def test_a_value_that_a_moved_link_holds_is_judged_as_at_a_first_meeting():
    _, other = judged(record("r1", "Carl", app="a1", crm="c1"))
    [asked] = other.state.questions
    assert [(c.source, c.value["name"]) for c in asked.candidates] == [("crm", "Anna"), ("crm", "Carl")]


def test_where_both_have_a_link_a_person_is_asked_and_the_record_lives():
    winner = record("r2", app="a2", crm="c2")
    ended, other = judged(winner=winner)
    assert (lives_on_in(ended.state), ended.state.links["crm"].remote_id) == ("", "c1")
    assert [(q.kind, q.role, q.about) for q in ended.state.questions] == [(Kind.MATCH, "crm", "c2")]
    assert other.state.links["crm"].remote_id == "c2"
    assert merged(ended.state, other.state, seen(), policy(), CONTEXT) == ()


def test_the_last_link_that_is_merged_away_ends_the_record():
    winner = record("r2", app="a2", crm="c2")
    ended, other = judged(winner=winner)
    at_crm = Observation("crm", "c1", {}, NOW, merged_into="c2")
    ended, _ = merged(ended.state, other.state, at_crm, policy(), CONTEXT)
    assert (lives_on_in(ended.state), ended.state.questions) == ("r2", ())


def test_a_record_that_ended_is_found_by_nobody_and_due_nowhere():
    ended = judged()[0].state
    assert (known(ended, policy()), due(ended)) == ({}, {})


def test_what_an_account_had_before_it_when_it_merged_is_on_record_and_asks_nobody():
    _, other = judged(record("r1", "Carl", app="a1"))
    [closed] = other.closed
    assert (closed.outcome, [c.value["name"] for c in closed.question.candidates]) == (
        Reason.MERGED_AWAY,
        ["Anna", "Carl"],
    )
    assert (other.state.questions, other.state.beliefs["name"].value) == ((), {"name": "Anna"})


def test_an_edit_that_had_not_reached_the_account_when_it_merged_is_not_lost():
    loser = record("r1", "Carl", app="a1")
    behind = replace(loser.links["app"], bases={"name": Base({"name": "Old"}, {"name": "Old"}, 2)})
    _, other = judged(replace(loser, links={"app": behind}))
    assert [c.value["name"] for c in other.state.questions[0].candidates] == ["Anna", "Carl"]


def test_an_empty_side_is_filled_by_what_comes_with_the_merge():
    _, other = judged(record("r1", "Carl", app="a1"), replace(record("r2", app="a2"), beliefs={}, version=0))
    belief = other.state.beliefs["name"]
    assert (belief.value, belief.said.reason, belief.said.detail) == ({"name": "Carl"}, Reason.BROUGHT, "r1")


def test_the_sides_of_an_open_question_come_along():
    asked = question(side("crm", "Carl"), side("hub", "Emil"))
    loser = replace(record("r1", app="a1"), questions=(asked,))
    ended, other = judged(loser)
    assert ended.state.questions == ()
    assert {c.value["name"] for c in other.state.questions[0].candidates} == {"Anna", "Carl", "Emil"}


def test_a_side_that_comes_along_joins_the_question_that_is_open_there():
    asked = question(side("crm", "Anna"), side("app", "Emil"))
    loser = record("r1", "Carl", app="a1")
    behind = replace(loser.links["app"], bases={})
    _, other = judged(replace(loser, links={"app": behind}), replace(WINNER, questions=(asked,)))
    [open_one] = other.state.questions
    assert (open_one.version, {c.value["name"] for c in open_one.candidates}) == (2, {"Anna", "Emil", "Carl"})


def test_a_rule_decides_what_comes_along_where_it_can():
    told = replace(TOLD, strategy=Strategy.OWNER_WINS, owner="crm")
    loser = replace(record("r1", "Carl", app="a1"), links={"app": replace(LOSER.links["app"], bases={})})
    winner = replace(WINNER, beliefs={"name": replace(WINNER.beliefs["name"], origins=frozenset({"app"}))})
    _, other = judged(loser, winner, told=told)
    assert (other.state.beliefs["name"].value, other.closed[-1].outcome) == ({"name": "Carl"}, Reason.OWNER_WON)


def test_a_merge_waits_for_a_write_under_way_at_another_link():
    sending = Sending("key", {"name": {"name": "Anna"}}, {"name": 3}, NOW)
    writing = replace(LOSER, links={**LOSER.links, "crm": replace(LOSER.links["crm"], sending=sending)})
    [made] = judged(writing)
    assert (made.wait, made.state) == (True, writing)
    assert busy(writing)


def test_a_write_to_the_id_that_is_no_more_ends_with_it():
    sending = Sending("key", {"name": {"name": "Anna"}}, {"name": 3}, NOW)
    writing = replace(LOSER, links={**LOSER.links, "app": replace(LOSER.links["app"], sending=sending)})
    assert judged(writing)[0].state.links["app"].sending is None


def test_a_read_older_than_the_last_one_is_no_news():
    later = replace(LOSER, links={"app": replace(LOSER.links["app"], read_at=minutes(5))})
    [made] = judged(later)
    assert (made.look_again, [line.verdict for line in made.lines]) == (True, [Verdict.STALE])


def test_a_question_whether_the_two_are_the_same_has_answered_itself():
    asked = replace(question(kind=Kind.MATCH, unit="", role="app"), about="a1")
    [made] = judged(None, replace(WINNER, questions=(asked,)))
    assert (made.state.questions, made.closed[0].outcome) == ((), Reason.MERGED_THERE)


def test_two_ids_that_nobody_knows_are_nobody_s_business():
    assert judged(None, None) == ()
    assert judged(None, WINNER) == ()


def test_no_record_is_judged_alone_where_a_merge_was_seen():
    made = plan(LOSER, seen(), policy(), CONTEXT)
    assert (made.look_again, made.state) == (True, LOSER)


def answered(action: str) -> Record:
    asked = judged(how=OnMerge.ASK)[0].state
    one = asked.questions[0]
    assert partner(one) == "r2"
    return resolve(asked, one.key, 1, Choice(action=action), "Robin", policy(), CONTEXT).state


def test_a_person_follows_a_merge():
    ended, other = follow(answered("follow"), WINNER, "app", policy(), CONTEXT)
    assert (lives_on_in(ended.state), other.state.links["crm"].remote_id) == ("r2", "c1")


def test_a_person_lets_the_record_live_on_without_that_account():
    state = answered("unlink")
    assert (state.links["app"].unlinked, due(state), lives_on_in(state)) == (True, {}, "")


def test_a_person_keeps_the_two_apart():
    assert due(answered("apart")) == {"app": "create"}


def test_an_id_that_comes_back_lives_by_itself_again():
    ended = judged()[0].state
    back = Observation("app", "a1", {"name": "Anna"}, minutes(5), version="8")
    state = plan(ended, back, policy(), CONTEXT).state
    assert (lives_on_in(state), state.links["app"].gone, state.links["crm"]) == ("", None, Link("crm", epoch=1))


def test_what_was_asked_about_when_a_record_ended_is_judged_anew_when_it_lives_again():
    told = replace(TOLD, strategy=Strategy.REVIEW)
    other = {"name": Base({"name": "Anne"}, {"name": "Anne"}, 3)}  # a side of a question: what the account held
    links = {**LOSER.links, "app": replace(LOSER.links["app"], bases=other)}
    ended = judged(replace(LOSER, links=links), told=told)[0].state
    assert ended.links["app"].into == WINNER.key
    back = Observation("app", "a1", {"name": "Anne"}, minutes(5), version="8")
    state = plan(ended, back, policy(told=told), CONTEXT).state
    assert [q.unit for q in state.questions] == ["name"]


def test_a_merge_turned_round_revives_the_one_that_had_ended():
    ended, other = judged()
    turned = Observation("app", "a2", {}, minutes(5), merged_into="a1")
    second, first = merged(other.state, ended.state, turned, policy(), CONTEXT)
    assert (lives_on_in(second.state), first.state.links["crm"].remote_id) == ("r1", "c1")


def test_what_a_person_typed_is_not_lost_where_only_an_outsider_still_shows_it():
    """The link that moves holds it, but its role may not write the field: it is a side of a disagreement, not drift."""
    told = replace(TOLD, writers=("app",), strategy=Strategy.REVIEW)
    loser = record("r1", "Typed", app="a1", crm="c1")
    loser = replace(loser, links={**loser.links, "app": replace(loser.links["app"], bases={})})
    _, other = judged(loser, told=told)
    [asked] = [q for q in other.state.questions if not q.role]
    assert {c.value["name"] for c in asked.candidates} == {"Typed", "Anna"}


def test_what_lives_on_elsewhere_in_part_lives_by_itself_as_well():
    """One of its links went to another record, the other was deleted and is to be made again."""
    went = Link("app", gone=NOW, into="r2")
    assert lives_on_in(replace(LOSER, links={"app": went})) == "r2"
    assert lives_on_in(replace(LOSER, links={"app": went, "crm": Link("crm")})) == ""
    assert lives_on_in(replace(LOSER, links={"app": went, "crm": Link("crm", "c1", gone=NOW, unlinked=True)})) == ""


def test_a_record_that_came_since_and_is_merged_away_as_well_is_not_written_to():
    asked = judged(how=OnMerge.ASK)[0].state
    came = replace(asked, links={**asked.links, "app": replace(LOSER.links["app"], remote_id="a9", read_at=NOW)})
    [made] = merged(came, WINNER, seen("a9"), policy(OnMerge.ASK), CONTEXT)
    assert (made.state.links["app"].gone, due(made.state)) == (NOW, {})
    assert [(str(q.kind), q.note) for q in made.state.questions] == [("merge", "a9 into a2")]
