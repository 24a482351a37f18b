"""Tables of an account's database: which there are, and choosing them, kept with the account as they were then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .clients import place_for
from .connectors.errors import Misconfigured
from .connectors.sql import describe as hands
from .connectors.sql.describe import Described
from .connectors.sql.place import Place
from .connectors.sql.tables import Table, from_json
from .facts import manifest_of
from .models import Account
from .secrets import secrets_of

CHOICE = "choice"  # beside what was found: the words it was found by, so that the same words need no other look


def is_database(account: Account) -> bool:
    return manifest_of(account).sql is not None


def place_of(account: Account) -> Place:
    """Raises ConnectorError or SecretProblem, each a sentence."""
    manifest = manifest_of(account)
    if manifest.sql is None:
        raise Misconfigured(f"{manifest.name} is no database", account.slug, "an account of a database")
    return place_for(account, manifest, secrets_of(account))


def tables_of(account: Account) -> dict[str, Table]:
    return {slug: from_json(raw) for slug, raw in account.tables.items()}


def describe(account: Account, schema: str | None = None) -> list[Described]:
    """The tables to choose from, looked at now."""
    return hands.describe(place_of(account), schema)


def choose(account: Account, slug: str, choice: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be kept as `account.tables[slug]`; the table is looked at unless the same choice was made before."""
    known = account.tables.get(slug)
    if known is not None and known.get(CHOICE) == dict(choice):
        return dict(known)
    return {**hands.choose(place_of(account), slug, choice).as_json(), CHOICE: dict(choice)}


def look_again(account: Account) -> list[str]:
    """Every chosen table as it is now; which of them had changed. The account is saved by the caller."""
    told = ((slug, raw, choose(_blank(account), slug, raw[CHOICE])) for slug, raw in account.tables.items())
    found = {slug: {**seen, "outbox": raw["outbox"]} for slug, raw, seen in told}
    changed = [slug for slug, raw in found.items() if raw != account.tables[slug]]
    account.tables = found
    return changed


def _blank(account: Account) -> Account:
    """The same account, as if no table had been looked at."""
    return Account(
        slug=account.slug, provider=account.provider, config=account.config, secrets=account.secrets,
        secret_refs=account.secret_refs, allow_private=account.allow_private,
    )  # fmt: skip
