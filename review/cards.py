"""Everything a card or receipt shows about one question."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString

from policies.core.identity import believed
from policies.core.ownership import owner_of
from policies.core.resolve import ACTIONS
from policies.core.rules import Strategy, Unit
from policies.core.values import Kind, Question
from syncapp.load import question_of
from syncapp.marked import marked
from syncapp.models import Conflict, Link, Record
from syncapp.sight import SETTLED, Sight, Standing, sight_of, standings
from syncapp.words import Words, capital, text

from .answers import Answer, answers_of, base_of
from .merges import stuck_at, with_follow, with_taken
from .questions import asked_because, headline, how_it_ended, kind_label
from .undo import owner_of_about, undoable

RULES = {
    Strategy.OWNER_WINS: "the owner’s value wins",
    Strategy.LATEST: "the latest valid change wins",
    Strategy.MERGE: "changes are merged",
    Strategy.MAX: "the highest value wins",
    Strategy.MIN: "the lowest value wins",
    Strategy.REVIEW: "a person decides",
}


@dataclass(frozen=True, slots=True)
class Card:
    conflict: Conflict
    sight: Sight
    question: Question
    headline: str
    because: str
    kind: str
    rule: str
    base: str
    answers: Sequence[Answer]
    rest: Sequence[tuple[str, str]]
    seen: Sequence[tuple[str, SafeString]]  # of a question of identity: what the other record holds
    other: Record | None  # the record of the hub that the other one is already
    unit: Unit | None
    shown: str  # what this card showed, so that a later one can say what moved


def load(pk: int) -> Conflict | None:
    return Conflict.objects.select_related("record__sync", "sync").filter(pk=pk).first()


def card_of(conflict: Conflict, now: datetime) -> Card:
    """The card of an open question."""
    sight, question = sight_of(conflict.record), question_of(conflict)
    # The question as loaded with the record, so that the answers are planned on one state.
    question = next((q for q in sight.record.questions if q.key == question.key), question)
    unit = sight.policy.by_name.get(question.unit) if question.kind not in ACTIONS else None
    base = base_of(question)
    other = _other(conflict, question)
    answers = answers_of(sight, question, now, _titles(conflict))
    return Card(
        conflict,
        sight,
        question,
        headline(conflict, sight.words),
        asked_because(conflict, sight.words),
        kind_label(conflict.kind),
        _rule(sight, unit),
        sight.words.values(base) if base is not None else "",
        _together(answers, sight, question, other),
        _rest(sight, question.unit),
        _seen(sight, question, other),
        other.row if other is not None else None,
        unit,
        shown_of(conflict),
    )


def _together(answers: list[Answer], sight: Sight, question: Question, other: Sight | None) -> list[Answer]:
    if question.kind is Kind.MERGE:
        return with_follow(answers, sight, question, other)
    return with_taken(answers, sight, other) if question.kind is Kind.MATCH else answers


def _titles(conflict: Conflict) -> dict[str, str]:
    """Titles of the records that a question of identity is about."""
    keys = [one["source"] for one in conflict.candidates if len(one["source"]) == 36]
    return {str(row.key): str(row) for row in Record.objects.filter(key__in=keys)} if keys else {}


def _rule(sight: Sight, unit: Unit | None) -> str:
    if unit is None:
        return ""
    owner = sight.words.role(owner_of(unit, sight.record))
    held = "is shared by all who may write it" if owner == "shared" else f"is owned by {owner}"
    asked = f"policy version {sight.policy.version} says: {RULES[unit.strategy]}"
    return f"{sight.words.field(unit.name)} {held}; {asked}."


def _rest(sight: Sight, asked: str) -> list[tuple[str, str]]:
    believed = sight.record.beliefs
    units = [unit.name for unit in sight.policy.units if unit.name != asked and unit.name in believed]
    return [(sight.words.field(name), sight.words.values(believed[name].value)) for name in units]


def _other(conflict: Conflict, question: Question) -> Sight | None:
    """The record that the one at the account is linked to by now, where a question of identity is about one."""
    if question.kind not in (Kind.MATCH, Kind.MERGE):
        return None
    keys = Link.objects.filter(
        feed__role__sync=conflict.sync_id, feed__role__name=conflict.role, remote_id=conflict.about
    ).values("record_id")
    row = Record.objects.select_related("sync").filter(key__in=keys).exclude(pk=conflict.record_id).first()
    return sight_of(row) if row is not None else None


def _seen(sight: Sight, question: Question, other: Sight | None) -> list[tuple[str, SafeString]]:
    """The record at the account that the question is about, with what differs from this one marked."""
    if question.kind not in (Kind.MATCH, Kind.MERGE):
        return []
    words, held = sight.words, believed(sight.record, sight.policy)
    found = next((one.value for one in question.candidates if one.source == question.role), {})
    if question.kind is Kind.MERGE:
        found = believed(other.record, sight.policy) if other is not None else {}
    return [(words.field(name), marked(text(held.get(name)), text(found[name]))) for name in words.ordered(found)]


def shown_of(conflict: Conflict) -> str:
    return json.dumps([[one["source"], one["value"]] for one in conflict.candidates], sort_keys=True)


def what_moved(shown: str, conflict: Conflict, words: Words) -> list[str]:
    """Sentences on what differs between what a person was shown and what stands now."""
    was, now = _by_source(shown), _by_source(shown_of(conflict))
    out = [
        f"{capital(words.role(source))} now holds “{words.values(value)}” (you saw “{words.values(was[source])}”)."
        for source, value in now.items()
        if source in was and was[source] != value
    ]
    out += [
        f"{capital(words.role(source))} joined with “{words.values(value)}”."
        for source, value in now.items()
        if source not in was
    ]
    return out or ["Something about the question moved: its reason or the state of a side."]


def _by_source(shown: str) -> dict[str, Any]:
    """What came back from a form is believed for display only, and only if it has the right shape."""
    try:
        pairs = json.loads(shown)
        return {str(source): value for source, value in pairs if isinstance(value, dict)}
    except (ValueError, TypeError):
        return {}


@dataclass(frozen=True, slots=True)
class Receipt:
    conflict: Conflict
    headline: str
    ended: str
    systems: Sequence[tuple[str, Standing]]
    settled: bool
    heading: str
    undo: str  # what taking it back would do, "" if it cannot be
    stuck: str  # why it cannot be taken back as things stand
    open: Sequence[tuple[int, str]]  # questions about the same record that wait: number and headline


def receipt_of(conflict: Conflict) -> Receipt:
    """How a question ended, and how far its answer has come at each system."""
    sight = sight_of(conflict.record)
    found = _systems(sight, conflict)
    settled = all(standing.tone in SETTLED for _, standing in found)
    return Receipt(
        conflict,
        headline(conflict, sight.words),
        how_it_ended(conflict, sight.words),
        found,
        settled,
        _heading(found, settled, conflict.unit),
        undoable(conflict, sight.words.role(conflict.role)),
        _stuck(sight, conflict),
        [(one.pk, headline(one, sight.words)) for one in _waiting(conflict)],
    )


def _stuck(sight: Sight, conflict: Conflict) -> str:
    owner = owner_of_about(conflict) if conflict.kind == Kind.MATCH and conflict.winner == "apart" else None
    return stuck_at(sight, sight_of(owner)) if owner is not None and owner.pk != conflict.record_id else ""


def _waiting(conflict: Conflict) -> Sequence[Conflict]:
    """What is still asked about the record: an answer may lead to the next question, or have been taken back."""
    rows = Conflict.objects.filter(record=conflict.record_id, state=Conflict.State.OPEN).exclude(pk=conflict.pk)
    return list(rows.select_related("record").order_by("pk"))


def _heading(found: Sequence[tuple[str, Standing]], settled: bool, unit: str) -> str:
    if not settled:
        return "On its way"
    troubled = [role for role, standing in found if standing.tone == "bad"]
    return f"Done, except at {' and '.join(troubled)}" if troubled else DONE_VALUE if unit else DONE_RECORD


def _systems(sight: Sight, conflict: Conflict) -> list[tuple[str, Standing]]:
    every = standings(sight)
    out = []
    for role in sight.policy.roles:
        mine = [every[(role, unit.name)] for unit in sight.policy.units if conflict.unit in ("", unit.name)]
        whole = _whole(mine)
        if whole.word == GONE and conflict.kind in (Kind.DELETE, Kind.MERGE) and conflict.winner in WANTED_GONE:
            whole = Standing(whole.word, "good", "as decided")
        out.append((capital(sight.words.role(role)), whole))
    return out


DONE_VALUE, DONE_RECORD = "Done: every system has it", "Done: every system stands as decided"
GONE = "deleted there"
WANTED_GONE = ("propagate", "unlink")  # answers after which a deleted record is what was asked for
ORDER = ("bad", "wait", "good", "quiet")


def _whole(each: Sequence[Standing]) -> Standing:
    """Of several units the one that needs most attention."""
    return min(each, key=lambda one: ORDER.index(one.tone), default=Standing("nothing to do", "quiet"))
