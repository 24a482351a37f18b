"""What a role's feed can do, derived from its provider's manifest and its mapping: the bridge from hands to judge."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings

from policies.rolefacts import RoleFacts

from .connectors import registry
from .connectors.mapping import Mapping as Mapped
from .connectors.needed import needed
from .connectors.spec import Manifest, ObjectSpec
from .connectors.sql.objects import with_tables
from .models import Account, Feed
from .scope import told_to_the_judge

Entry = str | Mapping[str, Any]


def facts_of(feed: Feed) -> RoleFacts:
    """Raises ManifestError if the provider is unknown or its file is wrong."""
    return facts_for(feed.account, feed.object, feed.mapping, feed.scope)


def facts_for(
    account: Account, object_slug: str, mapping: Mapping[str, Entry], scope: Sequence[Mapping[str, Any]] = ()
) -> RoleFacts:
    direction = Account.Direction(account.direction).value
    spec = object_spec(account, object_slug)
    return _facts(_Same(spec), json.dumps(mapping, sort_keys=True), json.dumps(scope), direction)


def manifest_of(account: Account) -> Manifest:
    """The provider's file; of a database, with the tables that were chosen. Raises ManifestError or Misconfigured."""
    manifest = registry.load(account.provider, tuple(settings.PROVIDER_FOLDERS))
    return manifest if manifest.sql is None else with_tables(manifest, account.tables)


def object_spec(account: Account, object_slug: str) -> ObjectSpec:
    """Raises LookupError naming the objects there are."""
    objects = manifest_of(account).objects
    if object_slug not in objects:
        accepted = ", ".join(sorted(objects)) or f"none: no table of account {account.slug!r} was chosen yet"
        raise LookupError(f"provider {account.provider!r} has no object {object_slug!r}; accepted: {accepted}")
    return objects[object_slug]


class _Same:
    """A spec, told apart by identity: the registry gives the same object for as long as the file is the same."""

    __slots__ = ("spec",)

    def __init__(self, spec: ObjectSpec) -> None:
        self.spec = spec

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.spec is self.spec

    def __hash__(self) -> int:
        return id(self.spec)


@lru_cache(maxsize=256)
def _facts(same: _Same, mapping_text: str, scope_text: str, direction: str) -> RoleFacts:
    spec: ObjectSpec = same.spec
    entries: dict[str, Entry] = json.loads(mapping_text)
    mapping = Mapped.parse(entries, spec=spec)
    fields = mapping.fields
    times = spec.updated_at
    needs, lacks = needed(spec, fields)
    return RoleFacts(
        norms={name: norms for name, entry in entries.items() if (norms := norms_of(spec, entry))},
        readable=frozenset(name for name, field in fields.items() if field.reads),
        writable=frozenset(name for name, field in fields.items() if field.writes and spec.can("update")),
        exact=spec.version.exact,
        ordered=spec.version.ordered,
        conditional=spec.conditional,
        timed=times is not None,
        granularity=times.resolution if times is not None else 0.0,
        direction=direction,
        creates=spec.can("create"),
        scope=told_to_the_judge(json.loads(scope_text), mapping, spec),
        needs=needs,
        lacks=lacks,
    )


def norms_of(spec: ObjectSpec, entry: Entry) -> list[Any]:
    """The as-stored form: the mapping's own word, else the provider's on the field that the entry names."""
    if isinstance(entry, str):
        entry = {"field": entry, "path": entry}
    if "normalises" in entry:
        return list(entry["normalises"])
    known = spec.fields.get(entry.get("field", ""))
    if known is None:
        known = next((field for field in spec.fields.values() if field.path == entry.get("path")), None)
    return list(known.normalises) if known is not None else []
