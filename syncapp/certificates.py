"""Certificates of this installation: made by running the suite, kept as rows, stale once their file changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from syncapp import VERSION

from .certify.place import Against, Place
from .certify.report import Report
from .certify.run import Findings
from .clients import client_of
from .connectors import registry
from .connectors.spec import Manifest
from .facts import manifest_of
from .keeping import AccountKeeper
from .models import Account, Certificate
from .secrets import secrets_of


@dataclass(frozen=True)
class Held:
    """The last certificate of a provider against one kind of place, and whether it still speaks of its file."""

    certificate: Certificate
    current: bool


def manifest_named(slug: str) -> Manifest:
    """Raises ManifestError with the providers that there are."""
    return registry.load(slug, tuple(settings.PROVIDER_FOLDERS))


def digest_of(manifest: Manifest) -> str:
    return hashlib.sha256(Path(manifest.file).read_bytes()).hexdigest()


@contextmanager
def account_place(account: Account) -> Iterator[list[Place]]:
    """A live account, with its own credentials; tokens that are renewed meanwhile are kept for the hub."""
    manifest = manifest_of(account)
    yield [
        Place(
            manifest, account.config, secrets_of(account), Against.ACCOUNT, name=account.slug,
            allow_private=account.allow_private, keeper=AccountKeeper(account), opener=lambda: client_of(account),
        )
    ]  # fmt: skip


def report_of(manifest: Manifest, places: list[Place], findings: Findings, *, writes: bool) -> Report:
    against = places[0].against
    account = places[0].name if against is Against.ACCOUNT else ""
    now = datetime.now(UTC)
    return Report(manifest, digest_of(manifest), against, account, writes, VERSION, now, findings)


def keep(report: Report) -> Certificate:
    told = report.as_json()
    return Certificate.objects.create(
        provider=told["provider"], digest=told["digest"], against=told["against"], account=told["account"],
        writes=told["writes"], verdict=told["verdict"], capabilities=told["capabilities"], checks=told["checks"],
        hub_version=told["hub_version"], made_at=report.made_at,
    )  # fmt: skip


def held() -> dict[str, list[Held]]:
    """provider -> its last certificate against each kind of place, newest first. One query."""
    rows = Certificate.objects.order_by("provider", "against", "-made_at", "-id").distinct("provider", "against")
    digests: dict[str, str] = {
        slug: hashlib.sha256(path.read_bytes()).hexdigest()
        for slug, path in registry.files(settings.PROVIDER_FOLDERS).items()
    }
    found: dict[str, list[Held]] = {}
    for row in sorted(rows.defer("checks"), key=lambda row: row.made_at, reverse=True):
        found.setdefault(row.provider, []).append(Held(row, digests.get(row.provider) == row.digest))
    return found
