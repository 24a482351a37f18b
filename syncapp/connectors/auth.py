"""Credentials into request headers. The values are templates over the account's config and secrets."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from syncapp.connectors.authspec import AuthSpec
from syncapp.connectors.errors import Misconfigured
from syncapp.connectors.templates import fill


def auth_headers(spec: AuthSpec, values: Mapping[str, str], where: str) -> dict[str, str]:
    """The headers that prove who we are; they are sent to the account's own host only."""
    headers = {name: fill(template, values, where) for name, template in spec.headers.items()}
    if spec.type == "bearer":
        headers["Authorization"] = behind(spec.prefix, fill(spec.token, values, where))
    if spec.oauth is not None and not spec.headers:
        headers["Authorization"] = behind(spec.prefix, values[f"secret.{spec.oauth.access}"])
    if spec.type == "basic":
        headers["Authorization"] = basic(fill(spec.user, values, where), fill(spec.password, values, where))
    for name, value in headers.items():
        if not value.isprintable():
            raise Misconfigured(
                f"the credential for header {name} holds a line break or control character",
                where,
                "paste it again as one line",
            )
    return headers


def behind(prefix: str, token: str) -> str:
    return f"{prefix} {token}" if prefix else token


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
