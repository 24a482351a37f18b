"""Tokens that expire and are renewed, the quota of the day, and several portals in one process."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.sandbox.conftest import Caller

CLIENT = {"client_id": "integration", "client_secret": "s3cret"}


@pytest.fixture
def expiring(start: Callable[..., Caller]) -> Caller:
    return start("crm", seed=1, token_ttl=60, client_secret="s3cret", refresh_token="first")


def ask(sandbox: Caller, **form: str) -> requests.Response:
    given = {"grant_type": "refresh_token", **CLIENT, **form}
    return requests.post(f"{sandbox.server.url}/oauth/token", data=given, timeout=10)


def read(sandbox: Caller, token: str) -> requests.Response:
    return sandbox.call("GET", "/1001", headers={"Authorization": f"Bearer {token}"})


def test_a_refresh_token_buys_an_access_token_that_expires(expiring: Caller) -> None:
    refused = expiring.call("GET", "/1001")
    assert refused.status_code == 401, "the token that stays is not good here"
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    answer = ask(expiring, refresh_token="first")
    told = answer.json()
    assert (told["token_type"], told["expires_in"], answer.headers["Cache-Control"]) == ("Bearer", 60, "no-store")
    assert read(expiring, told["access_token"]).status_code == 200
    assert expiring.back("POST", "expire").json() == {"expired": 1}
    assert read(expiring, told["access_token"]).status_code == 401
    assert 'error="' not in expiring.call("GET", headers={"Authorization": ""}).headers["WWW-Authenticate"]
    again = ask(expiring, refresh_token=told["refresh_token"]).json()
    assert read(expiring, again["access_token"]).status_code == 200
    assert again["refresh_token"] not in (told["refresh_token"], "first")
    assert expiring.back("GET", "stats").json()["api_calls"]["token"] == 2


def test_an_access_token_ends_by_itself(start: Callable[..., Caller]) -> None:
    crm = start("crm", seed=1, token_ttl=0.3)
    token = crm.back("POST", "authorise").json()["access_token"]
    assert read(crm, token).status_code == 200
    time.sleep(0.35)
    assert read(crm, token).status_code == 401


def test_a_refresh_token_that_comes_again_ends_its_family(expiring: Caller) -> None:
    other = expiring.back("POST", "authorise").json()
    first = ask(expiring, refresh_token="first").json()
    second = ask(expiring, refresh_token=first["refresh_token"]).json()
    reused = ask(expiring, refresh_token="first")
    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    assert "used before" in reused.json()["error_description"]
    assert read(expiring, second["access_token"]).status_code == 401
    assert ask(expiring, refresh_token=second["refresh_token"]).json()["error"] == "invalid_grant"
    assert "used before" in ask(expiring, refresh_token="first").json()["error_description"]
    assert read(expiring, other["access_token"]).status_code == 200, "another family has nothing to do with it"


def test_a_restart_knows_which_tokens_were_used(start: Callable[..., Caller]) -> None:
    given: dict[str, Any] = {"token_ttl": 60, "client_secret": "s3cret", "refresh_token": "first"}
    crm = start("crm", seed=1, **given)
    told = ask(crm, refresh_token="first").json()
    crm.server.stop()
    crm = start("crm", **given)
    assert read(crm, told["access_token"]).status_code == 200
    assert ask(crm, refresh_token=told["refresh_token"]).status_code == 200
    assert ask(crm, refresh_token="first").status_code == 400


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"refresh_token": "wrong"}, 400, "invalid_grant"),
        ({"refresh_token": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "somebody"}, 401, "invalid_client"),
    ],
)
def test_the_token_endpoint_refuses_as_the_standard_says(
    expiring: Caller, form: dict[str, str], status: int, error: str
) -> None:
    answer = ask(expiring, **({"refresh_token": "first"} | form))
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_a_client_may_prove_itself_by_basic(expiring: Caller) -> None:
    pair = base64.b64encode(b"integration:s3cret").decode()
    form = {"grant_type": "refresh_token", "refresh_token": "first"}
    url = f"{expiring.server.url}/oauth/token"
    answer = requests.post(url, data=form, headers={"Authorization": f"Basic {pair}"}, timeout=10)
    assert answer.status_code == 200


def test_the_quota_of_a_day_is_counted_and_kept(start: Callable[..., Caller]) -> None:
    crm = start("crm", seed=1, daily_quota=2)
    told = [crm.call("GET", "/1001").headers for _ in range(2)]
    assert [head["X-Daily-Remaining"] for head in told] == ["1", "0"]
    assert told[0]["X-Daily-Quota"] == "2"
    midnight = int(told[0]["X-Daily-Reset"])
    assert midnight % 86_400 == 0 and 0 < midnight - time.time() <= 86_400
    crm.server.stop()
    crm = start("crm")
    refused = crm.call("GET", "/1001")
    assert (refused.status_code, refused.json()["category"]) == (429, "DAILY_QUOTA")
    assert "daily quota of 2 calls" in refused.json()["message"]
    assert abs(int(refused.headers["Retry-After"]) - (midnight - time.time())) < 5
    crm.faults(clock_skew_seconds=86_400)
    assert crm.call("GET", "/1001").headers["X-Daily-Remaining"] == "1", "by its own clock it is another day"
    assert crm.back("PUT", "quota", json={"limit": 10, "used": 9}).json()["X-Daily-Remaining"] == "1"
    assert crm.back("PUT", "quota", json={"limit": 0}).json() == {}
    assert "X-Daily-Quota" not in crm.call("GET", "/1001").headers
    assert crm.back("PUT", "quota", json={"limit": -1}).status_code == 400


def test_portals_share_nothing_but_the_process(start: Callable[..., Caller]) -> None:
    crm = start("crm", seed=2, portals=("a", "b"))
    place, token = crm.server.url_of, "t0ken-{}".format

    def call(method: str, portal: str, whose: str, **given: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token(whose)}"}
        return requests.request(method, f"{place(portal)}/api/contacts/1001", headers=headers, timeout=10, **given)

    assert call("PATCH", "a", "a", json={"properties": {"city": "Rom"}}).json()["version"] == 2
    assert call("GET", "b", "b").json()["version"] == 1
    foreign = call("GET", "b", "a")
    assert (foreign.status_code, "another portal" in foreign.json()["message"]) == (403, True)
    assert call("GET", "b", "c").status_code == 401
    page = requests.get(f"{place('a')}/", timeout=10).text
    assert 'href="/p/a/records/1001"' in page
    assert requests.get(f"{place('a')}/_sandbox/writes", timeout=10).json()["writes"][0]["sent"] == {"city": "Rom"}
    assert requests.get(f"{place('b')}/_sandbox/writes", timeout=10).json()["writes"] == []
    lost = requests.get(f"{crm.server.url}/api/contacts", timeout=10)
    assert (lost.status_code, "/p/a/, /p/b/" in lost.text) == (404, True)


def test_a_portals_expiring_tokens_are_its_own_too(start: Callable[..., Caller]) -> None:
    crm = start("crm", seed=1, portals=("a", "b"), token_ttl=60, client_secret="s3cret", refresh_token="first")
    told = requests.post(
        f"{crm.server.url_of('a')}/oauth/token",
        data={"grant_type": "refresh_token", "refresh_token": "first-a", **CLIENT},
        timeout=10,
    ).json()
    headers = {"Authorization": f"Bearer {told['access_token']}"}
    statuses = [
        requests.get(f"{crm.server.url_of(one)}/api/contacts/1001", headers=headers, timeout=10).status_code
        for one in ("a", "b")
    ]
    assert statuses == [200, 403]
