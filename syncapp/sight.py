"""A record as it stands, for people to look at: loaded without locks, never to be decided on.

What a person decides goes through `PgStore.open`, which locks the record and loads it again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from policies.core.due import create_values, due_units, due_work
from policies.core.exceptions import holding
from policies.core.identity import believed, has_match_key, lives_on_in
from policies.core.needs import empty_need, need_waits
from policies.core.ownership import may_write, reads
from policies.core.rules import Policy, Unit
from policies.core.scope import holds as in_scope
from policies.core.values import WAITING, Base, Link, Question, Record, Values

from . import models
from .load import link_of, question_of, record_of
from .models import Conflict, Feed
from .store import PgStore
from .words import Words, enumerated, titles_of, words_of


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
    return sights_of([row])[0]


def sights_of(rows: Sequence[models.Record]) -> list[Sight]:
    """Several records, in their order: as many queries for a hundred as for one, per sync."""
    by_sync: dict[int, list[models.Record]] = {}
    for row in rows:
        by_sync.setdefault(row.sync_id, []).append(row)
    words = words_of(by_sync)
    found: dict[uuid.UUID, Sight] = {}
    for pk, mine in by_sync.items():
        found |= _sights(mine, words[pk])
    titles = titles_of(values for sight in found.values() for values in _values(sight.record))
    if titles:
        found = {pk: replace(sight, words=replace(sight.words, titles=titles)) for pk, sight in found.items()}
    return [found[row.pk] for row in rows]


def _values(record: Record) -> Iterator[Values]:
    """Everything that may name another record."""
    for belief in record.beliefs.values():
        yield belief.value
    for link in record.links.values():
        for name, base in link.bases.items():
            yield from (base.stored, base.meant)
            if base.failed is not None:
                yield {name: base.failed.answer.removeprefix(WAITING)}
    for question in record.questions:
        for candidate in question.candidates:
            yield from (candidate.value, candidate.base or {})


def _sights(rows: Sequence[models.Record], words: Words) -> dict[uuid.UUID, Sight]:
    setting = PgStore(rows[0].sync).setting()
    roles = {feed.pk: role for role, feed in setting.feeds.items()}
    links: dict[uuid.UUID, dict[str, Link]] = {row.pk: {} for row in rows}
    for link in models.Link.objects.filter(record__in=rows, feed_id__in=roles).order_by("feed_id"):
        links[link.record_id][roles[link.feed_id]] = link_of(link, roles[link.feed_id])
    asked: dict[uuid.UUID, list[tuple[int, Question]]] = {row.pk: [] for row in rows}
    for conflict in Conflict.objects.filter(record__in=rows, state=Conflict.State.OPEN).order_by("id"):
        asked[conflict.record_id].append((conflict.pk, question_of(conflict)))
    return {
        row.pk: Sight(
            row,
            record_of(row, links[row.pk], [question for _, question in asked[row.pk]]),
            setting.policy,
            setting.feeds,
            words,
            {question.key: pk for pk, question in asked[row.pk]},
        )
        for row in rows
    }


@dataclass(frozen=True, slots=True)
class Standing:
    """How one account stands to what the hub believes of one unit: a word, and whether it needs anybody."""

    word: str
    tone: str  # "good", "wait", "bad", "quiet"
    detail: str = ""


# What I3 names, in the words of `policies.core.exceptions.holding`, and how it looks.
EXCEPTIONS = {
    "in review": "bad",
    "drift kept": "wait",
    "near miss": "wait",
    "out of scope": "quiet",
    "deleted there": "quiet",
    "lives on elsewhere": "quiet",
}
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
    if named.startswith(WAITING):
        key = named.removeprefix(WAITING)
        return Standing(f"{WAITING}{sight.words.titles.get(key, key)}", "wait", _awaited(link, unit))
    if named.startswith("failed"):
        return Standing("failed", "bad", named.removeprefix("failed: "))
    if named:
        return Standing(named, EXCEPTIONS.get(named, "bad"))
    if link is not None and link.sending is not None and unit.name in link.sending.values:
        return Standing("being written", "wait")
    if unit.name in due:
        return _due(sight, role, link, link.bases.get(unit.name) if link else None)
    return _rest(sight, role, unit, link)


def _awaited(link: Link | None, unit: Unit) -> str:
    base = link.bases.get(unit.name) if link is not None else None
    if base is not None and base.waits:
        return "what it holds there names a record that is linked to nothing yet, and is not written over"
    return "that record is not there, so it cannot be named there yet"


def _due(sight: Sight, role: str, link: Link | None, base: Base | None) -> Standing:
    if link is None or link.remote_id is None:
        return _unmade(sight, role, link)
    if base is not None and base.owed:
        return Standing("to be put back", "wait", "the hub writes its own value back")
    return Standing("behind", "wait")


def _unmade(sight: Sight, role: str, link: Link | None) -> Standing:
    """To be made, or what stands in the way."""
    record, policy = sight.record, sight.policy
    if (needed := _needed(sight, role, link)) is not None:
        return needed
    if due_work(record, policy, role) is not None or (link is not None and link.sending is not None):
        return Standing("to be made", "wait", "the record does not exist there yet")
    if lives_on_in(record):
        return Standing("not made", "quiet", "it lives on in another record")
    if link is not None and link.unlinked:
        return Standing("not made", "quiet", "a person left it out there")
    if not policy.roles[role].creates:
        return Standing("not made", "quiet", "the hub makes no records there")
    if not in_scope(policy.roles[role].scope, believed(record, policy)):
        return Standing("out of scope", "quiet", "its values are not those of the records that are kept there")
    if not has_match_key(believed(record, policy), policy):
        keys = " or ".join(" + ".join(map(sight.words.field, names)) for names in policy.match_keys) or "match key"
        return Standing("not made", "bad", f"it has no {keys} to look it up by; add one, or link it")
    if record.questions or (link is not None and link.skipped):
        return Standing("not made", "wait", "which record it is there is not settled; a person decides")
    if not has_match_key(create_values(record, policy, role), policy):
        return Standing("not made", "bad", "the policy does not write there what it would be looked up by")
    return Standing("not made", "quiet", "it is deleted or out of scope everywhere else")


def _needed(sight: Sight, role: str, link: Link | None) -> Standing | None:
    """What no record is made there without, where it cannot be told there."""
    record, policy = sight.record, sight.policy
    facts, without = policy.roles[role], "no record is made there without"
    if lives_on_in(record) or (link is not None and (link.unlinked or link.sending is not None)):
        return None
    if facts.lacks:
        return Standing("not made", "bad", f"{without} {enumerated(facts.lacks)}, and nothing is mapped to that")
    if facts.creates and (name := empty_need(record, policy, role)):
        return Standing("not made", "wait", f"{without} {facts.needs[name]}, and nothing is known of it")
    if facts.creates and need_waits(record, policy, role, due_units(record, policy, role)):
        told = enumerated(list(facts.needs.values()))
        return Standing("not made", "wait", f"{without} {told}, which cannot all be told there now")
    return None


def _rest(sight: Sight, role: str, unit: Unit, link: Link | None) -> Standing:
    base = link.bases.get(unit.name) if link is not None else None
    if base is None:
        touched = reads(unit, sight.policy, role) or may_write(unit, sight.record, role)
        return Standing("holds nothing", "quiet") if touched else Standing("not kept there", "quiet")
    if not reads(unit, sight.policy, role) and not may_write(unit, sight.record, role):
        return Standing("own value", "quiet", "the policy neither reads nor writes it there")
    return Standing("in step", "good")
