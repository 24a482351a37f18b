"""Hints that need no look: of the very version that was judged last, or of what a create of ours is just making."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from policies.core.gates import nothing_new

from .facts import facts_of
from .inbox import Fates, Hint, patience
from .load import link_of
from .models import Feed, Held, Link, Push

# Only these tell no more than that the record has become this version.
PLAIN = ("created", "updated")
# The answer of a batch of creates is committed within this time, mostly; its webhooks are here before.
CREATED_JUST_NOW = timedelta(seconds=2)


def with_news(feed: Feed, hints: Sequence[Hint], fates: Fates, now: datetime) -> list[Hint]:
    """The hints whose records are to be looked at; what becomes of the others is noted."""
    known = judged_already(feed, hints)
    unborn = being_made(feed, [hint for hint in hints if hint.remote_id not in known], now)
    for hint in hints:
        if hint.remote_id in known:
            fates.nothing_new(hint.delivery)
        elif hint.remote_id in unborn:
            fates.later(hint.delivery, patience(hint.delivery, now), "a create there is in flight", free=True)
    return [hint for hint in hints if hint.remote_id not in known | unborn]


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


def being_made(feed: Feed, hints: Sequence[Hint], now: datetime) -> set[str]:
    """Records that nobody knows yet while creates of ours are on their way there: most likely these. A look would find
    that it has to wait; so they wait without one, as long as the news of them is young.
    """
    young = {
        hint.remote_id
        for hint in hints
        if hint.event is not None
        and hint.event.kind == "created"
        and timedelta(0) <= now - hint.delivery.received_at < CREATED_JUST_NOW
    }
    if not young or not Push.objects.filter(feed=feed, state=Push.State.SENDING, why="create").exists():
        return set()
    return young - set(Link.objects.filter(feed=feed, remote_id__in=young).values_list("remote_id", flat=True))


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
