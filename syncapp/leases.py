"""How long a claim lasts: whoever holds one and dies gives it back when it is over."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings


def lease(seconds: float) -> timedelta:
    """Shorter under CONCORD_LEASE_SCALE, where tests kill workers and do not want to wait."""
    return timedelta(seconds=seconds * settings.LEASE_SCALE)
