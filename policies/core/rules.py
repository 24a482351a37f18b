"""The nouns of a policy as frozen values: whose a field is, what settles a disagreement, what a feed can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from .scope import Condition
from .values import Json

SHARED = "shared"
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


class OnMerge(StrEnum):
    """What follows when an account merges two records that two records of the hub are linked to."""

    ASK = "ask"
    FOLLOW = "follow"
    UNLINK = "unlink"


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a unit: its type and its validators; `validators` return an error sentence or None."""

    name: str
    normalise: Callable[[Json], Json]
    kind: str = "text"
    validators: tuple[Callable[[Json], str | None], ...] = ()
    refers: str = ""  # of a reference: the sync whose records it names


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
    scope: tuple[Condition, ...] = ()  # what a record must hold to be made there
    needs: Mapping[str, str] = field(default_factory=dict)  # field → its name there: none is made there without them
    lacks: tuple[str, ...] = ()  # what else none is made there without, and nothing tells; by its names there


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond both the number and the share (of the known records, or of the confirmed writes) a brake trips."""

    deletes: int = 20
    delete_share: float = 0.1
    changes: int = 500
    change_share: float = 0.5
    rewinds: int = 5
    rewind_share: float = 0.01
    all_changed: int = 50  # from so many known records on, a run that changes every one of them is halted
    near_misses: int = 20
    near_miss_share: float = 0.2


@dataclass(frozen=True, slots=True)
class Guards:
    bulk: int = 20  # records of one run with one updated-at: a touch, not a time
    ping_pong: int = 8  # moves of one field within the window
    window: timedelta = timedelta(minutes=10)
    limits: Limits = Limits()


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
    on_merge: OnMerge = OnMerge.ASK

    def unit(self, name: str) -> Unit:
        return self.by_name[name]
