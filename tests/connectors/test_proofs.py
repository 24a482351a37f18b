"""Proofs that are no digest: JWT, Basic, tokens, the address; and what is never more than a hint."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from syncapp.connectors import webhook
from syncapp.connectors.hookspec import EventSpec, SignatureSpec, StampSpec, WebhookSpec
from syncapp.connectors.signatures import BadSignature

NOW = 1_700_000_000.0
EVENTS = EventSpec(items="value", type=("changeType",), types={"updated": ("people", "updated")}, record_id=("id",))


def jwt(claims: dict[str, Any], key: str = "s3cret", alg: str = "HS256") -> dict[str, str]:
    def part(told: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")

    signed = f"{part({'alg': alg, 'typ': 'JWT'})}.{part(claims)}"
    sign = hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest()
    return {"Authorization": f"Bearer {signed}.{base64.urlsafe_b64encode(sign).decode().rstrip('=')}"}


def basic(text: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def asked(
    spec: SignatureSpec,
    headers: dict[str, str] | None = None,
    body: bytes = b"{}",
    query: dict[str, str] | None = None,
    secrets: Any = ("s3cret",),
) -> str:
    """ "" if it is believed, else the reason."""
    try:
        hook = WebhookSpec(spec, EVENTS)
        webhook.verify(hook, list(secrets), "POST", "https://hub.example.org/h", headers or {}, body, NOW, query)
    except BadSignature as error:
        return error.reason
    return ""


JWT = SignatureSpec("jwt")
FRESH = {"iat": NOW - 10, "exp": NOW + 60}


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (jwt(FRESH), ""),
        (jwt({"exp": NOW + 60}), ""),
        (jwt({"iat": NOW - 10}), ""),
        (jwt(FRESH, key="another"), "bad"),
        (jwt(FRESH, alg="none"), "bad"),
        (jwt(FRESH, alg="HS512"), "bad"),
        (jwt({"exp": NOW - 61}), "old"),
        (jwt({"iat": NOW - 400}), "old"),
        (jwt({"iat": NOW + 400}), "future"),
        (jwt({**FRESH, "nbf": NOW + 61}), "future"),
        (jwt({}), "missing"),
        (jwt({"exp": "nan"}), "missing"),
        (jwt({"exp": "soon"}), "missing"),
        ({}, "missing"),
        ({"Authorization": "Basic abc"}, "missing"),
        ({"Authorization": "Bearer a.b"}, "bad"),
        ({"Authorization": "Bearer ...."}, "bad"),
        ({"Authorization": "Bearer W10.W10.AAAA"}, "bad"),
    ],
)
def test_a_jwt(headers: dict[str, str], reason: str) -> None:
    assert asked(JWT, headers) == reason


def test_a_jwt_without_a_signature_proves_nothing_even_with_an_empty_secret() -> None:
    unsigned = {"Authorization": jwt(FRESH, alg="none")["Authorization"].rpartition(".")[0] + "."}
    assert [asked(JWT, unsigned), asked(JWT, unsigned, secrets=[])] == ["bad", "bad"]


@pytest.mark.parametrize(
    ("user", "headers", "reason"),
    [
        ("concord", basic("concord:s3cret"), ""),
        ("", basic("s3cret"), ""),
        ("concord", basic("concord:wrong"), "bad"),
        ("concord", basic("someone:s3cret"), "bad"),
        ("concord", {"authorization": "basic " + base64.b64encode(b"concord:s3cret").decode()}, ""),
        ("concord", {"authorization": "Basic ???"}, "bad"),
        ("concord", {"authorization": "Basic //8="}, "bad"),
        ("concord", {"authorization": "Bearer x"}, "missing"),
        ("concord", {}, "missing"),
    ],
)
def test_http_basic(user: str, headers: dict[str, str], reason: str) -> None:
    assert asked(SignatureSpec("basic", user=user), headers) == reason


@pytest.mark.parametrize(
    ("spec", "there", "reason"),
    [
        (SignatureSpec("token", path="token"), {"body": b'{"token":"s3cret"}'}, ""),
        (SignatureSpec("token", path="token"), {"body": b'{"token":"s3crets"}'}, "bad"),
        (SignatureSpec("token", path="token"), {"body": b'{"token":null}'}, "missing"),
        (SignatureSpec("token", path="token"), {"body": b"no json"}, "missing"),
        (SignatureSpec("token", place="query", query="key"), {"query": {"key": "s3cret"}}, ""),
        (SignatureSpec("token", place="query", query="key"), {"query": {"key": "S3cret"}}, "bad"),
        (SignatureSpec("token", place="query", query="key"), {}, "missing"),
        (SignatureSpec("token", "X-Token", place="header"), {"headers": {"x-token": "s3cret"}}, ""),
        (SignatureSpec("token", "X-Token", place="header"), {"headers": {"x-token": "other"}}, "bad"),
        (SignatureSpec("address"), {}, ""),
        (SignatureSpec("address", query="key"), {"query": {"key": "s3cret"}}, ""),
        (SignatureSpec("address", query="key"), {}, "missing"),
        (SignatureSpec("address", query="key"), {"query": {"key": "x"}}, "bad"),
        (SignatureSpec("address", query="key"), {"secrets": []}, ""),
    ],
)
def test_tokens(spec: SignatureSpec, there: dict[str, Any], reason: str) -> None:
    assert asked(spec, **there) == reason


class TestATokenInEachItem:
    SPEC = SignatureSpec("token", place="item", path="clientState")

    def body(self, *tokens: str | None) -> bytes:
        told = [{"changeType": "updated", "id": f"r{at}", "clientState": one} for at, one in enumerate(tokens)]
        return json.dumps({"value": told}).encode()

    def test_one_that_fits_lets_the_delivery_in(self) -> None:
        assert asked(self.SPEC, body=self.body("forged", "s3cret")) == ""

    @pytest.mark.parametrize(
        ("tokens", "reason"), [(["forged"], "bad"), ([None], "missing"), (["", "x"], "bad"), ([], "missing")]
    )
    def test_none_that_fits_keeps_it_out(self, tokens: list[str | None], reason: str) -> None:
        assert asked(self.SPEC, body=self.body(*tokens)) == reason

    def test_the_others_are_dropped_and_counted(self) -> None:
        told = webhook.told(
            WebhookSpec(self.SPEC, EVENTS), self.body("forged", "s3cret", None), {}, lambda one: one == "s3cret"
        )
        assert ([event.record_id for event in told.events], [event.place for event in told.events]) == (["r1"], [1])
        assert told.refused == 2

    def test_a_body_without_items_is_no_proof(self) -> None:
        assert asked(self.SPEC, body=b'{"other":1}') == "missing"


def test_what_nothing_proves_is_a_hint_and_nothing_more() -> None:
    told = EventSpec(
        type=("type",), types={"p": ("people", "merged")}, record_id=("id",), record=("record",), version=("v",),
        actor=("by",), merged_ids=("gone",), time=("at",),
    )  # fmt: skip
    body = json.dumps({"type": "p", "id": 7, "record": {"a": 1}, "v": 3, "by": "eve", "gone": [8], "at": "x"}).encode()
    (event,) = webhook.told(WebhookSpec(SignatureSpec("none"), told), body, {}).events
    assert (event.record_id, event.fields, event.version, event.actor, event.merged) == ("7", None, None, None, ())


def test_of_several_ways_the_first_whose_header_came_decides() -> None:
    sign = hmac.new(b"s3cret", b"{}", hashlib.sha256).hexdigest()
    both = WebhookSpec(SignatureSpec("hmac", "X-Hub-Signature", prefix="sha256="), EVENTS, others=(JWT,))

    def verify(headers: dict[str, str]) -> None:
        webhook.verify(both, ["s3cret"], "POST", "", headers, b"{}", NOW)

    verify({"x-hub-signature": f"sha256={sign}"})
    verify(jwt(FRESH))
    for wrong in ({"x-hub-signature": "sha256=00", **jwt(FRESH)}, {}, {"x-other": "1"}):
        with pytest.raises(BadSignature):
            verify(wrong)


class TestATimeInTheBody:
    SPEC = SignatureSpec("hmac", "Linear-Signature", timestamp=StampSpec(path="at", format="ms", tolerance=60))

    def delivery(self, at: Any) -> tuple[dict[str, str], bytes]:
        body = json.dumps({"at": at}).encode()
        return {"Linear-Signature": hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()}, body

    @pytest.mark.parametrize(
        ("at", "reason"),
        [
            (NOW * 1000, ""),
            (NOW * 1000 - 61_000, "old"),
            (NOW * 1000 + 61_000, "future"),
            (None, "missing"),
            ("x", "missing"),
        ],
    )
    def test_it_is_as_good_as_one_in_a_header(self, at: Any, reason: str) -> None:
        headers, body = self.delivery(at)
        assert asked(self.SPEC, headers, body) == reason


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [
        ("1700000000", ""),
        ("1700000000000", ""),
        ("2023-11-14T22:13:20Z", ""),
        ("1699990000", "old"),
        ("1e3", "missing"),
    ],
)
def test_a_time_of_any_spelling(stamp: str, reason: str) -> None:
    spec = SignatureSpec("hmac", "X-Sig", template="{body}{timestamp}", timestamp=StampSpec("X-At", format="any"))
    sign = hmac.new(b"s3cret", b"{}" + stamp.encode(), hashlib.sha256).hexdigest()
    assert asked(spec, {"X-Sig": sign, "X-At": stamp}) == reason


def test_a_hex_secret_and_an_address_as_the_sender_saw_it() -> None:
    sign = hmac.new(bytes.fromhex("0a0b0c0d"), b"{}", hashlib.sha256).hexdigest()
    assert asked(SignatureSpec("hmac", "X-Sig", secret="hex"), {"X-Sig": sign}, secrets=["0a0b0c0d"]) == ""
    spec = SignatureSpec("hmac", "X-Sig", template="{url}{body}")
    public = hmac.new(b"s3cret", b"https://hub.example.org/h?a=x:y@z{}", hashlib.sha256).hexdigest()
    hook = WebhookSpec(spec, EVENTS)
    inner = "http://10.0.0.7:8000/h?a=x%3Ay%40z"
    outer = "https://hub.example.org/h?a=x%3Ay%40z"
    webhook.verify(hook, ["s3cret"], "POST", [inner, outer], {"X-Sig": public}, b"{}", NOW)
    with pytest.raises(BadSignature):
        webhook.verify(hook, ["s3cret"], "POST", [inner], {"X-Sig": public}, b"{}", NOW)
