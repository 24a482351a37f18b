"""Signing in through a browser: where the person is sent, what the way back brings, and which tenant is chosen."""

# ruff: noqa: E501  (tables are read by the line)
from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from syncapp.connectors.consent import Consent, challenge, choices
from syncapp.connectors.errors import Malformed, Misconfigured, Unauthorised, Unavailable
from syncapp.connectors.renewal import MemoryKeeper
from tests.connectors.server import Provider, Reply
from tests.connectors.shapes import manifest
from tests.connectors.test_oauth import CONFIG, GIVEN, HELD, NOW, OAUTH, SECRETS

BACK = "https://hub.example.org/oauth/callback/"
SCOPES = {"people.read": "to read people", "people.write": "to write them"}
VERIFIER = "v" * 64


def consent(provider: Provider, changes: dict[str, Any] | None = None, config: Any = None, **auth: Any) -> Consent:
    made = manifest({"config": CONFIG, "secrets": SECRETS, "auth": {**OAUTH, **auth}, **(changes or {})})
    given = {"server": provider.url, "client_id": "hub", **(config or {})}
    return Consent(
        made, given, {"client_secret": "s3cret-word"}, redirect_uri=BACK, allow_private=True, clock=lambda: NOW
    )


def asked_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}


def test_the_challenge_is_that_of_rfc_7636() -> None:
    """Appendix B of RFC 7636."""
    assert challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_where_the_person_is_sent(provider: Provider) -> None:
    begun = consent(provider, scopes=SCOPES, authorize_params={"access_type": "offline", "prompt": "consent"}).begin()
    assert begun.url.startswith(f"{provider.url}/authorize?")
    assert asked_of(begun.url) == {
        "response_type": "code", "client_id": "hub", "redirect_uri": BACK, "state": begun.state,
        "scope": "people.read people.write", "access_type": "offline", "prompt": "consent",
        "code_challenge": challenge(begun.verifier), "code_challenge_method": "S256",
    }  # fmt: skip
    assert "s3cret" not in begun.url and begun.verifier not in begun.url
    other = consent(provider).begin()
    assert (other.state, other.verifier) != (begun.state, begun.verifier)


def test_other_spellings_of_the_question(provider: Provider) -> None:
    begun = consent(
        provider, scopes=SCOPES, scope_separator=",", scope_param="user_scope", pkce=False,
        authorize_url="{config.server}/authorize.php?request=authorize",
    ).begin()  # fmt: skip
    asked = asked_of(begun.url)
    assert (asked["user_scope"], asked["request"]) == ("people.read,people.write", "authorize")
    assert "code_challenge" not in asked


def test_a_code_becomes_tokens(provider: Provider) -> None:
    provider.on("POST", "/token", Reply({**GIVEN, "scope": "people.read"}))
    signed = consent(provider).end({"code": "c0de", "state": "x"}, VERIFIER)
    (asked,) = provider.asked
    assert asked.body == {
        "grant_type": "authorization_code", "code": "c0de", "redirect_uri": BACK, "code_verifier": VERIFIER,
        "client_id": "hub", "client_secret": "s3cret-word",
    }  # fmt: skip
    assert signed.secrets == {
        "access_token": "new-token", "refresh_token": "new-refresh",
        "access_token.renew_at": str(NOW + 80), "access_token.scopes": "people.read",
    }  # fmt: skip
    assert signed.config == {}


def test_an_old_refresh_token_does_not_outlive_a_new_sign_in(provider: Provider) -> None:
    provider.on("POST", "/token", Reply({"access_token": "for-ever"}))
    assert consent(provider).end({"code": "c"}, VERIFIER).secrets["refresh_token"] == ""


def test_what_the_redirect_and_the_answer_tell_is_kept(provider: Provider, elsewhere: Provider) -> None:
    """As Zoho does: the redirect names the accounts server that the code is for, the answer names the API."""
    elsewhere.on(
        "POST", "/oauth/token", Reply({**GIVEN, "api_domain": "https://api.x.eu", "hook": {"url": "https://h"}})
    )
    changes = {
        "base_url": "{config.api_domain}",
        "config": {**CONFIG, "accounts": {"label": "Accounts server"}, "api_domain": {"label": "API"}},
    }
    capture = {
        "accounts": {"from": "redirect", "path": "accounts-server", "pattern": r"http://127\.0\.0\.1:\d+"},
        "api_domain": {"from": "token", "path": "api_domain"},
        "hook_url": {"from": "token", "path": "hook.url", "secret": True},
    }
    one = consent(provider, changes, token_url="{config.accounts}/oauth/token", capture=capture)
    signed = one.end({"code": "c", "accounts-server": elsewhere.url}, VERIFIER)
    assert signed.config == {"accounts": elsewhere.url, "api_domain": "https://api.x.eu"}
    assert signed.secrets["hook_url"] == "https://h"
    with pytest.raises(Malformed, match=r"tells 'https://evil.org' as 'accounts', which is not accepted"):
        one.end({"code": "c", "accounts-server": "https://evil.org"}, VERIFIER)
    with pytest.raises(Malformed, match="the address that led back to the hub tells no 'accounts-server'"):
        one.end({"code": "c"}, VERIFIER)
    assert len(elsewhere.asked) == 1, "the client's secret went nowhere else"


@pytest.mark.parametrize(
    ("query", "error", "words"),
    [
        ({"error": "access_denied", "error_description": "The user said no"}, Unauthorised, "access_denied The user said no.*start again and allow it"),
        ({"error": "invalid_scope"}, Unauthorised, "invalid_scope.*allow the scopes listed here"),
        ({"error": "redirect_uri_mismatch"}, Unauthorised, "letter by letter"),
        ({"error": "server_error"}, Unavailable, "cannot sign anybody in now: server_error.*start the sign-in again"),
        ({"error": "something", "error_description": "about s3cret-word"}, Unauthorised, "something about •••"),
        ({}, Malformed, "neither a code nor an error"),
        ({"code": ""}, Malformed, "neither a code nor an error"),
    ],
)  # fmt: skip
def test_a_way_back_without_a_code(
    provider: Provider, query: dict[str, str], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        consent(provider).end(query, VERIFIER)
    assert provider.asked == []


def test_a_code_that_is_refused(provider: Provider) -> None:
    provider.on("POST", "/token", Reply({"error": "invalid_grant", "error_description": "c0de-1 is used"}, 400))
    with pytest.raises(Unauthorised, match="does not give the access: invalid_grant ••• is used") as caught:
        consent(provider).end({"code": "c0de-1"}, VERIFIER)
    assert VERIFIER not in str(caught.value)


def test_accounts_that_nobody_signs_in_to(provider: Provider) -> None:
    given = {"type": "oauth2", "grant": "client_credentials", "token_url": "{config.server}/token"}
    made = manifest({"config": CONFIG, "secrets": SECRETS, "auth": given})
    for one in (made, manifest()):
        with pytest.raises(Misconfigured, match="nobody signs in to this account in a browser"):
            Consent(one, {"server": "https://x"}, {"client_secret": "s"}, redirect_uri=BACK)


TENANTS = {
    "choose": {"url": "{config.server}/connections", "id": "tenantId", "name": "tenantName", "label": "organisation"},
    "capture": {"tenant": {"from": "choice", "path": "tenantId"}},
}


def reach(provider: Provider, keeper: MemoryKeeper, **auth: Any) -> Any:
    changes = {"config": {**CONFIG, "tenant": {"label": "Tenant"}}, "secrets": SECRETS}
    made = manifest({**changes, "auth": {**OAUTH, **TENANTS, **auth}})
    given = {"server": provider.url, "client_id": "hub"}
    return choices(made, given, keeper.secrets, keeper=keeper, allow_private=True, clock=lambda: NOW)


def test_the_tenants_of_a_grant(provider: Provider) -> None:
    listed = [{"tenantId": "a1", "tenantName": "Acme"}, {"tenantId": "b2"}, {"tenantName": "nameless"}]
    provider.on("GET", "/connections", Reply(listed))
    found = reach(provider, MemoryKeeper(HELD))
    assert [(one.id, one.name, dict(one.config)) for one in found] == [
        ("a1", "Acme", {"tenant": "a1"}), ("b2", "b2", {"tenant": "b2"}),
    ]  # fmt: skip
    assert provider.asked[0].headers["authorization"] == "Bearer old-token"


def test_one_object_is_one_choice_and_may_want_its_own_header(provider: Provider) -> None:
    """As Mailchimp's metadata."""
    provider.on("GET", "/connections", Reply({"dc": "us6", "accountname": "Acme"}))
    auth = {
        "choose": {
            "url": "{config.server}/connections", "id": "dc", "name": "accountname",
            "headers": {"Authorization": "OAuth {secret.access_token}"},
        },
        "capture": {"tenant": {"from": "choice", "path": "dc"}},
    }  # fmt: skip
    (one,) = reach(provider, MemoryKeeper(HELD), **auth)
    assert (one.name, one.config) == ("Acme", {"tenant": "us6"})
    assert provider.asked[0].headers["authorization"] == "OAuth old-token"


def test_a_list_of_tenants_that_does_not_come(provider: Provider) -> None:
    provider.on("GET", "/connections", Reply({}, 403), Reply({}, 502))
    with pytest.raises(Unauthorised, match=r"does not list any organisation.*sign in again"):
        reach(provider, MemoryKeeper(HELD))
    with pytest.raises(Unavailable, match="cannot list any organisation now"):
        reach(provider, MemoryKeeper(HELD))


def test_an_expired_token_is_renewed_before_tenants_are_listed(provider: Provider) -> None:
    keeper = MemoryKeeper({**HELD, "access_token.renew_at": str(NOW - 1)})
    provider.on("POST", "/token", Reply(GIVEN))
    provider.on("GET", "/connections", Reply([]))
    assert reach(provider, keeper) == []
    assert provider.asked[1].headers["authorization"] == "Bearer new-token"
