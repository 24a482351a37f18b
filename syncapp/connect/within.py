"""How many of an account's first records a scope would take: one page is read, no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from syncapp.clients import client_of
from syncapp.connectors.errors import ConnectorError
from syncapp.connectors.mapping import Mapping as Mapped
from syncapp.connectors.records import Item
from syncapp.mapper.editor import Editor
from syncapp.mapper.entries import Entry
from syncapp.models import Account
from syncapp.scope import ScopeError, scope_of
from syncapp.secrets import SecretProblem
from syncapp.translate import Translator, Unreadable
from syncapp.words import counted, sentence

from .tried import SHORT

PAGE = 100


def counted_in(
    account: Account, editor: Editor, mapping: Mapping[str, Entry], conditions: Sequence[Mapping[str, Any]]
) -> str:
    """A sentence; also where it cannot be told."""
    try:
        mapped = Mapped.parse(mapping, spec=editor.spec)
        scope = scope_of(conditions, mapped, editor.spec, editor.kinds)
        items, whole = _first(account, editor.spec.slug)
    except (ConnectorError, ScopeError, SecretProblem, ValueError) as error:
        return sentence(f"How many records that are cannot be told: {error}")
    reading = Translator("", editor.spec, mapped, editor.kinds)
    taken = sum(scope.takes(_values(reading, item), item.body, partial=False) for item in items)
    return f"It takes {taken} of {'all' if whole else 'the first'} {counted(len(items), 'record')}."


def _first(account: Account, object_slug: str) -> tuple[list[Item], bool]:
    client = client_of(account, timeouts=SHORT)
    try:
        page = next(iter(client.pages(object_slug, size=PAGE)))
        return [item for item in page.items if not item.deleted], page.last
    finally:
        client.close()


def _values(reading: Translator, item: Item) -> Mapping[str, Any]:
    """What cannot be read is set aside when the feed is read, and is within no scope."""
    try:
        return reading.values(item)
    except Unreadable:
        return {}
