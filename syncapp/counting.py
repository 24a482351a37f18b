"""What a pass counted: kept on its run, gone on with by its next slice, and forgotten where it found nothing."""

from __future__ import annotations

from policies.core.safety import Counts

from .guard import Guarded
from .holding import WINDOW, Holder
from .models import Feed, Run
from .plan.compared import Compared
from .steps import Judged

LISTED = 100


def sieve_of(feed: Feed, run: Run, full: bool) -> Guarded:
    """Counts go on where an earlier slice of the same run ended."""
    told = run.counts
    counts = Counts(told.get("read", 0), told.get("changed", 0), told.get("deleted", 0), rewound=told.get("rewound", 0))
    released = frozenset(feed.cursor.get("released", ()))
    made = Compared if full and feed.plan_id is not None else Guarded
    holder = Holder.of(feed)
    sieve = made(feed, holder=holder, released=released, full=full, counts=counts, since=run.started_at - WINDOW)
    sieve.unchanged, sieve.outside = told.get("unchanged", 0), told.get("out_of_scope", 0)
    sieve.nameless = list(told.get("aside", ()))
    return sieve


def count(run: Run, sieve: Guarded, judged: Judged, note: str = "") -> None:
    told = dict(run.counts)
    for verdict, number in judged.verdicts.items():
        told[verdict] = told.get(verdict, 0) + number
    seen = sieve.counts
    told |= {"read": seen.read, "changed": seen.changed, "deleted": seen.deleted, "rewound": seen.rewound}
    told |= {"unchanged": sieve.unchanged, "judged": seen.read - sieve.unchanged, "pages": told.get("pages", 0) + 1}
    told |= {"held": told.get("held", 0) + sieve.held} if sieve.held else {}
    sieve.outside += judged.outside
    if sieve.feed.scope:
        told |= {"in_scope": seen.read - sieve.outside, "out_of_scope": sieve.outside}
    aside = [*sieve.nameless, *sieve.aside.values()]
    told |= {"set_aside": len(aside), "aside": aside[:LISTED]} if aside else {}
    told |= {"note": note} if note else {}
    run.counts = told


def forget_idle(run: Run) -> None:
    """Of passes in a row that found nothing, only the last is kept: a feed may be asked every second."""
    before = Run.objects.filter(feed=run.feed, pk__lt=run.pk).first()
    quiet = [one is not None and one.kind == Run.Kind.DELTA and _found_nothing(one) for one in (before, run)]
    if before is not None and all(quiet):
        before.delete()


def _found_nothing(run: Run) -> bool:
    return run.state == Run.State.DONE and not run.counts.get("judged") and not run.counts.get("set_aside")
