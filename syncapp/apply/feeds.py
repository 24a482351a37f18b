"""The feed of a role: its object, mapping, scope and pace, checked, and what follows for what is linked already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policies.models import Role
from syncapp.connectors.errors import ConnectorError
from syncapp.connectors.mapping import Mapping as Mapped
from syncapp.connectors.spec import ObjectSpec
from syncapp.facts import object_spec
from syncapp.models import Account, Feed
from syncapp.reconcile import forget_digests

from .changes import Changes
from .file import Complains, known
from .scopes import as_kept, check_scope, read_anew
from .stage import stage_of

Wanted = Mapping[str, Any]
Place = tuple[str, ...]


def put_feed(
    found: Complains,
    changes: Changes,
    place: Place,
    role: Role,
    spec: Wanted,
    fields: Mapping[str, Wanted],
    accounts: Mapping[str, Account],
) -> Feed:
    """The feed of a role as a file or a form says; what that means for its links and its stage. Raises ApplyError."""
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
    return feed


def as_a_file_says(feed: Feed) -> dict[str, Any]:
    """What `put_feed` would be told to leave it as it is."""
    return {
        "account": feed.account.slug,
        "object": feed.object,
        "mapping": feed.mapping,
        "scope": feed.scope,
        "every": feed.schedule,
        "settle": feed.settle_delay,
        "paused": feed.paused,
    }


def _check_mapping(
    found: Complains, place: Place, account: Account, spec: Wanted, fields: Mapping[str, Wanted]
) -> None:
    for name in spec["mapping"]:
        known(found, (*place, "mapping", name), name, list(fields), "field")
    try:
        objects = object_spec(account, spec["object"])
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
