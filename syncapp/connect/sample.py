"""One real record of an account, read for people who map its fields; kept for a moment, in this process only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.core.cache import cache

from syncapp.clients import client_of
from syncapp.connectors.errors import ConnectorError
from syncapp.connectors.records import Item
from syncapp.connectors.speaks import Speaks
from syncapp.models import Account
from syncapp.secrets import SecretProblem
from syncapp.words import sentence

from .tried import SHORT

SECONDS = 120
FEW = 20


@dataclass(frozen=True, slots=True)
class Sample:
    """A record of the provider, or why there is none to be shown."""

    id: str = ""
    body: Mapping[str, Any] | None = None
    trouble: str = ""


def sample_of(account: Account, object_slug: str, wanted: str = "") -> Sample:
    """The record with this id, else the first one of a listing that is not deleted. Never raises."""
    name = f"sample:{account.pk}:{object_slug}:{hash((wanted, str(account.config)))}"
    held = cache.get(name)
    if held is not None:
        told = orjson.loads(held)
        return Sample(told["id"], told["body"])
    found = _read(account, object_slug, wanted)
    if found.body is not None:
        cache.set(name, orjson.dumps({"id": found.id, "body": found.body}).decode(), SECONDS)
    return found


def _read(account: Account, object_slug: str, wanted: str) -> Sample:
    try:
        client = client_of(account, timeouts=SHORT)
    except (ConnectorError, SecretProblem) as error:
        return Sample(trouble=sentence(str(error)))
    try:
        item = client.read(object_slug, wanted) if wanted else _first(client, object_slug)
    except ConnectorError as error:
        return Sample(trouble=sentence(str(error)))
    finally:
        client.close()
    if item is None:
        return Sample(trouble="There is no record there yet. Make one, and its values are shown here.")
    return Sample(item.id, item.body)


def _first(client: Speaks, object_slug: str) -> Item | None:
    page = next(iter(client.pages(object_slug, size=FEW)), None)
    return next((item for item in page.items if not item.deleted), None) if page is not None else None
