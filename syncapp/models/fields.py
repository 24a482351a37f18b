"""The JSON column of rows that are read by the thousand: parsed by orjson, which also wrote what stands there."""

from __future__ import annotations

from typing import Any

import orjson
from django.db import models


class Document(models.JSONField):
    """For migrations it is a plain JSONField: the column and its look-ups are the same."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        # A part that was asked for by its key may come decoded already, or as text that is no JSON: Django knows how.
        if isinstance(value, str) and not hasattr(expression, "key_name"):
            return orjson.loads(value)
        return super().from_db_value(value, expression, connection)

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs
