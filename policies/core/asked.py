"""The open questions of one record while it is being judged: found, opened, brought up to date, closed."""

from __future__ import annotations

from dataclasses import replace

from .planned import Closed
from .reasons import Reason
from .rules import Unit
from .seen import Context
from .values import Candidate, Kind, Question, Values


class Asked:
    """Part of the working copy; `closed` collects the questions that ended meanwhile."""

    __slots__ = ("closed", "context", "questions")

    def __init__(self, questions: tuple[Question, ...], context: Context) -> None:
        self.questions = questions
        self.context = context
        self.closed: list[Closed] = []

    def question(self, unit: str, role: str = "") -> Question | None:
        """The open question of a field (role "") or of one link's field."""
        for question in self.questions:
            if question.unit == unit and question.role == role:
                return question
        return None

    def in_review(self, unit: Unit) -> bool:
        return bool(self.questions) and self.question(unit.name) is not None

    def ask(
        self,
        kind: Kind,
        unit: str,
        role: str,
        candidates: tuple[Candidate, ...],
        reason: Reason,
        note: str = "",
        about: str = "",
    ) -> None:
        """Open a question, or bring the open one up to date (its version moves when anything in it does)."""
        old = next(
            (
                q
                for q in self.questions
                if (q.unit, q.role, q.about) == (unit, role, about) and (unit or q.kind is kind)
            ),
            None,
        )
        if old is None:
            new = Question(kind, unit, role, candidates, reason, self.context.now, 1, note, about)
            self.questions = (*self.questions, new)
        elif (old.candidates, old.reason, old.note) != (candidates, reason, note):
            new = replace(old, candidates=candidates, reason=reason, note=note, version=old.version + 1)
            self.questions = tuple(new if q is old else q for q in self.questions)

    def close(
        self, question: Question, outcome: Reason, value: Values | None = None, winner: str = "", by: str = "rule"
    ) -> None:
        self.questions = tuple(q for q in self.questions if q.key != question.key)
        self.closed.append(Closed(question, outcome, value, winner, by))
