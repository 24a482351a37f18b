"""What a page is judged and written under, and what it collects to be written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from policies.core.planned import Plan
from policies.core.rules import Policy
from policies.core.values import Record
from policies.models import Sync

from .models import Feed, Run


@dataclass(frozen=True, slots=True)
class Setting:
    """What stays the same for all plans of a page."""

    sync: Sync
    run: Run | None
    feeds: Mapping[str, Feed]
    policy: Policy
    facts: str
    granularity: Mapping[str, float]
    references: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # role → field → feed of the other sync


@dataclass(frozen=True, slots=True)
class Entry:
    """One plan, the record before it, and the id that its ledger lines share."""

    before: Record | None
    plan: Plan
    correlation: str
