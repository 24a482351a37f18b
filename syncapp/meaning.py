"""What a feed's bodies mean: its translator, made of its mapping, the types of its sync's fields, and its scope."""

from __future__ import annotations

from policies.core.types import field_type

from .connectors.errors import MappingError
from .connectors.mapping import Mapping as Mapped
from .facts import object_spec
from .models import Feed
from .references import References, targets_of
from .scope import ScopeError, scope_of
from .translate import Translator, basis_of


def translator_of(feed: Feed) -> Translator:
    """Of a feed that was loaded with its account, role and sync. Raises ManifestError and MappingError."""
    where = f"mapping of {feed.role.name}"
    try:
        spec = object_spec(feed.account, feed.object)
    except LookupError as error:
        raise MappingError(str(error), where) from None
    types = {row.name: (row.type, row.params) for row in feed.role.sync.fields.all()}
    kinds = {name: field_type(kind, **params) for name, (kind, params) in types.items()}
    mapping = Mapped.parse(feed.mapping, where, spec)
    try:
        scope = scope_of(feed.scope, mapping, spec, kinds)
    except ScopeError as error:
        raise MappingError(f"the scope cannot be asked: {error}", where, "mend the sync's file, and apply it") from None
    basis = basis_of(mapping, types, scope)
    targets = targets_of(feed)
    references = References(targets) if targets else None
    return Translator(feed.role.name, spec, mapping, kinds, feed.account.actor, basis, scope, references)
