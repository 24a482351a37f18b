"""Salesforce's token endpoint: codes, refreshes, client credentials and signed assertions; no time of expiry is told.

From https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_jwt_flow.htm (assertions signed with RS256: iss
is the client, sub the user, aud the login host, exp at most three minutes ahead),
.../remoteaccess_oauth_web_server_flow.htm and .../remoteaccess_oauth_refresh_token_flow.htm.
Unverified: the texts of errors; any aud is taken, because a double has no login host of its own.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import jsonify, request
from flask.typing import ResponseReturnValue

from syncapp.doubles.clock import Clock
from syncapp.doubles.tokens import Pair, Tokens, basic

JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
USER, LONGEST = "hub@example.org", 180
IDENTITY = "00DHs00000Org00AAA/005Hs00000HubUsAAA"


@cache
def _key() -> rsa.RSAPrivateKey:
    """One for a process: making one takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class TokenDesk:
    def __init__(self, tokens: Tokens, clock: Clock) -> None:
        self._tokens, self._clock = tokens, clock

    def private_key(self) -> str:
        """Whose certificate is in the connected app."""
        plain, pem = serialization.NoEncryption(), serialization.Encoding.PEM
        return _key().private_bytes(pem, serialization.PrivateFormat.PKCS8, plain).decode()

    def token(self) -> ResponseReturnValue:
        form = request.form
        grant = form.get("grant_type")
        if grant == JWT:
            return self._asserted(form.get("assertion", ""))
        shown = basic() if request.authorization else (form.get("client_id"), form.get("client_secret"))
        if not self._tokens.is_client(*shown):
            return _refused("invalid_client", "invalid client credentials")
        if grant == "client_credentials":
            return self._answer(self._tokens.issue(), refresh=False)
        if grant == "refresh_token":
            pair = self._tokens.renew(form.get("refresh_token"))
            return (
                self._answer(pair, refresh=False) if pair else _refused("invalid_grant", "expired access/refresh token")
            )
        if grant == "authorization_code":
            pair = self._tokens.redeem(form.get("code"), form.get("redirect_uri"), form.get("code_verifier", ""))
            return self._answer(pair, refresh=True) if pair else _refused("invalid_grant", "invalid authorization code")
        return _refused("unsupported_grant_type", "grant type not supported")

    def _answer(self, pair: Pair, *, refresh: bool) -> ResponseReturnValue:
        address = request.url_root.rstrip("/")
        told = {
            "access_token": pair.access, "instance_url": address, "id": f"{address}/id/{IDENTITY}",
            "token_type": "Bearer", "issued_at": str(int(self._clock.exact().timestamp() * 1000)),
            "scope": "refresh_token api", "signature": "c2lnbmF0dXJl",
        }  # fmt: skip
        return {**told, **({"refresh_token": pair.refresh} if refresh else {})}

    def _asserted(self, assertion: str) -> ResponseReturnValue:
        try:
            claims = self._claims(assertion)
        except (ValueError, InvalidSignature):
            return _refused("invalid_grant", "invalid assertion")
        if claims.get("iss") != self._tokens.client_id:
            return _refused("invalid_client_id", "client identifier invalid")
        if claims.get("sub") != USER:
            return _refused("invalid_grant", "user hasn't approved this consumer")
        left = float(claims.get("exp", 0)) - self._clock.exact().timestamp()
        if not 0 < left <= LONGEST + 5:
            return _refused("invalid_grant", "assertion has expired or is valid for too long")
        return self._answer(self._tokens.issue(), refresh=False)

    def _claims(self, assertion: str) -> dict[str, Any]:
        signed, _, signature = assertion.rpartition(".")
        header, _, body = signed.partition(".")
        if json.loads(_decoded(header)).get("alg") != "RS256":
            raise ValueError("another algorithm")
        _key().public_key().verify(_decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return dict(json.loads(_decoded(body)))


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _refused(error: str, told: str) -> ResponseReturnValue:
    return jsonify(error=error, error_description=told), 400
