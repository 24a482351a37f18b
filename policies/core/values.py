"""The nouns of the judge as frozen values: what is believed, stored, sent and asked.

Shapes used everywhere:
- a canonical value is JSON-shaped (text, bool, small integer, list, dict, None); see `types`.
- `Values` maps a member field to its canonical value. A plain field is a unit with one member of the same name;
  a bundle is a unit with several. Dicts inside frozen values are never changed in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from .reasons import Reason

Json = Any
Values = Mapping[str, Json]
HUB = "hub"
WAITING = "waits for record "  # how a refusal begins that ends by itself, when that record is linked there
WINDOWS = 12  # past writes of a link that a late event may still fall into


class Kind(StrEnum):
    """The kinds of question a person answers."""

    VALUE = "value"
    PROPOSAL = "proposal"
    INVALID = "invalid"
    OVERWRITTEN = "overwritten"
    PING_PONG = "ping_pong"
    DELETE = "delete"
    MATCH = "match"
    MERGE = "merge"
    OUTCOME = "outcome"
    CREATE = "create"


@dataclass(frozen=True, slots=True)
class Span:
    """The interval of hub time within which a change was made."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """Why the hub believes a value: source, actor, time, rule and policy version (invariant I8)."""

    source: str
    actor: str | None
    at: datetime
    reason: Reason
    policy: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Belief:
    """`H` of one unit with the hub version `v` at which it last changed."""

    value: Values
    v: int = 0
    origins: frozenset[str] = frozenset()
    past: tuple[tuple[int, Values], ...] = ()  # earlier versions that some link has not joined yet
    span: Span | None = None
    said: Said | None = None
    moves: tuple[datetime, ...] = ()  # changes of hands, reverts and near misses, newest last


@dataclass(frozen=True, slots=True)
class Failed:
    """A rejected value is state, not work: not due again until the version moves."""

    v: int
    answer: str


@dataclass(frozen=True, slots=True)
class Base:
    """What one link last held for one unit, what it stands for, and the hub version last joined."""

    stored: Values
    meant: Values
    k: int = 0
    owed: bool = False
    drift: bool = False
    near_miss: bool = False
    failed: Failed | None = None
    seen_at: datetime | None = None  # set only while reads do not tell this unit
    waits: str = ""  # remote id of the record that the value there refers to, while that one is linked to nothing


@dataclass(frozen=True, slots=True)
class Sending:
    """The one push in flight at a link."""

    key: str
    values: Mapping[str, Values]
    versions: Mapping[str, int]
    at: datetime
    epoch: int = 0
    create: bool = False
    delete: bool = False
    guard_version: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """The gap between a look and a write: what a fat event must fall into to be an overwritten edit."""

    guard_at: datetime
    written_at: datetime
    guard_version: str | None
    write_version: str | None
    before: Mapping[str, Base]
    sent: Mapping[str, Values]
    deleted: bool = False  # the record was deleted there: whatever came after the look went with it


@dataclass(frozen=True, slots=True)
class Link:
    """(record, feed) to remote id, with a base per unit."""

    role: str
    remote_id: str | None = None
    version: str | None = None
    read_at: datetime | None = None
    digest: str = ""
    bases: Mapping[str, Base] = field(default_factory=dict)
    sending: Sending | None = None
    windows: tuple[Window, ...] = ()
    was: str = ""  # the remote id that the windows are about, while the record is to be made there again
    epoch: int = 0
    gone: datetime | None = None  # tombstone: the account deleted it
    unlinked: bool = False  # a person or policy cut it; blocks create
    asleep: bool = False  # out of scope
    doomed: bool = False  # a delete is due there
    created: datetime | None = None  # when the account says it was made, in hub time, where that can be trusted
    skipped: Mapping[str, str] = field(default_factory=dict)  # remote id left alone → digest of its match keys then
    into: str = ""  # of a tombstone: the key of the record that this one lives on in, since the two were joined
    singly: bool = False  # a push of several fields was refused without naming one: send them one by one


@dataclass(frozen=True, slots=True)
class Candidate:
    """One side of a disagreement: what `source` holds, lifted, and what it held before (`base`)."""

    source: str
    value: Values
    at: datetime | None = None
    actor: str | None = None
    span: Span | None = None
    version: str | None = None
    base: Values | None = None
    k: int = 0
    overwritten: bool = False
    frozen: bool = False  # its link is deleted or left


@dataclass(frozen=True, slots=True)
class Question:
    """An open question. (kind, unit, role, about) is unique per record; `version` moves when anything in it does."""

    kind: Kind
    unit: str  # "" for questions about the record
    role: str  # "" for questions of the field itself; a role for questions of one link
    candidates: tuple[Candidate, ...]
    reason: Reason
    opened_at: datetime
    version: int = 1
    note: str = ""
    about: str = ""  # the remote id that a question of identity is about

    @property
    def key(self) -> tuple[str, str, str, str]:
        return (self.kind, self.unit, self.role, self.about)


@dataclass(frozen=True, slots=True)
class Record:
    """One canonical record of a sync: everything the judge needs to decide about it."""

    key: str
    version: int = 0  # the hub version of its latest change
    creator: str = ""
    beliefs: Mapping[str, Belief] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    apart: Mapping[str, str] = field(default_factory=dict)  # key of a record kept apart → digest of both's match keys
