"""An account merges two records to and fro: each lives on in the other until the one that is left is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from policies.core.identity import lives_on_in
from policies.core.merged import merged
from syncapp.simulation.memory import MemoryPage, MemoryStore
from syncapp.steps import Judged, judge_one
from tests.core.cases.making import minutes
from tests.core.test_merged import CONTEXT, policy, record, seen


@pytest.fixture
def page() -> MemoryPage:
    """Two records of which the first ended in the second, and then the second in the first."""
    nowhere: Any = None  # judging asks no world for anything
    page = MemoryPage(MemoryStore(nowhere, policy()))
    for made in merged(record("r1", app="a1"), record("r2", app="a2"), seen(), policy(), CONTEXT):
        page.save(made)
    back = replace(seen("a2", "a1"), read_at=minutes(1))
    judge_one(page, back, CONTEXT, Judged())
    return page


def test_each_lives_on_in_the_other_and_looking_for_the_heir_ends(page: MemoryPage) -> None:
    one, other = page.record("r1"), page.record("r2")
    assert one is not None and other is not None
    assert (lives_on_in(one), lives_on_in(other)) == ("r2", "r1")
    judged = Judged()
    judge_one(page, replace(seen("a9", "a2"), read_at=minutes(2)), CONTEXT, judged)
    assert judged.verdicts == {}


def test_the_one_that_is_left_lives_by_itself_once_it_is_read(page: MemoryPage) -> None:
    left = replace(seen("a1"), merged_into=None, fields={"name": "Anna"}, read_at=minutes(3))
    judge_one(page, left, CONTEXT, Judged())
    one, other = page.record("r1"), page.record("r2")
    assert one is not None and other is not None
    assert (lives_on_in(one), lives_on_in(other)) == ("", "r1")
