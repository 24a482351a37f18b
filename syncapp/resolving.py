"""Release references that waited: what is read there is looked at again, what could not be said there is written."""

# ruff: noqa: S608 - the statement is put together from this module's own text; values are always parameters.
from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import partial

from django.db import connection
from django.db.models import Q

from policies.core.refers import freed

from .again import again
from .load import Contended, database_now
from .models import Feed, Link, Waiting
from .receive import look_later, ring_inbox
from .store import NoPolicy, PgStore, ring_pushes

PAGE = 200
# Marks and rings are what releases; this finds what a process that was killed did not come to.
LOOK_AFTER = timedelta(minutes=15)
SOON = timedelta(seconds=5)
# A record that is there and kept in step there: the other end of `references.STANDS`.
STANDS = "l.remote_id IS NOT NULL AND NOT l.head ?| array['gone', 'unlinked']"
ASK = (
    "WITH taken AS ("
    "  SELECT id FROM syncapp_waiting WHERE asked_at IS NULL OR asked_at < %s"
    "  ORDER BY asked_at NULLS FIRST LIMIT %s FOR UPDATE SKIP LOCKED"
    "), asked AS ("
    "  UPDATE syncapp_waiting w SET asked_at = %s FROM taken WHERE w.id = taken.id RETURNING w.*"
    ")"
    " SELECT NULL, NULL, false FROM asked"
    " UNION ALL SELECT a.feed_id, a.record_id, false FROM asked a"
    "  JOIN syncapp_link l ON l.feed_id = a.target_id AND l.remote_id = a.remote_id"
    " UNION ALL SELECT a.feed_id, a.record_id, true FROM asked a"
    f"  JOIN syncapp_link l ON l.feed_id = a.target_id AND l.record_id = a.key AND {STANDS}"
    " UNION ALL SELECT a.feed_id, a.record_id, true FROM asked a"
    "  JOIN syncapp_link o ON o.record_id = a.key AND o.head ? 'into'"
    f"  JOIN syncapp_link l ON l.feed_id = a.target_id AND l.record_id = (o.head->>'into')::uuid AND {STANDS}"
)
Ring = Callable[[Collection[int]], None]


def resolve(ring_feeds: Ring = ring_pushes) -> int:
    """All that is to be looked at now; how many references were released."""
    released = 0
    while True:
        asked, found = _ask(database_now())
        for feed in Feed.objects.filter(pk__in=found).select_related("role__sync", "account"):
            released += _release(feed, *found[feed.pk], ring_feeds)
        if asked < PAGE:
            return released


def to_look_at(now: datetime) -> Q:
    return Q(asked_at=None) | Q(asked_at__lt=now - LOOK_AFTER)


def _ask(now: datetime) -> tuple[int, dict[int, tuple[list[uuid.UUID], list[uuid.UUID]]]]:
    """How many rows were taken; and by feed, the records to be read and those to be written, whose other one is there.

    Taken rows are not taken again for a while: a row ends when its record stops waiting, not by being taken.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            ASK,
            [now - LOOK_AFTER, PAGE, now],
        )
        rows = cursor.fetchall()
    found: dict[int, tuple[list[uuid.UUID], list[uuid.UUID]]] = {}
    for feed, record, writes in rows:
        if feed is not None:
            found.setdefault(feed, ([], []))[writes].append(record)
    return sum(feed is None for feed, _, _ in rows), found


def _release(feed: Feed, reads: list[uuid.UUID], writes: list[uuid.UUID], ring_feeds: Ring) -> int:
    ids = Link.objects.filter(feed=feed, record__in=reads, remote_id__isnull=False).values_list("remote_id", flat=True)
    told = [str(one) for one in ids]
    if told:
        look_later(feed, told, 0.0)
        ring_inbox()
    try:
        again(partial(_free, feed, [str(key) for key in writes], ring_feeds))
    except (Contended, NoPolicy):
        soon = database_now() - LOOK_AFTER + SOON
        Waiting.objects.filter(feed=feed, record__in=writes).update(asked_at=soon)
        return len(told)
    return len(told) + len(writes)


def _free(feed: Feed, keys: list[str], ring_feeds: Ring) -> None:
    if not keys:
        return
    role = feed.role.name
    with PgStore(feed.role.sync, ring_feeds=ring_feeds).page(role, (), keys) as page:
        for key in keys:
            record = page.record(key)
            if record is not None:
                page.save(freed(record, role, page.policy, page.context(role)))
