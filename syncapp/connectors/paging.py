"""Every way to turn a page. A cursor is a text that a later process can resume from; the kinds differ only in here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from requests.utils import parse_header_links

from syncapp.connectors import ticks, times
from syncapp.connectors.errors import Malformed, PageLost, PlaceLost
from syncapp.connectors.opspec import PagingSpec
from syncapp.connectors.paths import ABSENT, as_text, getter
from syncapp.connectors.records import Item

URLS = ("link", "next_url", "next_header")
COUNTED = ("page", "offset")
KINDS = ("none", "cursor", "last_id", *COUNTED, *URLS)
MOST_BACK = 30
TOKEN = "token:"  # noqa: S105 - a word in a cursor: what follows was given by the provider


@dataclass(frozen=True, slots=True)
class Turn:
    """How to ask for one page: a whole address, or a parameter; ``since`` where the pager restarts from a time."""

    url: str | None = None
    param: str | None = None
    name: str = ""
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
    where: str = ""
    ids: Sequence[str] = ()  # of its entries, as far as they can be read; the last one's is "" where it cannot


@dataclass(frozen=True, slots=True)
class Count:
    """Where a pager stands that counts or restarts: ``7``, ``7;2026-11-20T10:00:00.000Z``, ``7;;650``, ``7;;;last``.

    ``read`` so many records, or, by offset, went back so many times; ``last`` is the record that it begins with again.
    """

    text: str
    floor: datetime | None = None
    read: int = 0
    last: str = ""
    tick: ticks.Tick = ticks.NONE

    def written(self) -> str:
        floor = times.write(self.floor) if self.floor else ""
        return ";".join([self.text, floor, ticks.written(self.read, self.tick), self.last]).rstrip(";") or ";"


def turn(spec: PagingSpec, cursor: str | None, since: datetime | None) -> Turn:
    """How to ask for the page that the cursor stands for (None: the first)."""
    if spec.kind in URLS:
        return Turn(url=cursor, since=since)
    if cursor is not None and cursor.startswith(TOKEN) and spec.token:
        return Turn(param=cursor.removeprefix(TOKEN), name=spec.token_param, since=since)
    if spec.kind in COUNTED or spec.restart:
        count = _count(spec, cursor)
        return Turn(
            param=count.text or None, name=spec.param, since=count.floor or since, restarted=count.floor is not None
        )
    return Turn(param=cursor, name=spec.param, since=since)


def following(spec: PagingSpec, cursor: str | None, since: datetime | None, seen: Seen) -> str | None:
    """The cursor of the next page, or None at the end. A short page is no end: providers cap pages without a word."""
    if spec.kind == "none":
        return None
    if _is_told_to_end(spec, seen.body):
        return None
    if spec.token and (token := as_text(getter(spec.token)(seen.body))):
        return TOKEN + token
    if cursor is not None and spec.token and cursor.startswith(TOKEN):
        return _promised(spec, seen, None)  # it is not counted on from a token
    if spec.kind in COUNTED:
        return _next_count(spec, _count(spec, cursor), since, seen)
    if spec.kind == "last_id":
        return _promised(spec, seen, seen.items[-1].id if seen.items else None)
    if spec.kind == "cursor":
        return _next_cursor(spec, cursor, since, seen)
    target = _target(spec, seen)
    return _promised(spec, seen, urljoin(seen.url, target) if target else None)


def _is_told_to_end(spec: PagingSpec, body: Any) -> bool:
    return bool(spec.more and getter(spec.more)(body) is not True) or bool(spec.end and getter(spec.end)(body) is True)


def _promised(spec: PagingSpec, seen: Seen, found: str | None) -> str | None:
    """Where the answer says that there is more it has to say where: an end that was not told is no end."""
    if found is None and spec.more:
        raise Malformed(
            f"the answer says at {spec.more!r} that there is more, but not where", seen.where, "check 'paging'"
        )
    return found


def _next_cursor(spec: PagingSpec, cursor: str | None, since: datetime | None, seen: Seen) -> str | None:
    found = _promised(spec, seen, as_text(getter(spec.path)(seen.body)) or None)
    if not spec.restart:
        return found
    count = _count(spec, cursor)
    count, again = _in_tick(count, since, seen, bool(count.text), found is None)
    if again is not None:
        return again.written()
    if found is None:
        return None
    if newer := _newer(count.floor or since, seen):
        return Count("", newer).written()
    read = count.read + seen.entries
    if spec.most and read >= spec.most:
        raise PlaceLost(
            f"more than {spec.most:,} records changed at one time, and a query shows no more of them",
            seen.where,
            "nothing to do: everything is listed now",
        )
    return Count(found, count.floor, read, tick=count.tick).written()


def _newer(floor: datetime | None, seen: Seen) -> datetime | None:
    """The last time on a page, if the delta can be asked again from there."""
    newest = seen.items[-1].updated_at if seen.items else None
    return newest if newest is not None and floor is not None and newest > floor else None


def _target(spec: PagingSpec, seen: Seen) -> str | None:
    if spec.kind == "next_url":
        return as_text(getter(spec.path)(seen.body))
    if spec.kind == "next_header":
        return seen.headers.get(spec.header)
    links = parse_header_links(seen.headers.get("Link", ""))
    return next((link["url"] for link in links if "next" in link.get("rel", "").split()), None)


def _start(spec: PagingSpec) -> int:
    return spec.start if spec.start is not None else 1 if spec.kind == "page" else 0


def _count(spec: PagingSpec, cursor: str | None) -> Count:
    counted = spec.kind in COUNTED
    if cursor is None:
        return Count(str(_start(spec)) if counted else "")
    text, moment, read, last = cursor, "", "", ""
    if counted:
        text, moment, read, last = [*cursor.split(";", 3), "", "", ""][:4]
    elif ";" in cursor:
        # what a provider gives may hold a semicolon itself; what stands behind it here does not
        text, moment, read = _behind(cursor)
    try:
        floor = times.parse(moment) if moment else None
        number, tick = ticks.read(read)
        return Count(str(int(text)) if counted else text, floor, number, last, tick)
    except ValueError:
        raise PageLost(
            f"{cursor[:60]!r} is not a cursor of a {spec.kind} pager", "cursor", "one that an earlier page gave"
        ) from None


def _behind(cursor: str) -> tuple[str, str, str]:
    """A provider's own text, and what was written behind it: a time, or a time and what was read."""
    rest, _, last = cursor.rpartition(";")
    if ticks.WRITTEN.fullmatch(last) and ";" in rest:
        text, _, moment = rest.rpartition(";")
        return text, moment, last
    return rest, last, ""


def _next_count(spec: PagingSpec, count: Count, since: datetime | None, seen: Seen) -> str | None:
    if spec.kind == "offset":
        return _next_offset(spec, count, since, seen)
    at, read = int(count.text), count.read + seen.entries
    last = seen.entries == 0 or _is_last(spec, at, read, seen)
    if spec.restart:
        short = at == _start(spec) + 1 and seen.entries == 0 and count.tick.seen < seen.size
        count, again = _in_tick(count, since, seen, at > _start(spec) and not short, last)
        if again is not None:
            return replace(again, text=str(_start(spec))).written()
    if last:
        return None
    if spec.restart and (newer := _newer(count.floor or since, seen)):
        return Count(str(_start(spec)), newer).written()
    return Count(str(at + 1), count.floor, read if spec.total else 0, tick=count.tick).written()


def _in_tick(count: Count, since: datetime | None, seen: Seen, counted: bool, last: bool) -> tuple[Count, Count | None]:
    """Where it stands with this page, and, if pages of one time were counted and are through, the walk to do again."""
    floor = count.floor or since
    if floor is None:
        return count, None
    count = replace(count, tick=count.tick.saw(floor, seen.items))
    if not counted or not (last or _newer(floor, seen)):
        return count, None
    tick = count.tick.again(floor, seen.items, seen.where)
    return count, Count("", count.floor, tick=tick) if tick is not None else None


def _next_offset(spec: PagingSpec, count: Count, since: datetime | None, seen: Seen) -> str | None:
    """Each page begins with the last record of the one before. Where it does not show it any more, records went away
    before it or it moved, others slid past what was read, and it goes back until it finds it.
    """
    at, start, ids = int(count.text), _start(spec), list(seen.ids)
    if count.last and count.last not in ids and at > start:
        return _back(count, at, start, seen)
    nothing_new = bool(count.last) and ids == [count.last]
    if seen.entries == 0 or nothing_new or _is_last(spec, at, 0, seen):
        return None
    if spec.restart and (newer := _newer(count.floor or since, seen)):
        return Count(str(start), newer).written()
    again = 1 if seen.entries > 1 and ids[-1:] != [""] else 0
    return Count(str(at + seen.entries - again), count.floor, count.read, ids[-1] if again else "").written()


def repeated(spec: PagingSpec, cursor: str | None) -> str:
    """The record that a page begins with only to show that nothing slid past; "" where there is none."""
    return _count(spec, cursor).last if spec.kind == "offset" else ""


def _back(count: Count, at: int, start: int, seen: Seen) -> str:
    if count.read >= MOST_BACK:
        raise Malformed(
            f"the records of the listing changed their places {MOST_BACK} times while it was read", seen.where,
            "a listing that is sorted by what does not change, such as the id",
        )  # fmt: skip
    stride = (seen.entries or seen.size) << min(count.read, 10)
    return Count(str(max(start, at - stride)), count.floor, count.read + 1, count.last).written()


def _is_last(spec: PagingSpec, at: int, read: int, seen: Seen) -> bool:
    """By what the provider counts, never by what was asked for: its pages may be smaller than that.

    Where it counts nothing in this answer, only an empty page is the end.
    """
    pages = _number(spec.pages, seen.body)
    if pages is not None:
        return at >= pages + _start(spec) - 1
    total = _number(spec.total, seen.body)
    if total is None:
        return False
    return at - _start(spec) + seen.entries >= total if spec.kind == "offset" else read >= total


def _number(path: str, body: Any) -> int | None:
    value = getter(path)(body) if path else None
    if value is ABSENT or value is None:
        return None
    if isinstance(value, str) and value.isdigit():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Malformed(
            f"the pager's number at {path!r} is {value!r:.40}", path, "a whole number, as the manifest says"
        )
    return value
