"""What the hub believes about the record that a sample stands for, so that people see both sides of a mapping."""

from __future__ import annotations

from collections.abc import Mapping

from policies.core.invalid import is_invalid
from policies.models import PolicySet, Sync
from syncapp.connectors.errors import ConnectorError
from syncapp.connectors.mapped import MISSING, Unmappable
from syncapp.connectors.mapping import Mapping as Mapped
from syncapp.explain import find_records
from syncapp.mapper.editor import Editor
from syncapp.mapper.entries import Entry
from syncapp.models import Record
from syncapp.words import text


def hub_values(sync: Sync, editor: Editor, mapping: Mapping[str, Entry]) -> dict[str, str]:
    """By field; of the record with the same match key, or of none."""
    record = _record(sync, editor, mapping)
    if record is None:
        return {}
    held = {name: value for told in record.beliefs.values() for name, value in told.get("value", {}).items()}
    return {name: text(value) for name, value in held.items()}


def _record(sync: Sync, editor: Editor, mapping: Mapping[str, Entry]) -> Record | None:
    if editor.body is None or not PolicySet.objects.filter(sync=sync, state=PolicySet.State.PUBLISHED).exists():
        return None
    for key in sync.match_keys:
        value = _value(editor, mapping, key[0]) if len(key) == 1 else None
        if isinstance(value, str) and (found := find_records(sync, value)):
            return found[0]
    return None


def _value(editor: Editor, mapping: Mapping[str, Entry], name: str) -> object:
    if name not in mapping or editor.body is None:
        return None
    try:
        raw = Mapped.parse({name: mapping[name]}, spec=editor.spec).read(editor.body).get(name, MISSING)
    except (ConnectorError, ValueError):
        return None
    if raw is MISSING or isinstance(raw, Unmappable):
        return None
    value = editor.kinds[name].read(raw)
    return None if is_invalid(value) else value
