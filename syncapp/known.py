"""What is known of remote records before they are mapped: unchanged ones cost a share of one query and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models.fields.json import KT

from policies.core.seen import Observation

from .facts import object_spec
from .models import Feed, Link
from .reconcile import mark_read
from .translate import Seen


@dataclass(frozen=True, slots=True)
class Known:
    """A link, as far as a page needs it before anything is judged."""

    digest: str
    version: str | None
    read_at: datetime | None
    gone: bool
    sending: bool
    unlinked: bool
    asleep: bool
    windows: bool
    doomed: bool

    def shows(self, seen: Seen) -> bool:
        """Nothing in this body has to be judged: it is the one of the last judged read, or a tombstone seen before."""
        if self.gone and seen.item.deleted:
            return True
        quiet = not (self.gone or self.sending or self.unlinked)
        return quiet and bool(self.digest) and self.digest == seen.digest


MARKS = ("gone", "sending", "unlinked", "asleep", "windows", "doomed")


def known_links(feed: Feed, remote_ids: Collection[str]) -> dict[str, Known]:
    """By remote id, in one query."""
    rows = Link.objects.filter(feed=feed, remote_id__in=list(remote_ids))
    marks: list[Any] = [KT(f"head__{mark}") for mark in MARKS]
    out = {}
    for remote_id, digest, version, read_at, gone, sending, unlinked, asleep, windows, doomed in rows.values_list(
        "remote_id", "digest", "version", "read_at", *marks
    ):
        marks_set = (bool(gone), bool(sending), unlinked == "true", asleep == "true", bool(windows), doomed == "true")
        out[str(remote_id)] = Known(digest, version, read_at, *marks_set)
    return out


@dataclass(slots=True)
class Fresh:
    """A sieve that drops what the last judged read showed already."""

    feed: Feed
    unchanged: int = 0
    outside: int = 0  # out of scope
    aside: dict[str, str] = field(default_factory=dict)
    nameless: list[str] = field(default_factory=list)

    def keep(self, page: Sequence[Seen], read_at: datetime, last: bool) -> Sequence[Seen]:
        known = known_links(self.feed, {seen.item.id for seen in page})
        return self.drop(page, known, read_at)

    def hold(self, seen: Sequence[Observation]) -> Sequence[Observation]:
        return seen

    def drop(self, page: Sequence[Seen], known: dict[str, Known], read_at: datetime) -> list[Seen]:
        fresh: list[Seen] = []
        same: list[str] = []
        for seen in page:
            link = known.get(seen.item.id)
            if link is not None and link.shows(seen):
                same.append(seen.item.id)
                self.outside += link.asleep and not link.gone
            else:
                fresh.append(seen)
        self.unchanged += len(same)
        if same and not _tells_order(self.feed):
            mark_read(self.feed.pk, same, read_at)
        return fresh

    def set_aside(self, records: Sequence[tuple[str, str]]) -> None:
        for remote_id, reason in records:
            if remote_id:
                self.aside[remote_id] = reason
            else:
                self.nameless.append(reason)


def _tells_order(feed: Feed) -> bool:
    """An older body is recognised by its own version, so nobody has to remember when the newer one was read."""
    version = object_spec(feed.account, feed.object).version
    return version.ordered and bool(version.path)
