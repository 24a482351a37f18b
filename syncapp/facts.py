"""What a role's feed can do, derived from its provider's manifest and its mapping: the bridge from hands to judge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings

from policies.compile import RoleFacts

from .connectors import registry
from .connectors.spec import FieldSpec, ObjectSpec
from .models import Account, Feed

Entry = str | Mapping[str, Any]


def facts_of(feed: Feed) -> RoleFacts:
    """Raises ManifestError if the provider is unknown or its file is wrong."""
    return facts_for(feed.account, feed.object, feed.mapping)


def facts_for(account: Account, object_slug: str, mapping: Mapping[str, Entry]) -> RoleFacts:
    direction = Account.Direction(account.direction).value
    spec = object_spec(account.provider, object_slug)
    return _facts(_Same(spec), json.dumps(mapping, sort_keys=True), direction)


def object_spec(provider: str, object_slug: str) -> ObjectSpec:
    """Raises LookupError naming the objects there are."""
    manifest = registry.load(provider, tuple(settings.PROVIDER_FOLDERS))
    if object_slug not in manifest.objects:
        raise LookupError(
            f"provider {provider!r} has no object {object_slug!r}; accepted: {', '.join(sorted(manifest.objects))}"
        )
    return manifest.objects[object_slug]


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
def _facts(same: _Same, mapping_text: str, direction: str) -> RoleFacts:
    spec: ObjectSpec = same.spec
    mapping: dict[str, Entry] = json.loads(mapping_text)
    fields = {name: field_of(spec, entry) for name, entry in mapping.items()}
    ways = {name: way_of(entry) for name, entry in mapping.items()}
    times = spec.updated_at
    return RoleFacts(
        norms={name: list(field.normalises) for name, field in fields.items() if field and field.normalises},
        readable=frozenset(name for name in mapping if ways[name] in ("both", "in")),
        writable=frozenset(
            name
            for name, field in fields.items()
            if ways[name] in ("both", "out") and spec.can("update") and (field is None or field.writable)
        ),
        exact=spec.version.exact,
        ordered=spec.version.ordered,
        conditional=spec.conditional,
        timed=times is not None,
        granularity=times.resolution if times is not None else 0.0,
        direction=direction,
        creates=spec.can("create"),
    )


def way_of(entry: Entry) -> str:
    """both, in (read only) or out (written only)."""
    return "both" if isinstance(entry, str) else str(entry.get("direction", "both"))


def field_of(spec: ObjectSpec, entry: Entry) -> FieldSpec | None:
    """The provider's own field behind a mapping entry: by its name, or by the path it is at."""
    if isinstance(entry, str):
        return spec.fields.get(entry)
    if "field" in entry:
        return spec.fields.get(entry["field"])
    return next((field for field in spec.fields.values() if field.path == entry.get("path")), None)
