"""Who may call: one token that stays, or access tokens that expire and are renewed (RFC 6749, RFC 6750).

A refresh token serves once. One that comes again was stolen or forgotten, so everything of its family ends with it.
"""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import dataclass, field
from hashlib import sha256

from syncapp.sandbox.refusals import Forbidden, GrantRefused, Unauthorised
from syncapp.sandbox.store import Store
from syncapp.sandbox.values import Json


def digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


@dataclass
class Access:
    """The tokens of one sandbox; `ttl` seconds, or 0: the one token that stays."""

    store: Store
    token: str = field(repr=False)
    ttl: float
    client: str
    client_secret: str = field(repr=False)
    # The other portals of this process: their tokens are known, and not good here.
    others: list[Access] = field(default_factory=list, repr=False)

    def check(self, shown: str) -> None:
        if self.knows(shown):
            return
        if any(other.knows(shown) for other in self.others):
            raise Forbidden("This token belongs to another portal. Use the address of that one.")
        if not shown:
            raise Unauthorised("The token is missing. Send the one that the sandbox was started with.", "")
        said = "The access token expired or was revoked. Refresh it." if self.ttl else "The token is wrong."
        raise Unauthorised(said, "invalid_token")

    def knows(self, shown: str) -> bool:
        if not self.ttl:
            return hmac.compare_digest(shown.encode(), self.token.encode())
        query = "SELECT 1 FROM grants WHERE token = ? AND kind = 'access' AND expires > ?"
        return bool(self.store.rows(query, [digest(shown), time.time()]))

    def authorise(self, refresh: str | None = None) -> dict[str, Json]:
        """Somebody allowed the client in: a family begins, with a refresh token of its own or the one given."""
        with self.store.transaction():
            return self._issue(secrets.token_hex(8), refresh)

    def accept(self, refresh: str) -> None:
        """The refresh token that the sandbox was started with; a restart finds it used or not."""
        if self.ttl and not self.store.rows("SELECT 1 FROM grants WHERE token = ?", [digest(refresh)]):
            with self.store.transaction():
                self._keep(refresh, "refresh", secrets.token_hex(8), None)

    def refresh(self, shown: str) -> dict[str, Json]:
        """New tokens for a refresh token that was not used yet. Raises GrantRefused."""
        with self.store.transaction():
            found = self.store.rows("SELECT * FROM grants WHERE token = ? AND kind = 'refresh'", [digest(shown)])
            reused = bool(found) and bool(found[0]["used"])
            if found and not reused:
                self.store.run("UPDATE grants SET used = 1 WHERE token = ?", [found[0]["token"]])
                return self._issue(found[0]["family"])
            if reused:
                # What was used stays known, so that it is refused as used again next time.
                self.store.run("DELETE FROM grants WHERE family = ? AND used = 0", [found[0]["family"]])
        if reused:
            raise GrantRefused("This refresh token was used before; all tokens that came of it are revoked.")
        raise GrantRefused("This refresh token is not known.")

    def expire(self) -> int:
        """All access tokens end now; how many."""
        now = time.time()
        return self.store.run("UPDATE grants SET expires = ? WHERE kind = 'access' AND expires > ?", [now, now])

    def _issue(self, family: str, refresh: str | None = None) -> dict[str, Json]:
        access, refresh = f"at_{secrets.token_urlsafe(24)}", refresh or f"rt_{secrets.token_urlsafe(24)}"
        self._keep(access, "access", family, time.time() + self.ttl)
        self._keep(refresh, "refresh", family, None)
        return {"access_token": access, "token_type": "Bearer", "expires_in": self.ttl, "refresh_token": refresh}

    def _keep(self, token: str, kind: str, family: str, expires: float | None) -> None:
        line = {"token": digest(token), "kind": kind, "family": family, "expires": expires, "used": False}
        self.store.append("grants", dict(line))
