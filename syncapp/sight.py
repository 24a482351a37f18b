"""A record as it stands, for people to look at: loaded without locks, never to be decided on.

What a person decides goes through `PgStore.open`, which locks the record and loads it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from policies.core.due import due_units, holding
from policies.core.ownership import may_write, reads
from policies.core.rules import Policy, Unit
from policies.core.values import Base, Link, Record

from . import models
from .load import link_of, question_of, record_of
from .models import Conflict, Feed
from .store import PgStore
from .words import Words, words_of


@dataclass(frozen=True, slots=True)
class Sight:
    row: models.Record
    record: Record
    policy: Policy
    feeds: Mapping[str, Feed]
    words: Words
    conflicts: Mapping[tuple[str, str, str, str], int]  # open question → its conflict's id


def sight_of(row: models.Record) -> Sight:
    """In a fixed number of queries. Raises NoPolicy when the sync has no published policy."""
    setting = PgStore(row.sync).setting()
    roles = {feed.pk: role for role, feed in setting.feeds.items()}
    found = models.Link.objects.filter(record=row, feed_id__in=roles).order_by("feed_id")
    links = {roles[link.feed_id]: link_of(link, roles[link.feed_id]) for link in found}
    rows = list(Conflict.objects.filter(record=row, state=Conflict.State.OPEN).order_by("id"))
    questions = [question_of(conflict) for conflict in rows]
    ids = {question.key: conflict.pk for question, conflict in zip(questions, rows, strict=True)}
    words = words_of([row.sync_id])[row.sync_id]
    return Sight(row, record_of(row, links, questions), setting.policy, setting.feeds, words, ids)


@dataclass(frozen=True, slots=True)
class Standing:
    """How one account stands to what the hub believes of one unit: a word, and whether it needs anybody."""

    word: str
    tone: str  # "good", "wait", "bad", "quiet"
    detail: str = ""


# What I3 names, in the words of `policies.core.due.holding`, and how it looks.
EXCEPTIONS = {"in review": "bad", "drift kept": "wait", "near miss": "wait", "out of scope": "quiet"}
SETTLED = ("good", "bad", "quiet")


def standings(sight: Sight) -> dict[tuple[str, str], Standing]:
    """(role, unit) → how it stands, for every role of the sync."""
    named = holding(sight.record, sight.policy)
    out = {}
    for role in sight.policy.roles:
        due = {unit.name for unit in due_units(sight.record, sight.policy, role)}
        for unit in sight.policy.units:
            out[(role, unit.name)] = _standing(sight, role, unit, named.get((role, unit.name), ""), due)
    return out


def _standing(sight: Sight, role: str, unit: Unit, named: str, due: set[str]) -> Standing:
    link = sight.record.links.get(role)
    if link is not None and link.doomed:
        return Standing("to be deleted", "wait", "the record is deleted there")
    if named.startswith("failed"):
        return Standing("failed", "bad", named.removeprefix("failed: "))
    if named:
        return Standing(named, EXCEPTIONS.get(named, "bad"))
    if link is not None and link.sending is not None and unit.name in link.sending.values:
        return Standing("being written", "wait")
    if unit.name in due:
        return _due(link, link.bases.get(unit.name) if link else None)
    return _rest(sight, role, unit, link)


def _due(link: Link | None, base: Base | None) -> Standing:
    if link is None or link.remote_id is None:
        return Standing("to be made", "wait", "the record does not exist there yet")
    if base is not None and base.owed:
        return Standing("to be put back", "wait", "the hub writes its own value back")
    return Standing("behind", "wait")


def _rest(sight: Sight, role: str, unit: Unit, link: Link | None) -> Standing:
    base = link.bases.get(unit.name) if link is not None else None
    if base is None:
        touched = reads(unit, sight.policy, role) or may_write(unit, sight.record, role)
        return Standing("holds nothing", "quiet") if touched else Standing("not kept there", "quiet")
    if not reads(unit, sight.policy, role) and not may_write(unit, sight.record, role):
        return Standing("own value", "quiet", "the policy neither reads nor writes it there")
    return Standing("in step", "good")
