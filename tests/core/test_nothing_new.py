"""An event of a version that was judged already needs no look; of any other, and of one that nobody saw, it does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from policies.core.confirm import confirm
from policies.core.gates import nothing_new
from policies.core.plan import plan
from policies.core.values import Base, Link, Sending
from tests.core.cases.making import NOW, Case, context_of, minutes, observation_of, policy_of, record_of

TOLD = Case("", "Berta", None, H="Berta", k=2, sending="Berta")


def written(*, body: bool = True, digest: str = "of the answer", link: Any = None) -> Link:
    shown = replace(observation_of(TOLD), version="6", digest=digest) if body else None
    record = record_of(TOLD)
    if link is not None:
        record = replace(record, links={**record.links, "app": replace(record.links["app"], **link)})
    told = (record, "app", "key", "a1", "6", shown, NOW, policy_of(TOLD), context_of(TOLD))
    return confirm(*told).state.links["app"]


def says(link: Link, version: str | None = "6", fields: Any = ("name",), *, exact: bool = True) -> bool:
    return nothing_new(link, version, fields, exact=exact)


def test_the_echo_of_a_write_whose_answer_showed_the_record():
    assert says(written())


def test_the_version_of_the_last_judged_read():
    told = Case("", "Carl", None)
    seen = replace(observation_of(told), version="7", digest="of a page")
    link = plan(record_of(told), seen, policy_of(told), context_of(told)).state.links["app"]
    assert says(link, "7")
    assert not says(link, "6")


def test_the_echo_of_a_write_that_was_accepted_unseen_is_looked_at():
    """What the account made of it, and an edit that came with it, was never shown."""
    link = written(body=False)
    assert link.version == "6"
    assert not says(link)


def test_an_answer_that_came_after_a_later_read_proves_nothing():
    link = written(link={"read_at": minutes(1), "version": "6"})
    assert not says(link)


@pytest.mark.parametrize("version", [None, "5", "7"])
def test_another_version_is_looked_at(version: str | None):
    assert not says(written(), version)


def test_where_versions_are_not_exact_everything_is_looked_at():
    assert not says(written(), exact=False)


def test_a_field_that_the_body_did_not_tell_may_have_moved_with_it():
    assert not says(written(), fields=("name", "phone"))
    link = written()
    assert not says(replace(link, bases={"name": replace(link.bases["name"], seen_at=NOW)}))


@pytest.mark.parametrize(
    "state",
    [
        {"gone": NOW},
        {"unlinked": True},
        {"asleep": True},
        {"digest": ""},
        {"sending": Sending("key", {"name": {"name": "Carl"}}, {"name": 4}, NOW)},
    ],
)
def test_where_something_is_unsettled_it_is_looked_at(state: dict[str, Any]):
    assert not says(replace(written(), **state))


def test_a_near_miss_is_known_by_its_version_like_anything_that_was_shown():
    base = Base({"name": "BERTA"}, {"name": "Berta"}, 3, near_miss=True)
    assert says(replace(written(), bases={"name": base}))
