"""What stands between a listing and its judgement: unchanged records are dropped, harm is held or halted before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from policies.core.safety import Counts, Halt, halts, is_much
from policies.core.seen import Observation

from .brakes import HOLDS
from .holding import WINDOW, Holder, What, known_count, masses
from .known import Fresh, Known, known_links
from .load import database_now
from .settling import seconds_left, settled
from .translate import Seen


class Halted(Exception):
    """A guard stopped this feed before the page was judged."""

    def __init__(self, reasons: Sequence[Halt]) -> None:
        self.reasons = tuple(reasons)
        self.codes = [halt.code for halt in reasons]
        super().__init__(" ".join(halt.sentence for halt in reasons))


@dataclass(slots=True)
class Guarded(Fresh):
    """A sieve that counts a pass. Beyond a limit the records concerned are held; a feed that shows nothing, or of which
    everything changed, is halted, and nothing of that page is judged.
    """

    holder: Holder = field(kw_only=True)
    since: datetime = field(kw_only=True)  # what was known then is what shares are taken of
    released: frozenset[str] = frozenset()
    full: bool = False
    shared: Counter[datetime] = field(default_factory=Counter)
    counts: Counts = field(default_factory=Counts)
    shown: list[str] = field(default_factory=list)  # of a full pass, since its watermark last moved
    kinds: dict[str, str] = field(default_factory=dict)
    held: int = 0  # of the last page

    def keep(self, page: Sequence[Seen], read_at: datetime, last: bool) -> Sequence[Seen]:
        known = known_links(self.feed, {seen.item.id for seen in page})
        self.shared.update(seen.item.updated_at for seen in page if seen.item.updated_at is not None)
        self.kinds = {
            seen.item.id: kind
            for seen in page
            if (kind := self.holder.kind(seen.item, seen.digest, known.get(seen.item.id), read_at))
        }
        self.holder.recall(known, self.kinds)
        self.counts = self._counted(page, read_at, last)
        reasons = [one for one in halts(self.counts, self.holder.limits) if one.code not in (*HOLDS, *self.released)]
        if reasons:
            raise Halted(reasons)
        if self.full:
            self.shown += [seen.item.id for seen in page]
        self.holder.trips(masses(self.holder, self.counts), self._news())
        fresh = self.drop(page, known, read_at)
        self._no_longer(known, fresh)
        return fresh

    def hold(self, seen: Sequence[Observation]) -> Sequence[Observation]:
        through = self.holder.sift(seen, self.kinds)
        self.held = len(seen) - len(through)
        return settled(self.feed, through, database_now())

    def _no_longer(self, known: Mapping[str, Known], fresh: Sequence[Seen]) -> None:
        if self.holder.rows:
            told = {seen.item.id for seen in fresh}
            self.holder.no_longer(one for one in known if one not in told)

    def _counted(self, page: Sequence[Seen], read_at: datetime, last: bool) -> Counts:
        """Of this pass; and the window's, which has what will be looked at by id only when that is done."""
        news = self._news()
        so_far, deleted, rewound = self.counts, news[What.DELETE], news[What.REWIND]
        self.holder.deleted += self._settled_deletes(page) if deleted else 0
        lately = self.holder.lately(read_at) if deleted or rewound else (0, 0)
        read = so_far.read + len(page)
        counts = Counts(
            read,
            so_far.changed + news[What.CHANGE],
            max(so_far.deleted + deleted, lately[0]),
            so_far.known,
            max(so_far.rewound + rewound, lately[1]),
            empty=last and self.full and read == 0,
        )
        if counts.known or not is_much(counts, self.holder.limits):
            return counts
        return replace(counts, known=known_count(self.feed, self.since))

    def _news(self) -> Counter[str]:
        """Of this page, by kind."""
        return Counter(kind for one, kind in self.kinds.items() if not self.holder.answered(one))

    def _settled_deletes(self, page: Sequence[Seen]) -> int:
        gone = [one.item for one in page if self.kinds.get(one.item.id) == What.DELETE]
        now = database_now()
        settled_now = [one for one in gone if seconds_left(self.feed, one, now, now) <= 0]
        return sum(not self.holder.answered(one.id) for one in settled_now)


def sift_hints(holder: Holder, seen: Sequence[Observation], now: datetime) -> list[Observation]:
    """What is looked at one by one counts as well: deletes, and records that are believed to be set back. Changes are
    counted once they are judged (`lately`).
    """
    known = known_links(holder.feed, {one.remote_id for one in seen})
    kinds = {one.remote_id: holder.kind(one, one.digest, known.get(one.remote_id), one.read_at) for one in seen}
    holder.recall(kinds, kinds)
    news = [one for one in seen if not holder.answered(one.remote_id)]
    deleted = sum(kinds[one.remote_id] == What.DELETE for one in news)
    rewound = sum(kinds[one.remote_id] == What.REWIND and one.last for one in news)
    holder.changes = frozenset(one.remote_id for one in news if kinds[one.remote_id] == What.CHANGE)
    holder.deleted += deleted
    holder.rewound += rewound
    if deleted or rewound:
        fresh = {What.DELETE.value: deleted, What.REWIND.value: rewound}
        holder.trips(masses(holder, _lately(holder, now)), fresh)
    return holder.sift(seen, kinds)


def _lately(holder: Holder, now: datetime) -> Counts:
    deleted, rewound = holder.lately(now)
    counts = Counts(deleted=deleted, rewound=rewound)
    if not is_much(counts, holder.limits):
        return counts
    return replace(counts, known=known_count(holder.feed, now - WINDOW))
