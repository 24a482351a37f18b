"""People who act at the same time as each other and as workers: one of them is first, and nobody's word is lost."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from policies.core.resolve import Choice, Moved
from review.decide import decide
from syncapp.edit import edit_record
from syncapp.models import Conflict, Ledger, Record
from syncapp.observe import patiently
from syncapp.replay import replay
from syncapp.steps import judge
from tests.clerk.making import seen
from tests.ground.together import failures, together
from tests.review.seeding import Desk, make_desk

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 6
CRM, BILLING, THIRD = "+49302000", "+49303000", "+49304000"


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def phone(record: Record) -> str:
    return str(Record.objects.get(pk=record.pk).beliefs["phone"]["value"]["phone"])


def shows(desk: Desk, role: str, n: int, version: str, **fields: str) -> None:
    """As a worker's judged read."""
    observation = seen(desk.store, role, f"{role}-{n}", version=version, **fields)
    patiently(lambda: judge(desk.store, role, [observation]))


def on_record(record: Record) -> set[str]:
    """Every value of the phone that stands as belief, as a candidate of an open question, or in a decision's sides."""
    values = {str(one["value"]["phone"]) for one in sides(record)}
    return values | {phone(record)}


def sides(record: Record) -> list[dict[str, Any]]:
    asked = Conflict.objects.filter(record=record, unit="phone")
    return [one for candidates in asked.values_list("candidates", flat=True) for one in candidates]


def test_of_two_reviewers_one_wins_and_the_other_is_told(desk: Desk) -> None:
    for n in range(ROUNDS):
        conflict = desk.disagree(n, CRM, BILLING)
        gave = together(
            partial(decide, conflict, conflict.version, Choice("crm"), "ann"),
            partial(decide, conflict, conflict.version, Choice("billing"), "ben"),
        )
        assert failures(gave, Moved) == []
        assert sorted(type(one).__name__ for one in gave) == ["Moved", "NoneType"]
        winner, value = ("ann", CRM) if gave[0] is None else ("ben", BILLING)
        conflict.refresh_from_db()
        assert (conflict.state, conflict.decided_by) == ("decided", winner)
        assert phone(conflict.record) == value
        lines = Ledger.objects.filter(record=conflict.record_id, unit="phone", verdict="decided")
        assert list(lines.values_list("actor", flat=True)) == [winner]
    assert replay(desk.sync).different == 0


def test_two_reviewers_who_mean_the_same_make_one_decision(desk: Desk) -> None:
    conflict = desk.disagree(1, CRM, BILLING)
    answer = partial(decide, conflict, conflict.version, Choice("crm"))
    gave = together(*(partial(answer, name) for name in ("ann", "ben", "cem", "dia")))
    assert failures(gave, Moved) == []
    assert gave.count(None) == 1
    assert Ledger.objects.filter(record=conflict.record_id, verdict="decided").count() == 1


def test_a_reviewer_and_a_worker_on_one_record(desk: Desk) -> None:
    """The worker brings a third value: the answer came first and the value goes on from it, or the question moved and
    the person gets the new one. Nobody's value is lost.
    """
    for n in range(ROUNDS):
        conflict = desk.disagree(n, CRM, BILLING)
        answered, judged = together(
            partial(decide, conflict, conflict.version, Choice("billing"), "ann"),
            partial(shows, desk, "crm", n, "3", phone=THIRD),
        )
        assert failures([answered, judged], Moved) == []
        assert THIRD in on_record(conflict.record)
        assert BILLING in on_record(conflict.record)
        if isinstance(answered, Moved):
            assert answered.question is not None
            shown = {str(one.value["phone"]) for one in answered.question.candidates}
            assert THIRD in shown and BILLING in shown, "the new question shows what moved it"
    assert replay(desk.sync).different == 0


def test_an_edit_in_the_hub_against_an_adoption(desk: Desk) -> None:
    """Nobody owns the phone: whoever comes second saw the version before, so both values stand in a question."""
    for n in range(ROUNDS):
        record = desk.contact(n)
        version = Record.objects.get(pk=record.pk).beliefs["phone"]["v"]
        gave = together(
            partial(edit_record, record, "phone", {"phone": BILLING}, version, "ann"),
            partial(shows, desk, "crm", n, "2", phone=CRM),
        )
        assert failures(gave) == []
        question = Conflict.objects.get(record=record, unit="phone", state="open")
        assert {str(one["value"]["phone"]) for one in question.candidates} | {phone(record)} >= {CRM, BILLING}
    assert replay(desk.sync).different == 0


def test_two_people_edit_one_field_of_one_record(desk: Desk) -> None:
    record = desk.contact(1)
    version = Record.objects.get(pk=record.pk).beliefs["phone"]["v"]
    gave = together(
        lambda: edit_record(record, "phone", {"phone": CRM}, version, "ann"),
        lambda: edit_record(record, "phone", {"phone": BILLING}, version, "ben"),
    )
    assert failures(gave) == []
    assert on_record(record) >= {CRM, BILLING}
    assert Conflict.objects.filter(record=record, unit="phone", state="open").count() == 1
