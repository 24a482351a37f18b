"""The keys of a double: a fixed token, and OAuth2 pairs that expire, rotate and are revoked as a provider says."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Flask, redirect, request
from flask.typing import ResponseReturnValue

from syncapp.doubles.clock import Clock


@dataclass(frozen=True)
class Pair:
    access: str
    refresh: str
    life: int


@dataclass(frozen=True)
class Code:
    redirect_uri: str
    challenge: str


class Tokens:
    """``life``: seconds that an access token lasts. ``rotates``: a refresh brings the next refresh token, and the one
    that was used works no more unless it is `kept`."""

    def __init__(self, clock: Clock, *, life: int, rotates: bool, kept: bool = False, prefix: str = "") -> None:
        self.life, self.rotates, self.kept, self._clock, self._prefix = life, rotates, kept, clock, prefix
        self.client_id, self.client_secret = f"app-{secrets.token_hex(6)}", secrets.token_hex(16)
        self._ends: dict[str, float] = {}
        self._refresh: set[str] = set()
        self._codes: dict[str, Code] = {}
        self.fixed = self._new()
        self.pair = self.issue()

    def issue(self, refresh: str = "") -> Pair:
        pair = Pair(self._new(), refresh or self._new("refresh-"), self.life)
        self._ends[pair.access] = self._now() + self.life
        self._refresh.add(pair.refresh)
        self.pair = pair
        return pair

    def renew(self, refresh: str | None, *, ends: bool = False) -> Pair | None:
        """`ends`: the access token before this one is not good any more."""
        if refresh not in self._refresh or refresh is None:
            return None
        if ends:
            self._ends.pop(self.pair.access, None)
        if not self.rotates:
            return self.issue(refresh)
        if not self.kept:
            self._refresh.discard(refresh)
        return self.issue()

    def ended(self, token: str) -> float | None:
        """Seconds since the end of a token; less than 0 while it is good, None if nobody knows it."""
        if token and token == self.fixed:
            return -1.0
        return self._now() - self._ends[token] if token in self._ends else None

    def good(self, token: str) -> bool:
        ended = self.ended(token)
        return ended is not None and ended < 0

    def expire(self) -> None:
        """Every access token given out so far has ended, and the fixed one is another now."""
        gone = self._now() - 75
        self._ends = {token: min(end, gone) for token, end in self._ends.items()}
        self.fixed = self._new()

    def revoke(self) -> None:
        """The person took the grant back: what was given out is unknown, and no refresh token works."""
        self._ends.clear()
        self._refresh.clear()
        self.fixed = self._new()

    def is_client(self, client_id: str | None, client_secret: str | None) -> bool:
        return (client_id, client_secret) == (self.client_id, self.client_secret)

    def secrets(self) -> dict[str, str]:
        """What an account holds: the fixed token, or the client with a pair."""
        return {
            "token": self.fixed, "client_id": self.client_id, "client_secret": self.client_secret,
            "access_token": self.pair.access, "refresh_token": self.pair.refresh,
        }  # fmt: skip

    def code(self, redirect_uri: str, challenge: str = "") -> str:
        code = secrets.token_urlsafe(16)
        self._codes[code] = Code(redirect_uri, challenge)
        return code

    def redeem(self, code: str | None, redirect_uri: str | None, verifier: str = "") -> Pair | None:
        """A code works once, for the address that it was sent to, and for who knows the verifier (PKCE, S256)."""
        found = self._codes.pop(code or "", None)
        if found is None or found.redirect_uri != redirect_uri:
            return None
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        return self.issue() if not found.challenge or found.challenge == digest else None

    def _new(self, kind: str = "") -> str:
        return f"{self._prefix}{kind}{secrets.token_hex(20)}"

    def _now(self) -> float:
        return self._clock.exact().timestamp()


class Keyed:
    """For a double whose keys are `tokens`: they end and are taken back."""

    tokens: Tokens

    def expire(self) -> None:
        self.tokens.expire()

    def revoke(self) -> None:
        self.tokens.revoke()


def bearer() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def basic() -> tuple[str | None, str | None]:
    """The user and password of the Basic scheme."""
    shown = request.authorization
    return (shown.username, shown.password) if shown and shown.type == "basic" else (None, None)


def consent(app: Flask, path: str, tokens: Tokens, *, pkce: bool = False) -> None:
    """The page on which a person agrees: here everybody does, at once."""

    @app.get(path, endpoint=f"consent at {path}")
    def agree() -> ResponseReturnValue:
        asked = request.args
        if asked.get("client_id") != tokens.client_id or not asked.get("redirect_uri"):
            return "an unknown client_id, or no redirect_uri", 400
        if pkce and asked.get("code_challenge_method") != "S256":
            return "a code_challenge with code_challenge_method=S256 is required", 400
        code = tokens.code(asked["redirect_uri"], asked.get("code_challenge", ""))
        sent = {"code": code, **({"state": asked["state"]} if "state" in asked else {})}
        mark = "&" if "?" in asked["redirect_uri"] else "?"
        return redirect(f"{asked['redirect_uri']}{mark}{urlencode(sent)}")
