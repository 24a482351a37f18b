"""Signing in at a provider through a person's browser (RFC 6749 section 4.1, with PKCE, RFC 7636): out, back, choose.

Nothing is remembered between the halves; whoever calls keeps the state and the verifier, and lets each serve once.
"""

from __future__ import annotations

import base64
import hashlib
import secrets as chance
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from syncapp.connectors import oauth
from syncapp.connectors.authspec import ChooseSpec, OAuthSpec
from syncapp.connectors.calls import settled
from syncapp.connectors.capture import captured
from syncapp.connectors.errors import Malformed, Misconfigured, Unauthorised, Unavailable
from syncapp.connectors.paths import ABSENT, as_text, getter
from syncapp.connectors.renewal import Credentials, Keeper, renew_at, told_beside
from syncapp.connectors.spec import Manifest
from syncapp.connectors.templates import fill
from syncapp.connectors.transport import USUAL, Request, Timeouts, Transport

# What an error in the redirect asks of a person (RFC 6749, section 4.1.2.1, and what providers add to it).
NEXT = {
    "access_denied": "start again and allow it, or ask somebody at the provider who may",
    "invalid_scope": "allow the scopes listed here in the app at the provider, then start again",
    "unauthorized_client": "allow the authorization code grant for the app at the provider, and check the client id",
    "invalid_client": "check the client id in the account against the provider's app settings",
    "redirect_uri_mismatch": "enter the redirect address shown here in the app at the provider, letter by letter",
    "invalid_request": "check the client id and the redirect address in the app at the provider",
    "consent_required": "start again and agree to what the provider asks",
    "login_required": "sign in at the provider first, then start again",
}
RETRY = "start the sign-in again"


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the person's browser goes, and what has to be kept for the way back."""

    url: str
    state: str
    verifier: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What the account keeps from now on. ``secrets``: an empty text means that there is none any more."""

    config: Mapping[str, str]
    secrets: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the organisations, sites or accounts that the grant reaches; ``config`` is what choosing it sets."""

    id: str
    name: str
    config: Mapping[str, str]


def scopes_name(access: str) -> str:
    """The name beside an access token under which the scopes that were granted are kept."""
    return f"{access}.scopes"


def challenge(verifier: str) -> str:
    """What the provider is told of the verifier (method S256)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class Consent:
    """The sign-in of one account."""

    def __init__(
        self, manifest: Manifest, config: Mapping[str, Any], secrets: Mapping[str, str], *, redirect_uri: str,
        allow_private: bool = False, clock: Callable[[], float] = time.time, timeouts: Timeouts = USUAL,
    ) -> None:  # fmt: skip
        manifest = manifest.chosen(config)
        where = f"account of {manifest.slug}"
        if manifest.auth.oauth is None or not manifest.auth.oauth.interactive:
            raise Misconfigured("nobody signs in to this account in a browser", where, "enter its credentials")
        self.spec: OAuthSpec = manifest.auth.oauth
        self._slug, self._where, self._redirect_uri, self._clock = manifest.slug, where, redirect_uri, clock
        self._values = _values(manifest, config, secrets)
        self._transport = Transport(allow_private=allow_private, clock=clock, timeouts=timeouts)

    def begin(self) -> Begun:
        """A fresh state and verifier, and the provider's page that they belong to."""
        state, verifier = chance.token_urlsafe(32), chance.token_urlsafe(48)
        spec, where = self.spec, self._where
        query = {"response_type": "code", "client_id": fill(spec.client_id, self._values, where)}
        query |= {"redirect_uri": self._redirect_uri, "state": state}
        if spec.scopes:
            query[spec.scope_param] = spec.scope_separator.join(spec.scopes)
        if spec.pkce:
            query |= {"code_challenge": challenge(verifier), "code_challenge_method": "S256"}
        query |= {name: fill(text, self._values, where) for name, text in spec.authorize_params.items()}
        url = fill(spec.authorize_url, self._values, where)
        return Begun(f"{url}{'&' if '?' in url else '?'}{urlencode(query)}", state, verifier)

    def end(self, query: Mapping[str, str], verifier: str) -> SignedIn:
        """What the provider gives for what its redirect brought. Raises with the provider's own words."""
        self._refused(query)
        told = captured(self.spec.capture, "redirect", dict(query), self._where)
        values = {**self._values, **{f"config.{name}": text for name, text in told.items()}}
        request = oauth.by_code(self.spec, values, query["code"], self._redirect_uri, verifier, self._where)
        hide = oauth.hiding({**values, "secret.code": query["code"], "secret.verifier": verifier})
        granted = oauth.buy(self._transport, request, self.spec, self._clock, hide, "give")
        return self._kept(granted, told | captured(self.spec.capture, "token", granted.told, self._where))

    def _refused(self, query: Mapping[str, str]) -> None:
        code = query.get("error", "")
        if not code and query.get("code"):
            return
        if not code:
            raise Malformed("the provider sent neither a code nor an error", self._where, RETRY)
        said = " ".join(text for text in (code, query.get("error_description", "")) if text)[: oauth.MESSAGE_LENGTH]
        said = oauth.hiding(self._values)(said)
        if code in oauth.BUSY:
            raise Unavailable(f"the provider cannot sign anybody in now: {said}", self._where, RETRY)
        raise Unauthorised(f"the provider does not let the hub in: {said}", self._where, NEXT.get(code, RETRY))

    def _kept(self, granted: oauth.Granted, told: Mapping[str, str]) -> SignedIn:
        spec = self.spec
        kept = {
            spec.access: granted.access,
            spec.refresh: granted.refresh or "",
            renew_at(spec.access): granted.renew_at,
            scopes_name(spec.access): " ".join(granted.scopes or ()),
        }
        hidden = {name: text for name, text in told.items() if spec.capture[name].secret}
        return SignedIn({name: text for name, text in told.items() if name not in hidden}, kept | hidden)

    def close(self) -> None:
        self._transport.close()


def choices(
    manifest: Manifest, config: Mapping[str, Any], secrets: Mapping[str, str], *, keeper: Keeper,
    allow_private: bool = False, clock: Callable[[], float] = time.time, timeouts: Timeouts = USUAL,
) -> list[Choice]:  # fmt: skip
    """What the grant of a signed-in account reaches, asked of the provider; empty where there is nothing to choose."""
    manifest = manifest.chosen(config)
    spec = manifest.auth.oauth
    if spec is None or spec.choose is None:
        return []
    values = _values(manifest, config, secrets)
    transport = Transport(allow_private=allow_private, clock=clock, timeouts=timeouts)
    try:
        credentials = Credentials(
            manifest.auth, {name: text for name, text in values.items() if name.startswith("config.")}, secrets,
            keeper=keeper, transport=transport, clock=clock, slug=manifest.slug,
        )  # fmt: skip
        credentials.before()
        return _listed(spec, spec.choose, values, credentials, transport, f"account of {manifest.slug}")
    finally:
        transport.close()


def _listed(
    spec: OAuthSpec, choose: ChooseSpec, values: Mapping[str, str], credentials: Credentials, transport: Transport,
    where: str,
) -> list[Choice]:  # fmt: skip
    known = {**values, **{f"secret.{name}": text for name, text in credentials.secrets.items()}}
    proof = {name: fill(text, known, where) for name, text in choose.headers.items()} or credentials.headers
    answer = transport.send(Request("GET", fill(choose.url, known, where), {"Accept": "application/json"}, proof))
    if answer.status in (401, 403):
        what = f"the provider does not list any {choose.label} for this sign-in (status {answer.status})"
        raise Unauthorised(what, answer.where, "sign in again", status=answer.status)
    if answer.status >= 400:
        raise Unavailable(f"the provider cannot list any {choose.label} now ({answer.status})", answer.where)
    found = getter(choose.items)(answer.json())
    entries = found if isinstance(found, list) else [] if found is ABSENT or found is None else [found]
    return [_choice(spec, choose, entry, where) for entry in entries if as_text(getter(choose.id)(entry))]


def _choice(spec: OAuthSpec, choose: ChooseSpec, entry: Any, where: str) -> Choice:
    id = as_text(getter(choose.id)(entry)) or ""
    name = as_text(getter(choose.name)(entry)) if choose.name else None
    return Choice(id, name or id, captured(spec.capture, "choice", entry, where))


def _values(manifest: Manifest, config: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, str]:
    """Templates' values: what the account gives, defaults filled in."""
    known = settled(manifest.config, config, "config", manifest.slug) | told_beside(manifest.auth, secrets)
    given = {name: text for name, text in secrets.items() if name in manifest.secrets}
    values = {f"config.{name}": text for name, text in known.items()}
    hidden = settled(manifest.secrets, given, "secrets", manifest.slug)
    return values | {f"secret.{name}": text for name, text in hidden.items()}
