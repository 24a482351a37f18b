"""The decision table, case by case: each says in one sentence what was seen, what follows, and why."""

from __future__ import annotations

import re
from copy import deepcopy

import pytest

from policies.core.plan import plan, rejudge
from policies.core.reasons import Verdict
from policies.core.seen import How
from policies.core.table import TABLE
from tests.core.cases import agreeing, authority, bundles, gates, merging, outsiders, scopes, strategies, times
from tests.core.cases.making import Case, context_of, judged, observation_of, outcome, policy_of, record_of

GROUPS = {
    "gates": gates.CASES,
    "scope": scopes.CASES,
    "agree": agreeing.CASES,
    "authority": authority.CASES,
    "outsiders": outsiders.CASES,
    "strategy": strategies.CASES,
    "times": times.CASES,
    "merge": merging.CASES,
    "bundle": bundles.CASES,
}
ALL = [pytest.param(case, id=f"{group}: {case.why}") for group, cases in GROUPS.items() for case in cases]


@pytest.mark.parametrize("case", ALL)
def test_the_verdict(case: Case):
    made = judged(case)
    said = [(line.verdict, line.reason) for line in made.lines if line.role == "app"]
    if case.gives is None:
        assert said == []
    else:
        assert (case.gives, case.because) in said
    found = outcome(case, made)
    assert {name: found[name] for name in case.then} == dict(case.then)


@pytest.mark.parametrize("case", ALL)
def test_judging_changes_nothing_that_was_handed_in(case: Case):
    record, observation = record_of(case), observation_of(case)
    before = deepcopy((record, observation))
    plan(record, observation, policy_of(case), context_of(case))
    assert (record, observation) == before


@pytest.mark.parametrize("case", ALL)
def test_the_same_look_again_says_nothing_new(case: Case):
    made = judged(case)
    again = plan(made.state, observation_of(case), policy_of(case), context_of(case))
    if made.wait or made.look_again:
        assert made.state == again.state or observation_of(case).how is How.EVENT
    elif made.state.links["app"].remote_id is not None:  # else the record is to be made again, under another id
        assert [line.verdict for line in again.lines if line.unit] == []
        assert again.state == made.state


@pytest.mark.parametrize("case", [p for p in ALL if judged(p.values[0]).wait or judged(p.values[0]).look_again])
def test_what_is_put_off_moves_no_base(case: Case):
    """An observation is judged whole or not at all."""
    before, after = record_of(case).links["app"], judged(case).state.links["app"]
    assert {name: (b.stored, b.meant) for name, b in after.bases.items()} == {
        name: (b.stored, b.meant) for name, b in before.bases.items()
    } or observation_of(case).how is How.EVENT


@pytest.mark.parametrize("case", ALL)
def test_the_line_gives_the_verdict_again(case: Case):
    policy = policy_of(case)
    for line in judged(case).lines:
        row = rejudge(line, policy, "crm")
        if line.unit and line.verdict is not Verdict.OVERWRITTEN:
            assert row in TABLE and line.verdict in VERDICTS[row.number]
        else:
            assert row is None


VERDICTS = {
    "7": {"echo"},
    "8": {"agree"},
    "9": {"agree_past"},
    "9a": {"empty", "adopt", "concurrent"},
    "10": {"unauthorised"},
    "11": {"unauthorised"},
    "12": {"invalid"},
    "13": {"candidate"},
    "14": {"adopt"},
    "15": {"concurrent"},
}


def test_there_are_enough_cases_and_each_is_told_apart():
    told = [param.id for param in ALL]
    assert len(told) == len(set(told)) >= 100
    assert all(re.fullmatch(r"\w+: .{20,}", name) for name in told)
