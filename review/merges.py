"""Answers that make two records of the hub one: what following a merge does, by system, and what stands in the way."""

from __future__ import annotations

from dataclasses import replace

from policies.core.answer import Choice
from policies.core.identity import living
from policies.core.joining import both_linked
from policies.core.values import Link, Question
from syncapp.sight import Sight
from syncapp.words import capital, enumerated

from .answers import Answer, Effect


def follow_effects(sight: Sight, question: Question, into: Sight) -> tuple[Effect, ...]:
    stays = both_linked(sight.record, into.record)
    return tuple(
        _effect(sight, role, role == question.role, role in stays, into, sight.record.links.get(role))
        for role in sight.policy.roles
    )


def _effect(sight: Sight, role: str, here: bool, both: bool, into: Sight, link: Link | None) -> Effect:
    name = capital(sight.words.role(role))
    if here:
        return Effect(name, "nothing: it is one record there", False)
    if both:
        return Effect(name, "nothing yet: both have a record there; merge the two there, and the hub follows", False)
    if link is None or not living(link):
        return Effect(name, "nothing", False)
    return Effect(name, f"its record {link.remote_id} belongs to “{into.row}” from now on", True)


def with_follow(answers: list[Answer], sight: Sight, question: Question, into: Sight | None) -> list[Answer]:
    """What following does shows only with the other record at hand."""
    if into is None:
        return answers
    told = follow_effects(sight, question, into)
    return [replace(one, effects=told) if one.choice == Choice(action="follow") else one for one in answers]


def with_taken(answers: list[Answer], sight: Sight, into: Sight | None) -> list[Answer]:
    """Where the record there is another one's already, “same” joins the two, which may be impossible as they are."""
    stuck = stuck_at(sight, into)
    if into is None or not stuck:
        return answers
    return [replace(one, refusal=stuck) if one.choice.record == into.record.key else one for one in answers]


def stuck_at(sight: Sight, into: Sight | None) -> str:
    """Why the two cannot be joined: no system may be left with two; "" where nothing stands in the way."""
    roles = both_linked(sight.record, into.record) if into is not None else ()
    where = enumerated([sight.words.role(role) for role in roles])
    return f"both have a record at {where}; merge the two there, and the hub follows" if roles else ""
