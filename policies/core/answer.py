"""What a person may answer to a question, and how an answer can fail to be taken."""

from __future__ import annotations

from dataclasses import dataclass

from .values import Kind, Question, Values


class Moved(Exception):
    """The question moved on since it was shown. `question` is the new one, or None when it has ended."""

    def __init__(self, question: Question | None) -> None:
        super().__init__("the question moved on since it was shown" if question else "the question has ended")
        self.question = question


class Refused(Exception):
    """An answer or edit that cannot be taken, in words for the person."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A person's answer: a candidate (by source), a typed value, or an action of an identity question."""

    source: str = ""
    overwritten: bool = False
    place: int | None = None  # among the question's candidates, from 0, where a source stands there several times
    value: Values | None = None
    action: str = ""  # "keep", "recreate", "propagate", "unlink", "same", "apart", "skip", "retry", "follow"
    record: str = ""  # for "same": the key of the record that was meant


OTHER = "other"  # how a question ended that was answered by "same" as another record than the one it stood with
ACTIONS = {
    Kind.DELETE: ("recreate", "propagate", "unlink"),
    Kind.MATCH: ("same", "apart", "skip"),
    Kind.MERGE: ("follow", "unlink", "apart"),
    Kind.CREATE: ("retry", "skip"),
}
