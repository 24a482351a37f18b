"""What a provider makes of the values that the hub writes there: what came back in another form, by field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db.models import Count, Max, Q

from policies.core.reasons import Verdict
from syncapp.facts import norms_of, object_spec
from syncapp.load import database_now
from syncapp.models import Feed, Ledger
from syncapp.words import Words, words_of

DAYS = 30
MOST = 20


@dataclass(frozen=True, slots=True)
class Rewritten:
    """One field that came back otherwise than it was written, and was not declared so."""

    feed: Feed
    label: str
    times: int
    last: datetime
    example: str


@dataclass(frozen=True, slots=True)
class Declared:
    """A form of its own that the provider's file names, so that the hub does not take it for a change."""

    feed: Feed
    label: str
    form: str


def rewritten(feeds: Sequence[Feed]) -> list[Rewritten]:
    """Of the last days, the most frequent first, in a fixed number of queries."""
    if not feeds:
        return []
    pairs = reduce(or_, (Q(sync=feed.role.sync_id, role=feed.role.name) for feed in feeds))
    since = database_now() - timedelta(days=DAYS)
    lines = Ledger.objects.filter(pairs, verdict=Verdict.NEAR_MISS.value, recorded_at__gte=since).order_by()
    found = lines.values("sync_id", "role", "unit").annotate(times=Count("pk"), newest=Max("pk")).order_by("-times")
    rows = list(found[:MOST])
    examples = Ledger.objects.in_bulk([row["newest"] for row in rows])
    words = words_of({feed.role.sync_id for feed in feeds})
    by_role = {(feed.role.sync_id, feed.role.name): feed for feed in feeds}
    return [
        _told(by_role[row["sync_id"], row["role"]], row["times"], examples[row["newest"]], words[row["sync_id"]])
        for row in rows
    ]


def _told(feed: Feed, times: int, line: Ledger, words: Words) -> Rewritten:
    return Rewritten(feed, words.field(line.unit), times, line.recorded_at, words.values(line.x) if line.x else "")


def declared(feeds: Sequence[Feed], words: dict[int, Words]) -> list[Declared]:
    """Raises ManifestError and LookupError."""
    out = []
    for feed in feeds:
        spec = object_spec(feed.account, feed.object)
        for name, entry in feed.mapping.items():
            forms = [one if isinstance(one, str) else " ".join(map(str, *one.items())) for one in norms_of(spec, entry)]
            if forms:
                out.append(Declared(feed, words[feed.role.sync_id].field(name), ", ".join(forms)))
    return out
