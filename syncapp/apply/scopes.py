"""The scope of a feed in a file: checked against what the feed tells, and what follows when it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from policies.core.types import field_type
from syncapp.connectors.mapping import Mapping as Mapped
from syncapp.facts import object_spec
from syncapp.models import Account, Feed
from syncapp.scope import ScopeError, scope_of

from .file import Complains

Wanted = Mapping[str, Any]
LONG_AGO = "1970-01-01T00:00:00+00:00"


def check_scope(
    found: Complains, place: tuple[str, ...], account: Account, spec: Wanted, fields: Mapping[str, Wanted]
) -> None:
    """Raises ApplyError at the condition that cannot be asked."""
    objects = object_spec(account, spec["object"])
    kinds = {name: field_type(told["type"], **told.get("params", {})) for name, told in fields.items()}
    try:
        scope_of(as_kept(spec.get("scope", [])), Mapped.parse(spec["mapping"], spec=objects), objects, kinds)
    except ScopeError as error:
        raise found.wrong((*place, "scope", *error.at), str(error)) from None


def as_kept(conditions: Sequence[Wanted]) -> list[dict[str, Any]]:
    """Times that YAML read as such are kept as the text they were."""
    return [{name: _plain(value) for name, value in condition.items()} for condition in conditions]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def read_anew(feed: Feed) -> None:
    """What was left out may be taken now and the other way round: everything is read once more, from the beginning.

    Where records are linked that pass is `whole`, without the provider's filters: what is left out now shows itself,
    and is not taken for missing.
    """
    cursor = {name: told for name, told in feed.cursor.items() if name != "at"}
    if "full_at" in cursor:
        cursor["full_at"] = LONG_AGO
    if feed.links.exists():
        cursor["whole"] = True
    Feed.objects.filter(pk=feed.pk).update(cursor=cursor, next_due=None)
