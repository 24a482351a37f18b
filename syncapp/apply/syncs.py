"""The syncs of a file: fields, match keys, and roles bound to feeds with their mappings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Model

from policies.core.types import FIELD_TYPES, field_type
from policies.models import Role, Sync, SyncField
from syncapp.connectors.located import Located
from syncapp.models import Account, Feed, Push

from .changes import Changes
from .feeds import put_feed
from .file import Complains, known

Wanted = Mapping[str, Any]
Place = tuple[str, ...]


def put_sync(found: Located, changes: Changes, slug: str, wanted: Wanted, accounts: Mapping[str, Account]) -> Sync:
    sync = put_shape(found, changes, slug, wanted)
    if sync.retired:
        told = f"the sync {slug!r} was retired {sync.retired}"
        raise found.wrong(("syncs", slug), told, "take it up again on its page, or take it out of the file")
    _put_roles(found, changes, ("syncs", slug), sync, wanted, accounts)
    return sync


def put_shape(found: Complains, changes: Changes, slug: str, wanted: Wanted) -> Sync:
    """A sync without its roles: name, fields, match keys and title. Raises ApplyError."""
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
    return sync


def _check_fields(found: Complains, place: Place, fields: Mapping[str, Wanted]) -> None:
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
        changes.put(
            role, f"sync {sync.slug}: role {name}", {"label": spec.get("label", ""), "order": order, "left": ""}
        )
        put_feed(found, changes, (*place, "roles", name), role, spec, wanted["fields"], accounts)
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
