"""The accounts of a file: provider, settings, references to secrets."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.conf import settings

from syncapp.connectors import registry
from syncapp.connectors.authspec import WAY, Setting
from syncapp.connectors.errors import ConnectorError, Misconfigured
from syncapp.connectors.located import Located
from syncapp.connectors.spec import Manifest
from syncapp.models import Account
from syncapp.secrets import SecretProblem
from syncapp.tables import choose

from .changes import Changes
from .file import from_environment, known

WRITE_BUDGET, QUOTA_SHARE = 1000, 0.8


def put_accounts(found: Located, changes: Changes) -> dict[str, Account]:
    """Every account there is by slug, those of the file brought up to date."""
    accounts = {account.slug: account for account in Account.objects.select_for_update().order_by("slug")}
    for slug, wanted in found.data.get("accounts", {}).items():
        accounts[slug] = put_account(found, changes, slug, wanted, accounts.get(slug) or Account(slug=slug))
    return accounts


def put_account(
    found: Located,
    changes: Changes,
    slug: str,
    wanted: Mapping[str, Any],
    account: Account,
    stored: Collection[str] | None = None,
) -> Account:
    """One account as a file or a form says. `stored` names the secrets that are kept encrypted, where that is known;
    otherwise an account that has any is taken to have enough. Raises ApplyError.
    """
    place = ("accounts", slug)
    folders = tuple(settings.PROVIDER_FOLDERS)
    provider = wanted["provider"]
    known(found, (*place, "provider"), provider, list(registry.files(folders)), "provider")
    if account.pk is not None and account.provider != provider and account.feeds.exists():
        raise found.wrong(
            (*place, "provider"),
            f"account {slug!r} has feeds at provider {account.provider!r}, so it cannot become {provider!r}",
            f"{account.provider}, or another account",
        )
    manifest = registry.load(provider, folders)
    config = _config(found, place, wanted.get("config", {}), manifest)
    used = _as_chosen(found, place, manifest, config)
    _demand(found, (*place, "config"), used.config, set(config), "setting")
    references = _references(found, place, wanted.get("secrets", {}), manifest)
    if stored is not None or not bytes(account.secrets):  # some may have been entered by hand
        _demand_secrets(found, place, used, {*references, *(stored or ())})
    config = _told_at_sign_in(manifest, account) | config
    tables = _tables(found, place, wanted, account, provider, config, references)
    changes.put(
        account,
        f"account {slug}",
        {
            "provider": provider,
            "name": wanted.get("name", slug),
            "config": config,
            "secret_refs": references,
            "tables": tables,
            "allow_private": wanted.get("allow_private", False),
            "direction": wanted.get("direction", Account.Direction.BOTH.value),
            "paused": wanted.get("paused", ""),
            "write_budget": wanted.get("write_budget", WRITE_BUDGET),
            "quota_share": float(wanted.get("quota_share", QUOTA_SHARE)),
        },
    )
    return account


def _config(found: Located, place: tuple[str, ...], given: Mapping[str, Any], manifest: Manifest) -> dict[str, str]:
    at = (*place, "config")
    for name in given:
        known(found, (*at, name), name, list(manifest.config), f"setting of {manifest.slug}")
    return {name: from_environment(found, (*at, name), value) for name, value in given.items()}


def _as_chosen(found: Located, place: tuple[str, ...], manifest: Manifest, config: Mapping[str, str]) -> Manifest:
    try:
        return manifest.chosen(config)
    except Misconfigured as wrong:
        raise found.wrong((*place, "config", WAY), wrong.what, wrong.accepted) from None


def _told_at_sign_in(manifest: Manifest, account: Account) -> dict[str, str]:
    """What a person's sign-in told about the account outlives the next reading of the file."""
    if account.provider != manifest.slug:
        return {}
    return {
        name: text
        for name, text in account.config.items()
        if name in manifest.config and manifest.config[name].captured
    }


def _references(found: Located, place: tuple[str, ...], given: Mapping[str, Any], manifest: Manifest) -> dict[str, Any]:
    for name in given:
        known(found, (*place, "secrets", name), name, list(manifest.secrets), f"secret of {manifest.slug}")
    return dict(given)


def _demand_secrets(found: Located, place: tuple[str, ...], manifest: Manifest, given: set[str]) -> None:
    at = (*place, "secrets")
    _demand(found, at, manifest.secrets, given, "secret")
    auth = manifest.auth.oauth
    if auth is not None and auth.grant == "refresh_token" and not {auth.access, auth.refresh} & given:
        missing = f"the secret {auth.access!r} is missing, and so is {auth.refresh!r}"
        raise found.wrong(at, missing, f"{auth.access} or {auth.refresh}")


def _tables(
    found: Located, place: tuple[str, ...], wanted: Mapping[str, Any], account: Account, provider: str,
    config: Mapping[str, str], references: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """Those of the file, looked at if they are new or chosen differently; without any in the file, as they were."""
    if "tables" not in wanted:
        return dict(account.tables)
    reached = Account(
        slug=account.slug, provider=provider, config=config, secrets=account.secrets, secret_refs=references,
        allow_private=wanted.get("allow_private", False), tables=account.tables,
    )  # fmt: skip
    out: dict[str, Any] = {}
    for slug, choice in wanted["tables"].items():
        try:
            out[slug] = choose(reached, slug, choice)
        except (ConnectorError, SecretProblem) as error:
            raise found.wrong((*place, "tables", slug), str(error)) from None
    return out


def _demand(found: Located, at: tuple[str, ...], specs: Mapping[str, Setting], given: set[str], what: str) -> None:
    for name, spec in specs.items():
        if spec.required and spec.default is None and name not in given:
            raise found.wrong(at, f"the {what} {name!r} is missing ({spec.label})", ", ".join(specs))
