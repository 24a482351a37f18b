"""The syncs of a file: fields, match keys, and roles bound to feeds with their mappings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Model

from policies.core.types import FIELD_TYPES, field_type
from policies.models import Role, Sync, SyncField
from syncapp.connectors.errors import ConnectorError
from syncapp.connectors.located import Located
from syncapp.connectors.mapping import Mapping as Mapped
from syncapp.connectors.spec import ObjectSpec
from syncapp.facts import object_spec
from syncapp.models import Account, Feed, Push
from syncapp.reconcile import forget_digests

from .changes import Changes
from .file import known
from .scopes import as_kept, check_scope, read_anew
from .stage import stage_of

Wanted = Mapping[str, Any]
Place = tuple[str, ...]


def put_sync(found: Located, changes: Changes, slug: str, wanted: Wanted, accounts: Mapping[str, Account]) -> Sync:
    place = ("syncs", slug)
    sync = Sync.objects.select_for_update().filter(slug=slug).first() or Sync(slug=slug)
    fields = list(wanted["fields"])
    _check_fields(found, place, wanted["fields"])
    for number, key in enumerate(wanted.get("match", [])):
        for name in key:
            known(found, (*place, "match", number), name, fields, "field")
    for name in wanted.get("title", []):
        known(found, (*place, "title"), name, fields, "field")
    changes.put(
        sync,
        f"sync {slug}",
        {
            "name": wanted.get("name", slug),
            "match_keys": wanted.get("match", []),
            "title_fields": wanted.get("title", []),
        },
    )
    _put_fields(changes, sync, wanted["fields"])
    _put_roles(found, changes, place, sync, wanted, accounts)
    return sync


def _check_fields(found: Located, place: Place, fields: Mapping[str, Wanted]) -> None:
    for name, spec in fields.items():
        at = (*place, "fields", name)
        known(found, (*at, "type"), spec["type"], list(FIELD_TYPES), "field type")
        try:
            field_type(spec["type"], **spec.get("params", {}))
        except (ValueError, TypeError) as error:
            raise found.wrong((*at, "params"), str(error)) from None
        if spec.get("bundle") in fields:
            raise found.wrong((*at, "bundle"), f"the bundle {spec['bundle']!r} has the name of a field", "another name")


def _put_fields(changes: Changes, sync: Sync, wanted: Mapping[str, Wanted]) -> None:
    rows = {row.name: row for row in sync.fields.all()}
    for order, (name, spec) in enumerate(wanted.items()):
        values = {
            "type": spec["type"],
            "params": spec.get("params", {}),
            "label": spec.get("label", ""),
            "group": spec.get("group", ""),
            "bundle": spec.get("bundle", ""),
            "order": order,
        }
        changes.put(rows.get(name) or SyncField(sync=sync, name=name), f"sync {sync.slug}: field {name}", values)
    _remove_others(changes, rows, wanted, f"sync {sync.slug}: field")


def _remove_others(changes: Changes, rows: Mapping[str, Model], wanted: Wanted, what: str) -> None:
    for name, row in rows.items():
        if name not in wanted:
            changes.remove(row, f"{what} {name}")


def _put_roles(
    found: Located, changes: Changes, place: Place, sync: Sync, wanted: Wanted, accounts: Mapping[str, Account]
) -> None:
    rows = {row.name: row for row in sync.roles.all()}
    for order, (name, spec) in enumerate(wanted["roles"].items()):
        role = rows.get(name) or Role(sync=sync, name=name)
        changes.put(role, f"sync {sync.slug}: role {name}", {"label": spec.get("label", ""), "order": order})
        _put_feed(found, changes, (*place, "roles", name), role, spec, wanted["fields"], accounts)
    for name, role in rows.items():
        if name not in wanted["roles"]:
            _remove_role(found, changes, (*place, "roles"), role)


def _remove_role(found: Located, changes: Changes, place: Place, role: Role) -> None:
    feed = Feed.objects.filter(role=role).first()
    if feed is not None and (feed.links.exists() or feed.pushes.exclude(state=Push.State.PENDING).exists()):
        raise found.wrong(
            place,
            f"the role {role.name!r} is in use and not in the file; its links would be lost",
            f"keep {role.name}, and set direction: off on its account to silence it",
        )
    if feed is not None:
        feed.pushes.all().delete()  # only what would have been due there
        changes.remove(feed, f"feed of role {role.name}")
    changes.remove(role, f"role {role.name}")


def _put_feed(
    found: Located,
    changes: Changes,
    place: Place,
    role: Role,
    spec: Wanted,
    fields: Mapping[str, Wanted],
    accounts: Mapping[str, Account],
) -> None:
    known(found, (*place, "account"), spec["account"], list(accounts), "account")
    account = accounts[spec["account"]]
    feed = Feed.objects.select_related("account").filter(role=role).first() or Feed(role=role)
    _check_mapping(found, place, account, spec, fields)
    moved = feed.pk is not None and (feed.account_id, feed.object) != (account.pk, spec["object"])
    if moved and feed.links.exists():
        raise found.wrong(
            place,
            f"the role {role.name!r} has links at {feed.account.slug}/{feed.object} and cannot be bound elsewhere",
            f"account: {feed.account.slug}, object: {feed.object}, or a role of another name",
        )
    check_scope(found, place, account, spec, fields)
    mapped, taken = feed.mapping, feed.scope
    values = {
        "account": account,
        "object": spec["object"],
        "mapping": dict(spec["mapping"]),
        "scope": as_kept(spec.get("scope", [])),
        "schedule": float(spec.get("every", 60)),
        "settle_delay": float(spec.get("settle", 0)),
        "paused": spec.get("paused", ""),
    }
    units = {name: told.get("bundle", name) for name, told in fields.items()}
    values |= stage_of(feed, spec, units, moved=moved)
    changes.put(feed, f"sync {role.sync.slug}: feed of {role.name}", values)
    if feed.stage == Feed.Stage.PREVIEW and values.get("stage"):
        changes.add(f"  in preview ({feed.stage_reason}): nothing is read or written before its plan is approved")
    if mapped != feed.mapping or taken != feed.scope:
        forget_digests(feed_id=feed.pk)
    if taken != feed.scope:
        read_anew(feed)


def _check_mapping(found: Located, place: Place, account: Account, spec: Wanted, fields: Mapping[str, Wanted]) -> None:
    for name in spec["mapping"]:
        known(found, (*place, "mapping", name), name, list(fields), "field")
    try:
        objects = object_spec(account.provider, spec["object"])
    except LookupError as error:
        raise found.wrong((*place, "object"), str(error)) from None
    for name, entry in spec["mapping"].items():
        if isinstance(entry, str) and not _declared(entry, objects):
            raise found.wrong(
                (*place, "mapping", name),
                f"{spec['object']} of {account.provider} declares no field {entry!r}",
                f"{', '.join(objects.fields)}, a path into one of them, or {{path: {entry}}} to mean it all the same",
            )
        try:
            Mapped.parse({name: entry}, spec=objects)
        except (ConnectorError, ValueError) as error:
            accepted = getattr(error, "accepted", "")
            raise found.wrong((*place, "mapping", name), getattr(error, "what", str(error)), accepted) from None


def _declared(entry: str, spec: ObjectSpec) -> bool:
    """Whether a bare word means something the provider's file knows: a typing error would never show a value."""
    if not spec.fields or spec.open_fields:
        return True
    names = {*spec.fields, *(known.path for known in spec.fields.values())}
    return entry in names or any(entry.startswith((f"{name}.", f"{name}[")) for name in names)
