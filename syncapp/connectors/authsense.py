"""Sense of the credentials in a provider file."""

from __future__ import annotations

from syncapp.connectors.located import Located
from syncapp.connectors.textsense import Raw, check_templates


def check_auth(found: Located, raw: Raw, known: set[str]) -> None:
    """``known``: the slots that have a value here, the account's config and secrets."""
    if raw["auth"]["type"] == "oauth2":
        raise found.wrong(("auth", "type"), "oauth2 is not available yet", "none, headers, bearer, basic, refresh")
    if raw["auth"]["type"] == "refresh":
        _renewed(found, raw["auth"], raw.get("secrets", {}))
    check_templates(found, ("auth",), raw["auth"], known)


def _renewed(found: Located, auth: Raw, secrets: Raw) -> None:
    for key in ("access", "refresh"):
        name = auth.get(key, f"{key}_token")
        if name not in secrets:
            known = ", ".join(sorted(secrets)) or "none is declared in 'secrets'"
            raise found.wrong(("auth", key), f"there is no secret {name!r} to keep the {key} token in", known)
