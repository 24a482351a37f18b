"""A person changes a field in the hub: the same door as every other change, with the version that was shown."""

from __future__ import annotations

from policies.core.resolve import edit
from policies.core.seen import Context
from policies.core.values import Values

from . import models
from .again import again
from .store import PgStore


def edit_record(row: models.Record, unit: str, value: Values, seen_version: int, actor: str) -> None:
    """Raises Refused when the policy forbids it, the value is not valid or the field is in review."""
    store, key = PgStore(row.sync), str(row.key)

    def once() -> None:
        with store.open(key) as page:
            record = page.record(key)
            assert record is not None, "records are never deleted"
            page.save(edit(record, unit, value, seen_version, actor, page.policy, Context(store.now())))

    again(once)
