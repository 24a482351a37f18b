"""What a check can come to, and the words for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncapp.certify.bench import Bench


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    KNOWN = "known weakness"
    NOT_TRIED = "not tried"
    NOT_OFFERED = "not offered"


class Capability(StrEnum):
    """What a certificate speaks of, in the order of a report."""

    AUTH = "auth"
    LIST = "list"
    DELTA = "delta"
    READ = "read"
    CREATE = "create"
    FIND = "find"
    UPDATE = "update"
    VALUES = "values"
    CONDITIONAL = "conditional"
    IDEMPOTENT = "idempotent"
    BATCH = "batch"
    DELETE = "delete"
    TROUBLE = "trouble"
    WEBHOOKS = "webhooks"


class Failed(Exception):
    """The check found something: what was seen, and what to mend in the provider's file."""

    def __init__(self, seen: str, mend: str) -> None:
        self.seen, self.mend = seen, mend
        super().__init__(seen)


class NotTried(Exception):
    """The check could be made, but not here: the reason."""


class NotOffered(Exception):
    """The provider's file does not declare what the check is about."""


@dataclass(frozen=True)
class Check:
    """One check. ``run`` answers what was seen, or raises one of the above. ``writes``: it makes or changes records.

    ``once``: about the account, not about each of its objects.
    """

    id: str
    title: str
    capability: Capability
    run: Callable[[Bench], str]
    writes: bool = True
    once: bool = False


@dataclass(frozen=True)
class Result:
    id: str
    title: str
    capability: Capability
    object: str
    outcome: Outcome
    seen: str
    mend: str = ""

    def as_json(self) -> dict[str, str]:
        told = {"id": self.id, "title": self.title, "capability": self.capability.value, "object": self.object}
        return {**told, "outcome": self.outcome.value, "seen": self.seen, "mend": self.mend}
