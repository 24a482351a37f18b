"""Whether a person signs in to an account at its provider, or gives it credentials that are entered here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncapp.connectors.authspec import OAuthSpec
from syncapp.connectors.errors import ConnectorError
from syncapp.connectors.spec import Manifest
from syncapp.facts import manifest_of
from syncapp.models import Account


def grant_of(manifest: Manifest, config: Mapping[str, Any]) -> OAuthSpec | None:
    """How people sign in at this provider, by the way that these settings choose; None where nobody does."""
    try:
        spec = manifest.chosen(config).auth.oauth
    except ConnectorError:
        return None
    return spec if spec is not None and spec.interactive else None


def signs_in(account: Account) -> bool:
    try:
        return grant_of(manifest_of(account), account.config) is not None
    except ConnectorError:
        return False
