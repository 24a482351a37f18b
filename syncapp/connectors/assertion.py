"""The signed statement that buys access without a person (RFC 7523): a JWT over claims that the manifest names."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

import jwt

from syncapp.connectors.authspec import AssertionSpec
from syncapp.connectors.errors import Misconfigured
from syncapp.connectors.templates import fill

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# The provider's clock may be behind ours; a statement from its future would be refused.
EARLIER = 30


def signed(spec: AssertionSpec, values: Mapping[str, str], now: float, where: str) -> str:
    """A fresh statement. Raises Misconfigured, never with the key in it."""
    known = {**values, "jti": str(uuid.uuid4())}
    claims: dict[str, object] = {name: fill(text, known, where) for name, text in spec.claims.items()}
    claims = {"iat": int(now) - EARLIER, "exp": int(now + spec.lifetime), **claims}
    headers = {name: fill(text, known, where) for name, text in spec.headers.items()}
    # Where a key stands in an environment variable, its lines are often written as \n.
    key = fill(spec.key, known, where).replace("\\n", "\n").strip()
    try:
        return jwt.encode(claims, key, algorithm=spec.algorithm, headers=headers or None)
    except (ValueError, TypeError, jwt.PyJWTError):
        what = f"the key that signs for {where} cannot be read or does not fit {spec.algorithm}"
        raise Misconfigured(what, where, f"a private key in PEM form for {spec.algorithm}") from None
