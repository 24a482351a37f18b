"""Load the records of a page, locked in key order, in a fixed number of queries however many there are."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models.fields.json import KT

from policies.core import codec
from policies.core.rules import Policy
from policies.core.seen import How, Observation
from policies.core.values import Link, Question, Record

from . import models
from .matching import lock_slots, match_digests
from .models import Conflict, Feed
from .ports import Contended as Contended

LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "60s"

Digest = tuple[str, str]
QuestionKey = tuple[str, str, str, str]


@dataclass(slots=True)
class Loaded:
    """What a page works on, as it was under the locks."""

    now: datetime
    records: dict[str, Record] = field(default_factory=dict)
    rows: dict[str, models.Record] = field(default_factory=dict)
    conflicts: dict[tuple[str, QuestionKey], Conflict] = field(default_factory=dict)
    matches: dict[Digest, list[str]] = field(default_factory=dict)
    by_remote: dict[tuple[str, str], str] = field(default_factory=dict)


def database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return shifted(cursor.fetchone()[0])


def shifted(moment: datetime) -> datetime:
    """The database's clock, moved by CONCORD_CLOCK_OFFSET in tests of wrong clocks."""
    return moment + timedelta(seconds=settings.CLOCK_OFFSET)


def start(sync_id: int) -> datetime:
    """Bound every wait of this transaction, read the clock, and hold the sync as it is.

    `apply` locks the sync against this: no page judges by a policy that is replaced under it, and remembers digests or
    work of the old one after the new one had cleared them. Taken first of all locks, as `apply` does too. The clock is
    read last, when nothing has to be waited for any more.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true),"
            " pg_advisory_xact_lock_shared(tableoid::int, id::int), clock_timestamp()"
            " FROM policies_sync WHERE id = %s FOR KEY SHARE",
            [LOCK_TIMEOUT, STATEMENT_TIMEOUT, sync_id],
        )
        return shifted(cursor.fetchone()[-1])


def hold_syncs(sync_ids: Collection[int] | None = None) -> None:
    """Let the pages of these syncs (None: of all) that have begun end, and none begin until this transaction ends.

    Row locks alone would not do: whoever may share one passes those who wait to have it alone, and under load somebody
    always shares it. Whoever wants the advisory lock after us waits behind us. By the table's own id, because a copy of
    the table (an overlay) is another place.
    """
    wanted = None if sync_ids is None else sorted(sync_ids)
    which = "FROM policies_sync WHERE %(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s) ORDER BY id"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT pg_advisory_xact_lock(tableoid::int, id::int) FROM (SELECT tableoid, id {which}) AS s",  # noqa: S608
            {"ids": wanted},
        )
        cursor.execute(f"SELECT id {which} FOR UPDATE", {"ids": wanted})


_KEY = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def load_page(
    now: datetime,
    sync_id: int,
    feeds: Mapping[str, Feed],
    role: str,
    observations: Sequence[Observation],
    policy: Policy,
    more: Sequence[str] = (),
) -> Loaded:
    """Every record that these observations are linked to or could match, and those named by `more`."""
    loaded = Loaded(now)
    feed = feeds[role]
    ids = {seen.remote_id for seen in observations}
    merged = {seen.merged_into for seen in observations if seen.merged_into is not None}
    told = {seen.remote_id for seen in observations if seen.how is How.EVENT}
    known = _linked(feed, ids | merged)
    fresh = [seen for seen in observations if seen.remote_id not in known]
    digests = {seen.remote_id: match_digests(seen.fields, policy) for seen in fresh if seen.merged_into is None}
    digests |= {one: [] for one in merged if one not in known and one not in digests}
    _lock_unlinked(sync_id, feed, digests)
    # Read again under the locks: another worker may have linked some of them meanwhile.
    known |= _linked(feed, set(digests))
    loaded.matches = _matching(sync_id, {pair for pairs in digests.values() for pair in pairs})
    keys = {
        *_of_sync(sync_id, more),
        *known.values(),
        *lives_on(known[one] for one in merged | told if one in known),
        *(key for found in loaded.matches.values() for key in found),
    }
    load_records(loaded, feeds, keys)
    if any(loaded.by_remote.get((role, remote)) != key for remote, key in known.items()):
        raise Contended("a record of this page was linked anew while it was being locked")
    return loaded


def _of_sync(sync_id: int, keys: Sequence[str]) -> set[str]:
    """Those keys that name a record of this sync; an external id may be anybody's text."""
    wanted = [key for key in keys if _KEY.fullmatch(key)]
    if not wanted:
        return set()
    return {
        str(key) for key in models.Record.objects.filter(sync_id=sync_id, key__in=wanted).values_list("key", flat=True)
    }


def _linked(feed: Feed, ids: Collection[str]) -> dict[str, str]:
    rows = models.Link.objects.filter(feed=feed, remote_id__in=list(ids)).values_list("remote_id", "record_id")
    return {str(remote): str(key) for remote, key in rows}


def lives_on(keys: Iterable[str]) -> set[str]:
    """Records that these live on in since they were joined, and those that these live on in, and so on."""
    found: set[str] = set()
    wanted = set(keys)
    while wanted:
        rows = models.Link.objects.filter(record_id__in=wanted, head__into__isnull=False)
        wanted = set(rows.values_list(KT("head__into"), flat=True)) - found
        found |= wanted
    return found


def _lock_unlinked(sync_id: int, feed: Feed, digests: Mapping[str, Sequence[Digest]]) -> None:
    names = (f"{feed.pk} {remote}" for remote in digests)
    keys = (f"{name} {value}" for pairs in digests.values() for name, value in pairs)
    slots = lock_slots(sync_id, [*names, *keys])
    with connection.cursor() as cursor:
        # Sorted, and taken in that order: two pages cannot wait for each other. A copy of the sync meets nobody, and
        # must keep nobody waiting: there the tables are temporary ones.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(slot) FROM unnest(%s::bigint[]) AS slot"
            " WHERE to_regclass('pg_temp.syncapp_record') IS NULL",
            [slots],
        )


def _matching(sync_id: int, digests: Collection[Digest]) -> dict[Digest, list[str]]:
    names, values = [name for name, _ in digests], [value for _, value in digests]
    out: dict[Digest, list[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT k.name, k.digest, k.record_id FROM syncapp_matchkey k"
            " JOIN unnest(%s::text[], %s::text[]) AS wanted(name, digest) USING (name, digest)"
            " WHERE k.sync_id = %s ORDER BY k.record_id",
            [names, values, sync_id],
        )
        for name, value, key in cursor.fetchall():
            out.setdefault((name, value), []).append(str(key))
    return out


def load_records(loaded: Loaded, feeds: Mapping[str, Feed], keys: Collection[str], *, lock: bool = True) -> None:
    """Lock the records in key order; then read their links and open questions, which only lock holders change."""
    wanted = [uuid.UUID(key) for key in keys]
    found = models.Record.objects.select_for_update(of=("self",)) if lock else models.Record.objects.all()
    rows = found.filter(key__in=wanted).order_by("key")
    loaded.rows = {str(row.key): row for row in rows}
    links = _links(loaded, feeds, wanted)
    questions = _questions(loaded, wanted)
    for key, row in loaded.rows.items():
        loaded.records[key] = record_of(row, links.get(key, {}), questions.get(key, ()))


def _links(loaded: Loaded, feeds: Mapping[str, Feed], keys: Sequence[uuid.UUID]) -> dict[str, dict[str, Link]]:
    roles = {feed.pk: role for role, feed in feeds.items()}
    out: dict[str, dict[str, Link]] = {}
    for row in models.Link.objects.filter(record_id__in=keys).order_by("record_id", "feed_id"):
        role = roles.get(row.feed_id)
        if role is None:
            continue  # a role that left the sync: its links are kept, frozen
        out.setdefault(str(row.record_id), {})[role] = link_of(row, role)
        if row.remote_id is not None:
            loaded.by_remote[(role, row.remote_id)] = str(row.record_id)
    return out


def _questions(loaded: Loaded, keys: Sequence[uuid.UUID]) -> dict[str, list[Question]]:
    out: dict[str, list[Question]] = {}
    for row in Conflict.objects.filter(record_id__in=keys, state=Conflict.State.OPEN).order_by("id"):
        question = question_of(row)
        out.setdefault(str(row.record_id), []).append(question)
        loaded.conflicts[(str(row.record_id), question.key)] = row
    return out


def record_of(row: models.Record, links: Mapping[str, Link], questions: Sequence[Question]) -> Record:
    beliefs = {name: codec.belief_from_json(data) for name, data in row.beliefs.items()}
    return Record(str(row.key), row.version, row.creator, beliefs, dict(links), tuple(questions), row.apart)


def link_of(row: models.Link, role: str) -> Link:
    data: dict[str, Any] = {**row.head, "role": role, "bases": row.bases}
    link = codec.link_from_json(data)
    return replace(link, remote_id=row.remote_id, version=row.version, read_at=row.read_at, digest=row.digest)


def question_of(row: Conflict) -> Question:
    return codec.question_from_json(
        {
            "kind": row.kind,
            "unit": row.unit,
            "role": row.role,
            "candidates": row.candidates,
            "reason": row.reason,
            "opened_at": row.opened_at.isoformat(),
            "version": row.version,
            "note": row.note,
            "about": row.about,
        }
    )
