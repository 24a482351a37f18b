"""What a simulated account holds: remote records, and the log of what people did to each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from policies.core.seen import Observation
from policies.core.values import Json

NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Edit:
    """One human edit, as typed; the fault machine's own log, from which the outcome is judged."""

    number: int
    role: str
    remote_id: str
    typed: dict[str, Json]
    stored: dict[str, Json]
    before: dict[str, Json]
    at: datetime
    judged: str = ""  # the verdict of the first judged look that showed it
    judged_at: datetime = NEVER
    key: str = ""  # the record that it was judged for
    seen: set[str] = field(default_factory=set)  # the fields of it that look showed
    looked: tuple[str, str] | None = None
    lost_to: str = ""  # "person", "hub", "deleted", "merged", "restored": what took the value away again
    lost_for: str = ""  # the record that the hub wrote for when it took the value away
    shown: bool = False  # a delivery with its values reached the hub while the remote record was still that record's
    noop: bool = False
    unlooked: bool = False  # lost to a write of the hub that was made without a condition
    restored: bool = False  # nobody typed it just now: an older state of the account was put back


@dataclass(slots=True)
class Row:
    """One remote record."""

    role: str
    remote_id: str
    fields: dict[str, Json]
    version: int
    state: int  # like the version, but never used twice, not even when the account is set back
    updated_at: datetime
    external_id: str | None = None
    actor: str | None = None
    edits: dict[str, Edit] = field(default_factory=dict)  # member -> the edit that its value comes from
    asked_at: datetime = NEVER  # the last read by id
    written_over: dict[str, Edit] = field(default_factory=dict)
    shown_at: datetime = NEVER
    made_at: datetime | None = None
    looked_at: datetime = NEVER  # up to when it showed what people did
    before_at: datetime = NEVER
    changed_at: datetime = NEVER
    before: Observation | None = None  # what a lagging replica still shows

    def copy(self) -> Row:
        return replace(self, fields=dict(self.fields), edits=dict(self.edits), written_over={}, before=None)


@dataclass(frozen=True, slots=True)
class Traits:
    """How a simulated provider behaves."""

    exact: bool = True
    conditional: bool = False
    dated: bool = True  # tells when a record was made
    lagging: bool = False  # reads may show the version before for a while
    body: bool = False  # write responses carry the record
    reports: str = "events"  # how deletes are told: "events", "list" (as tombstones) or "never"
    filters: bool = False  # the feed's scope is part of the query, so listings leave out what is not in it
    granularity: timedelta = timedelta(0)
    skew: timedelta = timedelta(0)
    page: int = 4
