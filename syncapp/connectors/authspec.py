"""What a manifest says about credentials: what an account gives, and how calls prove who we are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Setting:
    """Something an account has to give: a config value or a secret."""

    label: str
    required: bool = True
    default: str | None = None
    help: str = ""


@dataclass(frozen=True, slots=True)
class AuthSpec:
    """``none``, ``headers`` (any names), ``bearer``, ``basic`` or ``refresh``; the values are templates.

    ``refresh``: the secret named by ``access`` is renewed at ``token_url`` with the one named by ``refresh``; without a
    refresh token the access token is used as it is.
    """

    type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    user: str = ""
    password: str = ""
    token_url: str = ""
    access: str = "access_token"
    refresh: str = "refresh_token"
    client_id: str = ""
    client_secret: str = ""
    client_auth: str = "body"
