"""Published and computed signature vectors of twenty schemes, and all the ways in which a signature is wrong."""

# ruff: noqa: E501  (tables are read by the line)
from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest

from syncapp.connectors.errors import Misconfigured
from syncapp.connectors.hookspec import SignatureSpec, StampSpec
from syncapp.connectors.signatures import BadSignature, verify

HUB = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
HUB_URL = "https://www.example.com/webhook_uri"
HUB_V1 = (
    b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation",'
    b'"attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]'
)
HUB_V3 = (
    b'[{"eventId":531833541,"subscriptionId":3923621,"portalId":48807704,"appId":16111050,"occurredAt":1752613920733,'
    b'"subscriptionType":"contact.creation","attemptNumber":0,"objectId":138017612137,"changeFlag":"CREATED",'
    b'"changeSource":"CRM_UI","sourceId":"userId:76023669"}]'
)
SLACK = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."
    b"803a0bc887a14d10d2c447fce8b6703c"
)
SLACK_SIGN = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
NOTION = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"
NOTION_SIGN = "sha256=461e8cbcba8a75c3edd866f0e71280f5a85cbf21eff040ebd10fe266df38a735"
INTERCOM = b'{"type":"notification_event","app_id":"abc123","data":{"type":"notification_event_data","item":{"type":"ticket","id":"5"}}}'
AIRTABLE = b'{"base":{"id":"app1"},"webhook":{"id":"ach1"},"timestamp":"2026-01-01T00:00:00.000Z"}'
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STANDARD_BODY = b'{"test": 2432232314}'
STANDARD_SIGN = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
STRIPE = SignatureSpec(
    "hmac",
    "Stripe-Signature",
    prefix="v1=",
    separator=",",
    template="{timestamp}.{body}",
    timestamp=StampSpec("Stripe-Signature", "t"),
)
STRIPE_SIGN = "76aead6c996ad41de29be1e8ae2af955c40a9cda34e71cc473645dce686a43ad"


def standard(sign: str = STANDARD_SIGN, at: str = "1614265330") -> dict[str, str]:
    return {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": at, "webhook-signature": sign}


def spec(header: str, **more: Any) -> SignatureSpec:
    return SignatureSpec(more.pop("scheme", "hmac"), header, **more)


# name, spec, secret, method, url, headers, body, now
VECTORS: list[tuple[str, SignatureSpec, str, str, str, dict[str, str], bytes, float]] = [
    ("standard", SignatureSpec("standard"), STANDARD_SECRET, "POST", "", standard(), STANDARD_BODY, 1614265330),
    ("svix", SignatureSpec("standard"), STANDARD_SECRET, "POST", "",
     {name.replace("webhook", "svix"): value for name, value in standard().items()}, STANDARD_BODY, 1614265330),
    ("github", spec("X-Hub-Signature-256", prefix="sha256="), "It's a Secret to Everybody", "POST", "",
     {"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}, b"Hello, World!", 0),
    ("stripe", STRIPE, "whsec_test_secret", "POST", "", {"Stripe-Signature": f"t=1600000000,v1={STRIPE_SIGN},v0=aa"},
     b'{"id":"evt_1","object":"event"}', 1600000000),
    ("shopify", spec("X-Shopify-Hmac-Sha256", encoding="base64"), "hush", "POST", "",
     {"X-Shopify-Hmac-SHA256": "VnKUjZsLuN5iZWjn5EntcBVCF9kMN43LglzCE1/GSeY="}, b'{"id":1}', 0),
    ("hubspot v1", spec("X-HubSpot-Signature", scheme="hash", template="{secret}{body}"), HUB, "POST", "",
     {"X-HubSpot-Signature": "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"}, HUB_V1, 0),
    ("hubspot v2 GET", spec("X-HubSpot-Signature", scheme="hash", template="{secret}{method}{url}{body}"), HUB, "GET", HUB_URL,
     {"X-HubSpot-Signature": "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"}, b"", 0),
    ("hubspot v2 POST", spec("X-HubSpot-Signature", scheme="hash", template="{secret}{method}{url}{body}"), HUB, "post", HUB_URL,
     {"X-HubSpot-Signature": "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900"},
     b'{"example_field":"example_value"}', 0),
    ("hubspot v3", spec("X-HubSpot-Signature-v3", encoding="base64", template="{method}{url}{body}{timestamp}",
                        timestamp=StampSpec("X-HubSpot-Request-Timestamp", format="ms")),
     "cfc68c0b-4b4e-4ef8-b764-95350e4ea479", "POST", "https://webhook.site/335453f5-94b3-49d9-b684-a55354d4b8df",
     {"X-HubSpot-Signature-v3": "gbj1XPRvUt0noT7i7fXfTzOD4sLzQmf0VT28ZYq0EYg=", "X-HubSpot-Request-Timestamp": "1752613922216"},
     HUB_V3, 1752613923),
    ("slack", spec("X-Slack-Signature", prefix="v0=", template="v0:{timestamp}:{body}",
                   timestamp=StampSpec("X-Slack-Request-Timestamp")),
     "8f742231b10e8888abcd99yyyzzz85a5", "POST", "", {"X-Slack-Signature": SLACK_SIGN, "X-Slack-Request-Timestamp": "1531420618"},
     SLACK, 1531420618),
    ("notion", spec("X-Notion-Signature", prefix="sha256="), NOTION, "POST", "", {"X-Notion-Signature": NOTION_SIGN},
     f'{{"verification_token":"{NOTION}"}}'.encode(), 0),
    ("intercom", spec("X-Hub-Signature", algorithm="sha1", prefix="sha1="), "intercom-client-secret-for-testing", "POST", "",
     {"X-Hub-Signature": "sha1=cbf9bf16f89d9cf089ee3500c5ba94595b3aedcd"}, INTERCOM, 0),
    ("zendesk", spec("X-Zendesk-Webhook-Signature", encoding="base64", template="{timestamp}{body}",
                     timestamp=StampSpec("X-Zendesk-Webhook-Signature-Timestamp", format="iso")),
     "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==", "POST", "",
     {"X-Zendesk-Webhook-Signature": "S/RDdU2ERmj7LHDDoWJ2onPYH+t7/f2+LTM4dL7UiLM=",
      "X-Zendesk-Webhook-Signature-Timestamp": "2021-03-25T05:09:27Z"}, b'{"event":"ticket.updated","id":123}', 1616648967),
    ("linear", spec("Linear-Signature"), "linear_secret", "POST", "",
     {"Linear-Signature": "1fc633c1f30b94854c9583e009be36d10ed951ad4a0d9b5a90cc65eb6b27668b"},
     b'{"action":"update","type":"Issue","webhookTimestamp":1700000000000}', 0),
    ("airtable", spec("X-Airtable-Content-MAC", prefix="hmac-sha256=", secret="base64"),
     "YWlydGFibGUtdGVzdC1zZWNyZXQtMDEyMzQ1Njc4OWFi", "POST", "",
     {"X-Airtable-Content-MAC": "hmac-sha256=19dcb82b0431bd917f0a1529748c4b22959e6cffc7350b7a963bc0c20a787875"}, AIRTABLE, 0),
    ("bamboohr", spec("X-BambooHR-Signature", template="{body}{timestamp}", timestamp=StampSpec("X-BambooHR-Timestamp")),
     "bamboo", "POST", "", {"X-BambooHR-Signature": "e7b2bd211d1e1bee10bcb9924e6796b135952f12de86e82f031e713b18524a5d",
                            "X-BambooHR-Timestamp": "1700000000"}, b'{"employees":[{"id":"7"}]}', 1700000000),
    ("xero", spec("x-xero-signature", encoding="base64"), "xero", "POST", "",
     {"x-xero-signature": "JPZw9vZCAy0YYHNLTbjgcOdg3nScya8bFqYTg+bFSmc="},
     b'{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"X"}', 0),
    ("quickbooks", spec("intuit-signature", encoding="base64"), "verifier", "POST", "",
     {"intuit-signature": "bMlzRCQm2LZWdYu47/x0QKWgW3o3rEKU8Shp+xkpYaE="}, b'{"eventNotifications":[]}', 0),
]  # fmt: skip
NAMES = [vector[0] for vector in VECTORS]


@pytest.mark.parametrize("vector", VECTORS, ids=NAMES)
def test_vectors(vector: Any) -> None:
    _, how, secret, method, url, headers, body, now = vector
    verify(how, secret, method, url, headers, body, now)


@pytest.mark.parametrize("vector", VECTORS, ids=NAMES)
def test_each_vector_fails_when_anything_is_changed(vector: Any) -> None:
    _, how, secret, method, url, headers, body, now = vector
    name = next(key for key in headers if "signature" in key.lower() or "mac" in key.lower())
    wrong = base64.b64encode(b"another secret of good length 32").decode()
    changed = [
        (wrong, headers, body, "bad"),
        (secret, headers, body + b" ", "bad"),
        (secret, headers, b"\xff\xfe", "bad"),
        (secret, {key: value for key, value in headers.items() if key != name}, body, "missing"),
        (secret, {**headers, name: ""}, body, "missing"),
    ]
    for some_secret, some_headers, some_body, reason in changed:
        with pytest.raises(BadSignature) as caught:
            verify(how, some_secret, method, url, some_headers, some_body, now)
        assert caught.value.reason == reason or (name == "Stripe-Signature" and caught.value.reason == "missing")


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS if v[1].timestamp or v[1].scheme == "standard"], ids=lambda v: v[0]
)
def test_old_and_future(vector: Any) -> None:
    _, how, secret, method, url, headers, body, now = vector
    verify(how, secret, method, url, headers, body, now + 290)
    verify(how, secret, method, url, headers, body, now - 290)
    for moved, reason in ((now + 310, "old"), (now - 310, "future")):
        with pytest.raises(BadSignature) as caught:
            verify(how, secret, method, url, headers, body, moved)
        assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("sign", "reason"),
    [
        (f"v1,AAA= {STANDARD_SIGN}", None),
        (f"v1a,AAAA {STANDARD_SIGN}", None),
        (STANDARD_SIGN.rstrip("="), None),
        (STANDARD_SIGN[:-4] + "1OA=", "bad"),
        (STANDARD_SIGN[3:], "bad"),
        (STANDARD_SIGN.replace("v1,", "v2,"), "bad"),
        ("v1,", "bad"),
        ("v1,🙂", "bad"),
        ("", "missing"),
    ],
)
def test_standard_webhooks_candidates(sign: str, reason: str | None) -> None:
    args: Any = (SignatureSpec("standard"), STANDARD_SECRET, "POST", "", standard(sign), STANDARD_BODY, 1614265330)
    if reason is None:
        verify(*args)
        return
    with pytest.raises(BadSignature) as caught:
        verify(*args)
    assert caught.value.reason == reason


@pytest.mark.parametrize("at", ["", "soon", "1e999", "1614265330.5x"])
def test_a_time_that_is_none_is_missing_even_if_it_is_signed(at: str) -> None:
    key = base64.b64decode(STANDARD_SECRET.removeprefix("whsec_"))
    text = f"msg_p5jXN8AQM9LWM0D4loKWxJek.{at}.".encode() + STANDARD_BODY
    sign = "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    with pytest.raises(BadSignature, match="missing"):
        verify(SignatureSpec("standard"), STANDARD_SECRET, "POST", "", standard(sign, at), STANDARD_BODY, 1614265330)


def test_upper_case_hex_and_several_secrets() -> None:
    headers = {"Stripe-Signature": f"t=1600000000,v1={STRIPE_SIGN.upper()}"}
    body = b'{"id":"evt_1","object":"event"}'
    verify(STRIPE, ["whsec_new", "whsec_test_secret"], "POST", "", headers, body, 1600000000)
    with pytest.raises(BadSignature):
        verify(STRIPE, [], "POST", "", headers, body, 1600000000)


def test_header_slots() -> None:
    how = spec("X-Sig", template="{header:X-Topic}|{body}")
    sign = hmac.new(b"s", b"orders|{}", hashlib.sha256).hexdigest()
    verify(how, "s", "POST", "", {"X-Sig": sign, "x-topic": "orders"}, b"{}", 0)
    with pytest.raises(BadSignature):
        verify(how, "s", "POST", "", {"X-Sig": sign, "x-topic": "customers"}, b"{}", 0)


def test_a_secret_that_is_no_base64_is_a_setting_to_mend() -> None:
    with pytest.raises(Misconfigured, match="webhook secret is not base64") as caught:
        verify(SignatureSpec("standard"), "whsec_!!!", "POST", "", standard(), STANDARD_BODY, 1614265330)
    assert "!!!" not in str(caught.value)
