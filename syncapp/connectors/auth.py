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
        headers["Authorization"] = "Bearer " + fill(spec.token, values, where)
    if spec.type == "refresh" and not spec.headers:
        headers["Authorization"] = "Bearer " + values[f"secret.{spec.access}"]
    if spec.type == "basic":
        pair = f"{fill(spec.user, values, where)}:{fill(spec.password, values, where)}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
    for name, value in headers.items():
        if not value.isprintable():
            raise Misconfigured(
                f"the credential for header {name} holds a line break or control character",
                where,
                "paste it again as one line",
            )
    return headers
