"""The only writer of sync state: everything that the plans of a page changed, in bulk, however many there are."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection

from policies.core.identity import believed
from policies.core.planned import Line
from policies.core.values import Link, Record

from . import models
from .booked import book, write_lines
from .lines import Spelling, only_read
from .load import Loaded
from .matching import may_differ, record_digests
from .models import MatchKey
from .outbox import Work, write_pushes
from .questions import write_questions
from .rows import Row, Types, put
from .setting import Entry, Setting
from .unresolved import tell_waiting, write_waiting

TITLE_LENGTH = 200
RECORD: Types = (
    ("key", "uuid"), ("sync_id", "bigint"), ("version", "bigint"), ("beliefs", "jsonb"), ("creator", "text"),
    ("apart", "jsonb"), ("title", "text"), ("updated_at", "timestamptz"),
)  # fmt: skip
LINK: Types = (
    ("record_id", "uuid"), ("feed_id", "bigint"), ("remote_id", "text"), ("version", "text"),
    ("read_at", "timestamptz"), ("digest", "text"), ("bases", "jsonb"), ("head", "jsonb"),
)  # fmt: skip
MATCH_KEY: Types = (("record_id", "uuid"), ("name", "text"), ("sync_id", "bigint"), ("digest", "text"))

Pairs = Sequence[tuple[Record | None, Record]]
Digests = Sequence[tuple[str, str]]


def write(setting: Setting, loaded: Loaded, entries: Sequence[Entry], states: Mapping[str, Record]) -> set[int]:
    """Write the entries of one page; the ids of the feeds where something is due now."""
    if not entries:
        return set()
    keys = dict.fromkeys(entry.plan.state.key for entry in entries)
    pairs = [(loaded.records.get(key), states[key]) for key in keys]
    spelling = Spelling()
    lines, changed = book(setting, loaded.now, entries, spelling)
    pairs_changed = [pair for pair in pairs if pair[1].key in changed]
    _write_records(setting, loaded, pairs_changed, spelling)
    _write_links(setting, pairs_changed, spelling)
    _touch_links(setting, pairs)
    _write_match_keys(setting, pairs_changed)
    write_questions(setting, loaded, entries)
    write_waiting(setting, pairs_changed)
    tell_waiting(setting, pairs_changed)
    feeds = write_pushes(_work(setting, loaded, entries, pairs_changed))
    write_lines(lines)
    return feeds


def derive(setting: Setting, loaded: Loaded) -> set[int]:
    """Pending pushes and match keys from state alone: what they were before does not matter."""
    moved = [(record.key, record_digests(record, setting.policy)) for record in loaded.records.values()]
    _put_match_keys(setting, moved, list(loaded.records))
    states = [(record, record) for record in loaded.records.values()]
    return write_pushes(Work(setting.policy, setting.feeds, loaded.now, states, {}))


def _write_records(setting: Setting, loaded: Loaded, pairs: Pairs, spelling: Spelling) -> None:
    rows = [_record_row(setting, loaded, state, spelling) for before, state in pairs if _record_changed(before, state)]
    put("syncapp_record", ["key"], RECORD, rows)


def _record_changed(before: Record | None, state: Record) -> bool:
    if before is None:
        return True
    same = before.beliefs is state.beliefs or before.beliefs == state.beliefs
    same = same and (before.apart is state.apart or before.apart == state.apart)
    return not same or (before.version, before.creator) != (state.version, state.creator)


def _record_row(setting: Setting, loaded: Loaded, state: Record, spelling: Spelling) -> Row:
    beliefs = {name: spelling.belief(belief) for name, belief in state.beliefs.items()}
    title = title_of(setting, state)
    return (state.key, setting.sync.pk, state.version, beliefs, state.creator, dict(state.apart), title, loaded.now)


def title_of(setting: Setting, state: Record) -> str:
    """The line by which people recognise a record: its title fields, else the first match key that has a value."""
    values, sync = believed(state, setting.policy), setting.sync
    for names in (sync.title_fields, *sync.match_keys):
        words = [str(values[name]) for name in names if values.get(name) not in (None, "", [], {})]
        if words:
            return " ".join(words)[:TITLE_LENGTH]
    return ""


def _write_links(setting: Setting, pairs: Pairs, spelling: Spelling) -> None:
    rows = []
    for before, state in pairs:
        for role, link in state.links.items():
            old = before.links.get(role) if before is not None else None
            if old is not link and not (old is not None and only_read(old, link)):
                rows.append(_link_row(setting.feeds[role].pk, state.key, link, spelling))
    _free_remote_ids(setting, pairs)
    put("syncapp_link", ["record_id", "feed_id"], LINK, rows)


def _free_remote_ids(setting: Setting, pairs: Pairs) -> None:
    """A remote id that moves from one record to another is let go before it is taken."""
    keys, feeds = [], []
    for before, state in pairs:
        for role, old in (before.links if before is not None else {}).items():
            now = state.links.get(role)
            if old.remote_id is not None and (now is None or now.remote_id != old.remote_id):
                keys.append(uuid.UUID(state.key))
                feeds.append(setting.feeds[role].pk)
    if keys:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE syncapp_link l SET remote_id = NULL"
                " FROM unnest(%s::uuid[], %s::bigint[]) AS d(record_id, feed_id)"
                " WHERE l.record_id = d.record_id AND l.feed_id = d.feed_id",
                [keys, feeds],
            )


def _link_row(feed_id: int, key: str, link: Link, spelling: Spelling) -> Row:
    head, bases = spelling.link(link)
    return (key, feed_id, link.remote_id, link.version, link.read_at, link.digest, bases, head)


def _touch_links(setting: Setting, pairs: Pairs) -> None:
    """All links of the page that were read and held nothing new, in one statement."""
    rows = [
        (uuid.UUID(state.key), setting.feeds[role].pk, link.version, link.read_at, link.digest)
        for before, state in pairs
        if before is not None
        for role, link in state.links.items()
        if (old := before.links.get(role)) is not None and old is not link and only_read(old, link)
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE syncapp_link l SET version = d.version, read_at = d.read_at, digest = d.digest"
                " FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::timestamptz[], %s::text[])"
                " AS d(record_id, feed_id, version, read_at, digest)"
                " WHERE l.record_id = d.record_id AND l.feed_id = d.feed_id",
                [list(column) for column in zip(*rows, strict=True)],
            )


def _write_match_keys(setting: Setting, pairs: Pairs) -> None:
    moved, known = [], []
    for before, state in pairs:
        if before is not None and not may_differ(before, state):
            continue
        now = record_digests(state, setting.policy)
        if before is None or record_digests(before, setting.policy) != now:
            moved.append((state.key, now))
            known += [state.key] if before is not None else []
    _put_match_keys(setting, moved, known)


def _put_match_keys(setting: Setting, moved: Sequence[tuple[str, Digests]], known: Sequence[str]) -> None:
    """`known`: the records that may have keys already."""
    if known:
        MatchKey.objects.filter(record_id__in=[uuid.UUID(key) for key in known]).delete()
    rows = [(key, name, setting.sync.pk, value) for key, digests in moved for name, value in digests]
    put("syncapp_matchkey", ["record_id", "name"], MATCH_KEY, rows)


def _work(setting: Setting, loaded: Loaded, entries: Sequence[Entry], pairs: Pairs) -> Work:
    lines: dict[str, list[Line]] = {}
    for entry in entries:
        lines.setdefault(entry.plan.state.key, []).extend(entry.plan.lines)
    return Work(setting.policy, setting.feeds, loaded.now, pairs, lines)


def mark_read(feed_id: int, remote_ids: Sequence[str], read_at: datetime) -> None:
    """Records whose body is as it was judged: only that they were read, in one statement."""
    links = models.Link.objects.filter(feed_id=feed_id, remote_id__in=list(remote_ids), head__sending__isnull=True)
    links.filter(read_at__lt=read_at).update(read_at=read_at)


def forget_digests(*, feed_id: int | None = None, sync_id: int | None = None) -> None:
    """The next reads of these links are judged even if the bodies did not change: mapping or policy did."""
    links = models.Link.objects.exclude(digest="")
    if feed_id is not None:
        links = links.filter(feed_id=feed_id)
    if sync_id is not None:
        links = links.filter(feed__role__sync_id=sync_id)
    links.update(digest="")
