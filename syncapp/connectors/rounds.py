"""One pass over an object: which listings it is made of, in which order, and from where each of them goes on.

A full pass reads the listing. A pass over what changed reads ``changes`` (else the listing with its delta), what was
``created`` and what was ``deleted``, each with its own place to go on from. Where an answer only names records, each of
them is read by id: what an event says of a record was true when it was written, and only a read says what is true now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from syncapp.connectors import times
from syncapp.connectors.errors import Gone, PageLost, PlaceLost, Rejected
from syncapp.connectors.listing import Listing, Query, whole
from syncapp.connectors.opspec import DeltaSpec, Operation
from syncapp.connectors.parents import Parents
from syncapp.connectors.places import Place
from syncapp.connectors.reading import Reading
from syncapp.connectors.records import Page
from syncapp.connectors.spec import Manifest, ObjectSpec

LEGS = ("changes", "created", "deleted")
AT_ONCE = 100  # records that one page names and that are read before it goes on

GONE = (404, 410)

Step = tuple[Page, Place | None]


class TooMany(PlaceLost):
    """An answer is as long as answers get."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a pass is to show: everything, or what changed since a time and the marks that an earlier pass left."""

    spec: ObjectSpec
    operation: Operation
    values: Mapping[str, Any]
    since: datetime | None
    marks: Mapping[str, str]
    size: int | None


def is_plain(spec: ObjectSpec, since: datetime | None) -> bool:
    """The pass is one listing whose pages are told as they come."""
    operation = spec.operations["list"]
    delta = operation.delta
    if spec.depends_on is not None:
        return False
    if operation.ids is not None or operation.mark is not None or "latest" in spec.operations:
        return False
    if delta is not None and (delta.kind != "since" or delta.until or delta.most or delta.retention):
        return False
    return since is None or not any(name in spec.operations for name in LEGS)


class Rounds:
    """The passes over one account; shares its connection, limits and credentials."""

    def __init__(self, manifest: Manifest, listing: Listing, reading: Reading) -> None:
        self._listing, self._reading = listing, reading
        self._parents = Parents(manifest, listing)

    def walk(self, asked: Asked, cursor: str | None) -> Iterator[Page]:
        at = Place.read(cursor)
        legs = self._legs(asked)
        first = next((number for number, query in enumerate(legs) if query.name == at.leg), 0)
        marks = self._latest(asked) if cursor is None and asked.since is None else {}
        for number, query in enumerate(legs[first:], first):
            here = at if query.name == at.leg else Place(query.name)
            beyond = Place(legs[number + 1].name) if number + 1 < len(legs) else None
            leg = self._family if asked.spec.depends_on is not None else self._leg
            for page, following in leg(asked, query, here):
                goes_on = following or beyond
                told = {**marks, **page.marks}
                yield replace(
                    page, cursor=goes_on.text() if goes_on else None, last=goes_on is None, marks=told, ids=()
                )
                marks = {}

    def _legs(self, asked: Asked) -> list[Query]:
        spec = asked.spec
        listed = whole(spec, asked.operation, asked.values, asked.since, asked.size)
        if asked.since is None:
            return [listed]
        names = [name for name in LEGS if name in spec.operations]
        legs = [Query(spec, name, spec.operations[name], {}, asked.since, size=asked.size) for name in names]
        if "changes" not in names:
            legs.insert(0, listed)
        return legs

    def _latest(self, asked: Asked) -> dict[str, str]:
        """Before a listing of everything is begun: what happens meanwhile is told by the log from there on."""
        operation = asked.spec.operations.get("latest")
        if operation is None:
            return {}
        found = self._listing.latest(Query(asked.spec, "latest", operation))
        leg = "changes" if "changes" in asked.spec.operations else "list"
        return {leg: found} if found else {}

    def _leg(self, asked: Asked, query: Query, at: Place) -> Iterator[Step]:
        delta = query.operation.delta
        mark = asked.marks.get(_mark_name(query))
        newly_found = mark is None and "parent" in query.values and delta is not None and delta.kind == "link"
        if asked.since is None or delta is None or newly_found:
            yield from self._pages(query, at, at.page)
            return
        if not at.begun and at.start is None:
            self._check_retention(query, delta, mark)
        if delta.kind == "since":
            since = times.parse(mark) if mark else query.since
            yield from self._parts(replace(query, since=since), delta, at)
        elif at.begun:
            yield from self._pages(query, at, at.page)
        else:
            yield from self._from_mark(query, delta, at, mark)

    def _family(self, asked: Asked, query: Query, at: Place) -> Iterator[Step]:
        """The listing of each parent, in the order in which the parents are listed."""
        first = at == Place(query.name) or at == Place()
        for page in self._parents.pages(asked.spec, asked.since, at):
            if first:
                # what the parents' listing could not show yet came after it was asked for
                yield replace(page.told, items=[], faults={}, marks={}), Place(query.name)
                first = False
            for parent, here in page.parents(query.name):
                one = replace(query, values={**query.values, "parent": parent})
                try:
                    for told, following in self._leg(asked, one, here):
                        named = {_mark_name(one): mark for mark in told.marks.values()}
                        yield replace(told, marks=named), following or replace(page.here(query.name), done=parent)
                except Rejected as refused:
                    if refused.status not in GONE:
                        raise  # a parent that went away has no records any more
        yield Page([], None, True, self._listing.now().timestamp(), None, 0.0), None

    def _check_retention(self, query: Query, delta: DeltaSpec, mark: str | None) -> None:
        since = times.parse(mark) if mark and delta.kind == "since" else query.since
        if not delta.retention or since is None:
            return
        if since < self._listing.now() - timedelta(seconds=delta.retention):
            raise PlaceLost(
                f"changes are told for {delta.retention / 86400:g} days, and the last pass is longer ago",
                self._listing.where(query), "nothing to do: everything is listed now",
            )  # fmt: skip

    def _from_mark(self, query: Query, delta: DeltaSpec, at: Place, mark: str | None) -> Iterator[Step]:
        if not self._listing.has_log(query):
            raise PlaceLost(
                "there is no webhook whose log could be read", self._listing.where(query),
                "nothing to do: everything is listed now; set CONCORD_ADDRESS to an address that the provider reaches",
            )  # fmt: skip
        if mark is None and not (delta.kind == "log" and delta.from_start):
            raise PlaceLost(
                "no place is known from which to go on", self._listing.where(query),
                "nothing to do: everything is listed now",
            )  # fmt: skip
        pages = self._pages(query, at, mark)
        try:
            first = next(pages)
        except (Rejected, Gone, PageLost) as refused:
            if mark is None or (isinstance(refused, Rejected) and refused.status not in delta.lost):
                raise
            raise PlaceLost(
                f"the place from which to go on is not known any more: {refused.what}", refused.where,
                "nothing to do: everything is listed now",
            ) from None  # fmt: skip
        yield first
        yield from pages

    def _parts(self, query: Query, delta: DeltaSpec, at: Place) -> Iterator[Step]:
        """The time since then; where an answer shows only so much, in parts that are small enough."""
        if not delta.until:
            yield from self._pages(query, at, at.page, most=delta.most)
            return
        start, end = at.since or query.since, self._listing.now()
        assert start is not None
        width = timedelta(seconds=at.width) if at.width else end - start
        while True:
            width = max(width, timedelta(seconds=delta.resolution))
            until = max(start, min(start + width, end))
            part = replace(query, since=start, until=until, restarted=at.start is not None)
            here = replace(at, start=start.isoformat(), width=width.total_seconds())
            beyond = (
                Place(query.name, start=until.isoformat(), width=2 * width.total_seconds()) if until < end else None
            )
            try:
                for page, following in self._pages(part, here, at.page, most=delta.most):
                    yield replace(page, until=end), following or beyond
            except TooMany:
                if width.total_seconds() <= delta.resolution:
                    raise
                width /= 2
                continue
            if beyond is None:
                return
            start, width, at = until, 2 * width, beyond

    def _pages(self, query: Query, at: Place, cursor: str | None, most: int = 0) -> Iterator[Step]:
        named = query.operation.ids is not None
        if at.after is not None:
            # the answer may name others by now: those come with a later pass, and it goes on where it went on before
            page = next(self._listing.walk(query, cursor))
            rest = [id for id in sorted(page.ids) if id > at.after]
            yield from self._named(query, replace(page, marks={}, cursor=at.then), rest, at)
            if at.then is None:
                return
            cursor = at.then
        for page in self._listing.walk(query, cursor):
            if most and query.operation.paging.kind == "none" and page.entries >= most:
                raise TooMany(
                    f"{most:,} changes or more at once, and an answer shows no more of them",
                    self._listing.where(query), "nothing to do: everything is listed now",
                )  # fmt: skip
            told = page if cursor is None or not _by_time(query) else replace(page, marks={})
            here = at.at(cursor)
            if named:
                yield from self._named(query, told, sorted(page.ids), here)
            else:
                yield told, at.at(page.cursor) if page.cursor is not None else None
            cursor = page.cursor

    def _named(self, query: Query, page: Page, ids: Sequence[str], at: Place) -> Iterator[Step]:
        """The records that a page names, some at a time, each as it is now."""
        following = at.at(page.cursor) if page.cursor is not None else None
        told = page
        for start in range(0, max(len(ids), 1), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            items, faults = self._reading.all(query.spec.slug, some)
            rest = start + AT_ONCE < len(ids)
            here = replace(at, after=some[-1], then=page.cursor) if rest else following
            yield replace(told, items=items, faults=faults), here
            told = replace(page, marks={}, server_date=None, note="")


def _mark_name(query: Query) -> str:
    return f"{query.name} {query.values['parent']}" if "parent" in query.values else query.name


def _by_time(query: Query) -> bool:
    """What the first page says of the time until which it tells holds for all; a log says it with the last."""
    return query.operation.delta is not None and query.operation.delta.kind == "since"
