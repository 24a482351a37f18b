"""Where brakes trip: what a policy says about it, and the hub's own figures for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from .core.rules import Limits

LIMITS = tuple(one.name for one in fields(Limits))


def limits_of(guards: Mapping[str, Any]) -> Limits:
    """What the policy's guards leave out is as the hub has it."""
    return Limits(**{name: guards[name] for name in LIMITS if name in guards})
