"""Proofs that are no digest over the body: JWT, HTTP Basic, a repeated token, the address itself, or none at all."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from syncapp.connectors import signatures
from syncapp.connectors.hookspec import SignatureSpec, StampSpec
from syncapp.connectors.jsonbody import soft
from syncapp.connectors.paths import as_text, getter
from syncapp.connectors.signatures import BadSignature, among

# How long after its end, and before its beginning, a token is still taken: clocks differ.
LEEWAY = 60.0


@dataclass(frozen=True, slots=True)
class Shown:
    """A delivery as it stands at the door. ``urls``: the addresses that the sender may have meant."""

    method: str
    urls: Sequence[str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    now: float


def verify(spec: SignatureSpec, secrets: Sequence[str], shown: Shown, items: Callable[[], Iterable[Any]]) -> None:
    """Nothing, or BadSignature. ``items`` gives the delivery's events, for a token that each of them repeats."""
    if spec.scheme in ("standard", "hmac", "hash"):
        signatures.verify(spec, secrets, shown.method, shown.urls, shown.headers, shown.body, shown.now)
    elif spec.scheme == "jwt":
        _jwt(spec, secrets, shown)
    elif spec.scheme == "basic":
        _basic(spec, secrets, shown)
    elif spec.scheme == "token":
        _token(spec, secrets, shown, items)
    elif spec.scheme == "address" and spec.query and secrets:
        _same(shown.query.get(spec.query), secrets)


def _same(given: str | None, secrets: Sequence[str]) -> None:
    if not given:
        raise BadSignature("missing")
    if not knows(given, secrets):
        raise BadSignature("bad")


def knows(given: str | None, secrets: Sequence[str]) -> bool:
    """One of the secrets, compared by digests: so neither its length nor its beginning can be felt for."""
    return given is not None and among(_blurred(given), [_blurred(secret) for secret in secrets])


def _blurred(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _header(spec: SignatureSpec, shown: Shown, usual: str = "", prefix: str = "") -> str | None:
    """What stands in the header after its prefix, whose case does not matter; None if it is not there."""
    name, prefix = (spec.header or usual).lower(), spec.prefix or prefix
    text = next((value for key, value in shown.headers.items() if key.lower() == name), "").strip()
    if not text.lower().startswith(prefix.lower()):
        return None
    return text[len(prefix) :].strip() or None


def _basic(spec: SignatureSpec, secrets: Sequence[str], shown: Shown) -> None:
    """The account's secret is the password, or ``user:password`` where the file names no user."""
    text = _header(spec, shown, "authorization", "Basic ")
    if text is None:
        raise BadSignature("missing")
    try:
        given = base64.b64decode(text, validate=True).decode()
    except (ValueError, binascii.Error):
        raise BadSignature("bad") from None
    wanted = [f"{spec.user}:{secret}" if spec.user else secret for secret in secrets]
    _same(given, wanted)


def _token(spec: SignatureSpec, secrets: Sequence[str], shown: Shown, items: Callable[[], Iterable[Any]]) -> None:
    if spec.place == "query":
        _same(shown.query.get(spec.query), secrets)
    elif spec.place == "header":
        _same(_header(spec, shown), secrets)
    elif spec.place == "body":
        _same(_at(shown.body, spec.path), secrets)
    else:
        given = [token_of(spec, item) for item in items()]
        if not any(knows(one, secrets) for one in given):
            raise BadSignature("bad" if any(given) else "missing")


def token_of(spec: SignatureSpec, item: Any) -> str | None:
    return as_text(getter(spec.path)(item))


def _at(body: bytes, path: str) -> str | None:
    return as_text(getter(path)(soft(body)))


def _jwt(spec: SignatureSpec, secrets: Sequence[str], shown: Shown) -> None:
    """HS256 and nothing else, whatever the token says of itself; one without an end has to say when it was made."""
    text = _header(spec, shown, "authorization", "Bearer ")
    if text is None:
        raise BadSignature("missing")
    head, claims, sign = _parts(text)
    if head.get("alg") != "HS256":
        raise BadSignature("bad")
    signed = text.rpartition(".")[0].encode()
    keys = [signatures.secret_bytes(spec.secret, secret) for secret in secrets]
    if not any([hmac.compare_digest(hmac.new(key, signed, "sha256").digest(), sign) for key in keys]):  # noqa: C419
        raise BadSignature("bad")
    _check_claims(spec, claims, shown.now)


def _parts(text: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    try:
        head, claims, sign = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in text.split("."))
        told = orjson.loads(head), orjson.loads(claims)
    except (ValueError, binascii.Error):
        raise BadSignature("bad") from None
    if not all(isinstance(one, dict) for one in told):
        raise BadSignature("bad")
    return *told, sign


def _check_claims(spec: SignatureSpec, claims: Mapping[str, Any], now: float) -> None:
    made, ends, begins = (as_text(claims.get(name)) for name in ("iat", "exp", "nbf"))
    if made is None and ends is None:
        raise BadSignature("missing")
    if ends is not None and _number(ends) < now - LEEWAY:
        raise BadSignature("old")
    if made is not None and _number(made) > now + LEEWAY:
        raise BadSignature("future")
    if begins is not None and _number(begins) > now + LEEWAY:
        raise BadSignature("future")
    if made is not None and (spec.timestamp is not None or ends is None):
        signatures.check_time(spec.timestamp or StampSpec(header="iat"), made, now)


def _number(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        raise BadSignature("missing") from None
    if not math.isfinite(found):
        raise BadSignature("missing")
    return found
