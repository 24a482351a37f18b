"""Our signatures against the verifiers that the providers (or their communities) publish: each accepts what the other
does, and both refuse what is forged, changed or old."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import gidgethub
import gidgethub.sansio
import hubspot.exceptions
import jwt
import pytest
import quickbooks
import slack_sdk.signature
import standardwebhooks
import stripe
import svix
from hubspot.utils.signature import Signature as HubSpotSignature
from pyairtable.models.webhook import WebhookNotification

from syncapp.connectors import webhook
from syncapp.connectors.hookspec import EventSpec, SignatureSpec, WebhookSpec
from syncapp.connectors.signatures import BadSignature
from tests.connectors.test_hook_pages import section

BODY = b'{"id":"evt_1","object":"event","n":12345678901234567890,"name":"Zo\\u00eb \\/"}'
URL = "https://hub.example.org/hooks/token/?a=1"
WHSEC = "whsec_" + base64.b64encode(bytes(range(24))).decode()
BASE64 = base64.b64encode(b"airtable-test-secret").decode()
STANDARD = WebhookSpec(SignatureSpec("standard"), EventSpec())
SVIX = STANDARD
AIRTABLE = b'{"base":{"id":"app1"},"webhook":{"id":"ach1"},"timestamp":"2026-01-01T00:00:00.000Z"}'
Headers = dict[str, str]


def hexed(key: bytes, text: bytes, algorithm: str = "sha256") -> str:
    return hmac.new(key, text, algorithm).hexdigest()


def based(key: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.new(key, text, "sha256").digest()).decode()


@dataclass(frozen=True)
class Dialect:
    """`sign` makes the headers of a delivery; `theirs` is the other side's verifier: true, false or an exception."""

    name: str
    spec: Callable[[], WebhookSpec]
    secret: str
    sign: Callable[[str, bytes, float], Headers]
    theirs: Callable[[str, bytes, Headers], Any]
    body: bytes = BODY
    timed: bool = True


def sign_hubspot(secret: str, body: bytes, at: float) -> Headers:
    """By their own library."""
    stamp = str(int(at * 1000))
    sign = HubSpotSignature.get_signature(secret, body.decode(), "v3", URL, "POST", stamp)
    return {"X-HubSpot-Signature-v3": sign, "X-HubSpot-Request-Timestamp": stamp}


def by_hubspot(secret: str, body: bytes, headers: Headers) -> bool:
    sign, stamp = headers["X-HubSpot-Signature-v3"], headers["X-HubSpot-Request-Timestamp"]
    return HubSpotSignature.is_valid(sign, secret, body.decode(), URL, "POST", "v3", stamp)


def sign_stripe(secret: str, body: bytes, at: float) -> Headers:
    sign = stripe.WebhookSignature._compute_signature(f"{int(at)}.{body.decode()}", secret)
    return {"Stripe-Signature": f"t={int(at)},v1={sign},v0=ignored"}


def by_stripe(secret: str, body: bytes, headers: Headers) -> bool:
    return stripe.WebhookSignature.verify_header(body.decode(), headers["Stripe-Signature"], secret, 300)


def sign_slack(secret: str, body: bytes, at: float) -> Headers:
    verifier = slack_sdk.signature.SignatureVerifier(secret)
    sign = verifier.generate_signature(timestamp=str(int(at)), body=body)
    assert sign is not None
    return {"X-Slack-Signature": sign, "X-Slack-Request-Timestamp": str(int(at))}


def by_slack(secret: str, body: bytes, headers: Headers) -> bool:
    told = slack_sdk.signature.SignatureVerifier(secret)
    return told.is_valid(body, headers["X-Slack-Request-Timestamp"], headers["X-Slack-Signature"])


def sign_standard(secret: str, body: bytes, at: float) -> Headers:
    moment = datetime.fromtimestamp(int(at), UTC)
    sign = standardwebhooks.Webhook(secret).sign("msg_1", moment, body.decode())
    return {"webhook-id": "msg_1", "webhook-timestamp": str(int(at)), "webhook-signature": sign}


def by_standard(secret: str, body: bytes, headers: Headers) -> bool:
    return standardwebhooks.Webhook(secret).verify(body, headers) is not None


def sign_svix(secret: str, body: bytes, at: float) -> Headers:
    sign = svix.Webhook(secret).sign("msg_1", datetime.fromtimestamp(int(at), UTC), body.decode())
    return {"svix-id": "msg_1", "svix-timestamp": str(int(at)), "svix-signature": sign}


def by_svix(secret: str, body: bytes, headers: Headers) -> bool:
    svix.Webhook(secret).verify(body, headers)
    return True


def by_github(secret: str, body: bytes, headers: Headers) -> bool:
    told = {"content-type": "application/json", "x-github-event": "issues", "x-github-delivery": "g"}
    told |= {name.lower(): text for name, text in headers.items()}
    return gidgethub.sansio.Event.from_http(told, body, secret=secret) is not None


def by_quickbooks(secret: str, body: bytes, headers: Headers) -> bool:
    client = quickbooks.QuickBooks.__new__(quickbooks.QuickBooks)
    return quickbooks.QuickBooks.validate_webhook_signature(client, body.decode(), headers["intuit-signature"], secret)


def by_airtable(secret: str, body: bytes, headers: Headers) -> bool:
    return WebhookNotification.from_request(body.decode(), headers["X-Airtable-Content-MAC"], secret) is not None


def sign_jwt(secret: str, body: bytes, at: float) -> Headers:
    token = jwt.encode({"iat": int(at), "exp": int(at) + 180, "iss": "app"}, secret, algorithm="HS256")
    return {"Authorization": f"Bearer {token}"}


def by_jwt(secret: str, body: bytes, headers: Headers) -> bool:
    return bool(jwt.decode(headers["Authorization"].removeprefix("Bearer "), secret, algorithms=["HS256"], leeway=60))


DIALECTS = [
    Dialect("hubspot", lambda: section("HubSpot"), "cfc68c0b-4b4e", sign_hubspot, by_hubspot),
    Dialect("stripe", lambda: section("Stripe"), "whsec_test_secret", sign_stripe, by_stripe),
    Dialect("slack", lambda: section("Slack"), "8f742231b10e8888", sign_slack, by_slack),
    Dialect("standard", lambda: STANDARD, WHSEC, sign_standard, by_standard),
    Dialect("svix", lambda: SVIX, WHSEC, sign_svix, by_svix),
    Dialect(
        "github", lambda: section("GitHub"), "It's a Secret to Everybody",
        lambda secret, body, at: {"X-Hub-Signature-256": "sha256=" + hexed(secret.encode(), body)}, by_github,
        timed=False,
    ),
    Dialect(
        "airtable", lambda: section("Airtable"), BASE64,
        lambda secret, body, at: {"X-Airtable-Content-MAC": "hmac-sha256=" + hexed(base64.b64decode(secret), body)},
        by_airtable, body=AIRTABLE, timed=False,
    ),
    Dialect(
        "quickbooks", lambda: section("QuickBooks"), "verifier",
        lambda secret, body, at: {"intuit-signature": based(secret.encode(), body)}, by_quickbooks, timed=False,
    ),
]  # fmt: skip
TOKENS = Dialect("jwt", lambda: section("Jira"), "a-secret-of-thirty-two-characters!", sign_jwt, by_jwt)
ALL = [*DIALECTS, TOKENS]
# What verifiers raise when they do not believe.
THEIR_NO = (
    hubspot.exceptions.InvalidSignatureTimestampError, stripe.SignatureVerificationError,
    standardwebhooks.WebhookVerificationError, svix.WebhookVerificationError, gidgethub.ValidationFailure,
    jwt.InvalidTokenError, ValueError,
)  # fmt: skip


def ours(one: Dialect, headers: Headers, body: bytes, secret: str = "", now: float = 0.0) -> bool:
    try:
        webhook.verify(one.spec(), [secret or one.secret], "POST", URL, headers, body, now or time.time())
    except BadSignature:
        return False
    return True


def theirs(one: Dialect, headers: Headers, body: bytes, secret: str = "") -> bool:
    try:
        return bool(one.theirs(secret or one.secret, body, headers))
    except THEIR_NO:
        return False


def other(secret: str) -> str:
    return secret[:-6] + ("AAAAAA" if secret[-6:] != "AAAAAA" else "BBBBBB")


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_both_accept_the_same(one: Dialect) -> None:
    headers = one.sign(one.secret, one.body, time.time())
    assert (ours(one, headers, one.body), theirs(one, headers, one.body)) == (True, True)


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_both_refuse_another_secret(one: Dialect) -> None:
    headers = one.sign(one.secret, one.body, time.time())
    wrong = other(one.secret)
    assert (ours(one, headers, one.body, wrong), theirs(one, headers, one.body, wrong)) == (False, False)


@pytest.mark.parametrize("one", DIALECTS, ids=lambda one: one.name)
@pytest.mark.parametrize("change", [lambda body: body + b" ", lambda body: json.dumps(json.loads(body)).encode()])
def test_both_refuse_another_body_also_one_that_means_the_same(one: Dialect, change: Callable[[bytes], bytes]) -> None:
    headers = one.sign(one.secret, one.body, time.time())
    body = change(one.body)
    assert (ours(one, headers, body), theirs(one, headers, body)) == (False, False)


@pytest.mark.parametrize("one", [one for one in ALL if one.timed], ids=lambda one: one.name)
def test_both_refuse_what_is_old(one: Dialect) -> None:
    headers = one.sign(one.secret, one.body, time.time() - 900)
    assert (ours(one, headers, one.body), theirs(one, headers, one.body)) == (False, False)


@pytest.mark.parametrize("one", [one for one in ALL if one.timed], ids=lambda one: one.name)
def test_we_refuse_what_comes_from_the_future_as_well(one: Dialect) -> None:
    headers = one.sign(one.secret, one.body, time.time() + 900)
    assert not ours(one, headers, one.body)


def test_a_rolled_secret_signs_twice_and_one_is_enough() -> None:
    one = DIALECTS[1]
    at = time.time()
    old, new = (sign_stripe(secret, BODY, at)["Stripe-Signature"].split(",")[1] for secret in ("whsec_old", one.secret))
    headers = {"Stripe-Signature": f"t={int(at)},{old},{new}"}
    assert (ours(one, headers, BODY), theirs(one, headers, BODY)) == (True, True)


def test_a_body_that_is_not_utf_8() -> None:
    """Their libraries cannot even be asked."""
    body = b"\xff\xfe\x00"
    one = next(one for one in DIALECTS if one.name == "github")
    headers = {"X-Hub-Signature-256": "sha256=" + hexed(one.secret.encode(), body)}
    assert ours(one, headers, body)
    assert not ours(one, headers, body + b"\x00")


def test_the_older_hubspot_versions_are_theirs_too() -> None:
    for version, template in (("v1", "{secret}{body}"), ("v2", "{secret}{method}{url}{body}")):
        sign = HubSpotSignature.get_signature("s", BODY.decode(), version, URL, "POST")
        spec = WebhookSpec(SignatureSpec("hash", "X-HubSpot-Signature", template=template), EventSpec())
        webhook.verify(spec, ["s"], "POST", URL, {"X-HubSpot-Signature": sign}, BODY, 0)
        with pytest.raises(BadSignature):
            webhook.verify(spec, ["t"], "POST", URL, {"X-HubSpot-Signature": sign}, BODY, 0)
