"""Where a provider makes its records itself, updates are tried on those that are there, and these are given back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from syncapp.certify.bench import Bench
from syncapp.certify.checks import ALL
from syncapp.certify.doubles import places
from syncapp.certify.place import Against, Place
from syncapp.certify.results import Outcome
from syncapp.certify.run import check
from syncapp.connectors import registry

TRIED = ("update.only_named", "find.finds", "find.nothing_else")


@pytest.fixture
def slack() -> Iterator[Place]:
    with places(registry.load("slack")) as [place]:
        yield place


def shown(place: Place) -> dict[str, object]:
    bench = Bench(place, "users", writes=False)
    return {item.id: bench.fields.read(item.body) for item in bench.items()}


def test_people_are_tried_and_given_back(slack: Place) -> None:
    before = shown(slack)
    findings = check([slack], writes=True, checks=[one for one in ALL if one.id in TRIED])
    assert {one.id: one.outcome for one in findings.results} == dict.fromkeys(TRIED, Outcome.PASSED)
    assert findings.left == []
    assert shown(slack) == before


def test_what_a_person_deleted_meanwhile_is_left_alone(slack: Place) -> None:
    bench = Bench(slack, "users", writes=True)
    first, second = bench.make_some(2)
    slack.world.erase("users", first)
    assert bench.clean() == []
    assert first not in slack.world.ids("users") and second in slack.world.ids("users")


def test_nobody_is_changed_at_a_live_account(slack: Place) -> None:
    live = replace(slack, against=Against.ACCOUNT)
    findings = check([live], writes=True, checks=[one for one in ALL if one.id == "update.only_named"])
    [only] = findings.results
    assert (only.outcome, only.seen) == (
        Outcome.NOT_TRIED, "nothing can be made, and no record of a live account is changed for a trial"
    )  # fmt: skip


def test_creates_are_not_offered_where_nothing_can_be_made(slack: Place) -> None:
    findings = check([slack], writes=True, checks=[one for one in ALL if one.id.startswith("create.")])
    assert {one.outcome for one in findings.results} == {Outcome.NOT_OFFERED}
