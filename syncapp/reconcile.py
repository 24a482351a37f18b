"""The only writer of sync state: everything that the plans of a page changed, in bulk, however many there are."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection

from policies.core.codec import to_json
from policies.core.identity import believed
from policies.core.planned import Line, Plan
from policies.core.reasons import Verdict
from policies.core.values import Link, Record

from . import models
from .lines import MOVED, changes_of, link_json, only_read
from .load import Loaded
from .matching import may_differ, record_digests
from .models import Feed, Ledger, MatchKey
from .outbox import Work, write_pushes
from .questions import write_questions
from .setting import Entry, Setting

BY_PEOPLE = (Verdict.DECIDED, Verdict.EDITED)
TITLE_LENGTH = 200


Pairs = Sequence[tuple[Record | None, Record]]


def write(setting: Setting, loaded: Loaded, entries: Sequence[Entry], states: Mapping[str, Record]) -> set[int]:
    """Write the entries of one page; the ids of the feeds where something is due now."""
    if not entries:
        return set()
    keys = dict.fromkeys(entry.plan.state.key for entry in entries)
    pairs = [(loaded.records.get(key), states[key]) for key in keys]
    lines, changed = _ledger(setting, loaded, entries)
    pairs_changed = [pair for pair in pairs if pair[1].key in changed]
    _write_records(setting, loaded, pairs_changed)
    _write_links(setting, pairs_changed)
    _touch_links(setting, pairs)
    _write_match_keys(setting, pairs_changed)
    write_questions(setting, loaded, entries)
    feeds = write_pushes(_work(setting, loaded, entries, pairs_changed))
    Ledger.objects.bulk_create(lines)
    return feeds


def derive(setting: Setting, loaded: Loaded) -> set[int]:
    """Pending pushes and match keys from state alone: what they were before does not matter."""
    _put_match_keys(setting, list(loaded.records.values()))
    states = [(record, record) for record in loaded.records.values()]
    return write_pushes(Work(setting.policy, setting.feeds, loaded.now, states, {}))


def _ledger(setting: Setting, loaded: Loaded, entries: Sequence[Entry]) -> tuple[list[Ledger], set[str]]:
    """The lines of all plans, and the records that they changed in more than when they were read."""
    lines: list[Ledger] = []
    changed: set[str] = set()
    for entry in entries:
        changes = changes_of(entry.before, entry.plan.state)
        if changes:
            changed.add(entry.plan.state.key)
        made = [_line(setting, loaded, entry, number, line) for number, line in enumerate(entry.plan.lines)]
        if changes and not made:
            made = [_bare_line(setting, loaded, entry)]
        if changes:
            made[-1].changes = changes
        lines += made
    return lines, changed


def _line(setting: Setting, loaded: Loaded, entry: Entry, number: int, line: Line) -> Ledger:
    row = _bare_line(setting, loaded, entry)
    seen = line.saw.observation if line.saw is not None else None
    row.line, row.verdict, row.reason = number, line.verdict.value, line.reason.code
    row.role, row.unit, row.detail = line.role, line.unit, line.detail
    row.x = None if line.x is None else dict(line.x)
    row.saw = None if line.saw is None else to_json(line.saw)
    if seen is not None:
        row.actor, row.occurred_at, row.received_at = (seen.actor or "")[:150], seen.updated_at, seen.received_at
    elif line.verdict in BY_PEOPLE:
        row.actor = _person(entry.plan, line)[:150]
    return row


def _person(plan: Plan, line: Line) -> str:
    """Who edited or decided: named by the belief that this made, or by the question that it closed."""
    belief = plan.state.beliefs.get(line.unit)
    if belief is not None and belief.said is not None and belief.said.reason is line.reason:
        return belief.said.actor or ""
    return next((closed.by for closed in plan.closed if closed.by != "rule"), "")


def _bare_line(setting: Setting, loaded: Loaded, entry: Entry) -> Ledger:
    """State that moved without a verdict, such as a push that was claimed."""
    return Ledger(
        sync=setting.sync,
        record=uuid.UUID(entry.plan.state.key),
        correlation=uuid.UUID(entry.correlation),
        line=0,
        verdict=MOVED,
        policy=setting.policy.version,
        facts=setting.facts,
        run=setting.run,
        recorded_at=loaded.now,
    )


def _write_records(setting: Setting, loaded: Loaded, pairs: Pairs) -> None:
    rows = [_record_row(setting, loaded, state) for before, state in pairs if _record_changed(before, state)]
    models.Record.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["version", "beliefs", "creator", "title", "updated_at"],
    )


def _record_changed(before: Record | None, state: Record) -> bool:
    if before is None:
        return True
    same = before.beliefs is state.beliefs or before.beliefs == state.beliefs
    return not same or (before.version, before.creator) != (state.version, state.creator)


def _record_row(setting: Setting, loaded: Loaded, state: Record) -> models.Record:
    return models.Record(
        key=uuid.UUID(state.key),
        sync=setting.sync,
        version=state.version,
        beliefs={name: to_json(belief) for name, belief in state.beliefs.items()},
        creator=state.creator,
        title=title_of(setting, state),
        updated_at=loaded.now,
    )


def title_of(setting: Setting, state: Record) -> str:
    """The line by which people recognise a record: its title fields, else the first match key that has a value."""
    values, sync = believed(state, setting.policy), setting.sync
    for names in (sync.title_fields, *sync.match_keys):
        words = [str(values[name]) for name in names if values.get(name) not in (None, "", [], {})]
        if words:
            return " ".join(words)[:TITLE_LENGTH]
    return ""


def _write_links(setting: Setting, pairs: Pairs) -> None:
    rows = []
    for before, state in pairs:
        for role, link in state.links.items():
            old = before.links.get(role) if before is not None else None
            if old is not link and not (old is not None and only_read(old, link)):
                rows.append(_link_row(setting.feeds[role], state.key, link))
    _free_remote_ids(setting, pairs)
    models.Link.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["record", "feed"],
        update_fields=["remote_id", "version", "read_at", "digest", "bases", "head"],
    )


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


def _link_row(feed: Feed, key: str, link: Link) -> models.Link:
    head, bases = link_json(link)
    return models.Link(
        record_id=uuid.UUID(key),
        feed=feed,
        remote_id=link.remote_id,
        version=link.version,
        read_at=link.read_at,
        digest=link.digest,
        bases=bases,
        head=head,
    )


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
    moved = []
    for before, state in pairs:
        if before is not None and not may_differ(before, state):
            continue
        now = record_digests(state, setting.policy)
        if before is None or record_digests(before, setting.policy) != now:
            moved.append(state)
    _put_match_keys(setting, moved)


def _put_match_keys(setting: Setting, records: Sequence[Record]) -> None:
    if not records:
        return
    MatchKey.objects.filter(record_id__in=[uuid.UUID(record.key) for record in records]).delete()
    MatchKey.objects.bulk_create(
        MatchKey(sync=setting.sync, record_id=uuid.UUID(record.key), name=name, digest=value)
        for record in records
        for name, value in record_digests(record, setting.policy)
    )


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
