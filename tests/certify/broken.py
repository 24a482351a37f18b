"""Provider files with one thing wrong in each, and the check that has to find it."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import yaml

from syncapp.connectors import manifest
from syncapp.connectors.spec import Manifest

Path = tuple[str | int, ...]


def broken(whole: Manifest, *changes: tuple[str, Any]) -> Manifest:
    """The manifest with other values at dotted paths; `...` takes a key away."""
    with open(whole.file, encoding="utf-8") as file:
        data = json.loads(json.dumps(yaml.safe_load(file)))  # anchors make one object of what is two
    for path, value in changes:
        *parents, last = path.split(".")
        place = data
        for name in parents:
            place = place.setdefault(name, {})
        if value is ...:
            del place[last]
        else:
            place[last] = deepcopy(value)
    return manifest.parse(yaml.safe_dump(data, sort_keys=False), whole.file)


def case(object: str, check: str, *changes: tuple[str, Any], mend: str = "") -> tuple[Any, ...]:
    """Paths that begin with a dot are within the object; with two, within its list."""
    starts: tuple[tuple[str, Callable[[str], str]], ...] = (
        ("..", lambda path: f"objects.{object}.operations.{path}"),
        (".", lambda path: f"objects.{object}.{path}"),
        ("", lambda path: path),
    )
    full = []
    for path, value in changes:
        dots, make = next((dots, make) for dots, make in starts if path.startswith(dots))
        full.append((make(path.removeprefix(dots)), value))
    return object, check, tuple(full), mend


CRM, BILLING = "contacts", "customers"
SANDBOX = [
    case(CRM, "auth.works", ("auth.headers", {"X-Token": "{secret.token}"})),
    case(CRM, "auth.refresh", ("auth.token_url", "{config.server}/oauth/tokens")),
    case(CRM, "read.by_id", (".id", "properties.email")),
    case(CRM, "read.understood", (".fields.credit_limit.transforms", ["bool_text"]), mend="transforms"),
    case(CRM, "read.many", ("..read_many.items", "hits")),
    case(CRM, "list.complete", ("..list.paging.path", "paging.after"), mend="paging"),
    case(CRM, "list.complete", ("..list.items", "data")),
    case(CRM, "list.size_kept", ("..list.query", {"page_size": "{size}"}), mend="{size}"),
    case(CRM, "list.not_capped", ("..list.paging.max_size", 900), mend="max_size"),
    case(BILLING, "list.complete", ("..list.paging.pages", "page"), mend="paging"),
    case(BILLING, "delta.while_changing", ("..list.paging.restart", False), mend="restart"),
    case(CRM, "create.partly", (".fields.lastname.path", "properties.firstname"), mend="lastname"),
    case(CRM, "update.receipt", ("..update.item", "record"), mend="item"),
    case(CRM, "trouble.down", ("..list.success", [200, 503])),
    case(CRM, "trouble.forbidden", ("..list.success", [200, 403])),
    case(BILLING, "create.read_back", (".fields.credit_cents.transforms", ["number"]), mend="credit_cents"),
    case(CRM, "create.read_back", (".fields.city.path", "properties.town"), mend="city"),
    case(CRM, "create.receipt", ("..create.item", "record")),
    case(CRM, "create.field_named", (".errors.field", "param"), mend="errors"),
    case(CRM, "idempotent.same_key", ("..create.idempotency", {"Idempotence": "{key}"}), mend="idempotency"),
    case(CRM, "find.finds", ("..find.by", {"email": "mail", "external_id": "externalId"})),
    case(BILLING, "find.nothing_else", ("..find.by", {"email": "mail"}), mend="ignored"),
    case(CRM, "find.many", ("..find_many.items", "found")),
    case(CRM, "update.only_named", ("..update.body", {"properties": {}})),
    case(CRM, "update.clears", (".fields.firstname.clear", "omit"), mend='clear: "null"'),
    case(CRM, "values.normalises", (".fields.email.normalises", ["trim"]), mend="[trim, lower]"),
    case(BILLING, "values.normalises", (".fields.address_line.normalises", []), mend="truncate: 40"),
    case(CRM, "values.normalises", (".fields.credit_limit.normalises", [{"scale": 2}]), mend="scale_half_up: 2"),
    case(BILLING, "values.normalises", (".fields.name_first.normalises", ["upper"]), mend="normalises: []"),
    case(CRM, "update.version_moves", (".version", {"kind": "exact", "path": "createdAt"}), mend="version"),
    case(CRM, "update.time_moves", (".updated_at.path", "createdAt"), mend="updated_at"),
    case(CRM, "update.time_moves", (".updated_at.path", "changedAt"), mend="updated_at"),
    case(CRM, "conditional.stale", ("..update.conditional.header", "If-Version"), mend="ignores it"),
    case(CRM, "conditional.fresh", ("..update.conditional.template", "{version}x")),
    case(CRM, "conditional.delete", ("..delete.conditional.header", "If-Version"), mend="ignores it"),
    case(CRM, "delta.narrows", ("..list.delta.param", "changed_after"), mend="ignores it"),
    case(BILLING, "delta.shows_new", ("..list.delta.format", "unix_ms"), mend="format"),
    case(CRM, "delta.tombstones", (".deleted.value", "yes"), mend="deleted"),
    case(CRM, "batch.creates", ("..create_many.entries.record", "made")),
    case(CRM, "batch.bad_create", ("..create_many.entries.status", "state")),
    case(BILLING, "batch.gone_update", ("..update_many.entries.mark", "key")),
    case(CRM, "batch.stale_update", ("..update_many.conditional.body", "etag"), mend="conditional"),
    case(BILLING, "delete.gone", (".deleted.path", "archived"), mend="deleted"),
    case(CRM, "trouble.limited", ("limits.refused", [430]), mend="limits"),
    case(CRM, "trouble.no_answer", ("..create.idempotency", {"Idempotence": "{key}"}), mend="idempotency"),
    case(CRM, "webhook.good", ("webhook.signature", {"scheme": "hmac", "header": "webhook-signature"})),
    case(
        CRM, "webhook.old",
        ("webhook.signature", {
            "scheme": "hmac", "header": "webhook-signature", "encoding": "base64", "prefix": "v1,", "separator": " ",
            "template": "{id}.{timestamp}.{body}", "secret": "whsec", "id_header": "webhook-id",
            "timestamp": {"header": "webhook-timestamp", "tolerance": 10_000_000},
        }), mend="tolerance",
    ),
    case(CRM, "webhook.tells", ("webhook.events.record_id", "data.version"), mend="record_id"),
    case(CRM, "webhook.known_again", ("webhook.events.id_header", "x-delivery"), mend="id_header"),
    case(CRM, "webhook.any_order", ("webhook.events.version", "data.number"), mend="version"),
    case(CRM, "webhook.carries", ("webhook.events.record", "data.body"), mend="record"),
    case(CRM, "webhook.echo", ("webhook.events.actor", ...), ("webhook.events.origin", "type"), mend="origin"),
]  # fmt: skip
AIRTABLE = [
    case("records", "read.columns", ("..columns.items", "cells"), mend="`items` is where records show them"),
    case("records", "read.columns", ("..columns.ids", {"jsonata": "body.bases.name"}), mend="`ids` names the columns"),
]  # fmt: skip
GRAPH = [
    case("contacts", "update.neighbours", ("..update.keeps", ...), mend="operations.update.keeps"),
    case(
        "contacts", "update.neighbours",
        ("..update.keeps", [{"path": "emailAddresses", "jsonata": "$append(sent, now[0])"}]), mend="writable: false",
    ),
]  # fmt: skip
KINTO = [
    case("records", "delta.boundary", ("..list.delta.inclusive", True), mend="inclusive: false"),
    case("records", "list.complete", ("..list.paging.header", "Next"), mend="paging"),
    case("records", "update.clears", (".fields.note", {"path": "note", "clear": "null"}), mend='omitted: "null"'),
    case("records", "delete.gone", ("..read.success", [200, 404])),
]
