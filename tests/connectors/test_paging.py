"""Every kind of pager, resumed in the middle, and pagers that would never end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from syncapp.connectors.errors import EgressDenied, Malformed
from tests.connectors.server import Asked, Provider, Reply
from tests.connectors.shapes import LIST, client

PEOPLE = [{"id": number, "rev": 1} for number in range(1, 8)]
SIZE = 3


def cut(start: int) -> list[dict[str, Any]]:
    return PEOPLE[start : start + SIZE]


def by_cursor(asked: Asked) -> Reply:
    start = int(asked.query.get("after", "x0")[1:])
    following = {"next": f"x{start + SIZE}"} if start + SIZE < len(PEOPLE) else {}
    return Reply({"data": cut(start), "page": following})


def by_last_id(asked: Asked) -> Reply:
    start = int(asked.query.get("after", "0"))
    return Reply({"data": cut(start), "more": start + SIZE < len(PEOPLE)})


def by_page(asked: Asked) -> Reply:
    page = int(asked.query["page"])
    return Reply({"data": cut((page - 1) * SIZE), "pages": 3})


def by_offset(asked: Asked) -> Reply:
    return Reply({"data": cut(int(asked.query["offset"]))})


def next_of(asked: Asked) -> str | None:
    start = int(asked.query.get("from", "0")) + SIZE
    return f"/people?from={start}" if start < len(PEOPLE) else None


def by_link(asked: Asked) -> Reply:
    link = next_of(asked)
    headers = {"Link": f'<{link}>; rel="next", </people>; rel="first"'} if link else {}
    return Reply({"data": cut(int(asked.query.get("from", "0")))}, headers=headers)


def by_url(asked: Asked) -> Reply:
    host = asked.headers["host"]
    link = next_of(asked)
    return Reply({"data": cut(int(asked.query.get("from", "0"))), "next": f"http://{host}{link}" if link else None})


def by_header(asked: Asked) -> Reply:
    link = next_of(asked)
    headers = {"Next-Page": link} if link else {}
    return Reply({"data": cut(int(asked.query.get("from", "0")))}, headers=headers)


KINDS: list[tuple[dict[str, Any], Callable[[Asked], Reply]]] = [
    ({"kind": "cursor", "path": "page.next", "param": "after"}, by_cursor),
    ({"kind": "last_id", "param": "after", "more": "more"}, by_last_id),
    ({"kind": "page", "param": "page", "pages": "pages"}, by_page),
    ({"kind": "offset", "param": "offset"}, by_offset),
    ({"kind": "link"}, by_link),
    ({"kind": "next_url", "path": "next"}, by_url),
    ({"kind": "next_header", "header": "Next-Page"}, by_header),
]


@pytest.mark.parametrize(("paging", "answer"), KINDS, ids=[kind["kind"] for kind, _ in KINDS])
def test_reads_all_pages_and_resumes_at_any(
    provider: Provider, paging: dict[str, Any], answer: Callable[[Asked], Reply]
) -> None:
    provider.on("GET", "/people", answer)
    pages = list(client(provider.url, {f"{LIST}.paging": paging}).pages("people", size=SIZE))
    assert [item.id for page in pages for item in page.items] == ["1", "2", "3", "4", "5", "6", "7"]
    assert pages[-1].last and pages[-1].cursor is None
    assert not any(page.last for page in pages[:-1])
    resumed = list(client(provider.url, {f"{LIST}.paging": paging}).pages("people", cursor=pages[0].cursor, size=SIZE))
    assert [item.id for page in resumed for item in page.items] == ["4", "5", "6", "7"]


def test_no_pager_is_one_page(provider: Provider) -> None:
    provider.on("GET", "/people", Reply({"data": PEOPLE}))
    (page,) = client(provider.url).pages("people")
    assert (len(page.items), page.last) == (7, True)


def test_a_cursor_may_travel_in_the_body(provider: Provider) -> None:
    provider.on("POST", "/search", Reply({"data": PEOPLE[:1], "next": "c2"}), Reply({"data": PEOPLE[1:2]}))
    changes = {
        f"{LIST}.method": "POST",
        f"{LIST}.path": "/search",
        f"{LIST}.body": {"filter": "all"},
        f"{LIST}.paging": {"kind": "cursor", "path": "next", "param": "paging.after", "in": "body"},
    }
    assert len(list(client(provider.url, changes).pages("people"))) == 2
    assert [asked.body for asked in provider.asked] == [{"filter": "all"}, {"filter": "all", "paging": {"after": "c2"}}]


@pytest.mark.parametrize(
    "paging",
    [
        {"kind": "cursor", "path": "next", "param": "after"},
        {"kind": "offset", "param": "offset"},
        {"kind": "page", "param": "p"},
    ],
)
def test_refuses_a_pager_that_does_not_move(provider: Provider, paging: dict[str, Any]) -> None:
    provider.on("GET", "/people", Reply({"data": PEOPLE, "next": "same"}))
    with pytest.raises(Malformed, match="does not come to an end"):
        list(client(provider.url, {f"{LIST}.paging": paging}).pages("people"))
    assert len(provider.asked) <= 3


def test_the_next_page_stays_at_the_accounts_host(provider: Provider, elsewhere: Provider) -> None:
    provider.on("GET", "/people", Reply({"data": PEOPLE, "next": f"{elsewhere.url}/people"}))
    pages = client(provider.url, {f"{LIST}.paging": {"kind": "next_url", "path": "next"}}).pages("people")
    next(pages)
    with pytest.raises(EgressDenied, match="another host"):
        next(pages)
    assert elsewhere.asked == []


def test_a_record_without_id_is_set_aside_and_the_page_goes_on(provider: Provider) -> None:
    provider.on(
        "GET", "/people", Reply({"data": [{"id": 1}, {"name": "x"}, "text", {"id": 2, "at": "soon"}, {"id": 3}]})
    )
    (page,) = client(provider.url).pages("people")
    assert [item.id for item in page.items] == ["1", "3"]
    assert set(page.faults) == {1, 2, 3}
    assert "no id at 'id'" in page.faults[1] and "soon" in page.faults[3]


@pytest.mark.parametrize("body", [{"items": []}, {"data": {}}, [], "text"])
def test_no_list_where_the_manifest_says_is_malformed(provider: Provider, body: Any) -> None:
    provider.on("GET", "/people", Reply(body))
    with pytest.raises(Malformed, match="no list at 'data'"):
        list(client(provider.url).pages("people"))


DELTAS = [
    ({"format": "iso", "resolution": 0.001, "inclusive": True, "overlap": 0}, "2026-11-20T10:00:05.250Z"),
    ({"format": "iso", "resolution": 0.001, "inclusive": False, "overlap": 0}, "2026-11-20T10:00:05.249Z"),
    ({"format": "iso_seconds", "resolution": 1, "inclusive": True, "overlap": 2}, "2026-11-20T10:00:03Z"),
    ({"format": "unix", "resolution": 60, "inclusive": True, "overlap": 0}, "1795168800"),
    ({"format": "unix", "resolution": 1, "inclusive": False, "overlap": 0}, "1795168804"),
    (
        {"format": "unix_ms", "resolution": 0.001, "inclusive": False, "overlap": 0, "template": '"{since}"'},
        '"1795168805249"',
    ),
    ({"format": "http", "resolution": 1, "inclusive": True, "overlap": 0}, "Fri, 20 Nov 2026 10:00:05 GMT"),
]


@pytest.mark.parametrize(("delta", "sent"), DELTAS)
def test_delta_boundaries(provider: Provider, delta: dict[str, Any], sent: str) -> None:
    provider.on("GET", "/people", Reply({"data": []}))
    since = datetime(2026, 11, 20, 10, 0, 5, 250_700, tzinfo=UTC)
    list(client(provider.url, {f"{LIST}.delta": {"param": "since", **delta}}).pages("people", since=since))
    assert provider.asked[0].query["since"] == sent


def test_a_delta_may_travel_in_a_header_or_not_be_asked_at_all(provider: Provider) -> None:
    delta = {
        "param": "If-Modified-Since",
        "in": "header",
        "format": "iso",
        "resolution": 1,
        "inclusive": True,
        "query": {"s": "m"},
    }
    provider.on("GET", "/people", Reply({"data": []}))
    asking = client(provider.url, {f"{LIST}.delta": delta})
    list(asking.pages("people", since=datetime(2026, 1, 1, tzinfo=UTC)))
    list(asking.pages("people"))
    assert provider.asked[0].headers["if-modified-since"] == "2026-01-01T00:00:00.000Z"
    assert provider.asked[0].query["s"] == "m"
    assert "if-modified-since" not in provider.asked[1].headers and "s" not in provider.asked[1].query


def test_a_counted_delta_restarts_from_the_last_time_seen_so_that_moving_records_are_not_skipped(
    provider: Provider,
) -> None:
    rows = {number: number for number in range(1, 6)}  # id -> time

    def listing(asked: Asked) -> Reply:
        found = sorted((at, number) for number, at in rows.items() if at >= int(asked.query["since"]))
        page = int(asked.query["page"])
        some = found[(page - 1) * 2 : page * 2]
        rows[1] = 9  # record 1 moves to the end while we read
        return Reply({"data": [{"id": n, "at": at} for at, n in some], "pages": max(1, -(-len(found) // 2))})

    provider.on("GET", "/people", listing)
    changes = {
        "objects.people.updated_at": {"path": "at", "format": "unix", "resolution": 1},
        f"{LIST}.paging": {"kind": "page", "param": "page", "pages": "pages", "restart": True},
        f"{LIST}.delta": {"param": "since", "format": "unix", "resolution": 1, "inclusive": True},
    }
    pages = list(client(provider.url, changes).pages("people", since=datetime(1970, 1, 1, tzinfo=UTC), size=2))
    assert {item.id for page in pages for item in page.items} == {"1", "2", "3", "4", "5"}
    assert (pages[-1].items[-1].id, pages[-1].items[-1].updated_at) == ("1", datetime(1970, 1, 1, 0, 0, 9, tzinfo=UTC))
