"""What real systems do to whoever lists their records: caps without a word, ends that are none, places forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from syncapp.connectors import deltas, paths
from syncapp.connectors.errors import Gone, Malformed, PageLost, PlaceLost, Rejected, Unauthorised
from syncapp.connectors.opspec import DeltaSpec
from syncapp.watermark import LONGEST, Watermark
from tests.connectors.server import Asked, Provider, Reply
from tests.connectors.shapes import LIST, client
from tests.connectors.speaking import OPS, SKIPPING, TIMES

PEOPLE = [{"id": number} for number in range(1, 8)]
SINCE = datetime(2026, 11, 20, 10, 0, 5, tzinfo=UTC)


def ids(provider: Provider, changes: dict[str, Any], **how: Any) -> list[str]:
    return [item.id for page in client(provider.url, changes).pages("people", **how) for item in page.items]


def counted(asked: Asked) -> Reply:
    """It makes no page larger than two, whatever is asked for."""
    page = int(asked.query["page"])
    return Reply({"data": PEOPLE[(page - 1) * 2 : page * 2], "total": len(PEOPLE)})


def test_pages_that_are_smaller_than_asked_for_are_no_end_and_are_noted(provider: Provider) -> None:
    provider.on("GET", "/people", counted)
    changes = {f"{LIST}.paging": {"kind": "page", "param": "page", "total": "total"}}
    pages = list(client(provider.url, changes).pages("people", size=100))
    assert [item.id for page in pages for item in page.items] == [str(n) for n in range(1, 8)]
    assert pages[0].note == "100 records a page were asked for and 2 came: the provider makes its pages smaller"
    assert len(provider.asked) == 4, "the total is the end: no page is asked for in vain"
    resumed = client(provider.url, changes).pages("people", cursor=pages[1].cursor)
    assert [item.id for page in resumed for item in page.items] == ["5", "6", "7"]


@pytest.mark.parametrize("total", [None, ..., "7", 7])
def test_a_total_that_is_missing_leaves_the_empty_page_as_the_end(provider: Provider, total: Any) -> None:
    def answer(asked: Asked) -> Reply:
        start = int(asked.query["offset"])
        return Reply({"data": PEOPLE[start : start + 2], **({} if total is ... else {"total": total})})

    provider.on("GET", "/people", answer)
    paging = {"kind": "offset", "param": "offset", "total": "total"}
    assert ids(provider, {f"{LIST}.paging": paging}) == [str(n) for n in range(1, 8)]


def test_more_that_is_nowhere_is_no_end(provider: Provider) -> None:
    provider.on("GET", "/people", Reply({"data": [{"nothing": 1}], "more": True}))
    with pytest.raises(Malformed, match="says at 'more' that there is more, but not where"):
        ids(provider, {f"{LIST}.paging": {"kind": "last_id", "param": "after", "more": "more"}})


def test_an_end_is_told_although_there_is_a_next_place(provider: Provider) -> None:
    provider.on("GET", "/people", Reply({"data": PEOPLE[:2], "next": "c", "end_of_stream": True}))
    paging = {"kind": "cursor", "path": "next", "param": "after", "end": "end_of_stream"}
    assert ids(provider, {f"{LIST}.paging": paging}) == ["1", "2"]


def test_a_listing_that_never_ends_ends_at_its_stated_most(provider: Provider) -> None:
    turned = count(1)
    provider.on("GET", "/people", lambda asked: Reply({"data": [{"id": (n := next(turned))}], "next": f"c{n}"}))
    paging = {"kind": "cursor", "path": "next", "param": "after", "most_pages": 5}
    with pytest.raises(Malformed, match=r"does not come to an end: 6 pages.*most_pages"):
        ids(provider, {f"{LIST}.paging": paging})
    assert len(provider.asked) == 6


def test_a_busy_record_is_a_page_again_and_again_where_a_listing_restarts(provider: Provider) -> None:
    times = iter([10, 12, 14, 14])

    def answer(asked: Asked) -> Reply:
        return Reply({"data": [{"id": 2, "at": next(times)}] if asked.query["offset"] == "0" else []})

    provider.on("GET", "/people", answer)
    delta = {"param": "since", "format": "unix", "resolution": 1, "inclusive": True}
    paging = {"kind": "offset", "param": "offset", "restart": True}
    changes = {**TIMES, f"{LIST}.paging": paging, f"{LIST}.delta": delta}
    assert ids(provider, changes, since=datetime.fromtimestamp(8, UTC)) == ["2"] * 4
    assert [asked.query["since"] for asked in provider.asked] == ["8", "10", "12", "14", "14"]


def test_a_page_that_is_the_same_under_every_offset_is_noticed_where_a_listing_restarts(provider: Provider) -> None:
    provider.on("GET", "/people", Reply({"data": [{"id": 1, "at": 9}, {"id": 2, "at": 10}]}))
    delta = {"param": "since", "format": "unix", "resolution": 1, "inclusive": True}
    paging = {"kind": "page", "param": "page", "restart": True}
    with pytest.raises(Malformed, match="the same page was offered again"):
        ids(provider, {**TIMES, f"{LIST}.paging": paging, f"{LIST}.delta": delta}, since=SINCE)


def test_an_order_that_changes_all_the_time_is_named(provider: Provider) -> None:
    turned = count(1)
    provider.on("GET", "/people", lambda asked: Reply({"data": [{"id": next(turned)}, {"id": next(turned)}]}))
    with pytest.raises(Malformed, match=r"changed their places 30 times.*sorted by what does not change"):
        ids(provider, {f"{LIST}.paging": {"kind": "offset", "param": "offset"}})


def test_what_slides_past_an_offset_is_gone_back_for(provider: Provider) -> None:
    people = [*PEOPLE]

    def answer(asked: Asked) -> Reply:
        start = int(asked.query["offset"])
        some = people[start : start + 3]
        if start == 0:
            del people[:2]  # two of them are deleted behind us
        return Reply({"data": some})

    provider.on("GET", "/people", answer)
    found = ids(provider, {f"{LIST}.paging": {"kind": "offset", "param": "offset"}})
    assert sorted(set(found)) == [str(n) for n in range(1, 8)]


def test_a_forgotten_page_is_told_apart_from_a_refusal(provider: Provider) -> None:
    provider.on("GET", "/people", Reply({"data": PEOPLE[:1], "next": "it"}), Reply({"error": {"message": "gone"}}, 422))
    paging = {"kind": "cursor", "path": "next", "param": "after"}
    with pytest.raises(PageLost, match="gone"):
        ids(provider, {f"{LIST}.paging": {**paging, "expired": [422]}})
    provider.on("GET", "/people", Reply({"data": PEOPLE[:1], "next": "it"}), Reply({"error": {"message": "gone"}}, 422))
    with pytest.raises(Rejected):
        ids(provider, {f"{LIST}.paging": paging})


def test_a_cursor_that_is_none_of_ours_begins_the_listing_again(provider: Provider) -> None:
    provider.on("GET", "/people", counted)
    with pytest.raises(PageLost, match="not a cursor"):
        ids(provider, {f"{LIST}.paging": {"kind": "page", "param": "page"}}, cursor="xyz")


def test_an_address_that_is_too_long_is_posted(provider: Provider) -> None:
    token = "itr" * 40
    provider.on("GET", "/people", Reply({"data": PEOPLE[:1], "offset": token}))
    provider.on("POST", "/people/list", Reply({"data": PEOPLE[1:2]}))
    changes = {
        f"{LIST}.long": {"path": "/people/list", "over": 100},
        f"{LIST}.paging": {"kind": "cursor", "path": "offset", "param": "offset"},
    }
    assert ids(provider, changes) == ["1", "2"]
    assert provider.asked[1].body == {"offset": token, "limit": "100"}


def test_a_next_address_may_be_relative(provider: Provider) -> None:
    provider.on("GET", "/people", Reply({"records": PEOPLE[:1], "nextRecordsUrl": "/query/01g-2000", "done": False}))
    provider.on("GET", "/query/01g-2000", Reply({"records": PEOPLE[1:2], "done": True}))
    paging = {"kind": "next_url", "path": "nextRecordsUrl", "end": "done"}
    assert ids(provider, {f"{LIST}.items": "records", f"{LIST}.paging": paging}) == ["1", "2"]


def test_nothing_changed_and_nothing_there_are_empty_pages(provider: Provider) -> None:
    delta = {"param": "If-Modified-Since", "in": "header", "format": "iso", "resolution": 1, "inclusive": True}
    changes = {
        f"{LIST}.delta": delta,
        f"{LIST}.success": [200, 204, 304],
        f"{LIST}.paging": {"kind": "page", "param": "p"},
    }
    for status in (204, 304):
        provider.on("GET", "/people", Reply(status=status, raw=b""))
        (page,) = client(provider.url, changes).pages("people", since=SINCE)
        assert (page.items, page.last, page.server_date is not None) == ([], True, True)
    with pytest.raises(Malformed, match="unexpected answer 304"):
        ids(provider, {f"{LIST}.delta": delta}, since=SINCE)


def test_times_as_dotnet_writes_them(provider: Provider) -> None:
    provider.on(
        "GET", "/people", Reply({"data": [{"id": 1, "at": "/Date(1488338552390+0000)/"}, {"id": 2, "at": "2026"}]})
    )
    (page,) = client(provider.url, {"objects.people.updated_at": {"path": "at", "format": "dotnet"}}).pages("people")
    assert [item.updated_at for item in page.items] == [datetime(2017, 3, 1, 3, 22, 32, 390000, UTC)]
    assert "not dotnet" in page.faults[1]


def test_graphql_pages(provider: Provider) -> None:
    def page(number: int, following: bool) -> Reply:
        info = {"hasNextPage": following, "endCursor": f"c{number}"}
        return Reply({"data": {"people": {"nodes": [{"id": number}], "pageInfo": info}}})

    provider.on("POST", "/graphql", page(1, True), page(2, False))
    changes = {
        f"{LIST}.method": "POST", f"{LIST}.path": "/graphql", f"{LIST}.query": {}, f"{LIST}.items": "data.people.nodes",
        f"{LIST}.body": {"query": "query($n: Int) { people(first: $n) { … } }", "variables": {"n": "{size}"}},
        f"{LIST}.paging": {
            "kind": "cursor", "path": "data.people.pageInfo.endCursor", "more": "data.people.pageInfo.hasNextPage",
            "param": "variables.after", "in": "body",
        },
    }  # fmt: skip
    assert ids(provider, changes) == ["1", "2"]
    assert [asked.body["variables"] for asked in provider.asked] == [{"n": 100}, {"n": 100, "after": "c1"}]


def test_a_full_pass_keeps_the_place_in_a_log_and_forgets_those_of_parents() -> None:
    at = Watermark(SINCE, "p2", SINCE, {"changes": "c7", "list f1": "x"}, {"changes": "c8"}, 3)
    assert at.whole() == Watermark(marks={"changes": "c7"})
    begun = Watermark(None, "p2", SINCE, {"changes": "c7"}, {"list f2": "y"}, 3)
    assert begun.whole() == begun


# What changed


LOG = {
    f"{OPS}.latest": {"method": "GET", "path": "/latest", "mark": "data[0].id"},
    f"{OPS}.changes": {
        "method": "GET", "path": "/events", "items": "data", "ids": "data.object.id", "mark": "data[0].id",
        "paging": {"kind": "cursor", "path": "data[0].id", "param": "after", "more": "more"},
        "delta": {"kind": "log", "retention": 86400},
    },
}  # fmt: skip


def test_the_place_in_the_log_is_taken_before_the_listing_of_everything(provider: Provider) -> None:
    provider.on("GET", "/latest", Reply({"data": [{"id": "ev9"}]}))
    provider.on("GET", "/people", Reply({"data": PEOPLE[:1]}))
    (page,) = client(provider.url, LOG).pages("people")
    assert [asked.path for asked in provider.asked] == ["/latest", "/people"]
    assert page.marks == {"changes": "ev9"}
    provider.on("GET", "/events", Reply({"data": [], "more": False}))
    list(client(provider.url, LOG).pages("people", since=datetime.now(UTC), marks=page.marks))
    assert provider.asked[-1].query["after"] == "ev9"


def test_one_record_may_fill_page_after_page_of_a_log(provider: Provider) -> None:
    def events(asked: Asked) -> Reply:
        at = int(asked.query["after"])
        return Reply({"data": [{"id": str(at + 1), "data": {"object": {"id": 1}}}], "more": at < 5})

    provider.on("GET", "/events", events)
    provider.on("GET", "/people/1", Reply({"id": 1}))
    pages = list(client(provider.url, LOG).pages("people", since=datetime.now(UTC), marks={"changes": "0"}))
    assert pages[-1].marks == {"changes": "6"}


def test_a_copy_in_an_event_is_not_believed(provider: Provider) -> None:
    event = {"id": "ev1", "data": {"object": {"id": 1, "name": "as it was"}}}
    provider.on("GET", "/events", Reply({"data": [event, event], "more": False}))
    provider.on("GET", "/people/1", Reply({"id": 1, "name": "as it is"}))
    (page,) = client(provider.url, LOG).pages("people", since=datetime.now(UTC), marks={"changes": "ev0"})
    assert [item.body["name"] for item in page.items] == ["as it is"]
    assert (len(provider.asked), page.marks) == (2, {"changes": "ev1"})


@pytest.mark.parametrize(
    ("since", "marks", "words"),
    [
        (SINCE, {"changes": "ev1"}, "changes are told for 1 days, and the last pass is longer ago"),
        (None, {}, "no place is known from which to go on"),
        (None, {"changes": "ev1"}, "the place from which to go on is not known any more: the provider refused"),
    ],
)
def test_a_place_that_is_lost_is_named(
    provider: Provider, since: datetime | None, marks: dict[str, str], words: str
) -> None:
    provider.on("GET", "/events", Reply({"error": {"message": "no such event"}}, 400))
    with pytest.raises(PlaceLost, match=words):
        list(client(provider.url, LOG).pages("people", since=since or datetime.now(UTC), marks=marks))


def test_a_refusal_that_says_nothing_of_the_place_is_no_loss_of_it(provider: Provider) -> None:
    provider.on("GET", "/events", Reply({"error": {"message": "not with this plan"}}, 402))
    with pytest.raises(Rejected, match="not with this plan"):
        list(client(provider.url, LOG).pages("people", since=datetime.now(UTC), marks={"changes": "ev1"}))


def test_hundreds_of_named_records_are_read_some_at_a_time_and_gone_on_with(provider: Provider) -> None:
    everybody = [str(number) for number in range(100, 350)]
    provider.on(
        "GET", "/changed", Reply({"employees": {key: {} for key in everybody}, "latest": "2026-11-20T10:00:00Z"})
    )
    for number in everybody:
        provider.on("GET", f"/people/{number}", Reply({"id": number}))
    delta = {"param": "since", "format": "iso", "resolution": 1, "inclusive": True}
    changes = {
        f"{OPS}.changes": {"method": "GET", "path": "/changed", "ids": "employees", "mark": "latest", "delta": delta},
    }
    asking = client(provider.url, changes)
    first = next(asking.pages("people", since=SINCE))
    assert (len(first.items), first.last, first.marks) == (100, False, {"changes": "2026-11-20T10:00:00Z"})
    # meanwhile another one changed: it belongs to the next pass, and the place for that is the one of the first answer
    late = {key: {} for key in ["099", *everybody]}
    provider.on("GET", "/changed", Reply({"employees": late, "latest": "2026-11-20T11:00:00Z"}))
    rest = list(asking.pages("people", since=SINCE, cursor=first.cursor))
    assert [item.id for page in rest for item in page.items] == everybody[100:]
    assert (rest[-1].last, [page.marks for page in rest]) == (True, [{}, {}])


def test_more_changes_than_an_answer_shows_mean_a_listing_of_everything(provider: Provider) -> None:
    provider.on("GET", "/people", Reply({"data": PEOPLE}))
    delta = {"param": "since", "format": "iso", "resolution": 1, "inclusive": True, "most": 7}
    with pytest.raises(PlaceLost, match="7 changes or more at once"):
        ids(provider, {f"{LIST}.delta": delta}, since=SINCE)
    assert ids(provider, {f"{LIST}.delta": {**delta, "most": 8}}, since=SINCE) == [str(n) for n in range(1, 8)]


def test_a_time_that_is_null_until_the_first_change_is_the_one_of_creation(provider: Provider) -> None:
    provider.on("GET", "/people", Reply({"data": [{"id": 1, "at": None, "made": 5}, {"id": 2, "at": 9, "made": 5}]}))
    changes = {"objects.people.updated_at": {**TIMES["objects.people.updated_at"], "or": "made"}}
    (page,) = client(provider.url, changes).pages("people")
    assert [item.updated_at.timestamp() for item in page.items if item.updated_at] == [5, 9]


def test_what_was_made_is_asked_for_beside_what_changed(provider: Provider) -> None:
    provider.on("GET", "/changed", Reply({"data": PEOPLE[:1]}))
    provider.on("GET", "/made", Reply({"data": PEOPLE[1:2]}))
    delta = {"format": "iso_seconds", "resolution": 1, "inclusive": True}
    leg = {"method": "GET", "items": "data"}
    changes = {
        f"{OPS}.changes": {**leg, "path": "/changed", "delta": {"param": "updated_since", **delta}},
        f"{OPS}.created": {**leg, "path": "/made", "delta": {"param": "created_since", **delta}},
    }
    pages = list(client(provider.url, changes).pages("people", since=SINCE))
    assert [(item.id, page.last) for page in pages for item in page.items] == [("1", False), ("2", True)]
    assert [asked.query for asked in provider.asked] == [
        {"updated_since": "2026-11-20T10:00:05Z"}, {"created_since": "2026-11-20T10:00:05Z"},
    ]  # fmt: skip


def test_a_listing_that_needs_a_time_is_asked_for_from_the_beginning_of_time(provider: Provider) -> None:
    provider.on("GET", "/people", Reply({"data": PEOPLE[:1]}))
    delta = {"param": "since", "format": "unix", "resolution": 1, "inclusive": True, "always": True}
    assert ids(provider, {f"{LIST}.delta": delta}) == ["1"]
    assert provider.asked[0].query["since"] == "0"


# Times as the account's clock shows them

BERLIN = ZoneInfo("Europe/Berlin")
JQL = DeltaSpec(pattern="%Y-%m-%d %H:%M", resolution=60)


MOMENTS = st.integers(1_767_225_600, 1_830_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))


@given(MOMENTS, st.sampled_from([0, 1]))
def test_a_wall_clock_never_asks_from_later_whichever_hour_the_provider_takes_it_for(
    moment: datetime, fold: int
) -> None:
    text = deltas.since_text(JQL, moment, zone=BERLIN)
    taken = datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).astimezone(UTC)
    assert timedelta(0) <= moment - taken <= timedelta(hours=2, minutes=1)


@given(MOMENTS)
@example(datetime(2026, 3, 29, 22, 0, tzinfo=UTC))  # the day before has 23 hours
@example(datetime(2026, 10, 25, 23, 30, tzinfo=UTC))  # and this one's 25
def test_calendar_days_begin_at_the_accounts_midnight(moment: datetime) -> None:
    """Intercom: the time is cut to its day, and the filter leaves that day out."""
    day = DeltaSpec(format="unix", resolution=86400, inclusive=False)
    asked = datetime.fromtimestamp(int(deltas.since_text(day, moment, zone=BERLIN)), BERLIN)
    assert asked.date() < moment.astimezone(BERLIN).date()
    assert moment.astimezone(BERLIN).date() - asked.date() == timedelta(days=1)


# Deletes


def test_a_refusal_of_a_deleted_id_is_believed_only_while_others_can_be_read(provider: Provider) -> None:
    provider.on("GET", "/people", Reply({"data": PEOPLE[:2]}))
    provider.on("GET", "/people/1", Reply(PEOPLE[0]))
    provider.on("GET", "/people/9", Reply({"error": {"message": "forbidden"}}, 403))
    changes = {f"{OPS}.read.gone": [403]}
    with pytest.raises(Gone, match="others can be read"):
        client(provider.url, changes).read("people", "9")
    provider.on("GET", "/people/1", Reply({"error": {"message": "forbidden"}}, 403))
    with pytest.raises(Unauthorised, match="may not do this"):
        client(provider.url, changes).read("people", "9")
    with pytest.raises(Unauthorised):
        client(provider.url).read("people", "9")


# Records of records

COMMENTS = {
    f"{LIST}.path": "/tickets/{parent}/comments", f"{LIST}.paging": SKIPPING,
    f"{OPS}.read": {"method": "GET", "path": "/tickets/{parent}/comments/{id}"},
    f"{OPS}.update.path": "/tickets/{parent}/comments/{id}",
    "objects.people.version": {"kind": "none"}, f"{OPS}.update.conditional": ...,
    "objects.people.depends_on": {"object": "tickets", "composite": True, "into": "ticket"},
    "objects.tickets": {"name": "Tickets", "id": "id", "operations": {
        "list": {"method": "GET", "path": "/tickets", "items": "data", "paging": SKIPPING},
        "read": {"method": "GET", "path": "/tickets/{id}"},
    }},
}  # fmt: skip


def test_ids_inside_a_parent_are_read_and_written_under_it(provider: Provider) -> None:
    provider.on("GET", "/tickets", Reply({"data": [{"id": "a/b"}, {"id": "c"}]}))
    provider.on("GET", f"/tickets/{quote('a/b', safe='')}/comments", Reply({"data": [{"id": 1}], "next": None}))
    provider.on("GET", "/tickets/c/comments", Reply({"error": {"message": "deleted just now"}}, 404))
    one = f"/tickets/{quote('a/b', safe='')}/comments/1"
    provider.on("GET", one, Reply({"id": 1, "text": "hello"}))
    provider.on("PATCH", one, Reply({"id": 1}))
    asking = client(provider.url, COMMENTS)
    (found,) = [item for page in asking.pages("people") for item in page.items]
    assert (found.id, found.body["ticket"]) == ("a%2Fb/1", "a/b")
    read = asking.read("people", found.id)
    assert (read.id, read.body) == (found.id, {"id": 1, "text": "hello", "ticket": "a/b"})
    assert asking.update("people", found.id, {"text": "x"}, version=None, key="k").id == found.id


def test_places_of_many_parents_are_bounded() -> None:
    at = Watermark(SINCE, marks={f"list {n}": "x" * 400 for n in range(1000)})
    with pytest.raises(PlaceLost, match=f"up to {LONGEST:,}"):
        at.text()


def test_a_path_may_name_the_last_of_a_list_but_not_write_it() -> None:
    read = paths.getter("data[-1].id")
    assert (read({"data": [{"id": 1}, {"id": 2}]}), read({"data": []})) == (2, paths.ABSENT)
    with pytest.raises(paths.PathError, match="cannot be written"):
        paths.setter("data[-1].id")


# More records of one time than fit on a page

COUNTED = {"kind": "page", "param": "page", "restart": True}
CAPPED = {"kind": "cursor", "path": "next", "param": "page", "restart": True}


class OneTick:
    """Two records a page, by time of change; before a page is answered, something may happen."""

    def __init__(self, happens: dict[int, tuple[str, int]], records: int, *, restless: bool = False) -> None:
        self.restless = restless  # with each second page, one that was on the first changes
        self.rows = {str(number): 10 for number in range(1, records + 1)}
        self.happens, self.asked, self.now = happens, 0, 10

    def answer(self, asked: Asked) -> Reply:
        self.asked += 1
        what, number = self.happens.get(self.asked, ("", 0))
        self.now += 1
        if what == "edit" and str(number) in self.rows:
            self.rows[str(number)] = self.now
        elif what == "delete":
            self.rows.pop(str(number), None)
        since, page = int(asked.query["since"]), int(asked.query.get("page", 1))
        if self.restless and page == 2:
            self.rows[min(self.rows, key=lambda id: (self.rows[id], id))] = self.now
        found = sorted((at, id) for id, at in self.rows.items() if at >= since)
        some = [{"id": id, "at": at} for at, id in found[(page - 1) * 2 : page * 2]]
        return Reply({"data": some, "next": str(page + 1) if page * 2 < len(found) else None})


def of_one_tick(provider: Provider, paging: dict[str, Any], tick: OneTick, **how: Any) -> list[str]:
    provider.on("GET", "/people", tick.answer)
    delta = {"param": "since", "format": "unix", "resolution": 1, "inclusive": True}
    changes = {**TIMES, f"{LIST}.paging": paging, f"{LIST}.delta": delta}
    return ids(provider, changes, since=datetime.fromtimestamp(8, UTC), **how)


@pytest.mark.parametrize("paging", [COUNTED, CAPPED], ids=["page", "cursor"])
@given(
    st.dictionaries(st.integers(1, 30), st.tuples(st.sampled_from(["edit", "delete"]), st.integers(1, 9)), max_size=6),
    st.integers(1, 9),
)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@example({3: ("edit", 1)}, 5)  # 3 slides to the page that was read
@example({4: ("edit", 1)}, 5)
@example({3: ("delete", 1)}, 3)
@example({3: ("edit", 1), 7: ("edit", 2), 11: ("edit", 3)}, 9)
def test_none_of_one_time_is_lost_when_others_of_it_change(
    provider: Provider, paging: dict[str, Any], happens: dict[int, tuple[str, int]], records: int
) -> None:
    tick = OneTick(happens, records)
    assert set(of_one_tick(provider, paging, tick, size=2)) >= set(tick.rows)


def test_a_time_that_fits_on_a_page_is_read_once(provider: Provider) -> None:
    tick = OneTick({}, 1)
    assert of_one_tick(provider, COUNTED, tick) == ["1", "1"]
    assert [asked.query.get("page") for asked in provider.asked] == ["1", "1", "2"]


def test_a_time_whose_records_change_all_the_time_means_a_listing_of_everything(provider: Provider) -> None:
    tick = OneTick({}, 25, restless=True)
    with pytest.raises(PlaceLost, match="changed again each of the 10 times"):
        of_one_tick(provider, COUNTED, tick, size=2)
