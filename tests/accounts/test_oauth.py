"""Signing in at a real authorization server through the hub's own pages, and what becomes of the tokens."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connections
from django.test import Client

from syncapp.clients import THROTTLE, client_of
from syncapp.connectors.errors import Misconfigured, Unauthorised
from syncapp.models import Account, SignIn
from syncapp.secrets import decrypt, encrypt
from syncapp.signin import redirect_uri, signin_state
from tests.oauthserver.running import HERE, INSTALLED, AuthorizationServer, Person, running
from tests.review.seeding import browser_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not INSTALLED, reason="no authorization server: make servers-venv installs it"),
]
SIGNIN = "/accounts/kims/signin/"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthorizationServer]:
    with running(tmp_path_factory.mktemp("oauth"), "http://localhost:8000/oauth/callback/") as server:
        yield server


@pytest.fixture
def admin(settings: Any) -> Client:
    settings.PROVIDER_FOLDERS = [HERE / "providers"]
    settings.PUBLIC_ADDRESS = "http://localhost:8000"
    THROTTLE.forget()
    return browser_of("Admin", "ann")


@pytest.fixture
def account(provider: AuthorizationServer, admin: Client) -> Account:
    return Account.objects.create(
        slug="kims", name="Kim's people", provider="toolkit", config={"server": provider.url},
        secrets=encrypt({"client_secret": "app-s3cret"}), allow_private=True,
    )  # fmt: skip


def begun(admin: Client) -> str:
    """Where the button of the page leads."""
    answer = admin.post(SIGNIN)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def back(admin: Client, address: str) -> Any:
    """The provider's redirect, followed by the admin's browser to the hub."""
    parts = urlsplit(address)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == redirect_uri()
    return admin.get(f"{parts.path}?{parts.query}", follow=True)


def said(answer: Any) -> str:
    return str(answer.content.decode())


def sign_in(admin: Client) -> Any:
    return back(admin, Person().answer(begun(admin), allow=True))


def fresh(account: Account) -> Account:
    return Account.objects.get(pk=account.pk)


def test_code_and_pkce_through_the_pages(account: Account, admin: Client, provider: AuthorizationServer) -> None:
    page = said(admin.get(SIGNIN))
    assert "not signed in" in page and "http://localhost:8000/oauth/callback/" in page
    assert "people.write" in page and "to write what other systems say about them" in page
    url = begun(admin)
    asked = parse_qs(urlsplit(url).query)
    assert (asked["code_challenge_method"], asked["scope"]) == (["S256"], ["people.read people.write"])
    answer = back(admin, Person().answer(url, allow=True))
    assert answer.redirect_chain[-1][0] == "/accounts/kims/test/"
    assert "kim" in said(answer), "the test names who is signed in"
    held = decrypt(fresh(account))
    assert held["access_token"].encode() not in bytes(fresh(account).secrets)
    assert held["refresh_token"] and float(held["access_token.renew_at"]) > 0
    assert fresh(account).health == "well"
    state = signin_state(fresh(account))
    assert state.signed_in and state.renews and state.lacking == [] and state.expires_at is not None
    assert client_of(fresh(account)).check().actor == "kim"
    page = said(admin.get(SIGNIN))
    assert "renews the access by itself" in page and held["access_token"] not in page
    assert not SignIn.objects.exists()


def test_connecting_asks_nothing_that_the_sign_in_tells(admin: Client, provider: AuthorizationServer) -> None:
    """The form shows the redirect address and the rights; then one signs in, and then it is tested."""
    shown = said(admin.get("/accounts/new/toolkit/"))
    assert "http://localhost:8000/oauth/callback/" in shown and "to write what other systems say about them" in shown
    assert "access_token" not in shown and "robot_token" not in shown and 'name="secret-client_secret"' in shown
    given = {
        "name": "Kims", "config-server": provider.url, "config-sign_in": "person", "secret-client_secret": "app-s3cret",
        "allow_private": "on",
    }  # fmt: skip
    answer = admin.post("/accounts/new/toolkit/", given)
    assert answer.status_code == 302 and answer["Location"] == SIGNIN, said(answer)
    assert fresh_by_slug().tried == {}
    sign_in(admin)
    assert fresh_by_slug().tried["actor"] == "kim"
    seen = admin.get("/accounts/kims/credentials/").context["seen"]
    changed = admin.post(
        "/accounts/kims/credentials/", {**given, "name": "Kim", "secret-client_secret": "", "seen": seen}
    )
    assert changed["Location"] == "/accounts/kims/test/"
    assert (fresh_by_slug().name, "access_token" in decrypt(fresh_by_slug())) == ("Kim", True)
    assert "Sign in" in said(admin.get("/accounts/kims/"))


def fresh_by_slug() -> Account:
    return Account.objects.get(slug="kims")


def test_the_page_may_lead_to_the_provider_and_nowhere_else(
    account: Account, admin: Client, provider: AuthorizationServer
) -> None:
    policy = admin.get(SIGNIN)["Content-Security-Policy"]
    [rule] = [part.strip() for part in policy.split(";") if "form-action" in part]
    assert rule == f"form-action 'self' {provider.url}"


def test_a_way_back_serves_once_and_only_its_own_session(
    account: Account, admin: Client, provider: AuthorizationServer
) -> None:
    address = Person().answer(begun(admin), allow=True)
    stranger = browser_of("Admin", "eve")
    before = len(provider.calls("authorization_code"))
    refused = back(stranger, address)
    assert refused.status_code == 400 and "begun in another browser" in said(refused)
    assert "refresh_token" not in decrypt(fresh(account))
    assert back(admin, address).redirect_chain[-1][0] == "/accounts/kims/test/"
    again = back(admin, address)
    assert again.status_code == 400 and "was used before" in said(again)
    assert len(provider.calls("authorization_code")) == before + 1


def test_a_way_back_that_nobody_began_or_that_took_too_long(account: Account, admin: Client) -> None:
    for query in ("", "?code=x&state=y", "?state=%00"):
        answer = admin.get(f"/oauth/callback/{query}")
        assert answer.status_code == 400 and "start it again" in said(answer)
    address = Person().answer(begun(admin), allow=True)
    SignIn.objects.update(expires_at="2020-01-01T00:00:00Z")
    assert "took more than ten minutes" in said(back(admin, address))
    assert "access_token" not in decrypt(fresh(account))


@pytest.mark.parametrize("team", ["Viewer", "Reviewer", "Business owner", ""])
def test_signing_in_is_for_admins(account: Account, team: str) -> None:
    browser = browser_of(team)
    for address in (SIGNIN, "/oauth/callback/?code=x&state=y"):
        assert browser.get(address).status_code == 403
    assert browser.post(SIGNIN).status_code == 403
    assert Client().get(SIGNIN).status_code == 302
    assert not SignIn.objects.exists()


def test_a_person_who_says_no(account: Account, admin: Client, provider: AuthorizationServer) -> None:
    answer = back(admin, Person().answer(begun(admin), allow=False))
    assert answer.redirect_chain[-1][0] == SIGNIN
    assert "access_denied" in said(answer) and "Start again and allow it" in said(answer).replace("start", "Start")
    assert not signin_state(fresh(account)).signed_in


def test_a_redirect_address_that_the_provider_does_not_know(account: Account, admin: Client, settings: Any) -> None:
    """It stops there and sends nobody back; the hub's page shows the address to enter."""
    settings.PUBLIC_ADDRESS = "https://other.example.org"
    assert "https://other.example.org/oauth/callback/" in said(admin.get(SIGNIN))
    page = Person().go(begun(admin))
    assert page.status_code == 400 and "redirect" in page.text.lower()


def test_a_wrong_client_secret_is_told_with_what_to_check(account: Account, admin: Client) -> None:
    Account.objects.update(secrets=encrypt({"client_secret": "wr0ng-s3cret"}))
    answer = sign_in(admin)
    assert "invalid_client" in said(answer) and "check the client id and the client secret" in said(answer)
    assert "wr0ng-s3cret" not in said(answer)


def test_a_wrong_client_id_stops_at_the_provider(
    account: Account, admin: Client, provider: AuthorizationServer
) -> None:
    Account.objects.update(config={"server": provider.url, "client_id": "nobody"})
    page = Person().go(begun(admin))
    assert page.status_code == 400 and "client" in page.text.lower()


def test_refreshing_rotates_and_the_old_token_is_never_sent_again(
    account: Account, admin: Client, provider: AuthorizationServer
) -> None:
    sign_in(admin)
    first = decrypt(fresh(account))
    before = provider.calls("refresh_token")
    for _ in range(2):
        provider.told("expire")
        assert client_of(fresh(account)).check().actor == "kim"
    last = decrypt(fresh(account))
    assert len({first["refresh_token"], last["refresh_token"]}) == 2
    assert provider.calls("refresh_token")[len(before) :] == ["refresh_token 200"] * 2


def test_a_revoked_grant_needs_a_person_and_says_so(
    account: Account, admin: Client, provider: AuthorizationServer
) -> None:
    sign_in(admin)
    provider.told("revoke")
    with pytest.raises(Unauthorised, match=r"invalid_grant.*sign in again on the account's page") as caught:
        next(iter(client_of(fresh(account)).pages("people")))
    held = decrypt(fresh(account))
    assert not any(held[name] in str(caught.value) for name in ("access_token", "refresh_token", "client_secret"))
    sign_in(admin)
    assert client_of(fresh(account)).check().actor == "kim"


def reader(pk: int, gate: Any, results: Any) -> None:
    """A worker of its own, whose token has ended."""
    connections.close_all()
    client = client_of(Account.objects.get(pk=pk))
    gate.wait(30)
    try:
        results.put([item.id for page in client.pages("people") for item in page.items])
    except Exception as error:  # noqa: BLE001 - told to the test
        results.put(repr(error))


def test_two_processes_refresh_once(account: Account, admin: Client, provider: AuthorizationServer) -> None:
    sign_in(admin)
    before = len(provider.calls("refresh_token"))
    provider.told("expire")
    fork = multiprocessing.get_context("fork")
    gate, results = fork.Barrier(2), fork.Queue()
    connections.close_all()
    workers = [fork.Process(target=reader, args=(account.pk, gate, results)) for _ in range(2)]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(30)
    assert found == [["7"], ["7"]]
    assert provider.calls("refresh_token")[before:] == ["refresh_token 200"]


def test_client_credentials_need_nobody(account: Account, admin: Client, provider: AuthorizationServer) -> None:
    Account.objects.update(config={"server": provider.url, "sign_in": "robot"})
    assert admin.get(SIGNIN).status_code == 404
    before = len(provider.calls("client_credentials"))
    assert client_of(fresh(account)).check().actor == "the app itself"
    assert client_of(fresh(account)).check().actor == "the app itself"
    assert provider.calls("client_credentials")[before:] == ["client_credentials 200"]
    provider.told("expire")
    assert client_of(fresh(account)).check().actor == "the app itself"
    assert len(provider.calls("client_credentials")) == before + 2


def test_an_account_that_is_not_signed_in_says_what_to_do(account: Account) -> None:
    with pytest.raises(Misconfigured, match=r"not signed in.*sign in on the account's page"):
        client_of(account)


def test_a_number_of_queries_that_does_not_grow(
    account: Account, admin: Client, django_assert_max_num_queries: Any, tmp_path: Path
) -> None:
    admin.get(SIGNIN)
    with django_assert_max_num_queries(12):
        admin.get(SIGNIN)
