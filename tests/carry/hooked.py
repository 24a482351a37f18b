"""A small provider of the test's own, as a file in a folder, whose webhook section each test writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from django.test import Client

from syncapp.models import Account, Tally
from syncapp.secrets import encrypt

PROVIDER: dict[str, Any] = {
    "slug": "acme",
    "name": "Acme",
    "base_url": "{config.server}",
    "config": {"server": {"label": "Server"}},
    "secrets": {"token": {"label": "Token"}},
    "auth": {"type": "bearer", "token": "{secret.token}"},
    "objects": {
        "contacts": {
            "name": "Contacts",
            "id": "id",
            "fields": {"email": {"path": "email", "type": "email"}},
            "operations": {
                "list": {
                    "method": "GET",
                    "path": "/contacts",
                    "items": "data",
                    "delta": {"param": "since", "format": "iso", "resolution": 1, "inclusive": True},
                },
                "read": {"method": "GET", "path": "/contacts/{id}"},
            },
        }
    },
}
EVENTS = {
    "type": "type",
    "types": {"changed": {"object": "contacts", "kind": "updated"}, "ping": {"object": "*", "kind": "poll"}},
    "record_id": "record",
    "ignore": ["hello"],
}


def acme(folder: Path, settings: Any, webhook: dict[str, Any], **more: Any) -> Account:
    """The account of the CRM side becomes one of this provider."""
    told = {**PROVIDER, **more, "webhook": {"signature": {"scheme": "none"}, "events": EVENTS, **webhook}}
    (folder / "acme.yaml").write_text(yaml.safe_dump(told, sort_keys=False))
    settings.PROVIDER_FOLDERS = [folder]
    account = Account.objects.get(slug="crm")
    account.provider = "acme"
    account.config = {"server": "http://127.0.0.1:9"}
    account.secrets = encrypt({"token": "t", "webhook": "s3cret"})
    account.save()
    return account


def without_secret(account: Account) -> None:
    account.secrets = encrypt({"token": "t"})
    account.save()


def post(account: Account, body: Any, query: str = "", kind: str = "application/json", **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {name.replace("_", "-"): text for name, text in headers.items()}
    return Client(enforce_csrf_checks=True).post(
        f"/hooks/{account.webhook_token}/{query}", content, content_type=kind, headers=told
    )


def tallies() -> dict[str, int]:
    return dict(Tally.objects.values_list("reason", "number"))
