"""The nouns of the judge as frozen values: what was observed, believed, stored, asked and planned.

Shapes used everywhere:
- a canonical value is JSON-shaped (text, bool, small integer, list, dict, None); see `types`.
- `Values` maps a member field to its canonical value. A plain field is a unit with one member of the same name;
  a bundle is a unit with several. Dicts inside frozen values are never changed in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from .reasons import Reason, Verdict

Json = Any
Values = Mapping[str, Json]
HUB = "hub"
SHARED = "shared"
WINDOWS = 12  # past writes of a link that a late event may still fall into
CREATOR = "creator"


class Strategy(StrEnum):
    OWNER_WINS = "owner_wins"
    LATEST = "latest_valid_change"
    MERGE = "merge"
    MAX = "max"
    MIN = "min"
    REVIEW = "manual_review"


class Unauthorised(StrEnum):
    """What happens to a change by a role that may not write the field."""

    REVERT = "revert"
    KEEP = "keep"
    PROPOSE = "propose"


class OnDelete(StrEnum):
    ASK = "ask"  # the default: an edit beats a delete, a delete asks
    PROPAGATE = "propagate"
    UNLINK = "unlink"
    RECREATE = "recreate"
    REVIEW = "review"


class How(StrEnum):
    """How an observation was read."""

    BY_ID = "id"
    LIST = "list"
    SEARCH = "search"
    EVENT = "event"
    RESPONSE = "response"


class Kind(StrEnum):
    """The kinds of question a person answers."""

    VALUE = "value"
    PROPOSAL = "proposal"
    INVALID = "invalid"
    OVERWRITTEN = "overwritten"
    PING_PONG = "ping_pong"
    DELETE = "delete"
    MATCH = "match"
    OUTCOME = "outcome"
    CREATE = "create"


@dataclass(frozen=True, slots=True)
class Span:
    """The interval of hub time within which a change was made."""

    start: datetime
    end: datetime


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
    how: How = How.BY_ID
    external_id: str | None = None
    digest: str = ""
    attempt: int = 0  # how often a stale look was repeated
    last: bool = False  # the last repeated look, by id, after the provider's declared lag


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
    epoch: int = 0
    gone: datetime | None = None  # tombstone: the account deleted it
    unlinked: bool = False  # a person or policy cut it; blocks create
    asleep: bool = False  # out of scope
    doomed: bool = False  # a delete is due there
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


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that is not in state: time, the account's clock, counts over the run."""

    now: datetime
    skew: timedelta | None = timedelta(0)  # account's clock minus hub's; None: unknown
    uncertainty: timedelta = timedelta(0)  # of the skew
    granularity: timedelta = timedelta(0)  # of the account's time stamps
    bulk: Mapping[datetime, int] = field(default_factory=dict)  # updated-at -> records of this run that share it
    run: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a unit: its type and its validators; `validators` return an error sentence or None."""

    name: str
    normalise: Callable[[Json], Json]
    kind: str = "text"
    validators: tuple[Callable[[Json], str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Unit:
    """A field or a bundle, with its policy."""

    name: str
    members: tuple[Field, ...]
    owner: str = SHARED
    writers: frozenset[str] = frozenset()
    readers: frozenset[str] = frozenset()
    strategy: Strategy = Strategy.REVIEW
    unauthorised: Unauthorised = Unauthorised.REVERT
    may_clear: frozenset[str] = frozenset()
    first_link: str = ""  # "", "owner", "ask" or a role whose value wins when links are first joined
    reflect: bool = False


@dataclass(frozen=True, slots=True)
class Role:
    """What the judge must know about the feed that a role is bound to."""

    name: str
    norms: Mapping[str, Callable[[Json], Json]] = field(default_factory=dict)  # as-stored form per field
    exact: bool = False  # remote versions change with every write
    ordered: bool = False  # and are integers that grow
    conditional: bool = False  # writes carry the version they expect
    timed: bool = True  # updated-at may be trusted as a time
    reads: bool = True  # direction: the hub may write there
    writes: bool = True  # direction: the hub listens to it
    creates: bool = True


@dataclass(frozen=True, slots=True)
class Guards:
    bulk: int = 20  # records of one run with one updated-at: a touch, not a time
    ping_pong: int = 8  # moves of one field within the window
    window: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Policy:
    """A compiled policy set of one sync."""

    version: int
    units: tuple[Unit, ...]
    roles: Mapping[str, Role]  # in the sync's order
    match_keys: tuple[tuple[str, ...], ...] = ()
    on_delete: OnDelete = OnDelete.ASK
    guards: Guards = Guards()
    by_name: Mapping[str, Unit] = field(default_factory=dict)

    def unit(self, name: str) -> Unit:
        return self.by_name[name]


@dataclass(frozen=True, slots=True)
class Line:
    """One ledger line: a verdict with what the judge saw."""

    verdict: Verdict
    reason: Reason
    role: str
    unit: str
    x: Values | None = None
    saw: Saw | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Saw:
    """What the judge saw when it gave a verdict; enough to give it again."""

    base: Base | None
    belief: Belief | None
    sent: Values | None = None
    sent_v: int = 0
    questions: tuple[Question, ...] = ()
    link: Link | None = None
    observation: Observation | None = None
    context: Context | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """A question that ended, or a disagreement a rule decided without asking."""

    question: Question
    outcome: Reason
    value: Values | None
    winner: str = ""
    by: str = "rule"  # "rule" or the person


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer: the new state, why, and what should happen next. Nothing in it has happened yet."""

    state: Record
    lines: tuple[Line, ...] = ()
    closed: tuple[Closed, ...] = ()
    look_again: bool = False  # read this record by id, then judge that
    wait: bool = False  # not judged: a push there is in flight
    unchanged: int = 0  # units
