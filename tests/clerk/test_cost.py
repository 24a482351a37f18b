"""What a plan says it costs: calls by the provider's own operations, minutes by whatever is narrowest, quota left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from syncapp.connectors import registry
from syncapp.connectors.limitspec import BucketSpec, LimitSpec
from syncapp.models import Feed
from syncapp.plan import cost
from syncapp.plan.cost import cost_of, limits_of, looks_of
from tests.clerk.making import make_sync

pytestmark = pytest.mark.django_db
KEYS = [["email"]]
CONTACTS = registry.load("sandbox").objects["contacts"]


@pytest.fixture
def feed() -> Feed:
    make_sync()
    return Feed.objects.select_related("account").get(role__name="crm")


def one_by_one(monkeypatch: pytest.MonkeyPatch, **more: object) -> None:
    """A provider without batches."""
    spec = CONTACTS
    few = {name: operation for name, operation in spec.operations.items() if not name.endswith("_many")}
    plain = replace(spec, operations=few, **more)  # type: ignore[arg-type]
    monkeypatch.setattr(cost, "object_spec", lambda *_: plain)


def test_without_batches_each_create_is_looked_up_by_our_id_and_by_its_keys(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_by_one(monkeypatch)
    found = cost_of(feed, KEYS, {"create": 10, "update": 4, "delete": 1}, 3, 0.1)
    assert (found.reads, found.looks, found.writes, found.calls) == (3, 22, 15, 40)


def test_batches_are_counted_as_calls(feed: Feed) -> None:
    found = cost_of(feed, KEYS, {"create": 250}, 1, 0.1)
    assert (found.looks, found.writes) == (3, 3)


def test_a_provider_that_checks_no_versions_is_read_before_each_update() -> None:
    spec = CONTACTS
    update = replace(spec.operations["update"], conditional=None)
    plain = replace(spec, operations={"update": update})
    assert (looks_of(spec, "update", 7, 0), looks_of(plain, "update", 7, 0)) == (0, 7)


@pytest.mark.parametrize(
    ("buckets", "budget", "minutes"),
    [((), None, 0.7), (((10, 60.0),), None, 4.0), ((), 5, 3.0)],
    ids=["by the measured call", "by the provider's limit", "by the write budget"],
)
def test_minutes_follow_whatever_is_narrowest(
    feed: Feed,
    monkeypatch: pytest.MonkeyPatch,
    buckets: tuple[tuple[int, float], ...],
    budget: int | None,
    minutes: float,
) -> None:
    one_by_one(monkeypatch)
    feed.account.write_budget = budget
    known = cost.manifest_of(feed.account)
    monkeypatch.setattr(
        cost,
        "manifest_of",
        lambda _: replace(known, limits=LimitSpec(buckets=tuple(BucketSpec(*one) for one in buckets))),
    )
    assert cost_of(feed, KEYS, {"create": 10, "update": 4, "delete": 1}, 3, 1.0).minutes == minutes


def test_the_quota_left_is_the_hubs_share(feed: Feed) -> None:
    assert limits_of(feed.account).left is None and cost_of(feed, KEYS, {}, 1, 0.1).enough is None
    feed.account.quota, feed.account.quota_share = {"limit": 1000, "remaining": 210}, 0.8
    assert limits_of(feed.account).left == 10
    assert cost_of(feed, KEYS, {}, 10, 0.1).enough and not cost_of(feed, KEYS, {}, 11, 0.1).enough
