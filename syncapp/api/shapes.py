"""Rows as JSON. The sentences and words are those of the pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from policies.core.values import Link
from policies.core.versions import vector
from syncapp.explain import Explained, explain_all
from syncapp.models import Delivery, Ledger, Push
from syncapp.sight import Sight, Standing, standings
from syncapp.timeline import event_of, seen_vector
from syncapp.words import Words

Json = dict[str, Any]


def iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def records_json(sights: Sequence[Sight]) -> list[Json]:
    return [_record(sight, said) for sight, said in zip(sights, explain_all(sights), strict=True)]


def _record(sight: Sight, explained: Sequence[Explained]) -> Json:
    stands = standings(sight)
    row = sight.row
    return {
        "key": str(row.key),
        "sync": row.sync.slug,
        "title": row.title,
        "version": row.version,
        "creator": row.creator,
        "updated_at": iso(row.updated_at),
        "beliefs": {said.unit: _belief(sight, said) for said in explained},
        "links": [_link(sight, role, stands) for role in sight.policy.roles],
        "conflicts": sorted(sight.conflicts.values()),
    }


def _belief(sight: Sight, said: Explained) -> Json:
    belief = sight.record.beliefs.get(said.unit)
    return {
        "value": unit_value(said.unit, belief.value if belief is not None else None),
        "version": said.version,
        "vector": vector(sight.record, said.unit),
        "owner": said.owner,
        "source": said.source,
        "at": iso(said.at),
        "why": said.sentence,
        "conflict": next((pk for key, pk in sight.conflicts.items() if key[1] == said.unit), None),
    }


def unit_value(unit: str, values: Mapping[str, Any] | None) -> Any:
    """A field's value by itself; a bundle's by member."""
    if values is None:
        return None
    return values[unit] if list(values) == [unit] else dict(values)


def _link(sight: Sight, role: str, stands: Mapping[tuple[str, str], Standing]) -> Json:
    link, feed = sight.record.links.get(role), sight.feeds.get(role)
    return {
        "role": role,
        "account": feed.account.slug if feed is not None else None,
        "remote_id": link.remote_id if link is not None else None,
        "remote_version": link.version if link is not None else None,
        "read_at": iso(link.read_at) if link is not None else None,
        "deleted_at": iso(link.gone) if link is not None else None,
        "fields": {unit.name: _field(link, unit.name, stands[(role, unit.name)]) for unit in sight.policy.units},
    }


def _field(link: Link | None, unit: str, standing: Standing) -> Json:
    base = link.bases.get(unit) if link is not None else None
    told = {"state": standing.word, "stored": unit_value(unit, base.stored) if base is not None else None}
    return told | ({"detail": standing.detail} if standing.detail else {})


def line_json(line: Ledger, words: Words) -> Json:
    event = event_of(line, words)
    return {
        "id": line.pk,
        "sync": line.sync.slug,
        "record": str(line.record) if line.record is not None else None,
        "correlation": str(line.correlation),
        "verdict": line.verdict,
        "reason": line.reason,
        "sentence": event.sentence,
        "role": line.role,
        "field": line.unit,
        "value": unit_value(line.unit, line.x) if isinstance(line.x, dict) else line.x,
        "saw": line.saw,
        "vector": seen_vector(line),
        "policy": line.policy,
        "run": line.run_id,
        "actor": line.actor,
        "occurred_at": iso(line.occurred_at),
        "received_at": iso(line.received_at),
        "recorded_at": iso(line.recorded_at),
    }


def delivery_json(row: Delivery) -> Json:
    """Without body and headers, which may hold what only administrators should see."""
    return {
        "id": row.pk,
        "account": row.account.slug,
        "event_id": row.event_id,
        "events": row.events,
        "state": row.state,
        "reason": row.reason,
        "attempts": row.attempts,
        "received_at": iso(row.received_at),
        "next_try": iso(row.next_try),
        "ended_at": iso(row.ended_at),
    }


def push_json(row: Push) -> Json:
    return {
        "id": row.pk,
        "sync": row.record.sync.slug,
        "record": str(row.record_id),
        "account": row.feed.account.slug,
        "role": row.feed.role.name,
        "state": row.state,
        "why": row.why,
        "fields": row.units,
        "values": row.values,
        "versions": row.versions,
        "key": row.key,
        "epoch": row.epoch,
        "attempts": row.attempts,
        "error": row.error,
        "created_at": iso(row.created_at),
        "next_try": iso(row.next_try),
        "started_at": iso(row.started_at),
        "ended_at": iso(row.ended_at),
    }
