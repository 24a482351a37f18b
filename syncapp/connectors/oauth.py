"""OAuth 2.0 in the provider's dialect: what is asked of its token endpoint, and what its answers give or refuse.

Nothing here remembers anything: `renewal` uses it for accounts that are signed in, `consent` for signing in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson

from syncapp.connectors import times
from syncapp.connectors.answers import redactor
from syncapp.connectors.assertion import GRANT, signed
from syncapp.connectors.auth import basic, behind
from syncapp.connectors.authspec import OAuthSpec
from syncapp.connectors.errors import ConnectorError, Unauthorised, Unavailable, Unknown
from syncapp.connectors.jsonbody import soft
from syncapp.connectors.paths import ABSENT, as_text, getter
from syncapp.connectors.templates import fill
from syncapp.connectors.throttle import number
from syncapp.connectors.transport import Answer, Request, Transport

Values = Mapping[str, str]
# An access token is not waited for to expire: so many seconds, but no more than this share of its life.
EARLY, SHARE = 30.0, 0.2
MESSAGE_LENGTH = 300
# And what every other refusal does, by grant.
AGAIN = {
    "authorization_code": "sign in again on the account's page",
    "refresh_token": "connect the account again: give it a new refresh token",
    "client_credentials": "check the client id, the client secret and what the app may do at the provider",
    "jwt_bearer": "check the key, the names in the claims, and that the provider was told to trust this app",
}
# What a refusal of the token endpoint asks of a person (RFC 6749, section 5.2, and what providers add to it).
NEXT = {
    "invalid_client": "check the client id and the client secret in the account against the provider's app settings",
    "unauthorized_client": "allow this grant for the app at the provider, and check the client id",
    "invalid_scope": "allow the scopes that the provider file asks for in the app at the provider",
    "unsupported_grant_type": "check 'grant' in the provider file",
    "redirect_uri_mismatch": "enter the hub's redirect address in the app at the provider, letter by letter",
}
FORM = "x-www-form-urlencoded"
BUSY = ("temporarily_unavailable", "server_error", "slow_down")


@dataclass(frozen=True, slots=True)
class Granted:
    """What a token endpoint gave. ``told``: the whole answer, from which the manifest may capture more."""

    access: str
    refresh: str | None
    renew_at: str
    scopes: tuple[str, ...] | None
    told: Mapping[str, Any] = field(default_factory=dict)


def by_refresh(spec: OAuthSpec, values: Values, refresh: str, where: str) -> Request:
    url = spec.refresh_url or spec.token_url
    return _request(spec, values, {"grant_type": "refresh_token", "refresh_token": refresh}, where, url)


def by_code(spec: OAuthSpec, values: Values, code: str, redirect_uri: str, verifier: str, where: str) -> Request:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    if spec.pkce:
        form["code_verifier"] = verifier
    return _request(spec, values, form, where, spec.token_url)


def alone(spec: OAuthSpec, values: Values, now: float, where: str) -> Request:
    """Access for an account that proves itself: by its client's secret or by a statement that it signs."""
    if spec.assertion is None:
        form = {"grant_type": "client_credentials"}
        if spec.scopes:
            form[spec.scope_param] = spec.scope_separator.join(spec.scopes)
        return _request(spec, values, form, where, spec.token_url)
    statement = signed(spec.assertion, values, now, where)
    if spec.assertion.place == "header":
        return _request(spec, values, {}, where, spec.token_url, {"Authorization": behind("Bearer", statement)})
    return _request(spec, values, {"grant_type": GRANT, "assertion": statement}, where, spec.token_url)


def _request(
    spec: OAuthSpec, values: Values, form: dict[str, str], where: str, url: str, proof: dict[str, str] | None = None
) -> Request:
    client = [fill(text, values, where) for text in (spec.client_id, spec.client_secret)]
    proof = dict(proof or {})
    if spec.client_auth == "basic":
        proof["Authorization"] = basic(*client)
    elif not proof:
        names = ("client_id", "client_secret") if spec.client_auth == "body" else ("client_id",)
        form |= {name: text for name, text in zip(names, client, strict=False) if text}
    form |= {name: fill(text, values, where) for name, text in spec.token_params.items()}
    json = spec.token_body == "json"  # noqa: S105 - a kind of body
    body = orjson.dumps(form) if json else urlencode(form).encode()
    headers = {"Accept": "application/json", "Content-Type": f"application/{'json' if json else FORM}"}
    headers |= {name: fill(text, values, where) for name, text in spec.token_headers.items()}
    # A write: its body holds secrets and is never sent on to where a redirect points.
    return Request("POST", fill(url, values, where), headers, proof, body, write=True)


def buy(
    transport: Transport, request: Request, spec: OAuthSpec, clock: Callable[[], float],
    redact: Callable[[str], str], deed: str = "renew",
) -> Granted:  # fmt: skip
    """Raises Unauthorised where the provider gives no access, Unavailable where it is away."""
    try:
        answer = transport.send(request)
    except Unknown as lost:
        raise Unavailable("no answer came when access was asked for", lost.where) from None
    told = _json(answer)
    access = as_text(getter(spec.access_path)(told))
    if not 200 <= answer.status < 300 or not access:
        raise _refused(answer, told, redact, deed, AGAIN[spec.grant])
    refresh = as_text(getter(spec.refresh_path)(told)) if spec.refresh_path else None
    return Granted(access, refresh or None, _renew_at(spec, told, clock()), _scopes(spec, told), told)


def _refused(
    answer: Answer, told: Mapping[str, Any], redact: Callable[[str], str], deed: str, again: str
) -> ConnectorError:
    code, said = _said(told)
    if answer.status in (408, 425, 429) or answer.status >= 500 or code in BUSY:
        wait = number(answer.headers.get("Retry-After", ""))
        what = f"the provider cannot {deed} the access now ({answer.status})"
        return Unavailable(what, answer.where, retry_after=wait)
    said = redact(said or f"status {answer.status} without an access token")[:MESSAGE_LENGTH]
    what = f"the provider does not {deed} the access: {said}"
    if not told:
        again = "check the address and the region in the account: what answers there is no token endpoint"
    return Unauthorised(what, answer.where, NEXT.get(code, again), status=401)


def _said(told: Mapping[str, Any]) -> tuple[str, str]:
    """The error's code and the provider's own words, from the standard's names and those that others use."""
    error = told.get("error")
    inner = error if isinstance(error, dict) else told
    code = error if isinstance(error, str) else str(inner.get("code") or inner.get("type") or "")
    names = ("error_description", "message", "error_message", "reason", "hint")
    text = next((value for name in names if isinstance(value := inner.get(name), str) and value), "")
    return code, re.sub(r"\s+", " ", f"{code} {text}").strip()


def _renew_at(spec: OAuthSpec, told: Mapping[str, Any], now: float) -> str:
    lives = _lives(spec, told, now)
    return "" if lives is None else str(now + lives - min(EARLY, lives * SHARE))


def _lives(spec: OAuthSpec, told: Mapping[str, Any], now: float) -> float | None:
    """Seconds until the access token ends; None if nobody knows."""
    text = as_text(getter(spec.expires_path)(told)) if spec.expires_path else None
    if text is None:
        return spec.lifetime
    if spec.expires_format == "iso":
        try:
            return max(0.0, times.parse(text).timestamp() - now)
        except ValueError:
            return spec.lifetime
    value = number(text)
    if value is None:
        return spec.lifetime
    return max(0.0, {"seconds": value, "unix": value - now, "unix_ms": value / 1000 - now}[spec.expires_format])


def _scopes(spec: OAuthSpec, told: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The scopes that were granted; None if the answer does not tell, which means all that were asked for."""
    found = getter(spec.scope_path)(told) if spec.scope_path else ABSENT
    if isinstance(found, list):
        return tuple(str(one) for one in found)
    return tuple(re.split(r"[\s,]+", found.strip())) if isinstance(found, str) and found.strip() else None


def _json(answer: Answer) -> dict[str, Any]:
    told = soft(answer.body)
    return told if isinstance(told, dict) else {}


def hiding(values: Values) -> Callable[[str], str]:
    """A function that blanks the account's secrets among the values of its templates, not what is kept beside them."""
    return redactor(
        {name: text for name, text in values.items() if name.startswith("secret.") and name.count(".") == 1}
    )
