"""Credentials that are renewed: before they expire, and when the provider does not take them any more.

A refresh token may serve only once, so whoever keeps the account's secrets lets one caller renew at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from syncapp.connectors import oauth
from syncapp.connectors.auth import auth_headers
from syncapp.connectors.authspec import AuthSpec, OAuthSpec
from syncapp.connectors.capture import captured
from syncapp.connectors.errors import Misconfigured
from syncapp.connectors.records import Quota
from syncapp.connectors.throttle import number
from syncapp.connectors.transport import Transport

Secrets = Mapping[str, str]


def renew_at(access: str) -> str:
    """The name beside an access token under which the moment to renew it is kept."""
    return f"{access}.renew_at"


def told_name(access: str, name: str) -> str:
    """The name beside an access token under which is kept what its answer told about the account."""
    return f"{access}.told.{name}"


def told_beside(spec: AuthSpec, secrets: Secrets) -> dict[str, str]:
    """What the last token answer told of the account's settings."""
    if spec.oauth is None:
        return {}
    names = {name: told_name(spec.oauth.access, name) for name in spec.oauth.capture}
    return {name: secrets[beside] for name, beside in names.items() if secrets.get(beside)}


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
    """What proves who we are, as of now. ``told``: settings of the account that a token answer told."""

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
        self.redact = oauth.hiding(self._values(secrets))
        self.told = told_beside(self.spec, secrets)
        if self.spec.oauth is not None:
            self._demand(self.spec.oauth, secrets)
        waits = self.spec.oauth is not None and not secrets.get(self.spec.oauth.access)
        self.headers = {} if waits else auth_headers(self.spec, self._values(self.secrets), self._slug)

    def _demand(self, spec: OAuthSpec, secrets: Secrets) -> None:
        if spec.alone or secrets.get(spec.access) or secrets.get(spec.refresh):
            return
        where = f"account of {self._slug}"
        if spec.interactive:
            raise Misconfigured("the account is not signed in", where, "sign in on the account's page")
        what = f"the account has neither {spec.access!r} nor {spec.refresh!r}"
        raise Misconfigured(what, where, "set one of them in the account")

    def before(self) -> None:
        """Before a call: an access token that is about to expire is renewed."""
        self._asked = False
        if self.spec.oauth is not None and self._is_due(self.spec.oauth, self.secrets):
            self._renew(self.spec.oauth)

    def again(self, status: int, code: str | None = None) -> bool:
        """After a refusal: is there another access token to try? One is bought at most for one call."""
        spec = self.spec.oauth
        if spec is None or self._asked or not _renews(spec, self.secrets):
            return False
        if status not in spec.renew_status or (spec.renew_codes and code not in spec.renew_codes):
            return False
        self._renew(spec)
        return True

    def _renew(self, spec: OAuthSpec) -> None:
        used = self.secrets.get(spec.access)

        def fresh(held: Secrets) -> bool:
            return held.get(spec.access) not in (None, "", used) and not self._is_due(spec, held)

        self._take(self._keeper.renew(fresh, lambda held: self._ask(spec, held)))

    def _is_due(self, spec: OAuthSpec, secrets: Secrets) -> bool:
        if not _renews(spec, secrets):
            return False
        moment = number(secrets.get(renew_at(spec.access), ""))
        return not secrets.get(spec.access) or (moment is not None and self._clock() >= moment)

    def _values(self, secrets: Secrets) -> dict[str, str]:
        # What the account did not give is the empty text, also where only what it gave is kept.
        told = {f"config.{name}": text for name, text in told_beside(self.spec, secrets).items()}
        return {
            **self._config,
            **told,
            **{f"secret.{name}": text for name, text in {**self._settled, **secrets}.items()},
        }

    def _ask(self, spec: OAuthSpec, held: Secrets) -> Secrets:
        """The secrets that change. Raises Unauthorised where the provider gives none, Unavailable where it is away."""
        self._asked = True
        values = self._values(held)
        if spec.alone:
            request = oauth.alone(spec, values, self._clock(), self._slug)
        else:
            request = oauth.by_refresh(spec, values, held[spec.refresh], self._slug)
        granted = oauth.buy(self._transport, request, spec, self._clock, oauth.hiding(values))
        changed = {spec.access: granted.access, renew_at(spec.access): granted.renew_at}
        if not spec.alone:
            changed[spec.refresh] = granted.refresh or held[spec.refresh]
        return changed | self._learnt(spec, granted, values)

    def _learnt(self, spec: OAuthSpec, granted: oauth.Granted, values: Mapping[str, str]) -> dict[str, str]:
        """What the answer tells about the account and is not known yet. Answers to a renewal may leave it out."""
        found = captured(spec.capture, "token", granted.told, self._slug, all=False)
        changed: dict[str, str] = {}
        for name, value in found.items():
            if spec.capture[name].secret:
                changed[name] = value
            elif values.get(f"config.{name}") != value:
                changed[told_name(spec.access, name)] = value
        return changed


def _renews(spec: OAuthSpec, secrets: Secrets) -> bool:
    return spec.alone or bool(secrets.get(spec.refresh))
