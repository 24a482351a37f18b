"""A person at the desk: answers questions at random, now and then one that moved on since it was shown."""

from __future__ import annotations

from policies.core import identity
from policies.core.plan import plan
from policies.core.planned import Plan
from policies.core.resolve import Choice, Moved, Refused, resolve
from policies.core.seen import Context, Observation
from policies.core.values import Kind, Question, Record

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
            if question.kind is Kind.MATCH:
                self._match(record, question, version, choice)
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

    def _resolve(self, page: MemoryPage, record: Record, question: Question, version: int, choice: Choice) -> Plan:
        made = resolve(record, question.key, version, choice, "Robin", self.policy, Context(self.hub_now()))
        for closed in made.closed:
            if closed.value is not None:
                self.chosen.setdefault((record.key, closed.question.unit), []).append(closed.value)
                self.remember_typed(closed.value)
        page.save(made)
        return made

    def _match(self, record: Record, question: Question, version: int, choice: Choice) -> None:
        """Identity: the answer is taken, then the remote record gets its link and is judged as it was seen."""
        role, fields = question.role, question.candidates[0].value
        seen = Observation(role, question.about, fields, question.opened_at)
        with self.store.page(role, (seen,), (record.key,)) as page:
            current = page.record(record.key) or record
            if not any(q.key == question.key and q.version == version for q in current.questions):
                raise Moved(None)
            if choice.action != "skip" and page.linked(seen) is not None:
                raise Refused("it was linked meanwhile")
            made = self._resolve(page, current, question, version, choice)
            if choice.action == "apart":
                made = identity.place(seen, (), self.policy, page.context(role), page.new_key())
                page.save(made)
            if choice.action != "skip":
                page.save(plan(made.state, seen, self.policy, page.context(role)))

    def _choose(self, question: Question) -> Choice:
        if question.kind is Kind.DELETE:
            return Choice(action=self.random.choice(("recreate", "recreate", "propagate", "unlink")))
        if question.kind is Kind.MATCH:
            return Choice(action=self.random.choice(("same", "apart", "skip")))
        if question.kind is Kind.MERGE:
            return Choice(action="unlink")
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
