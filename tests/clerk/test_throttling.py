"""Limits that all workers keep together: counted in Redis, by its clock, and by nobody else's."""

from __future__ import annotations

import multiprocessing
import time
from typing import Any

import pytest
import redis

from syncapp.connectors.limitspec import BucketSpec, LimitSpec, Use
from syncapp.connectors.throttle import MemoryThrottle, Throttle
from syncapp.throttling import PREFIX, RedisThrottle

pytestmark = pytest.mark.servers
SLOW = 1000.0  # seconds in which a bucket of these tests fills: as good as never


@pytest.fixture(params=["memory", "redis"])
def throttle(request: pytest.FixtureRequest, redis_client: Any) -> Throttle:
    return RedisThrottle() if request.param == "redis" else MemoryThrottle()


def goes(throttle: Throttle, limits: LimitSpec, times: int, use: Use = Use(), account: str = "a") -> list[bool]:  # noqa: B008
    return [throttle.take(account, "acme", limits, use) == 0 for _ in range(times)]


def test_a_bucket_empties_and_says_when_there_is_more(throttle: Throttle) -> None:
    limits = LimitSpec(buckets=(BucketSpec(2, SLOW),))
    assert goes(throttle, limits, 3) == [True, True, False]
    assert throttle.take("a", "acme", limits) == pytest.approx(SLOW / 2, rel=0.01)


def test_a_bucket_fills_again(throttle: Throttle) -> None:
    limits = LimitSpec(buckets=(BucketSpec(2, 0.4),))
    assert goes(throttle, limits, 3) == [True, True, False]
    time.sleep(0.25)
    assert goes(throttle, limits, 2) == [True, False]


def test_several_at_once_take_from_none_where_one_is_empty(throttle: Throttle) -> None:
    minute, day = BucketSpec(2, SLOW, name="minute"), BucketSpec(3, SLOW, name="day")
    assert goes(throttle, LimitSpec(buckets=(minute, day)), 4) == [True, True, False, False]
    assert goes(throttle, LimitSpec(buckets=(day,)), 2) == [True, False]


def test_points_are_what_operations_cost(throttle: Throttle) -> None:
    limits = LimitSpec(buckets=(BucketSpec(10, SLOW, "points"),))
    assert goes(throttle, limits, 2, Use(cost=4)) == [True, True]
    assert goes(throttle, limits, 1, Use(cost=4)) == [False]
    assert goes(throttle, limits, 3) == [True, True, False]
    assert goes(throttle, LimitSpec(buckets=(BucketSpec(5, SLOW, "points"),)), 1, Use(cost=99)) == [True], (
        "what costs more than there can be is let through a full bucket"
    )


def test_searches_and_writes_have_their_own(throttle: Throttle) -> None:
    limits = LimitSpec(
        buckets=(
            BucketSpec(3, SLOW),
            BucketSpec(1, SLOW, of="writes"),
            BucketSpec(2, SLOW, name="search", of="named", alone=True),
            BucketSpec(1, SLOW, name="export", of="named"),
        )
    )
    assert goes(throttle, limits, 3, Use("search")) == [True, True, False]
    assert goes(throttle, limits, 2, Use("export")) == [True, False]
    assert goes(throttle, limits, 2, Use(write=True)) == [True, False]
    assert goes(throttle, limits, 2) == [True, False], "the export and the write counted here too"


def test_an_app_has_one_budget_for_all_its_accounts(throttle: Throttle) -> None:
    limits = LimitSpec(buckets=(BucketSpec(1, SLOW, app=True),))
    assert goes(throttle, limits, 1, account="a") + goes(throttle, limits, 1, account="b") == [True, False]


def test_calls_at_once(throttle: Throttle) -> None:
    limits = LimitSpec(buckets=(BucketSpec(2, kind="concurrent"),))
    assert goes(throttle, limits, 3) == [True, True, False]
    throttle.done("a", "acme", limits)
    assert goes(throttle, limits, 2) == [True, False]


def test_a_pause_holds_all_or_those_of_a_bucket_and_the_longest_counts(throttle: Throttle) -> None:
    limits = LimitSpec(buckets=(BucketSpec(9, SLOW, name="search", of="named", alone=True),))
    throttle.block("a", 50, "search")
    throttle.block("a", 5, "search")
    assert throttle.take("a", "acme", limits, Use("search")) == pytest.approx(50, abs=1)
    assert throttle.take("a", "acme", limits) == 0
    throttle.block("a", 0.2)
    assert throttle.take("a", "acme", limits) > 0
    time.sleep(0.25)
    assert throttle.take("a", "acme", limits) == 0
    assert throttle.take("b", "acme", limits, Use("search")) == 0


def test_what_the_provider_counts_goes_over_our_own(throttle: Throttle) -> None:
    """Somebody else uses the same account."""
    limits = LimitSpec(buckets=(BucketSpec(100, SLOW, name="minute"),))
    assert throttle.take("a", "acme", limits, Use(), {"minute": (2.0, 0.0)}) == 0
    assert goes(throttle, limits, 2) == [True, False]
    assert throttle.take("a", "acme", limits, Use(), {"minute": (50.0, 0.0)}) > 0, "it never adds"


def worker(gate: Any, results: Any, tries: int) -> None:
    limits = LimitSpec(buckets=(BucketSpec(100, SLOW),))
    throttle = RedisThrottle()
    gate.wait(30)
    results.put(sum(throttle.take("shared", "acme", limits) == 0 for _ in range(tries)))


def test_processes_never_take_more_than_there_is(redis_client: Any) -> None:
    fork = multiprocessing.get_context("fork")
    gate, results = fork.Barrier(4), fork.Queue()
    workers = [fork.Process(target=worker, args=(gate, results, 60)) for _ in range(4)]
    for one in workers:
        one.start()
    got = [results.get(timeout=60) for _ in workers]
    for one in workers:
        one.join(30)
    assert sum(got) == 100 and all(got), got


def blocker() -> None:
    RedisThrottle().block("shared", 30)


def test_a_pause_that_one_process_was_asked_for_holds_all(redis_client: Any) -> None:
    limits = LimitSpec()
    throttle = RedisThrottle()
    assert throttle.take("shared", "acme", limits) == 0
    other = multiprocessing.get_context("fork").Process(target=blocker)
    other.start()
    other.join(30)
    assert throttle.take("shared", "acme", limits) == pytest.approx(30, abs=2)


def test_what_redis_forgot_is_full_again_and_nothing_is_kept_for_ever(redis_client: Any) -> None:
    throttle, limits = RedisThrottle(), LimitSpec(buckets=(BucketSpec(1, 5), BucketSpec(1, kind="concurrent")))
    assert goes(throttle, limits, 2) == [True, False]
    throttle.block("a", 3)
    keys = list(redis_client.scan_iter(match=PREFIX + "*"))
    assert len(keys) == 4 and all(redis_client.ttl(key) > 0 for key in keys)
    redis_client.flushdb()
    assert goes(throttle, limits, 1) == [True]


def test_without_redis_each_process_counts_for_itself(caplog: pytest.LogCaptureFixture) -> None:
    throttle = RedisThrottle(lambda: redis.Redis(host="127.0.0.1", port=1))
    limits = LimitSpec(buckets=(BucketSpec(1, SLOW),))
    assert goes(throttle, limits, 2) == [True, False]
    throttle.block("b", 30)
    assert throttle.take("b", "acme", limits) == pytest.approx(30, abs=2)
    throttle.done("a", "acme", limits)
    assert len([line for line in caplog.messages if "Redis does not answer" in line]) == 1
