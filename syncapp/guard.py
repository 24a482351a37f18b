"""What stands between a listing and its judgement: unchanged records are dropped, and a pass is halted before harm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models.fields.json import KT

from policies.core.safety import Counts, Halt, halts
from policies.core.versions import lower

from .facts import object_spec
from .known import Fresh, Known, known_links
from .models import Feed, Link
from .translate import Seen


class Halted(Exception):
    """A guard stopped this pass before the page was judged."""

    def __init__(self, reasons: Sequence[Halt]) -> None:
        self.reasons = tuple(reasons)
        self.codes = [halt.code for halt in reasons]
        super().__init__(" ".join(halt.sentence for halt in reasons))


@dataclass(slots=True)
class Guarded(Fresh):
    """A sieve that counts a pass and halts it before harm: nothing of the page that crosses a limit is judged."""

    released: frozenset[str] = frozenset()
    full: bool = False
    shared: Counter[datetime] = field(default_factory=Counter)
    counts: Counts = field(default_factory=Counts)
    shown: list[str] = field(default_factory=list)  # of a full pass, since its watermark last moved

    def keep(self, page: Sequence[Seen], read_at: datetime, last: bool) -> Sequence[Seen]:
        known = known_links(self.feed, {seen.item.id for seen in page})
        self.shared.update(seen.item.updated_at for seen in page if seen.item.updated_at is not None)
        self.counts = self._counted(page, known, read_at, last)
        reasons = [halt for halt in halts(self.counts) if halt.code not in self.released]
        if reasons:
            raise Halted(reasons)
        if self.full:
            self.shown += [seen.item.id for seen in page]
        return self.drop(page, known, read_at)

    def _counted(self, page: Sequence[Seen], known: Mapping[str, Known], read_at: datetime, last: bool) -> Counts:
        ordered = object_spec(self.feed.account.provider, self.feed.object).version.ordered
        so_far, deleted, changed, rewound = self.counts, 0, 0, 0
        for seen in page:
            link = known.get(seen.item.id)
            if link is None or link.gone:
                continue
            deleted += seen.item.deleted
            changed += not seen.item.deleted and bool(link.digest) and not link.shows(seen)
            # A link that was read or written since the page was asked for is ahead of it, and rightly so.
            behind = link.read_at is not None and link.read_at < read_at
            rewound += ordered and behind and lower(seen.item.version, link.version)
        read = so_far.read + len(page)
        return Counts(
            read,
            so_far.changed + changed,
            so_far.deleted + deleted,
            so_far.known,
            so_far.rewound + rewound,
            empty=last and self.full and read == 0,
        )


WINDOW = timedelta(minutes=10)


def halt_on_deletes(feed: Feed, deletes: int, now: datetime) -> None:
    """Deletes that come one by one, by hints, are a mass delete as well. Raises Halted before this batch is judged."""
    if not deletes or "mass_delete" in feed.cursor.get("released", ()):
        return
    links = Link.objects.filter(feed=feed, remote_id__isnull=False)
    lately = links.annotate(gone=KT("head__gone")).filter(gone__gte=(now - WINDOW).isoformat()).count()
    reasons = [
        halt for halt in halts(Counts(deleted=deletes + lately, known=links.count())) if halt.code == "mass_delete"
    ]
    if reasons:
        raise Halted(reasons)
