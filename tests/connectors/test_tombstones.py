"""What a file calls a tombstone: one value, or one of several."""

from __future__ import annotations

from typing import Any

import pytest

from syncapp.connectors import registry
from syncapp.connectors.items import ItemReader

READER = ItemReader(registry.load("microsoft_graph").objects["contacts"])


@pytest.mark.parametrize(
    ("told", "deleted"),
    [
        ({"@removed": {"reason": "deleted"}}, True),
        ({"@removed": {"reason": "changed"}}, True),
        ({"@removed": {"reason": "moved to the moon"}}, False),
        ({"displayName": "Nora Keller"}, False),
    ],
)
def test_a_contact_is_gone_for_every_reason_that_its_file_names(told: dict[str, Any], deleted: bool) -> None:
    assert READER.item({"id": "AAMk1", **told}, asked_at=0.0).deleted is deleted
