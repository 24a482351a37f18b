"""The answers to a merge that an account made, with what following it does, by system."""

from __future__ import annotations

from dataclasses import replace

from policies.core.answer import Choice
from policies.core.identity import living
from policies.core.joining import both_linked
from policies.core.values import Link, Question
from syncapp.sight import Sight
from syncapp.words import capital

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
        return Effect(name, "nothing yet: both have a record there, and which one goes is asked next", False)
    if link is None or not living(link):
        return Effect(name, "nothing", False)
    return Effect(name, f"its record {link.remote_id} belongs to “{into.row}” from now on", True)


def with_follow(answers: list[Answer], sight: Sight, question: Question, into: Sight | None) -> list[Answer]:
    """What following does shows only with the other record at hand."""
    if into is None:
        return answers
    told = follow_effects(sight, question, into)
    return [replace(one, effects=told) if one.choice == Choice(action="follow") else one for one in answers]
