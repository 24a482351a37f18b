"""What a manifest says about credentials: what an account gives, and how calls prove who we are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# The setting that holds which of several ways to sign in an account uses.
WAY = "sign_in"
# Grants by which access is bought anew without a refresh token: the account's own secrets are enough.
ALONE = ("client_credentials", "jwt_bearer")


@dataclass(frozen=True, slots=True)
class Setting:
    """Something an account has to give: a config value or a secret. ``captured``: told at sign-in, not typed.

    Where there are several ways to sign in, ``needed_by`` and ``told_by`` name those that need it and that tell it, and
    ``required`` holds before a way is chosen.
    """

    label: str
    required: bool = True
    default: str | None = None
    help: str = ""
    choices: tuple[str, ...] = ()
    pattern: str = ""
    ways: tuple[str, ...] = ()
    captured: bool = False
    needed_by: tuple[str, ...] = ()
    told_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaptureSpec:
    """A value of the account that is told at sign-in: by the redirect's query, the token answer or the chosen entry."""

    source: str
    path: str
    secret: bool = False
    optional: bool = False
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class ChooseSpec:
    """What is asked after sign-in: which organisations, sites or accounts the grant reaches; one of them is chosen."""

    url: str
    id: str
    items: str = ""
    name: str = ""
    label: str = "account"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AssertionSpec:
    """The signed statement of grant jwt_bearer (RFC 7523); ``iat``, ``exp`` and ``{jti}`` are ours."""

    key: str
    claims: Mapping[str, str]
    algorithm: str = "RS256"
    headers: Mapping[str, str] = field(default_factory=dict)
    lifetime: float = 180.0
    place: str = "body"


@dataclass(frozen=True, slots=True)
class OAuthSpec:
    """OAuth 2.0: how access is asked for, bought and bought anew. Types ``refresh`` and ``oauth2`` have one.

    ``grant``: authorization_code, client_credentials, jwt_bearer, or refresh_token where a person enters the tokens.
    ``access`` and ``refresh`` name the secrets that hold the tokens; without a refresh token the access token is used
    as it is. ``scopes``: each with the reason why it is asked for.
    """

    token_url: str
    grant: str = "authorization_code"
    authorize_url: str = ""
    refresh_url: str = ""
    access: str = "access_token"
    refresh: str = "refresh_token"
    client_id: str = "{config.client_id}"
    client_secret: str = "{secret.client_secret}"  # noqa: S105 - a template
    client_auth: str = "body"
    token_body: str = "form"  # noqa: S105 - a kind of body
    token_headers: Mapping[str, str] = field(default_factory=dict)
    token_params: Mapping[str, str] = field(default_factory=dict)
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    scopes: Mapping[str, str] = field(default_factory=dict)
    scope_separator: str = " "
    scope_param: str = "scope"
    scope_path: str = "scope"
    pkce: bool = True
    access_path: str = "access_token"
    refresh_path: str = "refresh_token"
    expires_path: str = "expires_in"
    expires_format: str = "seconds"
    lifetime: float | None = None
    renew_status: tuple[int, ...] = (401,)
    renew_codes: tuple[str, ...] = ()
    capture: Mapping[str, CaptureSpec] = field(default_factory=dict)
    choose: ChooseSpec | None = None
    assertion: AssertionSpec | None = None

    @property
    def alone(self) -> bool:
        """True if access can be bought anew without a refresh token."""
        return self.grant in ALONE

    @property
    def interactive(self) -> bool:
        """True if a person has to sign in at the provider."""
        return self.grant == "authorization_code"


@dataclass(frozen=True, slots=True)
class AuthSpec:
    """``none``, ``headers`` (any names), ``bearer``, ``basic``, ``refresh`` or ``oauth2``; the values are templates.

    A token goes into ``Authorization`` behind ``prefix``, or wherever ``headers`` puts it.
    """

    type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    prefix: str = "Bearer"
    user: str = ""
    password: str = ""
    oauth: OAuthSpec | None = None
    label: str = ""
    base_url: str = ""
