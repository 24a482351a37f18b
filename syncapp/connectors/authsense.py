"""Sense of the credentials in a provider file: names that exist, grants with what they need, safe addresses."""

from __future__ import annotations

import re

from syncapp.connectors.authspec import WAY
from syncapp.connectors.located import Located, Place
from syncapp.connectors.templates import names
from syncapp.connectors.textsense import Raw, check_path, check_templates

PATHS = ("access_path", "refresh_path", "expires_path", "scope_path")
# What only the way through the browser uses.
BROWSER = ("authorize_url", "authorize_params", "choose", "pkce")


def check_auth(found: Located, raw: Raw, known: set[str]) -> None:
    """``known``: the slots that have a value here, the account's config and secrets."""
    settings = {**raw.get("config", {}), **raw.get("secrets", {})}
    ways = raw["auth"].get("ways")
    for kind in ("config", "secrets"):
        for name, setting in raw.get(kind, {}).items():
            _setting(found, (kind, name), setting, ways)
    if WAY in settings:
        kind = "config" if WAY in raw.get("config", {}) else "secrets"
        raise found.wrong((kind, WAY), f"{WAY!r} is the hub's own name for the way to sign in", "another name")
    for name, way in (ways or {"": raw["auth"]}).items():
        _way(found, ("auth", "ways", name) if ways else ("auth",), way, raw, known)


def _setting(found: Located, place: Place, raw: Raw, ways: Raw | None) -> None:
    for name in raw.get("ways", ()):
        if name not in (ways or {}):
            accepted = ", ".join(ways or {}) or "ways are declared by auth of type choice"
            raise found.wrong((*place, "ways"), f"there is no way to sign in called {name!r}", accepted)
    if "pattern" in raw:
        _pattern(found, (*place, "pattern"), raw["pattern"])
    if raw.get("default") and raw.get("choices") and raw["default"] not in raw["choices"]:
        raise found.wrong((*place, "default"), f"{raw['default']!r} is not a choice", ", ".join(raw["choices"]))


def _way(found: Located, place: Place, auth: Raw, raw: Raw, known: set[str]) -> None:
    config = {name for name in known if name.startswith("config.")}
    if auth["type"] == "refresh":
        _renewed(found, place, auth, raw.get("secrets", {}))
    if auth["type"] == "oauth2":
        known = known | {f"secret.{auth.get(key, f'{key}_token')}" for key in ("access", "refresh")}
        _oauth(found, place, auth, raw, known, config)
    check_templates(found, (*place, "base_url"), auth.get("base_url", ""), config)
    own = {key: value for key, value in auth.items() if key not in ("scopes", "capture", "assertion", "base_url")}
    check_templates(found, place, own, known)
    for key in PATHS:
        check_path(found, (*place, key), auth.get(key, ""))


def _renewed(found: Located, place: Place, auth: Raw, secrets: Raw) -> None:
    for key in ("access", "refresh"):
        name = auth.get(key, f"{key}_token")
        if name not in secrets:
            known = ", ".join(sorted(secrets)) or "none is declared in 'secrets'"
            raise found.wrong((*place, key), f"there is no secret {name!r} to keep the {key} token in", known)


def _oauth(found: Located, place: Place, auth: Raw, raw: Raw, known: set[str], config: set[str]) -> None:
    grant = auth.get("grant", "authorization_code")
    if grant == "authorization_code" and "authorize_url" not in auth:
        raise found.wrong(place, "'authorize_url' is missing: where do people sign in?", "the provider's consent page")
    if grant != "authorization_code":
        for key in BROWSER:
            if key in auth:
                raise found.wrong((*place, key), f"nobody signs in with grant {grant}", "grant: authorization_code")
    if (grant == "jwt_bearer") != ("assertion" in auth):
        raise found.wrong(place, "grant jwt_bearer and 'assertion' belong together", "assertion: key, claims")
    if grant != "jwt_bearer" or auth.get("client_auth") in ("body", "basic"):
        _client(found, place, auth, known)
    check_templates(found, (*place, "authorize_url"), auth.get("authorize_url", ""), config)
    if "assertion" in auth:
        check_templates(found, (*place, "assertion"), auth["assertion"], known | {"jti"})
    for name, entry in auth.get("capture", {}).items():
        _capture(found, (*place, "capture", name), name, entry, auth, raw)
    for key in ("items", "id", "name"):
        check_path(found, (*place, "choose", key), auth.get("choose", {}).get(key, ""))


def _client(found: Located, place: Place, auth: Raw, known: set[str]) -> None:
    for key, slot in (("client_id", "config.client_id"), ("client_secret", "secret.client_secret")):
        if key not in auth and slot not in known and not (key == "client_secret" and auth.get("client_auth") == "none"):
            kind, _, name = slot.partition(".")
            where = "config" if kind == "config" else "secrets"
            raise found.wrong((*place, key), f"no {key!r} is named and {where!r} has no {name!r}", f"{where}: {name}")


def _capture(found: Located, place: Place, name: str, entry: Raw, auth: Raw, raw: Raw) -> None:
    check_path(found, (*place, "path"), entry["path"])
    if not entry.get("secret") and name not in raw.get("config", {}):
        known = ", ".join(raw.get("config", {})) or "none is declared in 'config'"
        raise found.wrong(place, f"there is no setting {name!r} to keep it in", known)
    if entry["from"] == "choice" and "choose" not in auth:
        raise found.wrong((*place, "from"), "nothing is chosen after sign-in", "redirect, token, or a 'choose' section")
    if "pattern" in entry:
        _pattern(found, (*place, "pattern"), entry["pattern"])
    elif entry["from"] == "redirect" and _steers(f"config.{name}", auth, raw):
        # Whoever makes a person follow a link writes what stands in it; the client's secret would follow.
        what = f"{name!r} comes from an address anybody may write, and decides where credentials are sent to"
        raise found.wrong(place, what, "a 'pattern' that only the provider's own hosts fit")


def _steers(slot: str, auth: Raw, raw: Raw) -> bool:
    """Does a value decide about the host of a call? Behind the first slash of a path it does not."""
    addresses = (raw["base_url"], *(auth.get(key, "") for key in ("base_url", "token_url", "refresh_url")))
    hosts = [re.sub(r"^https?://([^/]*)/.*$", r"\1", address) for address in addresses]
    return any(slot in names(host) for host in (*hosts, auth.get("choose", {}).get("url", "")))


def _pattern(found: Located, place: Place, text: str) -> None:
    try:
        re.compile(text)
    except re.error as error:
        raise found.wrong(place, f"{text!r} is not a regular expression: {error}", "such as [a-z0-9-]+") from None
