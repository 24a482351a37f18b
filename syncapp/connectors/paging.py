"""Every way to turn a page. A cursor is a text that a later process can resume from; the kinds differ only in here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin

from requests.utils import parse_header_links

from syncapp.connectors import times
from syncapp.connectors.errors import Malformed, Misconfigured
from syncapp.connectors.opspec import DeltaSpec, PagingSpec
from syncapp.connectors.paths import ABSENT, as_text, getter
from syncapp.connectors.records import Item
from syncapp.connectors.templates import fill

URLS = ("link", "next_url", "next_header")
COUNTED = ("page", "offset")
KINDS = ("none", "cursor", "last_id", *COUNTED, *URLS)
SAME_PAGES = 3


@dataclass(frozen=True, slots=True)
class Turn:
    """How to ask for one page: a whole address, or a parameter; ``since`` where the pager restarts from a time."""

    url: str | None = None
    param: str | None = None
    since: datetime | None = None
    restarted: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What came back with a page."""

    body: Any
    headers: Mapping[str, str]
    url: str
    entries: int
    items: Sequence[Item]
    size: int


def turn(spec: PagingSpec, cursor: str | None, since: datetime | None) -> Turn:
    """How to ask for the page that the cursor stands for (None: the first)."""
    if spec.kind in COUNTED:
        count, restarted = _counted(spec, cursor)
        return Turn(param=str(count), since=restarted or since, restarted=restarted is not None)
    if spec.kind in URLS:
        return Turn(url=cursor, since=since)
    return Turn(param=cursor, since=since)


def following(spec: PagingSpec, cursor: str | None, since: datetime | None, seen: Seen) -> str | None:
    """The cursor of the next page, or None at the end."""
    if spec.kind == "none":
        return None
    if spec.more and getter(spec.more)(seen.body) is not True:
        return None
    if spec.kind in COUNTED:
        return _next_count(spec, cursor, since, seen)
    if spec.kind == "last_id":
        return seen.items[-1].id if seen.items else None
    if spec.kind == "cursor":
        return as_text(getter(spec.path)(seen.body)) or None
    target = _target(spec, seen)
    return urljoin(seen.url, target) if target else None


def _target(spec: PagingSpec, seen: Seen) -> str | None:
    if spec.kind == "next_url":
        return as_text(getter(spec.path)(seen.body))
    if spec.kind == "next_header":
        return seen.headers.get(spec.header)
    links = parse_header_links(seen.headers.get("Link", ""))
    return next((link["url"] for link in links if "next" in link.get("rel", "").split()), None)


def _counted(spec: PagingSpec, cursor: str | None) -> tuple[int, datetime | None]:
    """``7`` or, after a restart, ``7;2026-11-20T10:00:00.000Z``."""
    start = spec.start if spec.kind == "page" else 0
    if cursor is None:
        return start, None
    count, _, moment = cursor.partition(";")
    try:
        return int(count), times.parse(moment) if moment else None
    except ValueError:
        raise Misconfigured(
            f"{cursor[:60]!r} is not a cursor of a {spec.kind} pager", "cursor", "one that an earlier page gave"
        ) from None


def _next_count(spec: PagingSpec, cursor: str | None, since: datetime | None, seen: Seen) -> str | None:
    count, restarted = _counted(spec, cursor)
    if seen.entries == 0 or _is_last(spec, count, seen):
        return None
    floor = restarted or since
    if spec.restart and floor is not None:
        newest = seen.items[-1].updated_at if seen.items else None
        if newest is not None and newest > floor:
            return f"{spec.start if spec.kind == 'page' else 0};{times.write(newest)}"
    step = 1 if spec.kind == "page" else seen.entries
    return f"{count + step};{times.write(restarted)}" if restarted else str(count + step)


def _is_last(spec: PagingSpec, count: int, seen: Seen) -> bool:
    pages = _number(spec.pages, seen.body)
    if pages is not None:
        return count >= pages + spec.start - 1
    total = _number(spec.total, seen.body)
    if total is None:
        return False
    return (
        count + seen.entries >= total
        if spec.kind == "offset"
        else (count - spec.start) * seen.size + seen.entries >= total
    )


def _number(path: str, body: Any) -> int | None:
    if not path:
        return None
    value = getter(path)(body)
    if value is ABSENT or isinstance(value, bool) or not isinstance(value, int):
        raise Malformed(f"the pager's number at {path!r} is missing", path, "a whole number, as the manifest says")
    return value


def since_text(delta: DeltaSpec, since: datetime, restarted: bool = False) -> str:
    """The moment to ask from: less the overlap, cut to the resolution, less a step if the filter excludes it."""
    moment = since.astimezone(UTC) if restarted else since.astimezone(UTC) - timedelta(seconds=delta.overlap)
    moment = times.floor(max(moment, times.EPOCH), delta.resolution)
    if not delta.inclusive:
        moment -= timedelta(seconds=delta.resolution)
    return fill(delta.template, {"since": times.write(max(moment, times.EPOCH), delta.format)})


class Endless:
    """Notices a pager that does not move: a cursor seen before, or the same full page again and again."""

    def __init__(self, where: str) -> None:
        self.where = where
        self._cursors: set[str] = set()
        self._page: tuple[str, ...] = ()
        self._same = 1

    def saw(self, cursor: str | None, items: Sequence[Item]) -> None:
        ids = tuple(item.id for item in items)
        self._same = self._same + 1 if ids and ids == self._page else 1
        self._page = ids
        if cursor is not None and (cursor in self._cursors or self._same >= SAME_PAGES):
            raise Malformed(
                "the pager does not come to an end: the same page was offered again",
                self.where,
                "check the paging section of the manifest",
            )
        if cursor is not None:
            self._cursors.add(cursor)
