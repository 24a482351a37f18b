"""Limits in the dialects of real providers: what is read of answers, how "too many" looks, how long to wait."""

# ruff: noqa: E501  (tables are read by the line)
from __future__ import annotations

from typing import Any

import pytest

from syncapp.connectors.errors import ConnectorError, Limited, Rejected, Unauthorised
from syncapp.connectors.renewal import MemoryKeeper
from syncapp.connectors.throttle import MemoryThrottle
from tests.connectors.server import Provider, Reply
from tests.connectors.shapes import client, manifest

ANN = {"id": 7, "rev": 3, "at": "2026-11-20T10:00:00Z", "by": "kim", "email": "ann@x.org"}
READ = "objects.people.operations.read"
# The provider's own clock, by which its resets are written: 2026-11-24 12:00:00 UTC.
DATE = {"Date": "Tue, 24 Nov 2026 12:00:00 GMT"}
NOON = 1_795_521_600


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Noting(MemoryKeeper):
    def __init__(self) -> None:
        super().__init__({"token": "tok-secret"})
        self.told: list[Any] = []

    def learn(self, quota: Any) -> None:
        self.told.append((quota.limit, quota.remaining))


def waits(provider: Provider, limits: dict[str, Any], headers: dict[str, str], body: Any = ANN, **more: Any) -> float:
    """Seconds that the next call has to wait after an answer of this shape."""
    throttle = MemoryThrottle(Clock())
    provider.on("GET", "/people/7", Reply(body, headers={**DATE, **headers}))
    made = manifest({"limits": limits, **more})
    client(provider.url, {"limits": limits, **more}, throttle=throttle, account="a").read("people", "7")
    return throttle.take("a", "acme", made.limits)


READERS = [
    ("seconds", {"remaining": "X-Left", "reset": "X-Reset"}, {"X-Left": "0", "X-Reset": "7"}, 7),
    ("unix", {"remaining": "X-Left", "reset": "X-Reset", "reset_format": "unix"}, {"X-Left": "0", "X-Reset": str(NOON + 9)}, 9),
    ("ms", {"remaining": "X-Left", "reset": "X-Reset", "reset_format": "ms"}, {"X-Left": "0", "X-Reset": "1500"}, 1.5),
    ("unix_ms", {"remaining": "X-Left", "reset": "X-Reset", "reset_format": "unix_ms"}, {"X-Left": "0", "X-Reset": str((NOON + 4) * 1000)}, 4),
    ("iso", {"remaining": "X-Left", "reset": "X-Reset", "reset_format": "iso"}, {"X-Left": "0", "X-Reset": "2026-11-24T12:00:30Z"}, 30),
    ("some are left", {"remaining": "X-Left", "reset": "X-Reset"}, {"X-Left": "3", "X-Reset": "7"}, 0),
    ("no reset is told", {"remaining": "X-Left"}, {"X-Left": "0"}, 5),
    ("used of limit", {"used": "X-Used", "limit": "X-Limit", "reset": "X-Reset"}, {"X-Used": "40", "X-Limit": "40", "X-Reset": "2"}, 2),
    ("as Salesforce", {"header": "Sforce-Limit-Info", "pattern": r"api-usage=(?P<used>\d+)/(?P<limit>\d+)"}, {"Sforce-Limit-Info": "api-usage=5000/5000; per-app-api-usage=17/250(appName=x)"}, 5),
    ("as Shopify's REST", {"header": "X-Shopify-Shop-Api-Call-Limit", "pattern": r"(?P<used>\d+)/(?P<limit>\d+)"}, {"X-Shopify-Shop-Api-Call-Limit": "39/40"}, 0),
    ("as Zendesk's endpoints", {"header": "Zendesk-RateLimit-inc", "pattern": r"remaining=(?P<remaining>\d+); resets=(?P<reset>\d+)"}, {"Zendesk-RateLimit-inc": "total=10; remaining=0; resets=48"}, 48),
    ("nonsense", {"remaining": "X-Left"}, {"X-Left": "many"}, 0),
    ("absent", {"remaining": "X-Left"}, {}, 0),
]  # fmt: skip


@pytest.mark.parametrize(("reader", "headers", "wait"), [row[1:] for row in READERS], ids=[row[0] for row in READERS])
def test_what_is_left_in_headers(
    provider: Provider, reader: dict[str, Any], headers: dict[str, str], wait: float
) -> None:
    assert waits(provider, {"told": [reader]}, headers) == pytest.approx(wait, abs=0.01)


def test_points_in_the_body_and_what_comes_back(provider: Provider) -> None:
    """As Shopify's GraphQL."""
    at = "extensions.cost.throttleStatus"
    reader = {
        "in": "body",
        "remaining": f"{at}.currentlyAvailable",
        "limit": f"{at}.maximumAvailable",
        "restore": f"{at}.restoreRate",
        "least": 100,
    }
    status = {"maximumAvailable": 2000, "currentlyAvailable": 40, "restoreRate": 20}
    body = {**ANN, "extensions": {"cost": {"throttleStatus": status}}}
    assert waits(provider, {"told": [reader]}, {}, body) == pytest.approx(3)
    status["currentlyAvailable"] = 1900
    assert waits(provider, {"told": [reader]}, {}, body) == 0


def test_a_count_of_one_bucket_holds_only_what_counts_in_it(provider: Provider) -> None:
    """As Xero: a minute, a day, calls at once, each with its own header."""
    limits = {
        "buckets": [
            {"name": "minute", "requests": 60, "seconds": 60}, {"name": "day", "requests": 5000, "seconds": 86400},
            {"name": "search", "requests": 5, "seconds": 1, "alone": True}, {"concurrent": 5},
        ],
        "told": [{"bucket": "minute", "remaining": "X-MinLimit-Remaining"}, {"bucket": "search", "remaining": "X-Search"}],
    }  # fmt: skip
    assert waits(provider, limits, {"X-Search": "0"}) == 0
    assert waits(provider, limits, {"X-MinLimit-Remaining": "0"}) == 5


def test_what_others_use_of_a_bucket_counts(provider: Provider) -> None:
    limits = {
        "buckets": [{"name": "minute", "requests": 60, "seconds": 60}],
        "told": [{"bucket": "minute", "remaining": "X-Left"}],
    }
    provider.on("GET", "/people/7", Reply(ANN, headers={"X-Left": "2"}), Reply(ANN))
    one = client(provider.url, {"limits": limits}, throttle=MemoryThrottle(Clock()), patience=0)
    for _ in range(3):
        one.read("people", "7")
    with pytest.raises(Limited, match="rate limit is used up"):
        one.read("people", "7")


@pytest.mark.parametrize(
    ("reader", "headers", "told"),
    [
        ({"header": "Sforce-Limit-Info", "pattern": r"api-usage=(?P<used>\d+)/(?P<limit>\d+)"}, {"Sforce-Limit-Info": "api-usage=18/5000"}, [(5000, 4982)]),
        ({"limit": "X-Day", "remaining": "X-Day-Left"}, {"X-Day": "100", "X-Day-Left": "40"}, [(100, 40)]),
        ({"limit": "X-Day", "remaining": "X-Day-Left"}, {"X-Day-Left": "40"}, []),
    ],
)  # fmt: skip
def test_the_quota_of_a_day(
    provider: Provider, reader: dict[str, Any], headers: dict[str, str], told: list[Any]
) -> None:
    provider.on("GET", "/people/7", Reply(ANN, headers=headers))
    keeper = Noting()
    client(provider.url, {"limits": {"told": [{**reader, "daily": True}]}}, keeper=keeper).read("people", "7")
    assert keeper.told == told


def refused(provider: Provider, reply: Reply, limits: dict[str, Any], **more: Any) -> ConnectorError:
    provider.on("GET", "/people/7", reply)
    with pytest.raises(ConnectorError) as caught:
        client(provider.url, {"limits": limits, **more}).read("people", "7")
    return caught.value


LINEAR = {"errors.code": "errors[0].extensions.code"}
REFUSALS = [
    ("429 with Retry-After", Reply({}, 429, {"Retry-After": "9"}), {}, {}, 9),
    ("429 with a date", Reply({}, 429, {"Retry-After": "Tue, 24 Nov 2026 12:00:20 GMT", **DATE}), {}, {}, 20),
    ("429 without a word", Reply({}, 429), {"wait": 60}, {}, 60),
    ("403 and a code, as Salesforce", Reply([{"errorCode": "REQUEST_LIMIT_EXCEEDED"}], 403), {"refusals": [{"status": [403], "codes": ["REQUEST_LIMIT_EXCEEDED"], "wait": 300}]}, {"errors.code": "[0].errorCode"}, 300),
    ("403 and a header, as GitHub", Reply({}, 403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(NOON + 50), **DATE}), {"told": [{"remaining": "X-RateLimit-Remaining", "reset": "X-RateLimit-Reset", "reset_format": "unix"}], "refusals": [{"status": [403], "header": "X-RateLimit-Remaining", "value": "0"}]}, {}, 50),
    ("a reset that is not what refused", Reply({}, 429, {"X-RateLimit-Remaining": "4000", "X-RateLimit-Reset": str(NOON + 3000), **DATE}), {"wait": 60, "told": [{"remaining": "X-RateLimit-Remaining", "reset": "X-RateLimit-Reset", "reset_format": "unix"}]}, {}, 60),
    ("400 and a code, as Linear", Reply({"errors": [{"extensions": {"code": "RATELIMITED"}}]}, 400), {"refusals": [{"status": [400], "codes": ["RATELIMITED"]}]}, LINEAR, 5),
    ("200 and a code, as Shopify", Reply({"errors": [{"extensions": {"code": "THROTTLED"}}]}, 200), {"refusals": [{"status": [200], "codes": ["THROTTLED"], "wait": 2}]}, LINEAR, 2),
    ("503, as BambooHR", Reply({}, 503, {"Retry-After": "30"}), {"refused": [429, 503]}, {}, 30),
]  # fmt: skip


@pytest.mark.parametrize(
    ("reply", "limits", "more", "wait"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
def test_too_many(provider: Provider, reply: Reply, limits: dict[str, Any], more: dict[str, Any], wait: float) -> None:
    error = refused(provider, reply, limits, **more)
    assert isinstance(error, Limited), error
    assert error.retry_after == pytest.approx(wait, abs=0.01)


def test_what_only_looks_like_too_many(provider: Provider) -> None:
    limits = {
        "refusals": [{"status": [403], "header": "X-Left", "value": "0"}, {"status": [400], "codes": ["RATELIMITED"]}]
    }
    assert isinstance(refused(provider, Reply({}, 403, {"X-Left": "10"}), limits), Unauthorised)
    assert isinstance(refused(provider, Reply({}, 403), limits), Unauthorised)
    wrong = Reply({"error": {"code": "INVALID"}}, 400)
    assert isinstance(refused(provider, wrong, limits), Rejected)


def test_a_refusal_of_a_bucket_that_stands_alone_holds_nobody_else(provider: Provider) -> None:
    """As HubSpot's search and Slack's methods."""
    limits = {"buckets": [{"name": "search", "requests": 9, "seconds": 1, "alone": True}], "wait": 60}
    provider.on("GET", "/people/7", Reply({}, 429), Reply(ANN))
    changes = {"limits": limits, f"{READ}.bucket": "search"}
    throttle = MemoryThrottle(Clock())
    one = client(provider.url, changes, throttle=throttle, account="a", patience=0)
    with pytest.raises(Limited):
        one.read("people", "7")
    with pytest.raises(Limited, match="rate limit is used up for 60"):
        one.read("people", "7")
    assert throttle.take("a", "acme", one.manifest.limits) == 0


def test_a_place_among_calls_at_once_is_given_back_whatever_happens(provider: Provider) -> None:
    provider.on("GET", "/people/7", Reply(ANN), Reply(drop=True), Reply({}, 500), Reply(ANN))
    one = client(provider.url, {"limits": {"buckets": [{"concurrent": 1}]}}, patience=0)
    assert one.read("people", "7").id == "7"
    for _ in range(2):
        with pytest.raises(ConnectorError):
            one.read("people", "7")
    assert one.read("people", "7").id == "7"


def test_writes_have_their_own_pace_and_operations_their_price(provider: Provider) -> None:
    """As GitHub: writes cost more, and there is a limit of their own."""
    limits = {"buckets": [{"points": 10, "seconds": 60}, {"requests": 1, "seconds": 60, "of": "writes"}]}
    provider.on("GET", "/people/7", Reply(ANN))
    provider.on("DELETE", "/people/7", Reply({}))
    changes = {"limits": limits, "objects.people.operations.delete.cost": 5, f"{READ}.cost": 2}
    one = client(provider.url, changes, throttle=MemoryThrottle(Clock()), patience=0)
    one.delete("people", "7", key="k")
    with pytest.raises(Limited):
        one.delete("people", "7", key="k2")
    one.read("people", "7")
    one.read("people", "7")
    with pytest.raises(Limited, match="used up for 6"):
        one.read("people", "7")
