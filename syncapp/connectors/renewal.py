"""Credentials that are renewed: a refresh token buys the next access token (RFC 6749, section 6), before it expires and
when the provider does not take it any more.

A refresh token may serve only once, so whoever keeps the account's secrets lets one caller renew at a time.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlencode

import orjson

from syncapp.connectors.answers import redactor
from syncapp.connectors.auth import auth_headers
from syncapp.connectors.authspec import AuthSpec
from syncapp.connectors.errors import Misconfigured, Unauthorised, Unavailable, Unknown
from syncapp.connectors.jsonbody import parse
from syncapp.connectors.records import Quota
from syncapp.connectors.templates import fill
from syncapp.connectors.throttle import number
from syncapp.connectors.transport import Answer, Request, Transport

Secrets = Mapping[str, str]
# The renewed access token is not waited for to expire: so many seconds, but no more than this share of its life.
EARLY, SHARE = 30.0, 0.2
NEXT = "connect the account again: give it a new refresh token"


def renew_at(access: str) -> str:
    """The name beside an access token under which the moment to renew it is kept."""
    return f"{access}.renew_at"


class Keeper(Protocol):
    """Whoever keeps the account: its secrets, shared by all workers, and what it told about its limits."""

    def renew(self, fresh: Callable[[Secrets], bool], ask: Callable[[Secrets], Secrets]) -> Secrets:
        """The secrets as they are kept, if they are `fresh` by now; else with what `ask` makes of them, which is kept
        before anybody else may look. One caller at a time, in whatever process."""
        ...

    def learn(self, quota: Quota) -> None:
        """What an answer told about the quota of the day."""
        ...


class MemoryKeeper:
    """For an account that only this process uses."""

    def __init__(self, secrets: Secrets) -> None:
        self.secrets, self.quota = dict(secrets), None
        self._lock = threading.Lock()

    def renew(self, fresh: Callable[[Secrets], bool], ask: Callable[[Secrets], Secrets]) -> Secrets:
        with self._lock:
            if not fresh(self.secrets):
                self.secrets |= ask(self.secrets)
            return dict(self.secrets)

    def learn(self, quota: Quota) -> None:
        return None


class Credentials:
    """What proves who we are, as of now."""

    def __init__(
        self, spec: AuthSpec, config: Mapping[str, str], secrets: Secrets, *,
        keeper: Keeper, transport: Transport, clock: Callable[[], float], slug: str,
    ) -> None:  # fmt: skip
        self.spec, self._config, self._keeper, self._slug = spec, config, keeper, slug
        self._transport, self._clock = transport, clock
        self._asked, self._settled = False, secrets
        self._take(secrets)

    def _take(self, secrets: Secrets) -> None:
        self.secrets = dict(secrets)
        self.redact = redactor(self.secrets)
        renews = self.spec.type == "refresh"
        if renews and not (secrets.get(self.spec.access) or secrets.get(self.spec.refresh)):
            what = f"the account has neither {self.spec.access!r} nor {self.spec.refresh!r}"
            raise Misconfigured(what, f"account of {self._slug}", "set one of them in the account")
        waits = renews and not secrets.get(self.spec.access)
        self.headers = {} if waits else auth_headers(self.spec, self._values(self.secrets), self._slug)

    def before(self) -> None:
        """Before a call: an access token that is about to expire is renewed."""
        self._asked = False
        if self._is_due(self.secrets):
            self._renew()

    def again(self) -> bool:
        """After a 401: is there another access token to try? One is bought at most for one call."""
        if self._asked or not self._renews(self.secrets):
            return False
        self._renew()
        return True

    def _renew(self) -> None:
        used = self.secrets.get(self.spec.access)

        def fresh(held: Secrets) -> bool:
            return held.get(self.spec.access) not in (None, "", used) and not self._is_due(held)

        self._take(self._keeper.renew(fresh, self._ask))

    def _renews(self, secrets: Secrets) -> bool:
        return self.spec.type == "refresh" and bool(secrets.get(self.spec.refresh))

    def _is_due(self, secrets: Secrets) -> bool:
        if not self._renews(secrets):
            return False
        moment = number(secrets.get(renew_at(self.spec.access), ""))
        return not secrets.get(self.spec.access) or (moment is not None and self._clock() >= moment)

    def _values(self, secrets: Secrets) -> dict[str, str]:
        # What the account did not give is the empty text, also where only what it gave is kept.
        return {**self._config, **{f"secret.{name}": text for name, text in {**self._settled, **secrets}.items()}}

    def _ask(self, held: Secrets) -> Secrets:
        """The secrets that change. Raises Unauthorised where the provider gives none, Unavailable where it is away."""
        self._asked = True
        values = self._values(held)
        url = fill(self.spec.token_url, values, self._slug)
        form = {"grant_type": "refresh_token", "refresh_token": held[self.spec.refresh]}
        client = [fill(text, values, self._slug) for text in (self.spec.client_id, self.spec.client_secret)]
        proof: dict[str, str] = {}
        if self.spec.client_auth == "basic":
            proof["Authorization"] = "Basic " + base64.b64encode(":".join(client).encode()).decode("ascii")
        else:
            form |= {name: text for name, text in zip(("client_id", "client_secret"), client, strict=True) if text}
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        # A write: its body holds secrets and is never sent on to where a redirect points.
        request = Request("POST", url, headers, proof, urlencode(form).encode(), write=True)
        try:
            answer = self._transport.send(request)
        except Unknown as lost:
            raise Unavailable("no answer came when the access was to be renewed", lost.where) from None
        return self._bought(answer, held)

    def _bought(self, answer: Answer, held: Secrets) -> Secrets:
        told = _json(answer)
        if answer.status == 429 or answer.status >= 500:
            wait = number(answer.headers.get("Retry-After", ""))
            raise Unavailable(f"the access cannot be renewed now ({answer.status})", answer.where, retry_after=wait)
        access = told.get("access_token")
        if not 200 <= answer.status < 300 or not isinstance(access, str) or not access:
            said = " ".join(str(told[name]) for name in ("error", "error_description") if told.get(name))
            said = redactor(held)(said or f"status {answer.status} without an access token")[:300]
            raise Unauthorised(f"the provider does not renew the access: {said}", answer.where, NEXT, status=401)
        refresh = told.get("refresh_token")
        lives = number(str(told.get("expires_in", "")))
        moment = "" if lives is None else str(self._clock() + lives - min(EARLY, lives * SHARE))
        return {
            self.spec.access: access,
            self.spec.refresh: refresh if isinstance(refresh, str) and refresh else held[self.spec.refresh],
            renew_at(self.spec.access): moment,
        }


def _json(answer: Answer) -> dict[str, Any]:
    try:
        told = parse(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}
