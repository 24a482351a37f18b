"""After sign-in: which of the organisations that the grant reaches the account is for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from django.test import Client

from syncapp.clients import THROTTLE
from syncapp.models import Account
from syncapp.secrets import decrypt, encrypt
from syncapp.signin import signin_state
from tests.connectors.server import Provider, Reply, serve
from tests.connectors.shapes import bent
from tests.review.seeding import browser_of

pytestmark = pytest.mark.django_db(transaction=True)
SIGNIN = "/accounts/books/signin/"
ACME, BETA = {"tenantId": "a1", "tenantName": "Acme Ltd"}, {"tenantId": "b2", "tenantName": "Beta & Sons"}


@pytest.fixture
def provider() -> Iterator[Provider]:
    for one in serve():
        one.on("POST", "/token", Reply({"access_token": "acc-1", "refresh_token": "ref-1", "expires_in": 900}))
        one.on("GET", "/people", Reply({"data": []}))
        yield one


@pytest.fixture
def admin(tmp_path: Path, settings: Any, provider: Provider) -> Client:
    auth = {
        "type": "oauth2", "authorize_url": "{config.server}/authorize", "token_url": "{config.server}/token",
        "choose": {
            "url": "{config.server}/connections", "id": "tenantId", "name": "tenantName", "label": "organisation",
        },
        "capture": {"tenant": {"from": "choice", "path": "tenantId"}},
    }  # fmt: skip
    changes = {
        "config": {"server": {"label": "S"}, "client_id": {"label": "C"}, "tenant": {"label": "Organisation"}},
        "secrets": {"client_secret": {"label": "Secret"}},
        "headers": {"xero-tenant-id": "{config.tenant}"},
        "auth": auth,
    }
    (tmp_path / "acme.yaml").write_text(yaml.safe_dump(bent(changes), sort_keys=False))
    settings.PROVIDER_FOLDERS = [tmp_path]
    THROTTLE.forget()
    Account.objects.create(
        slug="books", name="Books", provider="acme", config={"server": provider.url, "client_id": "hub"},
        secrets=encrypt({"client_secret": "s3cret"}), allow_private=True, health="attention", last_error="revoked",
    )  # fmt: skip
    return browser_of("Admin", "ann")


def come_back(admin: Client) -> Any:
    state = parse_qs(urlsplit(admin.post(SIGNIN)["Location"]).query)["state"][0]
    return admin.get("/oauth/callback/", {"code": "c", "state": state}, follow=True)


def account() -> Account:
    return Account.objects.get(slug="books")


def said(answer: Any) -> str:
    return str(answer.content.decode())


def test_one_of_several_is_chosen_by_a_person(admin: Client, provider: Provider) -> None:
    provider.on("GET", "/connections", Reply([ACME, BETA]))
    page = come_back(admin)
    assert page.redirect_chain[-1][0] == SIGNIN
    assert "Which organisation is this account for?" in said(page) and "Beta &amp; Sons" in said(page)
    assert (signin_state(account()).chosen, account().health) == (False, "unknown")
    done = admin.post(SIGNIN, {"choice": "b2"}, follow=True)
    assert done.redirect_chain[-1][0] == "/accounts/books/test/"
    assert account().config["tenant"] == "b2"
    assert provider.asked[-1].headers["xero-tenant-id"] == "b2"
    assert "Use it for another organisation" in said(admin.get(SIGNIN))
    assert "Which organisation" in said(admin.get(f"{SIGNIN}?choose"))


def test_the_only_one_is_taken(admin: Client, provider: Provider) -> None:
    provider.on("GET", "/connections", Reply([ACME]))
    assert come_back(admin).redirect_chain[-1][0] == "/accounts/books/test/"
    assert (account().config["tenant"], account().health) == ("a1", "well")


def test_signing_in_again_keeps_the_choice_where_it_is_still_reached(admin: Client, provider: Provider) -> None:
    Account.objects.update(config={**account().config, "tenant": "b2"})
    provider.on("GET", "/connections", Reply([ACME, BETA]))
    come_back(admin)
    assert account().config["tenant"] == "b2"
    provider.on("GET", "/connections", Reply([ACME, {**BETA, "tenantId": "c3"}]))
    page = come_back(admin)
    assert "Which organisation" in said(page) and account().config["tenant"] == ""


def test_what_is_not_reached_cannot_be_chosen(admin: Client, provider: Provider) -> None:
    provider.on("GET", "/connections", Reply([ACME, BETA]))
    come_back(admin)
    page = admin.post(SIGNIN, {"choice": "evil"}, follow=True)
    assert "not among what the sign-in reaches" in said(page) and "Acme Ltd" in said(page)
    assert not account().config.get("tenant")


def test_a_sign_in_that_reaches_nothing(admin: Client, provider: Provider) -> None:
    provider.on("GET", "/connections", Reply([]))
    page = come_back(admin)
    assert "reaches nothing that the account could be used for" in said(page)
    assert decrypt(account())["access_token"] == "acc-1", "the sign-in itself is kept"


def test_nothing_of_an_earlier_sign_in_stays(admin: Client, provider: Provider) -> None:
    old = {"client_secret": "s3cret", "refresh_token": "old", "access_token": "old", "access_token.told.tenant": "z9"}
    Account.objects.update(secrets=encrypt(old))
    provider.on("GET", "/connections", Reply([ACME]))
    provider.on("POST", "/token", Reply({"access_token": "acc-2"}))
    come_back(admin)
    held = decrypt(account())
    assert (held["access_token"], held["refresh_token"]) == ("acc-2", "")
    assert "access_token.told.tenant" not in held
    assert "cannot be renewed" not in said(admin.get(SIGNIN)) and "ends when Acme ends it" in said(admin.get(SIGNIN))
