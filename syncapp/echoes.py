"""Hints that tell nothing new: the very version of a record that was judged last, mostly the echo of our own write."""

from __future__ import annotations

from collections.abc import Sequence

from policies.core.gates import nothing_new

from .facts import facts_of
from .inbox import Hint
from .load import link_of
from .models import Feed, Held, Link

# Only these tell no more than that the record has become this version.
PLAIN = ("created", "updated")


def judged_already(feed: Feed, hints: Sequence[Hint]) -> set[str]:
    """The records that need no look: all that these hints tell of them was judged by a whole body of that version.

    None while a brake holds records of the feed: what is held is to be looked at.
    """
    versions = _versions(hints)
    if not versions:
        return set()
    try:
        facts = facts_of(feed)
    except LookupError:  # told where the feed is opened
        return set()
    if not facts.exact or Held.objects.filter(feed=feed, state__in=[Held.State.HELD, Held.State.RELEASED]).exists():
        return set()
    rows = Link.objects.filter(feed=feed, remote_id__in=list(versions)).exclude(digest="")
    return {
        str(row.remote_id)
        for row in rows
        if nothing_new(link_of(row, feed.role.name), versions[str(row.remote_id)], facts.readable, exact=facts.exact)
    }


def _versions(hints: Sequence[Hint]) -> dict[str, str]:
    """The one version that all hints of a record tell; none where one of them may mean more than that."""
    told: dict[str, set[str | None]] = {}
    for hint in hints:
        told.setdefault(hint.remote_id, set()).add(_version(hint))
    return {one: version for one, many in told.items() if len(many) == 1 and (version := next(iter(many))) is not None}


def _version(hint: Hint) -> str | None:
    event = hint.event
    if event is None or event.nameless or event.merged or event.kind not in PLAIN or hint.delivery.attempts > 1:
        return None
    return event.version
