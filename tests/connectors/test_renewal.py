"""Access tokens that expire: renewed before they do, or when the provider says so, once, and never told to anybody."""

from __future__ import annotations

import base64
import threading
from typing import Any

import pytest

from syncapp.connectors.client import Client
from syncapp.connectors.errors import Misconfigured, Unauthorised, Unavailable
from syncapp.connectors.renewal import MemoryKeeper
from syncapp.connectors.transport import Timeouts
from tests.connectors.server import Asked, Provider, Reply
from tests.connectors.shapes import manifest

ANN = {"id": 7, "rev": 3, "at": "2026-11-20T10:00:00Z", "by": "kim", "email": "ann@x.org"}
AUTH = {
    "type": "refresh",
    "token_url": "{config.server}/token",
    "access": "token",
    "client_id": "hub",
    "client_secret": "{secret.client_secret}",
}
SECRETS = {
    "token": {"label": "Token", "required": False},
    "refresh_token": {"label": "Refresh token", "required": False},
    "client_secret": {"label": "Client secret", "required": False},
}
HELD = {"token": "old-token", "refresh_token": "old-refresh", "client_secret": "s3cret-word"}
GIVEN = {"access_token": "new-token", "refresh_token": "new-refresh", "expires_in": 100, "token_type": "Bearer"}


def asking(provider: Provider, keeper: MemoryKeeper, **auth: Any) -> Client:
    """A client of the account whose secrets are kept there."""
    return Client(
        manifest({"auth": {**AUTH, **auth}, "secrets": SECRETS}), {"server": provider.url}, keeper.secrets,
        allow_private=True, timeouts=Timeouts(1, 0.5, 3), clock=lambda: 1000.0, keeper=keeper,
    )  # fmt: skip


def only(*tokens: str, body: Any = ANN) -> Any:
    """A view that takes these access tokens."""

    def view(asked: Asked) -> Reply:
        good = asked.headers["authorization"] in [f"Bearer {token}" for token in tokens]
        return Reply(body) if good else Reply({"error": {"message": "expired"}}, 401)

    return view


def calls(provider: Provider, path: str) -> list[Asked]:
    return [asked for asked in provider.asked if asked.path == path]


def test_a_token_that_is_refused_is_renewed_and_the_call_made_again(provider: Provider) -> None:
    keeper = MemoryKeeper(HELD)
    provider.on("GET", "/people/7", only("new-token"))
    provider.on("POST", "/token", Reply(GIVEN))
    assert asking(provider, keeper).read("people", "7").id == "7"
    (asked,) = calls(provider, "/token")
    assert asked.body == {
        "grant_type": "refresh_token",
        "refresh_token": "old-refresh",
        "client_id": "hub",
        "client_secret": "s3cret-word",
    }
    kept = {"token": "new-token", "refresh_token": "new-refresh", "token.renew_at": "1080.0"}
    assert keeper.secrets == HELD | kept


def test_a_write_that_is_refused_is_made_again_too(provider: Provider) -> None:
    provider.on("PATCH", "/people/7", only("new-token"))
    provider.on("POST", "/token", Reply(GIVEN))
    written = asking(provider, MemoryKeeper(HELD)).update("people", "7", {"email": "b@x.org"}, version="3", key="k")
    assert written.id == "7"
    assert [asked.body for asked in calls(provider, "/people/7")] == [{"email": "b@x.org"}] * 2


@pytest.mark.parametrize(("moment", "renewals"), [("999", 1), ("1001", 0), ("", 0)])
def test_a_token_is_renewed_before_it_expires(provider: Provider, moment: str, renewals: int) -> None:
    provider.on("GET", "/people/7", only("old-token", "new-token"))
    provider.on("POST", "/token", Reply(GIVEN))
    asking(provider, MemoryKeeper(HELD | {"token.renew_at": moment})).read("people", "7")
    assert len(calls(provider, "/token")) == renewals
    assert len(calls(provider, "/people/7")) == 1


def test_a_refresh_token_alone_is_enough(provider: Provider) -> None:
    provider.on("GET", "/people/7", only("new-token"))
    provider.on("POST", "/token", Reply({"access_token": "new-token"}))
    keeper = MemoryKeeper({"refresh_token": "old-refresh"})
    assert asking(provider, keeper).read("people", "7").id == "7"
    assert keeper.secrets["refresh_token"] == "old-refresh", "a provider that gives no other one goes on with this"


def test_without_a_refresh_token_the_access_token_is_used_as_it_is(provider: Provider) -> None:
    provider.on("GET", "/people/7", only("old-token"), only("other"))
    client = asking(provider, MemoryKeeper({"token": "old-token"}))
    assert client.read("people", "7").id == "7"
    with pytest.raises(Unauthorised):
        client.read("people", "7")
    assert calls(provider, "/token") == []


def test_an_account_with_neither_is_told_so(provider: Provider) -> None:
    with pytest.raises(Misconfigured, match="neither 'token' nor 'refresh_token'"):
        asking(provider, MemoryKeeper({}))


def test_what_another_worker_renewed_is_used_and_nothing_is_asked_for(provider: Provider) -> None:
    provider.on("GET", "/people/7", only("new-token"))
    keeper = MemoryKeeper(HELD)
    client = asking(provider, keeper)
    keeper.secrets |= {"token": "new-token", "refresh_token": "new-refresh"}
    assert client.read("people", "7").id == "7"
    assert calls(provider, "/token") == []


def test_a_kept_token_that_has_ended_as_well_is_renewed(provider: Provider) -> None:
    """All tokens ended at once, the one that another worker had renewed too."""
    provider.on("GET", "/people/7", only("newest"))
    provider.on("POST", "/token", Reply(GIVEN | {"access_token": "newest"}))
    keeper = MemoryKeeper(HELD)
    client = asking(provider, keeper)
    keeper.secrets |= {"token": "new-token", "refresh_token": "new-refresh"}
    assert client.read("people", "7").id == "7"
    (asked,) = calls(provider, "/token")
    assert asked.body["refresh_token"] == "new-refresh"


def test_one_renewal_for_one_call(provider: Provider) -> None:
    provider.on("GET", "/people/7", only("nothing is good"))
    provider.on("POST", "/token", Reply(GIVEN))
    with pytest.raises(Unauthorised, match="does not accept the credentials"):
        asking(provider, MemoryKeeper(HELD)).read("people", "7")
    assert len(calls(provider, "/token")) == 1


def test_what_the_account_may_not_do_is_not_cured_by_a_new_token(provider: Provider) -> None:
    provider.on("GET", "/people/7", Reply({}, 403))
    with pytest.raises(Unauthorised, match="may not do this"):
        asking(provider, MemoryKeeper(HELD)).read("people", "7")
    assert calls(provider, "/token") == []


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (
            Reply({"error": "invalid_grant", "error_description": "old-refresh of s3cret-word was used"}, 400),
            Unauthorised,
            "does not renew the access: invalid_grant ••• of ••• was used",
        ),
        (Reply({"error": "invalid_client"}, 401), Unauthorised, "check the client id and the client secret"),
        (Reply({"token_type": "Bearer"}), Unauthorised, "without an access token"),
        (Reply(raw=b"<html>"), Unauthorised, "check the address and the region"),
        (Reply({}, 503), Unavailable, "cannot renew the access now"),
        (Reply({}, 429, {"Retry-After": "9"}), Unavailable, "cannot renew the access now"),
        (Reply(drop=True), Unavailable, "no answer came"),
    ],
)
def test_a_renewal_that_fails(provider: Provider, reply: Reply, error: type[Exception], words: str) -> None:
    keeper = MemoryKeeper(HELD)
    provider.on("GET", "/people/7", only("new-token"))
    provider.on("POST", "/token", reply)
    with pytest.raises(error) as caught:
        asking(provider, keeper).read("people", "7")
    assert words in str(caught.value)
    assert not any(secret in str(caught.value) for secret in HELD.values())
    assert keeper.secrets == HELD
    assert getattr(caught.value, "retry_after", None) == (9 if reply.status == 429 else None)


def test_a_renewal_is_never_sent_on(provider: Provider) -> None:
    provider.on("GET", "/people/7", only("new-token"))
    provider.on("POST", "/token", Reply({}, 307, {"Location": f"{provider.url}/elsewhere"}))
    with pytest.raises(Misconfigured, match="redirects"):
        asking(provider, MemoryKeeper(HELD)).read("people", "7")
    assert calls(provider, "/elsewhere") == []


def test_the_client_may_prove_itself_by_basic(provider: Provider) -> None:
    provider.on("GET", "/people/7", only("new-token"))
    provider.on("POST", "/token", Reply(GIVEN))
    asking(provider, MemoryKeeper(HELD), client_auth="basic").read("people", "7")
    (asked,) = calls(provider, "/token")
    assert asked.headers["authorization"] == "Basic " + base64.b64encode(b"hub:s3cret-word").decode()
    assert set(asked.body) == {"grant_type", "refresh_token"}


def test_the_test_of_an_account_renews_too(provider: Provider) -> None:
    provider.on("GET", "/me", only("new-token"))
    provider.on("GET", "/people", only("new-token", body={"data": []}))
    provider.on("POST", "/token", Reply(GIVEN))
    made = manifest({"auth": AUTH, "secrets": SECRETS, "check": {"path": "/me", "actor": "by"}})
    check = Client(made, {"server": provider.url}, HELD, allow_private=True).check()
    assert (check.ok, check.actor) == (True, "kim")


def test_many_at_once_renew_once(provider: Provider) -> None:
    provider.on("GET", "/people/7", only("new-token"))
    provider.on("POST", "/token", lambda asked: Reply(GIVEN if asked.body["refresh_token"] == "old-refresh" else {}))
    keeper = MemoryKeeper(HELD)
    found: list[str] = []
    clients = [asking(provider, keeper) for _ in range(4)]
    threads = [threading.Thread(target=lambda c=c: found.append(c.read("people", "7").id)) for c in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["7"] * 4
    assert len(calls(provider, "/token")) == 1


def test_the_new_token_is_hidden_in_messages_too(provider: Provider) -> None:
    provider.on("POST", "/token", Reply(GIVEN))
    provider.on(
        "GET",
        "/people/7",
        Reply({"error": {"message": "expired"}}, 401),
        Reply({"error": {"message": "new-token is bad"}}, 400),
    )
    with pytest.raises(Exception, match="••• is bad"):
        asking(provider, MemoryKeeper(HELD)).read("people", "7")


class Noting(MemoryKeeper):
    def __init__(self) -> None:
        super().__init__(HELD)
        self.told: list[Any] = []

    def learn(self, quota: Any) -> None:
        self.told.append(quota)


DAILY = {"limit": "X-Quota", "remaining": "X-Left", "reset": "X-Reset"}


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"X-Quota": "100", "X-Left": "40", "X-Reset": "86400"}, (100, 40)),
        ({"X-Quota": "100", "X-Left": "40"}, (100, 40)),
        ({"X-Quota": "100"}, None),
        ({"X-Quota": "many", "X-Left": "few"}, None),
    ],
)
def test_a_quota_of_the_day_is_told_to_the_keeper(
    provider: Provider, headers: dict[str, str], told: tuple[int, int] | None
) -> None:
    provider.on("GET", "/people/7", Reply(ANN, headers=headers))
    keeper = Noting()
    made = manifest({"limits": {"daily": DAILY}})
    Client(made, {"server": provider.url}, {"token": "t"}, allow_private=True, keeper=keeper).read("people", "7")
    assert [(quota.limit, quota.remaining) for quota in keeper.told] == ([told] if told else [])
    if "X-Reset" in headers:
        assert keeper.told[0].resets_at is not None
