"""OAuth 2.0 in the dialects of real providers: what is sent to the token endpoint, and what its answers change."""

from __future__ import annotations

import base64
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from syncapp.connectors.client import Client
from syncapp.connectors.errors import Misconfigured, Unauthorised
from syncapp.connectors.renewal import MemoryKeeper
from syncapp.connectors.transport import Timeouts
from tests.connectors.server import Asked, Provider, Reply
from tests.connectors.shapes import manifest
from tests.connectors.test_renewal import ANN, calls, only

OAUTH: dict[str, Any] = {
    "type": "oauth2",
    "authorize_url": "{config.server}/authorize",
    "token_url": "{config.server}/token",
}
CONFIG = {"server": {"label": "Server"}, "client_id": {"label": "Client", "required": False}}
SECRETS = {"client_secret": {"label": "Client secret", "required": False}}
HELD = {"access_token": "old-token", "refresh_token": "old-refresh", "client_secret": "s3cret-word"}
GIVEN = {"access_token": "new-token", "refresh_token": "new-refresh", "expires_in": 100}
NOW = 1_800_000_000.0
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


def asking(provider: Provider, keeper: MemoryKeeper, changes: dict[str, Any] | None = None, **auth: Any) -> Client:
    made = manifest({"config": CONFIG, "secrets": SECRETS, "auth": {**OAUTH, **auth}, **(changes or {})})
    return Client(
        made, {"server": provider.url, "client_id": "hub"}, keeper.secrets, allow_private=True,
        timeouts=Timeouts(1, 0.5, 3), clock=lambda: NOW, keeper=keeper,
    )  # fmt: skip


def alone(**auth: Any) -> dict[str, Any]:
    """The auth section of a grant that needs nobody's sign-in."""
    return {"grant": "client_credentials", "authorize_url": ..., **auth}


def client_alone(
    provider: Provider, keeper: MemoryKeeper, changes: dict[str, Any] | None = None, **auth: Any
) -> Client:
    given = {key: value for key, value in {**OAUTH, **alone(**auth)}.items() if value is not ...}
    made = manifest({"config": CONFIG, "secrets": SECRETS, "auth": given, **(changes or {})})
    return Client(
        made, {"server": provider.url, "client_id": "hub"}, keeper.secrets, allow_private=True,
        timeouts=Timeouts(1, 0.5, 3), clock=lambda: NOW, keeper=keeper,
    )  # fmt: skip


def test_an_account_that_is_not_signed_in_says_so(provider: Provider) -> None:
    with pytest.raises(Misconfigured, match=r"not signed in.*sign in on the account's page"):
        asking(provider, MemoryKeeper({"client_secret": "x"}))


def test_the_same_refresh_token_is_kept_where_none_comes_anew(provider: Provider) -> None:
    keeper = MemoryKeeper(HELD)
    provider.on("GET", "/people/7", only("new-token"))
    provider.on("POST", "/token", Reply({"access_token": "new-token"}))
    asking(provider, keeper).read("people", "7")
    assert (keeper.secrets["access_token"], keeper.secrets["refresh_token"]) == ("new-token", "old-refresh")


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"prefix": "Zoho-oauthtoken"}, "authorization", "Zoho-oauthtoken old-token"),
        ({"prefix": ""}, "authorization", "old-token"),
        ({"headers": {"X-Shopify-Access-Token": "{secret.access_token}"}}, "x-shopify-access-token", "old-token"),
        ({}, "authorization", "Bearer old-token"),
    ],
)
def test_where_the_token_goes(provider: Provider, auth: dict[str, Any], header: str, value: str) -> None:
    provider.on("GET", "/people/7", Reply(ANN))
    asking(provider, MemoryKeeper(HELD), **auth).read("people", "7")
    assert provider.asked[0].headers[header] == value


def test_json_body_basic_client_extra_headers_and_another_address_to_renew(provider: Provider) -> None:
    provider.on("GET", "/people/7", only("new-token"))
    provider.on("POST", "/renew", Reply(GIVEN))
    told = {
        "token_body": "json", "client_auth": "basic", "refresh_url": "{config.server}/renew",
        "token_headers": {"Notion-Version": "2025-09-03"}, "token_params": {"expires_in": "3600"},
    }  # fmt: skip
    asking(provider, MemoryKeeper(HELD), **told).read("people", "7")
    (asked,) = calls(provider, "/renew")
    assert asked.body == {"grant_type": "refresh_token", "refresh_token": "old-refresh", "expires_in": "3600"}
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["notion-version"] == "2025-09-03"
    assert asked.headers["authorization"] == "Basic " + base64.b64encode(b"hub:s3cret-word").decode()


@pytest.mark.parametrize(
    ("auth", "answer", "moment"),
    [
        ({}, {"expires_in": 100}, str(NOW + 80)),
        ({}, {}, ""),
        ({"lifetime": 7200}, {}, str(NOW + 7170)),
        ({"expires_path": "ends", "expires_format": "iso"}, {"ends": "2027-01-15T09:00:00Z"}, str(NOW + 3570)),
        ({"expires_path": "ends", "expires_format": "unix_ms"}, {"ends": (NOW + 200) * 1000}, str(NOW + 170)),
        ({"lifetime": 100}, {"expires_in": "soon"}, str(NOW + 80)),
    ],
)
def test_when_a_token_is_renewed(provider: Provider, auth: dict[str, Any], answer: dict[str, Any], moment: str) -> None:
    keeper = MemoryKeeper(HELD)
    provider.on("GET", "/people/7", only("new-token"))
    provider.on("POST", "/token", Reply({"access_token": "new-token", **answer}))
    asking(provider, keeper, **auth).read("people", "7")
    assert keeper.secrets["access_token.renew_at"] == moment


@pytest.mark.parametrize(("code", "renewed"), [("INVALID_SESSION_ID", True), ("IP_RESTRICTED", False)])
def test_only_some_refusals_are_cured_by_another_token(provider: Provider, code: str, renewed: bool) -> None:
    refused = Reply({"error": {"message": "no", "code": code}}, 401)
    provider.on("GET", "/people/7", refused, Reply(ANN))
    provider.on("POST", "/token", Reply(GIVEN))
    client = asking(provider, MemoryKeeper(HELD), renew_codes=["INVALID_SESSION_ID"])
    if renewed:
        assert client.read("people", "7").id == "7"
    else:
        with pytest.raises(Unauthorised, match="does not accept the credentials"):
            client.read("people", "7")
    assert len(calls(provider, "/token")) == renewed


def test_an_expired_token_that_is_answered_200_with_a_code(provider: Provider) -> None:
    """As Slack does: the status says nothing, the body does."""
    refused = Reply({"ok": False, "error": "token_expired"})
    provider.on("GET", "/people/7", refused, Reply({"ok": True, **ANN}))
    provider.on("POST", "/token", Reply(GIVEN))
    read = {"method": "GET", "path": "/people/{id}", "ok": {"path": "ok", "value": True}}
    errors = {"code": "error", "unauthorised_codes": ["token_expired"]}
    changes = {"objects.people.operations.read": read, "errors": errors}
    assert asking(provider, MemoryKeeper(HELD), changes).read("people", "7").id == "7"


def test_client_credentials_are_bought_when_needed_and_again_when_refused(provider: Provider) -> None:
    keeper = MemoryKeeper({"client_secret": "s3cret-word"})
    provider.on("GET", "/people/7", only("new-token"))
    provider.on("POST", "/token", Reply(GIVEN))
    scopes = {"people.read": "to read people", "people.write": "to write them"}
    client = client_alone(provider, keeper, scopes=scopes)
    assert client.read("people", "7").id == "7"
    (asked,) = calls(provider, "/token")
    assert asked.body == {
        "grant_type": "client_credentials", "scope": "people.read people.write",
        "client_id": "hub", "client_secret": "s3cret-word",
    }  # fmt: skip
    assert "refresh_token" not in keeper.secrets
    provider.on("POST", "/token", Reply({"access_token": "newest"}))
    provider.on("GET", "/people/7", only("newest"))
    assert client.read("people", "7").id == "7"


def test_a_jwt_buys_access_and_the_answer_tells_where_the_account_is(provider: Provider, elsewhere: Provider) -> None:
    """As Salesforce does: no person, no client's secret, and the address comes with the token."""
    keeper = MemoryKeeper({"private_key": PEM.replace("\n", "\\n")})
    elsewhere.on("GET", "/people/7", only("new-token"))
    provider.on("POST", "/token", Reply({"access_token": "new-token", "instance_url": elsewhere.url}))
    changes = {
        "base_url": "{config.instance_url}",
        "config": {**CONFIG, "instance_url": {"label": "Address"}},
        "secrets": {"private_key": {"label": "Key"}},
    }
    claims = {"iss": "{config.client_id}", "sub": "kim@acme.org", "aud": "{config.server}", "jti": "{jti}"}
    auth = {
        "grant": "jwt_bearer",
        "assertion": {"key": "{secret.private_key}", "claims": claims, "headers": {"kid": "k1"}},
        "capture": {"instance_url": {"from": "token", "path": "instance_url"}},
    }
    client = client_alone(provider, keeper, changes, **auth)
    assert client.read("people", "7").id == "7"
    (asked,) = calls(provider, "/token")
    assert set(asked.body) == {"grant_type", "assertion"}
    assert asked.body["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    told = jwt.decode(
        asked.body["assertion"], KEY.public_key(), algorithms=["RS256"], audience=provider.url,
        options={"verify_exp": False, "verify_iat": False},
    )  # fmt: skip
    assert (told["iss"], told["sub"], told["exp"], len(told["jti"])) == ("hub", "kim@acme.org", NOW + 180, 36)
    assert jwt.get_unverified_header(asked.body["assertion"])["kid"] == "k1"
    assert keeper.secrets["access_token.told.instance_url"] == elsewhere.url
    client_alone(provider, keeper, changes, **auth).read("people", "7")
    assert len(calls(provider, "/token")) == 1, "the next worker knows the token and the address"


def test_a_jwt_may_be_the_proof_itself(provider: Provider) -> None:
    """As a GitHub App does for its installation."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    provider.on("GET", "/people/7", only("inst"))
    provider.on("POST", "/token", Reply({"token": "inst", "expires_at": "2027-01-15T09:00:00Z"}, 201))
    assertion = {"key": "{secret.client_secret}", "algorithm": "ES256", "claims": {"iss": "{config.client_id}"}}
    keeper = MemoryKeeper({"client_secret": pem})
    client_alone(
        provider, keeper, grant="jwt_bearer", assertion={**assertion, "in": "header"},
        access_path="token", expires_path="expires_at", expires_format="iso",
    ).read("people", "7")  # fmt: skip
    (asked,) = calls(provider, "/token")
    assert asked.body in ({}, None)
    statement = asked.headers["authorization"].removeprefix("Bearer ")
    assert (
        jwt.decode(
            statement, key.public_key(), algorithms=["ES256"], options={"verify_exp": False, "verify_iat": False}
        )["iss"]
        == "hub"
    )
    assert keeper.secrets["access_token.renew_at"] == str(NOW + 3570)


@pytest.mark.parametrize("key", ["not a key", PEM[:200], ""])
def test_a_key_that_cannot_sign_is_named_but_never_shown(provider: Provider, key: str) -> None:
    keeper = MemoryKeeper({"client_secret": key})
    assertion = {"key": "{secret.client_secret}", "claims": {"iss": "x"}}
    with pytest.raises(Misconfigured, match=r"cannot be read or does not fit RS256.*private key in PEM form") as caught:
        client_alone(provider, keeper, grant="jwt_bearer", assertion=assertion).read("people", "7")
    assert not key or key not in str(caught.value)
    assert provider.asked == []


def test_a_refusal_of_the_client_says_what_to_check(provider: Provider) -> None:
    provider.on("POST", "/token", Reply({"error": "invalid_client", "error_description": "bad s3cret-word"}, 401))
    with pytest.raises(Unauthorised, match=r"bad •••.*check the client id") as caught:
        client_alone(provider, MemoryKeeper({"client_secret": "s3cret-word"})).read("people", "7")
    assert "s3cret" not in str(caught.value)


def test_a_revoked_grant_asks_for_another_sign_in(provider: Provider) -> None:
    keeper = MemoryKeeper(HELD)
    provider.on("GET", "/people/7", Reply({}, 401))
    provider.on("POST", "/token", Reply({"error": {"code": "invalid_grant", "message": "old-refresh revoked"}}, 400))
    with pytest.raises(Unauthorised, match=r"invalid_grant ••• revoked.*sign in again on the account's page"):
        asking(provider, keeper).read("people", "7")
    assert keeper.secrets == HELD


WAYS = {
    "type": "choice",
    "ways": {
        "key": {"type": "basic", "label": "API token", "user": "{config.client_id}/token", "password": "{secret.key}"},
        "oauth": {**OAUTH, "label": "Sign in", "base_url": "{config.server}/ex/{config.site}"},
    },
}


def chosen(provider: Provider, config: dict[str, str], secrets: dict[str, str]) -> Client:
    changes = {
        "config": {**CONFIG, "site": {"label": "Site", "ways": ["oauth"]}},
        "secrets": {**SECRETS, "key": {"label": "API token", "ways": ["key"]}},
        "auth": WAYS,
    }
    return Client(manifest(changes), {"server": provider.url, **config}, secrets, allow_private=True)


def test_an_account_chooses_among_ways_to_sign_in(provider: Provider) -> None:
    provider.on("GET", "/people/7", Reply(ANN))
    chosen(provider, {"client_id": "kim"}, {"key": "k"}).read("people", "7")
    assert provider.asked[-1].headers["authorization"] == "Basic " + base64.b64encode(b"kim/token:k").decode()
    provider.on("GET", "/ex/s1/people/7", Reply(ANN))
    chosen(provider, {"sign_in": "oauth", "site": "s1"}, {"access_token": "t"}).read("people", "7")
    assert provider.asked[-1].headers["authorization"] == "Bearer t"


def test_what_a_way_needs_is_missed_for_that_way_only(provider: Provider) -> None:
    with pytest.raises(Misconfigured, match=r"'site' \(Site\) is missing"):
        chosen(provider, {"sign_in": "oauth"}, {"access_token": "t"})
    with pytest.raises(Misconfigured, match=r"'key' \(API token\) is missing"):
        chosen(provider, {}, {})
    with pytest.raises(Misconfigured, match=r"no way to sign in called 'magic'.*key, oauth"):
        chosen(provider, {"sign_in": "magic"}, {})


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ({"choices": ["com", "eu"]}, "de", "'de' is not accepted.*com, eu"),
        ({"pattern": "[a-z0-9-]+"}, "evil.org/", r"'evil.org/' is not accepted.*\[a-z0-9-\]\+"),
        ({"pattern": "[a-z]+", "help": "the first part of the address"}, "A B", "the first part of the address"),
    ],
)
def test_settings_that_the_file_does_not_accept(setting: dict[str, Any], value: str, words: str) -> None:
    changes = {"config": {"server": {"label": "Server"}, "region": {"label": "Region", **setting}}}
    with pytest.raises(Misconfigured, match=words):
        Client(manifest(changes), {"server": "https://x", "region": value}, {"token": "t"})


def test_a_tenant_that_was_not_chosen_yet(provider: Provider) -> None:
    changes = {"base_url": "{config.server}/{config.tenant}", "config": {**CONFIG, "tenant": {"label": "Tenant"}}}
    auth = {
        "choose": {"url": "{config.server}/tenants", "id": "id"},
        "capture": {"tenant": {"from": "choice", "path": "id"}},
    }
    with pytest.raises(Misconfigured, match=r"does not know its Tenant yet.*sign in again"):
        asking(provider, MemoryKeeper(HELD), changes, **auth)


def test_calls_follow_an_address_that_a_renewal_tells(provider: Provider, elsewhere: Provider) -> None:
    provider.on("GET", "/people/7", Reply({}, 401))
    elsewhere.on("GET", "/people/7", only("new-token"))
    provider.on("POST", "/token", Reply({**GIVEN, "api": elsewhere.url}))
    changes = {"base_url": "{config.api}", "config": {**CONFIG, "api": {"label": "Address", "default": provider.url}}}
    capture = {"api": {"from": "token", "path": "api"}}
    assert asking(provider, MemoryKeeper(HELD), changes, capture=capture).read("people", "7").id == "7"


def test_what_is_told_must_be_of_the_demanded_form(provider: Provider) -> None:
    provider.on("GET", "/people/7", Reply({}, 401))
    provider.on("POST", "/token", Reply({**GIVEN, "api": "https://evil.org"}))
    changes = {"config": {**CONFIG, "api": {"label": "Address", "required": False}}}
    capture = {"api": {"from": "token", "path": "api", "pattern": r"https://[a-z]+\.acme\.org"}}
    with pytest.raises(Exception, match=r"tells 'https://evil.org' as 'api', which is not accepted"):
        asking(provider, MemoryKeeper(HELD), changes, capture=capture).read("people", "7")


def test_a_body_of_a_token_call_is_never_empty_of_meaning(provider: Provider) -> None:
    """The grant's own names win over none: what the file adds is added."""

    def view(asked: Asked) -> Reply:
        return Reply(GIVEN if asked.body["audience"] == provider.url else {})

    provider.on("GET", "/people/7", only("new-token"))
    provider.on("POST", "/token", view)
    client_alone(
        provider, MemoryKeeper({"client_secret": "s"}), token_params={"audience": "{config.server}"}
    ).read("people", "7")  # fmt: skip
