"""Small syncs for the clerk's tests: two sandbox accounts and a policy, made as rows."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from policies.core.seen import Observation
from policies.models import FieldRule, PolicySet, Role, Sync, SyncField
from syncapp.chaos.setup import without_database
from syncapp.demo.setup import FILE
from syncapp.models import Account, Feed
from syncapp.store import PgStore

CRM = {"email": "email", "first_name": "firstname", "phone": "phone", "street": "street", "city": "city"}
BILLING = {
    "email": "email",
    "first_name": "name_first",
    "phone": "telephone",
    "street": "address_line",
    "city": "town",
}
FIELDS = [
    {"name": "email", "type": "email"},
    {"name": "first_name", "type": "text"},
    {"name": "phone", "type": "text"},
    {"name": "street", "type": "text", "bundle": "address"},
    {"name": "city", "type": "text", "bundle": "address"},
]
BOTH = ["crm", "billing"]
RULES: dict[str, dict[str, Any]] = {
    "email": {"owner": "crm", "strategy": "owner_wins", "writers": BOTH, "readers": BOTH},
    "first_name": {"owner": "crm", "strategy": "owner_wins", "writers": BOTH, "readers": BOTH},
    "phone": {"owner": "shared", "strategy": "manual_review", "writers": BOTH, "readers": BOTH},
    "address": {"owner": "billing", "strategy": "owner_wins", "writers": ["billing"], "readers": BOTH},
}


def make_account(slug: str, **more: Any) -> Account:
    return Account.objects.create(slug=slug, name=slug, provider="sandbox", skew=0.0, **more)


def make_sync(rules: dict[str, dict[str, Any]] | None = None) -> Sync:
    sync = Sync.objects.create(
        slug="contacts", name="Contacts", match_keys=[["email"]], title_fields=["first_name", "email"]
    )
    SyncField.objects.bulk_create(SyncField(sync=sync, order=at, **spec) for at, spec in enumerate(FIELDS))
    for at, (name, object_slug, mapping) in enumerate([("crm", "contacts", CRM), ("billing", "customers", BILLING)]):
        role = Role.objects.create(sync=sync, name=name, order=at)
        Feed.objects.create(account=make_account(name), object=object_slug, role=role, mapping=mapping, stage="live")
    policy = PolicySet.objects.create(sync=sync, version=1, state="published", published_at=timezone.now())
    FieldRule.objects.bulk_create(
        FieldRule(policy_set=policy, unit=unit, **rule) for unit, rule in (rules or RULES).items()
    )
    return sync


def seen(store: PgStore, role: str, remote_id: str, **fields: Any) -> Observation:
    """What an account shows now."""
    version = fields.pop("version", None)
    deleted = fields.pop("deleted", False)
    return Observation(
        role,
        remote_id,
        fields,
        store.now(),
        version=version,
        deleted=deleted,
        updated_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def silent(_: object) -> None:
    """A bell that nobody hears: the database remembers what is due."""


def demo_file() -> Path:
    """The demo's set-up without the company's database, which has to be there to be set up; one file for all tests."""
    path = Path(tempfile.mkdtemp(prefix="concord-set-up-")) / "concord.yaml"
    path.write_text(without_database(FILE.read_text()))
    return path


def demo_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the demo's set-up file takes from the environment."""
    for number, name in enumerate(("CRM", "BILLING", "DIRECTORY"), start=1):
        monkeypatch.setenv(f"CONCORD_{name}_URL", f"http://127.0.0.1:{number}")
    monkeypatch.setenv("CONCORD_CRM_TOKEN", "crm-secret")
    monkeypatch.setenv("CONCORD_CRM_WEBHOOK_SECRET", "whsec_c2VjcmV0")
