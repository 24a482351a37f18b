"""Faults of the API itself, and the settings that cannot be."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime

import pytest
import requests

from tests.sandbox.conftest import Caller


def test_too_many_requests_are_told_to_wait(crm: Caller) -> None:
    crm.faults(rate_limit_per_second=2)
    answers = [crm.call("GET") for _ in range(8)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert refused[0].headers["Retry-After"] == "1"
    assert refused[0].headers["X-RateLimit-Remaining"] == "0"
    time.sleep(1.05)
    assert crm.call("GET").status_code == 200


def test_server_errors_write_nothing_and_repeat_by_seed(crm: Caller) -> None:
    def run() -> list[int]:
        crm.faults(server_error=0.5, seed=3)
        return [crm.call("GET", "/1001").status_code for _ in range(20)]

    first = run()
    assert set(first) == {200, 503}
    assert run() == first
    crm.faults(server_error=1)
    assert crm.call("DELETE", "/1001").status_code == 503
    crm.faults()
    assert crm.call("GET", "/1001").json()["version"] == 1


@pytest.mark.parametrize("dialect", ["crm", "billing"])
def test_a_hanging_write_lands_and_its_answer_does_not(start: Callable[..., Caller], dialect: str) -> None:
    sandbox = start(dialect, seed=1)
    sandbox.faults(hang_after_write=1, hang_seconds=0.3)
    began = time.monotonic()
    body = {"properties": {"city": "Rom"}} if dialect == "crm" else {"town": "Rom"}
    with pytest.raises(requests.ConnectionError):
        sandbox.call("POST", json=body)
    assert time.monotonic() - began >= 0.3
    assert [item["fields"].get("city") or item["fields"].get("town") for item in dump(sandbox)][-1] == "Rom"
    assert sandbox.call("GET").status_code == 200, "reads do not hang"


def test_stopping_does_not_wait_for_a_hanging_answer(start: Callable[..., Caller]) -> None:
    crm = start("crm", seed=1, faults={"hang_after_write": 1, "hang_seconds": 60})

    def write() -> None:
        with pytest.raises(requests.ConnectionError):
            crm.call("PATCH", "/1001", json={"properties": {"city": "Rom"}})

    writer = threading.Thread(target=write)
    writer.start()
    while dump(crm)[0]["version"] == 1:
        time.sleep(0.02)
    began = time.monotonic()
    crm.server.stop()
    writer.join(10)
    assert time.monotonic() - began < 10
    assert not writer.is_alive()


def test_a_skewed_clock_shows_in_date_and_records(crm: Caller) -> None:
    crm.faults(clock_skew_seconds=-600)
    answer = crm.call("PATCH", "/1001", json={"properties": {"city": "Rom"}})
    told = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    written = datetime.fromisoformat(answer.json()["updatedAt"]).timestamp()
    assert abs(told - time.time() + 600) < 5
    assert abs(written - time.time() + 600) < 5


def test_a_coarse_clock_cuts_the_time(crm: Caller) -> None:
    crm.faults(coarse_clock_seconds=60)
    answer = crm.call("PATCH", "/1001", json={"properties": {"city": "Rom"}})
    assert answer.json()["updatedAt"].endswith(":00.000Z")


def test_no_actor_data(crm: Caller) -> None:
    crm.faults(no_actor=True)
    assert "updatedBy" not in crm.call("GET", "/1001").json()


def test_extra_normalisation_rewrites_more_and_only_once(start: Callable[..., Caller]) -> None:
    billing = start("billing", seed=1)
    billing.faults(extra_normalisation=True)
    sent = {"email": "A@B.de", "telephone": "+49 (30) 1-2", "address_line": "a  b " + "c" * 34 + " dd", "town": " X "}
    kept = billing.call("POST", json=sent).json()
    assert (kept["email"], kept["telephone"], kept["town"]) == ("a@b.de", "+493012", "X")
    again = billing.call("POST", f"/{kept['id']}", json={name: kept[name] for name in sent}).json()
    assert {name: again[name] for name in sent} == {name: kept[name] for name in sent}


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ({"webhook_loss": 1}, "webhook_duplicate, webhook_lose, webhook_reorder"),
        ({"webhook_lose": 2}, "between 0 and 1"),
        ({"webhook_lose": "often"}, "must be a number"),
        ({"no_actor": 1}, "true or false"),
        ({"rate_limit_per_second": 1.5}, "whole number"),
        ({"hang_seconds": -1}, "between 0 and 86400"),
    ],
)
def test_bad_faults_are_refused_and_change_nothing(crm: Caller, faults: dict, words: str) -> None:
    before = crm.back("GET", "faults").json()
    answer = crm.back("PUT", "faults", json=faults)
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]
    assert crm.back("GET", "faults").json() == before


def test_faults_survive_a_restart(start: Callable[..., Caller]) -> None:
    crm = start("crm", faults={"webhook_lose": 0.25})
    crm.server.stop()
    assert start("crm").back("GET", "faults").json()["webhook_lose"] == 0.25


def dump(sandbox: Caller) -> list[dict]:
    return sandbox.back("GET", "dump").json()["records"]
