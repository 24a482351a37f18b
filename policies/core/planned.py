"""The judge's answer as frozen values: the new state, why, and what should happen next."""

from __future__ import annotations

from dataclasses import dataclass

from .reasons import Reason, Verdict
from .seen import Context, Observation
from .values import Base, Belief, Link, Question, Record, Values


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
    by: str = ""  # the person whose deed it was, where no question and no belief names one


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
    creator: str = ""


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
