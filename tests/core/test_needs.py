"""What an account makes no record without, as the judge sees it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.core.draft import Draft
from policies.core.due import Work, claim, due_roles
from policies.core.reasons import Reason
from policies.core.values import Base, Failed, Kind, Link
from tests.core.cases.making import Case, context_of, policy_of, question, record_of, side

TOLD = Case("", None, None, role={"needs": {"name": "Full name"}})


def unmade(case: Case, **bases: Base) -> object:
    record = record_of(case)
    return replace(record, links={"crm": record.links["crm"], "app": Link("app", bases=bases)})


def test_what_is_known_is_made() -> None:
    assert due_roles(unmade(TOLD), policy_of(TOLD)) == {"app": Work.CREATE}


@pytest.mark.parametrize("answer", ["waits for record r9 of companies", "too long"])
def test_it_is_not_made_without_what_was_refused_or_waits(answer: str) -> None:
    """Nobody is asked: it is due again as soon as that can be said, or has another value."""
    needs = replace(policy_of(TOLD), match_keys=((),))
    refused = Base({}, {}, failed=Failed(record_of(TOLD).beliefs["name"].v, answer))
    assert due_roles(unmade(TOLD, name=refused), needs) == {}
    old = Base({}, {}, failed=Failed(1, answer))
    assert due_roles(unmade(TOLD, name=old), needs) == {"app": Work.CREATE}


def test_it_waits_while_the_field_is_in_question() -> None:
    asked = replace(TOLD, asked=(question(side("crm", "Anna"), side("erp", "Anne")),))
    assert due_roles(unmade(asked), policy_of(asked)) == {}


def test_what_is_not_known_is_asked_for_once_and_nothing_is_sent() -> None:
    policy = replace(policy_of(TOLD), match_keys=((),))
    record = unmade(TOLD)
    empty = replace(record.beliefs["name"], value={"name": ""})
    note = replace(policy.unit("name"), name="note", members=(replace(policy.unit("name").members[0], name="note"),))
    policy = replace(policy, units=(*policy.units, note), by_name={**policy.by_name, "note": note})
    beliefs = {"name": empty, "note": replace(empty, value={"note": "x"})}
    draft = Draft(replace(record, beliefs=beliefs), policy, context_of(TOLD))
    assert claim(draft, "app", Work.CREATE) is None
    made = draft.done()
    [asked] = made.state.questions
    assert (asked.kind, asked.role, asked.reason, asked.note) == (Kind.CREATE, "app", Reason.LACKS, "Full name")
    assert made.state.links["app"].sending is None and "app" not in due_roles(made.state, policy)
