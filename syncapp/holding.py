"""Records that a brake holds one by one: they are not judged, and everything else of their feed goes on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import orjson
from django.db import connection
from django.db.models import F, Max, Q, QuerySet, Sum
from django.db.models.fields.json import KT

from policies.core.codec import to_json
from policies.core.rules import Limits
from policies.core.safety import Counts, Halt, halts
from policies.core.seen import Observation
from policies.core.versions import lower
from policies.limits import limits_of
from policies.models import PolicySet

from .brakes import HOLDS, OPEN, Code, trip
from .facts import object_spec
from .known import Known
from .load import database_now
from .models import Brake, Feed, Held, Lately, Link

What, State = Held.What, Held.State
BRAKES: Mapping[str, Code] = {
    What.DELETE: Code.MASS_DELETE,
    What.CHANGE: Code.MASS_CHANGE,
    What.REWIND: Code.MASS_REWIND,
}
KINDS = {code: what for what, code in BRAKES.items()}
# Hints and short passes add up over so long.
WINDOW = timedelta(minutes=10)


class Shown(Protocol):
    """What is looked at before anything is mapped: an item of a page, or an observation."""

    @property
    def version(self) -> str | None: ...
    @property
    def deleted(self) -> bool: ...
    @property
    def merged_into(self) -> str | None: ...


@dataclass(slots=True)
class Holder:
    """What is held of one feed, and what has to be held now."""

    feed: Feed
    limits: Limits
    ordered: bool
    codes: set[str]  # brakes on this feed that hold
    armed: bool  # something of it is held, or released and not looked up yet
    # Counted, and not told to the others yet: a page that is read again must not count twice.
    deleted: int = 0
    rewound: int = 0
    changed: int = 0
    changes: frozenset[str] = frozenset()  # told by hints, new to the feed and to those who were asked about it
    rows: dict[str, Held] = field(default_factory=dict)

    @classmethod
    def of(cls, feed: Feed) -> Holder:
        return cls(
            feed,
            limits_for(feed),
            object_spec(feed.account, feed.object).version.ordered,
            set(Brake.objects.filter(OPEN, feed=feed, code__in=HOLDS).values_list("code", flat=True)),
            Held.objects.filter(feed=feed, state__in=[State.HELD, State.RELEASED]).exists(),
        )

    def kind(self, shown: Shown, digest: str, link: Known | None, read_at: datetime) -> str:
        """What a brake could be about here; "" for everything else."""
        if link is None or link.unlinked or (link.gone and shown.deleted):
            return ""
        if shown.deleted:
            return "" if shown.merged_into or link.doomed else What.DELETE.value  # doomed: the hub's own delete
        # A link that was read or written since this was asked for is ahead of it, and rightly so.
        behind = link.read_at is not None and link.read_at < read_at
        if self.ordered and behind and lower(shown.version, link.version):
            return What.REWIND.value
        changed = not link.gone and bool(link.digest) and link.digest != digest
        return What.CHANGE.value if changed else ""

    def recall(self, ids: Iterable[str], kinds: Mapping[str, str]) -> None:
        """The rows about these records: one query, and none on an ordinary day."""
        risky = self.codes or What.DELETE in kinds.values()
        wanted = list(ids) if self.armed else [one for one, kind in kinds.items() if kind] if risky else []
        rows = Held.objects.filter(feed=self.feed, remote_id__in=wanted).order_by("id") if wanted else ()
        self.rows = {row.remote_id: row for row in rows}

    def answered(self, remote_id: str) -> bool:
        """Held, or released, already: it is no news to the count."""
        row = self.rows.get(remote_id)
        return row is not None and row.state in (State.HELD, State.RELEASED, State.LEFT)

    def trips(self, reasons: Sequence[Halt], fresh: Mapping[str, int]) -> None:
        """`fresh`: how many of each kind came just now, which are held; the others that were counted are judged."""
        for reason in reasons:
            before = max(reason.count - fresh.get(KINDS[Code(reason.code)], 0), 0)
            trip(reason.code, reason.sentence, feed=self.feed, counts={"before": before})
            self.codes.add(reason.code)

    def since(self, now: datetime) -> datetime:
        """The window, or since a person last released such a brake."""
        released = Brake.objects.filter(feed=self.feed, code__in=HOLDS).aggregate(at=Max("released_at"))["at"]
        return max(now - WINDOW, released or now - WINDOW)

    def lately(self, now: datetime) -> tuple[int, int]:
        """(deleted, set back) since then."""
        told = self._told(self.since(now)).aggregate(d=Sum("deleted"), r=Sum("rewound"))
        return (told["d"] or 0) + self.deleted, (told["r"] or 0) + self.rewound

    def changed_lately(self, since: datetime) -> int:
        return (self._told(since).aggregate(c=Sum("changed"))["c"] or 0) + self.changed

    def _told(self, since: datetime) -> QuerySet[Lately]:
        return Lately.objects.filter(feed=self.feed, minute__gte=since)

    def note(self, now: datetime) -> None:
        """What was counted is judged or held by now: told to everybody who reads this feed."""
        counted = {"deleted": self.deleted, "rewound": self.rewound, "changed": self.changed}
        if any(counted.values()):
            minute = now.replace(second=0, microsecond=0)
            Lately.objects.bulk_create([Lately(feed=self.feed, minute=minute)], ignore_conflicts=True)
            more = {name: F(name) + number for name, number in counted.items()}
            Lately.objects.filter(feed=self.feed, minute=minute).update(**more)
        self.deleted = self.rewound = self.changed = 0

    def sift(self, seen: Sequence[Observation], kinds: Mapping[str, str]) -> list[Observation]:
        """Those that may be judged. The others are kept, durably, before this returns."""
        through: list[Observation] = []
        back: list[Observation] = []
        for one in seen:
            fate = self._fate(one, kinds.get(one.remote_id, ""))
            if fate != State.LEFT:
                (back if fate == State.HELD else through).append(one)
        if back:
            self._keep(back, kinds)
        self.no_longer(one.remote_id for one in through)
        return through

    def _fate(self, seen: Observation, kind: str) -> str:
        row = self.rows.get(seen.remote_id)
        if not kind or (row is not None and row.state == State.RELEASED):
            return ""
        if row is not None and row.state == State.LEFT and row.what == kind and _same(row, seen):
            return State.LEFT
        held = row is not None and row.state == State.HELD and row.what == kind
        return State.HELD if held or BRAKES[kind] in self.codes else ""

    def no_longer(self, ids: Iterable[str]) -> None:
        """Held, and seen without what it was held for: nothing is left to ask."""
        mine = [self.rows[one].pk for one in ids if one in self.rows and self.rows[one].state == State.HELD]
        if mine:
            rows = Held.objects.filter(pk__in=mine, state=State.HELD)
            rows.update(state=State.GONE, ended_at=database_now())

    def _keep(self, seen: Sequence[Observation], kinds: Mapping[str, str]) -> None:
        for what in dict.fromkeys(kinds[one.remote_id] for one in seen):
            code = BRAKES[what]
            brake = trip(code, f"{code.label}: what was held before is still so.", feed=self.feed)
            _store(brake, self.feed, what, [one for one in seen if kinds[one.remote_id] == what])

    def passed(self, ids: Collection[str]) -> None:
        """Looked up and judged after a person released them: a brake may hold them again."""
        mine = [row.pk for one, row in self.rows.items() if one in ids and row.state == State.RELEASED]
        if mine:
            Held.objects.filter(pk__in=mine, state=State.RELEASED).update(state=State.PASSED)


def masses(holder: Holder, counts: Counts) -> list[Halt]:
    """The brakes of this feed that trip now, those that hold."""
    return [one for one in halts(counts, holder.limits) if one.code in HOLDS and one.code not in holder.codes]


def _same(row: Held, seen: Observation) -> bool:
    """A listing may show the version of a tombstone where a read by id shows nothing at all."""
    kept, version = row.observation, row.observation.get("version")
    return bool(kept.get("deleted", False)) == seen.deleted and (
        None in (version, seen.version) or version == seen.version
    )


def _store(brake: Brake, feed: Feed, what: str, seen: Sequence[Observation]) -> None:
    """One row for each, with the newest that was seen of it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO syncapp_held (brake_id, feed_id, remote_id, record_id, what, observation, state, held_at)"
            " SELECT %s, %s, d.remote_id, l.record_id, %s, d.told, 'held', %s"
            " FROM unnest(%s::text[], %s::jsonb[]) AS d(remote_id, told)"
            " LEFT JOIN syncapp_link l ON l.feed_id = %s AND l.remote_id = d.remote_id"
            " ON CONFLICT (feed_id, remote_id) WHERE state = 'held' DO UPDATE SET observation = excluded.observation,"
            "   what = excluded.what, brake_id = excluded.brake_id",
            [
                brake.pk, feed.pk, what, database_now(), [one.remote_id for one in seen],
                [orjson.dumps(to_json(one)).decode() for one in seen], feed.pk,
            ],
        )  # fmt: skip


def limits_for(feed: Feed) -> Limits:
    sets = PolicySet.objects.filter(sync=feed.role.sync_id, state=PolicySet.State.PUBLISHED)
    return limits_of(sets.values_list("guards", flat=True).first() or {})


def known_count(feed: Feed, since: datetime) -> int:
    """The records that are kept in step there, with those whose delete was seen since then: what a share is taken of.

    Tombstones of years would hide that all that is left is deleted at once.
    """
    there = Link.objects.filter(feed=feed, remote_id__isnull=False).exclude(head__has_key="unlinked")
    gone_at = there.annotate(gone_at=KT("head__gone"))
    return gone_at.filter(Q(head__gone__isnull=True) | Q(gone_at__gte=since.isoformat())).count()
