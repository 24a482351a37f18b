"""The answers that a question offers, each with what it will do, by system. Planned purely: nothing happens here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import MINYEAR, datetime

from django.utils.safestring import SafeString

from policies.core.diff import is_null
from policies.core.due import due_units
from policies.core.resolve import ACTIONS, Choice, Refused, resolve
from policies.core.seen import Context
from policies.core.types import same
from policies.core.values import Candidate, Kind, Question, Record, Values
from syncapp.marked import marked
from syncapp.sight import Sight
from syncapp.words import capital

from .questions import action_label


@dataclass(frozen=True, slots=True)
class Effect:
    """What happens at one system."""

    role: str
    said: str
    moves: bool


@dataclass(frozen=True, slots=True)
class Answer:
    number: int
    choice: Choice
    title: str
    button: str
    candidate: Candidate | None = None
    value: str = ""
    mark: SafeString | None = None
    since: str = ""  # how well its time is known: "between" two, "until" one at the latest, or exactly
    effects: tuple[Effect, ...] = ()
    refusal: str = ""
    records: tuple[tuple[str, str], ...] = ()  # key and title of those that the value names
    confirm: str = ""  # what a person must tick first, where it cannot be undone


def answers_of(sight: Sight, question: Question, now: datetime, titles: Mapping[str, str]) -> list[Answer]:
    offered = _actions(sight, question, titles) if question.kind in ACTIONS else _values(sight, question)
    return [_planned(sight, question, answer, now, at) for at, answer in enumerate(offered, start=1)]


def _values(sight: Sight, question: Question) -> list[Answer]:
    words, before = sight.words, base_of(question)
    out = []
    sides = _sides(question)
    for place, one in sides:
        title = capital(words.role(one.source)) + (" (written over)" if one.overwritten else "")
        value = words.values(one.value)
        mark = marked(words.values(before), value) if before else None
        choice = Choice(one.source, one.overwritten, place if one.overwritten else None)
        button = f"Take {words.role(one.source)}’s value"
        if is_null(one.value):
            button = f"Clear it everywhere, as {words.role(one.source)} did"
        named = tuple(words.records(one.value))
        out.append(Answer(0, choice, title, button, one, value, mark, _since(one), records=named))
    belief = sight.record.beliefs.get(question.unit)
    if belief is not None and not any(_equal(one.value, belief.value) for _, one in sides):
        said = belief.said
        held = Candidate("hub", belief.value, said.at if said else None, said.actor if said else None, belief.span)
        value = words.values(belief.value)
        button = "Clear it everywhere, as in the hub" if is_null(belief.value) else "Keep the hub’s value"
        choice, named = Choice(value=belief.value), tuple(words.records(belief.value))
        out.append(Answer(0, choice, "What the hub believes", button, held, value, records=named))
    return out


def _sides(question: Question) -> list[tuple[int, Candidate]]:
    """One per source, by its place: a role that shares the hub's belief and now holds another value stands by the
    latter. Each edit that was written over is a side of its own.
    """
    newest = {one.source: one for one in question.candidates if not one.overwritten}
    return [(at, one) for at, one in enumerate(question.candidates) if one.overwritten or newest[one.source] is one]


def _since(one: Candidate) -> str:
    if one.span is None or one.span.start == one.span.end:
        return ""
    return "until" if one.span.start.year == MINYEAR else "between"


def _equal(a: Values, b: Values) -> bool:
    return same(dict(a), dict(b))


def base_of(question: Question) -> Values | None:
    """What the sides held before, where they agree about it; the first that tells it otherwise."""
    return next((one.base for one in question.candidates if one.base is not None), None)


def _actions(sight: Sight, question: Question, found: Mapping[str, str]) -> list[Answer]:
    role = sight.words.role(question.role)
    if question.kind is Kind.MATCH:
        return _match_actions(question, found)
    titles = {
        "recreate": "Make it again",
        "propagate": "Delete it everywhere",
        "unlink": f"Leave it deleted at {role}",
        "follow": "They are one",
        "apart": "They are two",
        "retry": "Try again",
        "skip": f"Do without it at {role}",
    }
    if question.kind is Kind.MERGE:
        titles["unlink"] = f"Leave it out at {role}"
    return [
        Answer(0, Choice(action=action), titles[action], action_label(question.kind, action, role))
        for action in ACTIONS[question.kind]
    ]


def _match_actions(question: Question, titles: Mapping[str, str]) -> list[Answer]:
    out = []
    for one in question.candidates:
        if one.source != question.role:
            title = titles.get(one.source) or one.source
            choice = Choice(action="same", record=one.source)
            out.append(Answer(0, choice, f"It is {title}", action_label(Kind.MATCH, "same", "")))
    out.append(Answer(0, Choice(action="apart"), "It is somebody else", action_label(Kind.MATCH, "apart", "")))
    out.append(Answer(0, Choice(action="skip"), "Leave it", action_label(Kind.MATCH, "skip", "")))
    return out


def _planned(sight: Sight, question: Question, answer: Answer, now: datetime, number: int) -> Answer:
    """With its number and what it will do, or why it cannot be taken. Links are made by the caller of `resolve`, so
    what follows from them is known only when the record found is judged."""
    identity = question.kind is Kind.MATCH
    if identity and answer.choice.record not in ("", sight.record.key):
        return replace(answer, number=number)
    try:
        effects = effects_of(sight, question, answer.choice, now)
    except Refused as refused:
        return replace(answer, number=number, refusal=str(refused))
    confirm = _confirm(effects) if answer.choice.action == "propagate" else ""
    return replace(answer, number=number, effects=() if identity else effects, confirm=confirm)


def _confirm(effects: tuple[Effect, ...]) -> str:
    roles = [effect.role for effect in effects if effect.moves]
    where = f"in {len(roles)} system{'s' if len(roles) != 1 else ''} ({', '.join(roles)})" if roles else "in the hub"
    return f"Yes, delete it {where}. This cannot be undone from here."


def effects_of(sight: Sight, question: Question, choice: Choice, now: datetime) -> tuple[Effect, ...]:
    """Raises Refused when the answer could not be taken."""
    made = resolve(sight.record, question.key, question.version, choice, "", sight.policy, Context(now))
    return tuple(_effect(sight, question, made.state, role) for role in sight.policy.roles)


def _effect(sight: Sight, question: Question, after: Record, role: str) -> Effect:
    name, words = capital(sight.words.role(role)), sight.words
    was, now = sight.record.links.get(role), after.links.get(role)
    if now is not None and now.doomed and not (was is not None and was.doomed):
        return Effect(name, "the record is deleted there", True)
    due = {unit.name for unit in due_units(after, sight.policy, role)}
    if now is not None and now.gone is not None:
        return Effect(name, "nothing: the record is deleted there already", False)
    if now is not None and now.unlinked:
        return Effect(name, "nothing: the record there is not kept in step", False)
    if now is not None and now.asleep:
        return Effect(name, "nothing: the record is out of scope there", False)
    if now is None or now.remote_id is None:
        return Effect(name, "the record is made there" if due else "nothing", bool(due))
    if question.unit not in due:
        return Effect(name, "nothing", False)
    base = now.bases.get(question.unit)
    new = words.values(after.beliefs[question.unit].value)
    old = words.values(base.stored) if base is not None else words.values(None)
    return Effect(name, f"{words.field(question.unit)} changes from “{old}” to “{new}”", True)
