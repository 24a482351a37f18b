"""A small provider to test with, and ways to bend it."""

from __future__ import annotations

import copy
from typing import Any

import yaml

from syncapp.connectors.client import Client
from syncapp.connectors.manifest import Manifest, parse
from syncapp.connectors.transport import Timeouts

BASE: dict[str, Any] = {
    "slug": "acme",
    "name": "Acme",
    "base_url": "{config.server}",
    "config": {"server": {"label": "Server"}},
    "secrets": {"token": {"label": "Token"}},
    "auth": {"type": "bearer", "token": "{secret.token}"},
    "errors": {"message": "error.message", "code": "error.code", "field": "error.param"},
    "objects": {
        "people": {
            "name": "People",
            "id": "id",
            "version": {"kind": "ordered", "path": "rev", "header": "ETag"},
            "updated_at": {"path": "at", "format": "iso"},
            "deleted": {"path": "gone", "value": True},
            "actor": "by",
            "fields": {"email": {"path": "email", "type": "email"}},
            "operations": {
                "list": {"method": "GET", "path": "/people", "query": {"limit": "{size}"}, "items": "data"},
                "read": {"method": "GET", "path": "/people/{id}"},
                "create": {
                    "method": "POST",
                    "path": "/people",
                    "item": "",
                    "idempotency": {"Idempotency-Key": "{key}"},
                },
                "update": {
                    "method": "PATCH",
                    "path": "/people/{id}",
                    "item": "",
                    "idempotency": {"Idempotency-Key": "{key}"},
                    "conditional": {"header": "If-Match", "template": "{version|quoted}", "current": "current"},
                },
                "delete": {"method": "DELETE", "path": "/people/{id}"},
            },
        }
    },
}


def bent(changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """The base with dotted changes; the value ``...`` removes a key."""
    raw = copy.deepcopy(BASE)
    for place, value in (changes or {}).items():
        *way, last = place.split(".")
        here = raw
        for step in way:
            here = here.setdefault(step, {})
        if value is ...:
            del here[last]
        else:
            here[last] = value
    return raw


def manifest(changes: dict[str, Any] | None = None) -> Manifest:
    return parse(yaml.safe_dump(bent(changes), sort_keys=False), "acme.yaml")


def client(url: str, changes: dict[str, Any] | None = None, **options: Any) -> Client:
    options = {"allow_private": True, "timeouts": Timeouts(1, 0.5, 3), **options}
    return Client(manifest(changes), {"server": url}, {"token": "tok-secret"}, **options)


LIST = "objects.people.operations.list"
