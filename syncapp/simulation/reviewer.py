"""A person at the desk: answers questions at random, now and then one that moved on since it was shown."""

from __future__ import annotations

from policies.core.resolve import Choice, Moved, Refused, resolve
from policies.core.seen import Context, Observation
from policies.core.values import Kind, Question, Record
from syncapp import identify

from . import catalogue
from .memory import MemoryPage
from .people import People


class Reviewer(People):
    """Part of a world."""

    def answer(self) -> None:
        waiting = [(r, q) for r in self.store.records.values() for q in r.questions]
        if not waiting:
            return
        record, question = self.random.choice(waiting)
        version = question.version - (self.random.random() < 0.1)
        choice = self._choose(question)
        try:
            if question.kind in (Kind.MATCH, Kind.MERGE):
                self._about_identity(record, question, version, choice)
            else:
                with self.store.open(record.key) as page:
                    self._resolve(page, page.record(record.key) or record, question, version, choice)
        except Moved:
            self.counts["answers that had moved"] += 1
        except Refused:
            self.counts["answers refused"] += 1
        else:
            self.counts["answers"] += 1
            self.counts[f"answer: {choice.action or 'value'}"] += 1

    def _resolve(self, page: MemoryPage, record: Record, question: Question, version: int, choice: Choice) -> None:
        made = resolve(record, question.key, version, choice, "Robin", self.policy, Context(self.hub_now()))
        for closed in made.closed:
            if closed.value is not None:
                self.chosen.setdefault((record.key, closed.question.unit), []).append(closed.value)
                self.remember_typed(closed.value)
        page.save(made)

    def _about_identity(self, record: Record, question: Question, version: int, choice: Choice) -> None:
        """As at the desk: several records may change, and the remote record is judged as the question shows it."""
        role = question.role
        told = next((c.value for c in question.candidates if c.source == role), {})
        seen = Observation(role, question.about, told, question.opened_at)
        with self.store.page(role, (seen,), (record.key,)) as page:
            current = page.record(record.key) or record
            if not any(q.key == question.key and q.version == version for q in current.questions):
                raise Moved(None)
            if question.kind is Kind.MATCH:
                identify.match(page, current, question, choice, seen, "Robin")
            else:
                identify.merge(page, current, question, choice, "Robin")

    def _choose(self, question: Question) -> Choice:
        if question.kind is Kind.DELETE:
            return Choice(action=self.random.choice(("recreate", "recreate", "propagate", "unlink")))
        if question.kind is Kind.MATCH:
            return Choice(action=self.random.choice(("same", "apart", "skip")))
        if question.kind is Kind.MERGE:
            return Choice(action=self.random.choice(("follow", "unlink", "apart")))
        if question.kind is Kind.CREATE:
            return Choice(action=self.random.choice(("retry", "skip")))
        candidate = self.random.choice(question.candidates)
        if self.random.random() < 0.2:
            value = {
                name: catalogue.type_value(self.random, name, self.random.randint(5000, 9999), old)
                for name, old in candidate.value.items()
            }
            self.remember_typed(value)
            return Choice(value=value)
        return Choice(source=candidate.source, overwritten=candidate.overwritten)
