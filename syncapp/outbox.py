"""Pushes as rows: what is due is derived from state, what is sent and how it ended is kept. Called by `reconcile`."""

# ruff: noqa: S608 - what is put into statements are column lists of this module; values are always parameters.
from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from policies.core.due import due_roles, due_units
from policies.core.planned import Line
from policies.core.reasons import Verdict
from policies.core.rules import Policy
from policies.core.values import Record, Sending

from .brakes import begin_writing
from .models import Feed, Push
from .rows import Types, document, recordset
from .spending import spend

LANDED = frozenset({Verdict.CONFIRMED, Verdict.NEAR_MISS, Verdict.LANDED, Verdict.CREATED, Verdict.ECHO})
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """The changed records of a page, as they were and as they are, with what was said about each."""

    policy: Policy
    feeds: Mapping[str, Feed]
    now: datetime
    pairs: Sequence[tuple[Record | None, Record]]
    lines: Mapping[str, Sequence[Line]]


def write_pushes(work: Work) -> set[int]:
    """End, begin, derive; the ids of the feeds where something is due now. Raises Braked where none may begin."""
    ended, begun = _ended(work), _begun(work)
    due, idle = _due(work)
    if ended:
        _end(work.now, ended)
    if begun:
        feeds = _feeds(work, begun)
        begin_writing(feeds)
        for feed in feeds:
            spend(feed.account, sum(row[1] == feed.pk for row in begun), work.now)
        _begin(work.now, begun)
    if idle:
        _forget(idle)
    if due:
        _await(work.now, due)
    return {row[1] for row in due}


def _feeds(work: Work, rows: Sequence[Row]) -> list[Feed]:
    wanted = {row[1] for row in rows}
    return [feed for feed in work.feeds.values() if feed.pk in wanted]


def _sending(record: Record | None, role: str) -> Sending | None:
    link = record.links.get(role) if record is not None else None
    return link.sending if link is not None else None


def _ended(work: Work) -> list[Row]:
    rows = []
    for before, state in work.pairs:
        for role in before.links if before is not None else ():
            old, new = _sending(before, role), _sending(state, role)
            if old is not None and (new is None or new.key != old.key):
                how, error = _outcome(work.lines.get(state.key, ()), role)
                rows.append((uuid.UUID(state.key), work.feeds[role].pk, how, error))
    return rows


def _outcome(lines: Sequence[Line], role: str) -> tuple[str, str]:
    said = [line for line in lines if line.role == role]
    failed = [line.detail for line in said if line.verdict is Verdict.FAILED]
    if failed:
        return Push.State.FAILED.value, "; ".join(failed)
    landed = any(line.verdict in LANDED for line in said) or any(line.verdict is Verdict.DELETED for line in said)
    return (Push.State.CONFIRMED if landed else Push.State.SUPERSEDED).value, ""


def _begun(work: Work) -> list[Row]:
    rows = []
    for before, state in work.pairs:
        for role in state.links:
            old, new = _sending(before, role), _sending(state, role)
            if new is not None and (old is None or old.key != new.key):
                values, versions = dict(new.values), dict(new.versions)
                why = "delete" if new.delete else "create" if new.create else "update"
                units = sorted(new.values)
                rows.append((state.key, work.feeds[role].pk, why, units, values, versions, new.key, new.epoch))
    return rows


def _due(work: Work) -> tuple[list[Row], list[Row]]:
    """What is due at which feed, and the feeds where nothing is."""
    due, idle = [], []
    for _, state in work.pairs:
        found = due_roles(state, work.policy)
        for role, feed in work.feeds.items():
            if role in found:
                units = [unit.name for unit in due_units(state, work.policy, role)]
                due.append((state.key, feed.pk, str(found[role]), units))
            else:
                idle.append((uuid.UUID(state.key), feed.pk))
    return due, idle


def _columns(rows: Sequence[Row]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _end(now: datetime, rows: Sequence[Row]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE syncapp_push p SET state = d.state, error = d.error, ended_at = %s, claimed_until = NULL"
            " FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::text[]) AS d(record_id, feed_id, state, error)"
            " WHERE p.state = 'sending' AND p.record_id = d.record_id AND p.feed_id = d.feed_id",
            [now, *_columns(rows)],
        )


BEGUN: Types = (
    ("record_id", "uuid"), ("feed_id", "bigint"), ("why", "text"), ("units", "jsonb"),
    ("sent", "jsonb"), ("versions", "jsonb"), ("key", "text"), ("epoch", "int"),
)  # fmt: skip
DUE: Types = (("record_id", "uuid"), ("feed_id", "bigint"), ("why", "text"), ("units", "jsonb"))


def _begin(now: datetime, rows: Sequence[Row]) -> None:
    """The pending row becomes the one in flight and keeps its count of attempts."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH d AS (SELECT * FROM {recordset(BEGUN)}),"
            " gone AS (DELETE FROM syncapp_push p USING d"
            "   WHERE p.state = 'pending' AND p.record_id = d.record_id AND p.feed_id = d.feed_id"
            "   RETURNING p.record_id, p.feed_id, p.attempts, p.created_at)"
            ' INSERT INTO syncapp_push (record_id, feed_id, state, why, units, "values", versions, key, epoch,'
            "   attempts, next_try, error, created_at, started_at)"
            " SELECT d.record_id, d.feed_id, 'sending', d.why, d.units, d.sent, d.versions, d.key, d.epoch,"
            "   COALESCE(gone.attempts, 0), %s, '', COALESCE(gone.created_at, %s), %s"
            " FROM d LEFT JOIN gone USING (record_id, feed_id)",
            [document(BEGUN, rows), now, now, now],
        )


def _forget(rows: Sequence[Row]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM syncapp_push p USING unnest(%s::uuid[], %s::bigint[]) AS d(record_id, feed_id)"
            " WHERE p.state = 'pending' AND p.record_id = d.record_id AND p.feed_id = d.feed_id",
            _columns(rows),
        )


def _await(now: datetime, rows: Sequence[Row]) -> None:
    """Due rows wait from now on; one that waits already keeps its back-off, and attempts since a success are kept."""
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO syncapp_push (record_id, feed_id, state, why, units, "values", versions, key, epoch, attempts,'
            "   next_try, error, created_at)"
            " SELECT d.record_id, d.feed_id, 'pending', d.why, d.units, '{}', '{}', '', 0, COALESCE(last.attempts, 0),"
            "   %s, '', %s"
            f" FROM {recordset(DUE)}"
            " LEFT JOIN LATERAL (SELECT CASE p.state WHEN 'confirmed' THEN 0 ELSE p.attempts END AS attempts"
            "   FROM syncapp_push p WHERE p.record_id = d.record_id AND p.feed_id = d.feed_id AND p.state <> 'pending'"
            "   ORDER BY p.id DESC LIMIT 1) last ON true"
            " ON CONFLICT (record_id, feed_id) WHERE state = 'pending'"
            " DO UPDATE SET why = excluded.why, units = excluded.units",
            [now, now, document(DUE, rows)],
        )


# Taken in a CTE: as a sub-select the rows would be picked anew for every row of some plans, and more than LIMIT taken.
TAKE = (
    "WITH taken AS MATERIALIZED (SELECT id FROM syncapp_push WHERE feed_id = %s AND next_try <= %s"
    " AND (claimed_until IS NULL OR claimed_until <= %s) AND {which} LIMIT %s FOR UPDATE SKIP LOCKED)"
    " UPDATE syncapp_push p SET claimed_until = %s FROM taken WHERE p.id = taken.id RETURNING p.record_id, p.attempts"
)
# What a brake holds of a record there is decided first.
NOT_HELD = (
    "NOT EXISTS (SELECT 1 FROM syncapp_held h"
    " WHERE h.state = 'held' AND h.record_id = syncapp_push.record_id AND h.feed_id = syncapp_push.feed_id)"
)
TAKE_PENDING = TAKE.format(which=f"state = 'pending' AND {NOT_HELD} ORDER BY next_try, id")
TAKE_SENDING = TAKE.format(
    which="state = 'sending' AND (started_at < %s OR error <> '') AND (why <> 'create' OR %s) ORDER BY started_at, id"
)


def claim_pushes(feed_id: int, limit: int, now: datetime, lease: timedelta) -> list[tuple[str, int]]:
    """Take up to `limit` waiting pushes of a feed: (record key, attempts). No two workers get the same one."""
    return _take(TAKE_PENDING, [feed_id, now, now, limit, now + lease])


def claim_unsettled(
    feed_id: int, limit: int, now: datetime, lease: timedelta, patience: timedelta, *, creates: bool = True
) -> list[tuple[str, int]]:
    """Take pushes without an outcome: begun longer ago than `patience`, or noted as unknown by who made the call."""
    return _take(TAKE_SENDING, [feed_id, now, now, now - patience, creates, limit, now + lease])


def _take(statement: str, values: Sequence[Any]) -> list[tuple[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [(str(key), attempts) for key, attempts in cursor.fetchall()]


def postpone(feed_id: int, key: str, until: datetime, error: str) -> None:
    """A push that could not be tried or must be tried again: not before `until`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE syncapp_push SET attempts = attempts + 1, next_try = %s, error = %s, claimed_until = NULL"
            " WHERE state IN ('pending', 'sending') AND feed_id = %s AND record_id = %s",
            [until, error, feed_id, uuid.UUID(key)],
        )


def put_off(feed_id: int, keys: Sequence[str], until: datetime, said: str) -> None:
    """Claimed pushes that were not tried: not before `until`, and it is no attempt of theirs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE syncapp_push SET next_try = %s, claimed_until = NULL,"
            " error = CASE WHEN state = 'pending' THEN %s ELSE error END"
            " WHERE state IN ('pending', 'sending') AND feed_id = %s AND record_id = ANY(%s::uuid[])",
            [until, said, feed_id, list(keys)],
        )
