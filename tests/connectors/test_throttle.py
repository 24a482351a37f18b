"""Token buckets: their arithmetic, several at once, and many threads."""

from __future__ import annotations

import threading

from syncapp.connectors.limitspec import BucketSpec, LimitSpec
from syncapp.connectors.throttle import MemoryThrottle


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_empties_and_fills_again() -> None:
    clock = Clock()
    throttle, limits = MemoryThrottle(clock), LimitSpec(buckets=(BucketSpec(2, 1.0),))
    assert [throttle.take("a", "acme", limits) for _ in range(3)] == [0, 0, 0.5]
    clock.now += 0.5
    assert throttle.take("a", "acme", limits) == 0
    clock.now += 60
    assert [throttle.take("a", "acme", limits) for _ in range(3)] == [0, 0, 0.5]


def test_accounts_do_not_share() -> None:
    throttle, limits = MemoryThrottle(Clock()), LimitSpec(buckets=(BucketSpec(1, 1.0),))
    assert (throttle.take("a", "acme", limits), throttle.take("b", "acme", limits)) == (0, 0)


def test_the_slowest_of_several_buckets_counts_and_nothing_is_taken_from_the_others() -> None:
    clock = Clock()
    throttle, limits = (
        MemoryThrottle(clock),
        LimitSpec(
            buckets=(
                BucketSpec(10, 1.0),
                BucketSpec(2, 60.0),
            )
        ),
    )
    assert [throttle.take("a", "acme", limits) for _ in range(4)] == [0, 0, 30, 30]
    clock.now += 30
    assert throttle.take("a", "acme", limits) == 0


def test_a_block_holds_everybody_and_the_longest_counts() -> None:
    clock = Clock()
    throttle = MemoryThrottle(clock)
    throttle.block("a", 10)
    throttle.block("a", 2)
    assert throttle.take("a", "acme", LimitSpec()) == 10
    clock.now += 10
    assert throttle.take("a", "acme", LimitSpec()) == 0


def test_changed_limits_are_taken_over() -> None:
    throttle = MemoryThrottle(Clock())
    assert [throttle.take("a", "acme", LimitSpec(buckets=(BucketSpec(1, 1.0),))) for _ in range(2)] == [0, 1]
    assert [throttle.take("a", "acme", LimitSpec(buckets=(BucketSpec(3, 1.0),))) for _ in range(3)] == [0, 0, 0]


def test_threads_never_take_more_than_there_is() -> None:
    throttle, limits = MemoryThrottle(Clock()), LimitSpec(buckets=(BucketSpec(100, 1000.0),))
    got: list[float] = []
    threads = [
        threading.Thread(target=lambda: got.extend(throttle.take("a", "acme", limits) for _ in range(50)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got.count(0) == 100 and len(got) == 400
