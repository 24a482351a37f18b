"""Why each value is what it is, in one sentence: source, actor, time, policy version and rule.

The one place that says it; the page, the command and the API print what stands here.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import QuerySet

from policies.core.ownership import owner_of
from policies.core.rules import Policy, Unit
from policies.core.types import Invalid
from policies.core.values import Belief, Said
from policies.models import FieldRule, Sync

from . import models
from .matching import match_digests
from .models import MatchKey
from .sight import Sight
from .store import PgStore
from .words import HUB_LABEL, Words

Rules = Mapping[tuple[int, str], FieldRule]


@dataclass(frozen=True, slots=True)
class Explained:
    """One unit of one record: what is believed, and why."""

    unit: str
    label: str
    value: str
    version: int
    owner: str
    source: str
    at: datetime | None
    sentence: str


class NotFound(Exception):
    """No record, or more than one; the sentence says what was tried."""


def explain(sight: Sight) -> list[Explained]:
    """Every unit of the record, in the sync's order."""
    return explain_all([sight])[0]


def explain_all(sights: Sequence[Sight]) -> list[list[Explained]]:
    """The same of several records, in one query."""
    rules = _rules(sights)
    return [[_one(sight, unit, rules.get(sight.row.sync_id, {})) for unit in sight.policy.units] for sight in sights]


def _rules(sights: Sequence[Sight]) -> dict[int, Rules]:
    """By sync, the rules in force when each belief came about, which may be older than today's."""
    beliefs = [belief for sight in sights for belief in sight.record.beliefs.values()]
    versions = {belief.said.policy for belief in beliefs if belief.said is not None}
    syncs = {sight.row.sync_id for sight in sights}
    found = FieldRule.objects.filter(policy_set__sync__in=syncs, policy_set__version__in=versions)
    out: dict[int, dict[tuple[int, str], FieldRule]] = {}
    for rule in found.select_related("policy_set"):
        out.setdefault(rule.policy_set.sync_id, {})[(rule.policy_set.version, rule.unit)] = rule
    return dict(out)


def _one(sight: Sight, unit: Unit, rules: Rules) -> Explained:
    words, belief = sight.words, sight.record.beliefs.get(unit.name)
    label, owner = words.field(unit.name), words.role(owner_of(unit, sight.record))
    said = belief.said if belief is not None else None
    if belief is None or said is None:
        nobody = f"{label} is empty because no system that may write it has held a value yet."
        return Explained(unit.name, label, words.values(None), 0, owner, "", None, nobody)
    value = words.values(belief.value)
    said_so = sentence(words, unit.name, belief, said, rules.get((said.policy, unit.name)))
    return Explained(unit.name, label, value, belief.v, owner, words.role(said.source), said.at, said_so)


def sentence(words: Words, unit: str, belief: Belief, said: Said, rule: FieldRule | None) -> str:
    """The sentence of invariant I8."""
    because = said.reason.say(role=words.role(said.source), field=words.field(unit), detail=said.detail)
    who = said.actor or ("a rule" if words.role(said.source) == HUB_LABEL else "somebody it does not name")
    ruled = f"rule “{rule.strategy.replace('_', ' ')}”, owner {words.role(rule.owner)}" if rule else "no rule kept"
    value = words.values(belief.value)
    shown = value if value == words.values(None) else f"“{value}”"
    return (
        f"{words.field(unit)} is {shown} because {because} "
        f"(source {words.role(said.source)}, by {who}, {utc(said.at)}; policy version {said.policy}, {ruled})."
    )


def utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def find_record(sync: Sync, wanted: str) -> models.Record:
    """The record with this key, match-key value or remote id. Raises NotFound."""
    found = find_records(sync, wanted)
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFound(
            f"no record of sync {sync.slug!r} has the key, match-key value or remote id {wanted!r}; accepted: "
            f"a record's key, or one value of {keys_told(sync)}, or an id in one of its accounts"
        )
    listed = ", ".join(str(row.key) for row in found)
    raise NotFound(f"{len(found)} records of sync {sync.slug!r} fit {wanted!r}; name one by its key: {listed}")


def keys_told(sync: Sync) -> str:
    return ", ".join(" + ".join(names) for names in sync.match_keys) or "a match key (this sync has none)"


FOUND_LIMIT = 20


def find_records(sync: Sync, wanted: str) -> list[models.Record]:
    """Exact finds only, by index: key, then match keys of one field, then remote ids."""
    wanted = wanted.strip()
    rows = models.Record.objects.filter(sync=sync).select_related("sync").order_by("key")
    key = _uuid(wanted)
    if key is not None and (found := list(rows.filter(key=key))):
        return found
    keys = match_keys_of(sync, wanted)
    if keys is not None and (found := list(rows.filter(key__in=keys.values("record_id"))[:FOUND_LIMIT])):
        return found
    links = models.Link.objects.filter(feed__role__sync=sync, remote_id=wanted)
    return list(rows.filter(key__in=links.values("record_id"))[:FOUND_LIMIT])


def match_keys_of(sync: Sync, wanted: str) -> QuerySet[MatchKey] | None:
    """The match keys of one field that this text is a value of; None if no such field's type accepts it."""
    pairs = _digests(PgStore(sync).setting().policy, wanted)
    if not pairs:
        return None
    return MatchKey.objects.filter(sync=sync, name__in=[n for n, _ in pairs], digest__in=[d for _, d in pairs])


def _uuid(wanted: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(wanted)
    except ValueError:
        return None


def _digests(policy: Policy, wanted: str) -> list[tuple[str, str]]:
    """The text as a value of every field that is a match key by itself, where the field's type accepts it."""
    members = {member.name: member for unit in policy.units for member in unit.members}
    out: list[tuple[str, str]] = []
    for names in policy.match_keys:
        if len(names) != 1:
            continue
        try:
            value = members[names[0]].normalise(wanted)
        except Invalid:
            continue
        out += match_digests({names[0]: value}, policy)
    return out
