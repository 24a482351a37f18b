"""Answers about identity, step by step: which record a remote record is, and what follows when an account merged two.

Written once over an open page, like the steps that read and write: the desk takes people's answers by it, and the fault
machine its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from policies.core import merged, parting
from policies.core.answer import Choice, Refused
from policies.core.apart import keep_apart
from policies.core.identity import lives_on_in, place
from policies.core.joining import busy
from policies.core.plan import plan
from policies.core.planned import Plan
from policies.core.resolve import resolve
from policies.core.seen import Observation
from policies.core.values import Question, Record

from .ports import Page
from .steps import lives_on

__all__ = ["match", "merge", "wanted"]


def match(page: Page, record: Record, question: Question, choice: Choice, seen: Observation, actor: str) -> None:
    """The answer is taken, then the remote record gets its link and is judged as it was seen.

    A question is brought up to date while it waits, so nobody knows when what it shows was read: reads that were begun
    before the answer are no newer, and looked at again.
    """
    seen = replace(seen, read_at=page.context(seen.role).now)
    owner = page.linked(seen)
    if owner is not None and choice.action != "skip":
        _taken(page, record, owner, question, choice, actor)
        return
    answered = _answered(page, record, question, choice, actor)
    page.save(answered)
    if choice.action == "skip":
        return
    elsewhere = choice.action == "same" and choice.record not in ("", record.key)
    if choice.action == "same" and not elsewhere:
        _judge(page, answered.state, seen)
        return
    placed = _placed(page, seen, choice.record if elsewhere else "")
    others = [answered.state] if elsewhere else _spoken_of(page, question, answered.state)
    _apart(page, _judge(page, placed, seen), others)


def _answered(page: Page, record: Record, question: Question, choice: Choice, actor: str) -> Plan:
    return resolve(record, question.key, question.version, choice, actor, page.policy, page.context(question.role))


def _judge(page: Page, record: Record, seen: Observation) -> Record:
    made = plan(record, seen, page.policy, page.context(seen.role))
    page.save(made)
    return made.state


def _placed(page: Page, seen: Observation, key: str) -> Record:
    """Linked to the record that was named, or to a new one."""
    matches = [wanted(page, key)] if key else []
    placed = place(seen, matches, page.policy, page.context(seen.role), page.new_key())
    link = placed.state.links.get(seen.role)
    if placed.wait or link is None or link.remote_id != seen.remote_id:
        raise Refused("the record you chose already has another record there: merge the two there, or keep them apart")
    page.save(placed)
    return placed.state


def _apart(page: Page, record: Record, others: Sequence[Record]) -> None:
    """Remembered, so that no look-up asks the same again."""
    page.save(Plan(keep_apart(record, others, page.policy)))


def _spoken_of(page: Page, question: Question, record: Record) -> list[Record]:
    keys = {one.source for one in question.candidates} - {question.role, record.key}
    return [record, *(found for key in sorted(keys) if (found := page.record(key)) is not None)]


def _taken(page: Page, record: Record, owner: Record, question: Question, choice: Choice, actor: str) -> None:
    """The remote record is another one's already: the same means that the two are one, apart that they are not."""
    if owner.key == record.key or choice.record not in ("", record.key, owner.key):
        raise Refused("the record there was linked meanwhile; choose skip, and look at the record it belongs to")
    if choice.action == "same":
        answered = _answered(page, record, question, replace(choice, record=owner.key), actor)
        page.save(answered)
        ended, kept = parting.join(answered.state, owner, actor, page.policy, page.context(question.role))
        page.save(ended)
        page.save(kept)
    else:
        answered = _answered(page, record, question, choice, actor)
        page.save(answered)
        _apart(page, answered.state, [owner])


def merge(page: Page, record: Record, question: Question, choice: Choice, actor: str) -> None:
    """A merge at an account: to follow it changes the record it was merged into as well."""
    answered = _answered(page, record, question, choice, actor)
    page.save(answered)
    other = wanted(page, merged.partner(question))
    into = lives_on(page, other, answered.state) or other  # it may have been merged on since it was asked about
    if choice.action == "apart":
        _apart(page, answered.state, [into])
    elif choice.action == "follow":
        if busy(answered.state, into) or lives_on_in(into) not in ("", record.key):
            raise Refused("a write to one of the two is under way; try again in a moment")
        for made in merged.follow(answered.state, into, question.role, page.policy, page.context(question.role)):
            page.save(made)


def wanted(page: Page, key: str) -> Record:
    """Raises Refused."""
    found = page.record(key)
    if found is None:
        raise Refused("there is no such record; choose one of those shown")
    return found
