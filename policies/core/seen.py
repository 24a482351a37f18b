"""What is handed to the judge as frozen values: what a feed was seen to hold, and the circumstances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from .values import Values


class How(StrEnum):
    """How an observation was read."""

    BY_ID = "id"
    LIST = "list"
    SEARCH = "search"
    EVENT = "event"
    RESPONSE = "response"


@dataclass(frozen=True, slots=True)
class Observation:
    """What a feed was seen to hold. `fields` holds only what was told: missing is not null."""

    role: str
    remote_id: str
    fields: Values
    read_at: datetime
    version: str | None = None
    updated_at: datetime | None = None
    received_at: datetime | None = None
    actor: str | None = None
    ours: bool = False  # marked with our own actor
    correlation: str | None = None  # the idempotency key a provider handed back, if it does
    deleted: bool = False
    merged_into: str | None = None  # the account keeps it as that remote id since it merged the two
    how: How = How.BY_ID
    external_id: str | None = None
    digest: str = ""
    created_at: datetime | None = None  # by the provider's clock
    attempt: int = 0  # how often a stale look was repeated
    last: bool = False  # the last repeated look, by id, after the provider's declared lag
    waits: Mapping[str, str] = field(default_factory=dict)  # field → remote id it refers to, linked to nothing yet
    in_scope: bool = True  # it is one of the records that the feed takes


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that is not in state: time, the account's clock, counts over the run."""

    now: datetime
    skew: timedelta | None = timedelta(0)  # account's clock minus hub's; None: unknown
    uncertainty: timedelta = timedelta(0)  # of the skew
    granularity: timedelta = timedelta(0)  # of the account's time stamps
    bulk: Mapping[datetime, int] = field(default_factory=dict)  # updated-at -> records of this run that share it
    run: str = ""
