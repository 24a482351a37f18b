"""An account whose records change under a clock of its own, and every way in which providers tell what changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any
from zoneinfo import ZoneInfo

from tests.connectors.server import Asked, Provider, Reply
from tests.connectors.shapes import LIST

BEGIN = 1_795_000_000
OPS = "objects.people.operations"
Row = dict[str, Any]


@dataclass(repr=False)
class Account:
    """Records with whole seconds for times, so that many share one."""

    now: int = BEGIN
    rows: dict[str, Row] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    gone: list[tuple[int, str]] = field(default_factory=list)
    made: int = 0
    epoch: int = 0  # of its cursors: one of an older epoch is not known any more
    limit: int = 3  # it makes no page larger than that

    def make(self) -> str:
        self.made += 1
        self.rows[str(self.made)] = {"id": str(self.made), "at": self.now, "made": self.now, "v": 1}
        return self._logged("made", str(self.made))

    def edit(self, number: int) -> None:
        if (row := self.rows.get(str(number))) is not None:
            row |= {"at": self.now, "v": row["v"] + 1}
            self._logged("edited", str(number))

    def delete(self, number: int) -> None:
        if self.rows.pop(str(number), None) is not None:
            self.gone.append((self.now, str(number)))
            self._logged("deleted", str(number))

    def _logged(self, kind: str, record: str) -> str:
        self.log.append({"id": f"ev_{len(self.log) + 1}", "type": kind, "data": {"object": {"id": record}}})
        return record

    def by_time(self, since: float = 0) -> list[Row]:
        return sorted((row for row in self.rows.values() if row["at"] >= since), key=lambda row: (row["at"], row["id"]))

    def reply(self, body: Any, status: int = 200) -> Reply:
        return Reply(body, status, {"Date": formatdate(self.now, usegmt=True)})

    def read(self, asked: Asked) -> Reply:
        row = self.rows.get(asked.path.rpartition("/")[2])
        return self.reply(dict(row)) if row else self.reply({"error": {"message": "not here"}}, 404)

    def cut(self, rows: list[Row], start: int, asked_for: str | int = 100) -> tuple[list[Row], bool]:
        size = min(self.limit, int(asked_for))
        return [dict(row) for row in rows[start : start + size]], start + size < len(rows)

    def cursor(self, start: int) -> str:
        return f"{self.epoch}.{start}"

    def start_of(self, cursor: str | None) -> int | None:
        """None where the cursor is not known any more."""
        epoch, _, start = (cursor or self.cursor(0)).partition(".")
        return int(start) if int(epoch) == self.epoch else None


def cursor_list(account: Account) -> Callable[[Asked], Reply]:
    """By id, with a cursor that is forgotten now and then."""

    def answer(asked: Asked) -> Reply:
        start = account.start_of(asked.query.get("after"))
        if start is None:
            return account.reply({"error": {"message": "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"}}, 422)
        rows = [row for id, row in sorted(account.rows.items(), key=lambda one: int(one[0])) if int(id) > start]
        some, more = account.cut(rows, 0)
        return account.reply({"data": some, "next": account.cursor(int(some[-1]["id"])) if more else None})

    return answer


LISTED = {f"{LIST}.paging": {"kind": "cursor", "path": "next", "param": "after", "expired": [422]}}
TIMES = {"objects.people.updated_at": {"path": "at", "format": "unix", "resolution": 1}}


@dataclass(frozen=True)
class Style:
    """How a provider is written down, and how it answers; whether it tells what was deleted."""

    name: str
    changes: dict[str, Any]
    serve: Callable[[Account, Provider], None]
    deletes: bool = False
    counts: bool = False  # its pages are counted: records that move while they are read shift them


def by_query(account: Account, provider: Provider) -> None:
    def answer(asked: Asked) -> Reply:
        rows = account.by_time(float(asked.query.get("since", 0)))
        some, _ = account.cut(rows, int(asked.query.get("offset", 0)))
        return account.reply({"data": some, "total": len(rows)})

    provider.on("GET", "/people", answer)


def by_header(account: Account, provider: Provider) -> None:
    """Zoho: pages are counted first, and named by a token later."""

    def answer(asked: Asked) -> Reply:
        since = asked.headers.get("if-modified-since")
        rows = account.by_time(datetime.fromisoformat(since).timestamp() if since else 0)
        start = int(asked.query["page_token"][1:]) if "page_token" in asked.query else 0
        if "page" in asked.query:
            start = (int(asked.query["page"]) - 1) * account.limit
        some, more = account.cut(rows, start)
        token = f"t{start + account.limit}" if more and start >= account.limit else None
        return account.reply({"data": some, "info": {"more": more, "token": token}})

    def deleted(asked: Asked) -> Reply:
        since = datetime.fromisoformat(asked.headers["if-modified-since"]).timestamp()
        ids = [{"id": id} for at, id in account.gone if at >= since]
        page = int(asked.query["page"])
        some, more = account.cut(ids, (page - 1) * account.limit)
        return account.reply({"data": some, "info": {"more": more}})

    provider.on("GET", "/people", answer)
    provider.on("GET", "/deleted", deleted)


def by_search(account: Account, provider: Provider) -> None:
    """HubSpot: a body with a filter, ordered by time, and no more than so many of them."""

    def search(asked: Asked) -> Reply:
        (wanted,) = asked.body["filterGroups"][0]["filters"]
        start = int(asked.body.get("after", 0))
        if start >= 9:
            return account.reply({"error": {"message": "no more than 9"}}, 400)
        some, more = account.cut(account.by_time(int(wanted["value"]) / 1000), start, asked.body["limit"])
        return account.reply({"results": some, **({"paging": {"next": {"after": str(start + 3)}}} if more else {})})

    provider.on("GET", "/people", cursor_list(account))
    provider.on("POST", "/search", search)


def by_text(account: Account, provider: Provider) -> None:
    """QuickBooks and Salesforce: the whole query is a text, also where it begins."""

    def query(asked: Asked) -> Reply:
        words = asked.query["q"].split()
        since = datetime.fromisoformat(words[words.index(">=") + 1].strip("'")).timestamp() if ">=" in words else 0
        start, most = (int(words[words.index(word) + 1]) for word in ("STARTPOSITION", "MAXRESULTS"))
        some, _ = account.cut(account.by_time(since), start - 1, most)
        return account.reply({"QueryResponse": {"people": some, "startPosition": start}})

    provider.on("GET", "/query", query)


def by_minute(account: Account, provider: Provider) -> None:
    """Jira: whole minutes, by the clock on the wall of the one who asks."""
    zone = ZoneInfo("Europe/Berlin")

    def search(asked: Asked) -> Reply:
        jql, start = asked.body["jql"], int(asked.body.get("nextPageToken", 0))
        wall = datetime.fromisoformat(jql.split('"')[1]).replace(tzinfo=zone, fold=1)
        some, more = account.cut(account.by_time(wall.timestamp()), start, asked.body["maxResults"])
        return account.reply({"issues": some, **({"nextPageToken": str(start + account.limit)} if more else {})})

    provider.on("GET", "/people", cursor_list(account))
    provider.on("POST", "/search", search)


def by_log(account: Account, provider: Provider) -> None:
    """Airtable: payloads from a cursor on, several ids in each, also of what is gone."""

    def payloads(asked: Asked) -> Reply:
        at = int(asked.query.get("cursor", max(1, len(account.log) - 29)))
        if at < len(account.log) - 30:
            return account.reply({"error": {"message": "cursor too old"}}, 422)
        some = account.log[at - 1 : at + 1]
        tables = [
            {
                "created": {one["data"]["object"]["id"]: {} for one in some if one["type"] == "made"},
                "changed": {one["data"]["object"]["id"]: {} for one in some if one["type"] == "edited"},
                "destroyed": [one["data"]["object"]["id"] for one in some if one["type"] == "deleted"],
            }
        ]
        told = {"payloads": [{"tables": {"tbl": tables[0]}}] if some else [], "cursor": at + len(some)}
        return account.reply({**told, "mightHaveMore": at + len(some) <= len(account.log)})

    def hooks(asked: Asked) -> Reply:
        return account.reply({"webhooks": [{"id": "ach1", "cursorForNextPayload": len(account.log) + 1}]})

    provider.on("GET", "/people", cursor_list(account))
    provider.on("GET", "/payloads", payloads)
    provider.on("GET", "/hooks", hooks)


def by_events(account: Account, provider: Provider) -> None:
    """Stripe: the newest event first, those before a known one, each with a copy of the record as it was."""

    def events(asked: Asked) -> Reply:
        newest = list(reversed(account.log))
        if (before := asked.query.get("ending_before")) is not None:
            newer = [one for one in account.log if int(one["id"][3:]) > int(before[3:])]
            limit = min(account.limit, int(asked.query["limit"]))
            return account.reply({"data": list(reversed(newer[:limit])), "has_more": len(newer) > limit})
        return account.reply({"data": newest[: int(asked.query["limit"])], "has_more": len(newest) > 1})

    provider.on("GET", "/people", cursor_list(account))
    provider.on("GET", "/events", events)


def by_window(account: Account, provider: Provider) -> None:
    """Salesforce: ids that changed between two times, no more than so many; those deleted, and how far that is told."""

    def between(asked: Asked) -> tuple[float, float]:
        start, end = (datetime.fromisoformat(asked.query[name]).timestamp() for name in ("start", "end"))
        return start, end

    def updated(asked: Asked) -> Reply:
        start, end = between(asked)
        ids = [row["id"] for row in account.by_time(start) if row["at"] <= end]
        return account.reply({"ids": ids[:12]})

    def deleted(asked: Asked) -> Reply:
        start, end = between(asked)
        covered = datetime.fromtimestamp(min(end, account.now), UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        told = [{"id": id} for at, id in account.gone if start <= at <= end]
        return account.reply({"deletedRecords": told, "latestDateCovered": covered})

    provider.on("GET", "/people", cursor_list(account))
    provider.on("GET", "/updated", updated)
    provider.on("GET", "/deleted", deleted)


def by_link(account: Account, provider: Provider) -> None:
    """Graph: an address for the next page and, at the end, one for next time; a token is forgotten now and then."""

    def delta(asked: Asked) -> Reply:
        token = asked.query.get("token", f"{account.epoch}.{len(account.log)}.0.")
        epoch, upto, start, known = token.split(".")
        if int(epoch) != account.epoch:
            return account.reply({"error": {"message": "resyncRequired"}}, 410)
        if known:
            changed = dict.fromkeys(one["data"]["object"]["id"] for one in account.log[int(known) : int(upto)])
        else:
            changed = dict.fromkeys(sorted(account.rows, key=int))
        told = [account.rows.get(id) or {"id": id, "@removed": {"reason": "deleted"}} for id in changed]
        some, more = account.cut(told, int(start))
        here = f"http://{asked.headers['host']}/people?token={epoch}"
        following = f"{here}.{upto}.{int(start) + account.limit}.{known}"
        link = {"@odata.nextLink": following} if more else {"@odata.deltaLink": f"{here}.NOW.0.{upto}"}
        return account.reply({"value": some, **link})

    def with_now(asked: Asked) -> Reply:
        if "NOW" in asked.query.get("token", ""):
            asked.query["token"] = asked.query["token"].replace("NOW", str(len(account.log)))
        return delta(asked)

    provider.on("GET", "/people", with_now)


def by_folder(account: Account, provider: Provider) -> None:
    """Graph: each folder has a delta link of its own, and there are more and more folders."""

    def folders(asked: Asked) -> Reply:
        known = [{"id": f"f{number}"} for number in range(1 + account.made // 3)]
        some, more = account.cut(known, int(asked.query.get("skip", 0)))
        return account.reply({"data": some, "next": str(int(asked.query.get("skip", 0)) + 3) if more else None})

    def delta(asked: Asked) -> Reply:
        folder = int(asked.path.split("/")[2][1:])
        epoch, known = (int(part) for part in asked.query.get("token", f"{account.epoch}.-1").split("."))
        if epoch != account.epoch:
            return account.reply({"error": {"message": "resyncRequired"}}, 410)
        told = account.log[known:] if known >= 0 else account.log
        ids = dict.fromkeys(one["data"]["object"]["id"] for one in told)
        here = [
            account.rows.get(id) or {"id": id, "@removed": {"reason": "deleted"}}
            for id in ids
            if folder_of(id) == folder
        ]
        if known < 0:
            here = [one for one in here if "@removed" not in one]
        start = int(asked.query.get("skip", 0))
        some, more = account.cut(here, start)
        address = f"http://{asked.headers['host']}{asked.path}"
        upto = asked.query.get("upto", len(account.log))
        link = {"@odata.nextLink": f"{address}?token={epoch}.{known}&skip={start + account.limit}&upto={upto}"}
        return account.reply(
            {"value": some, **(link if more else {"@odata.deltaLink": f"{address}?token={epoch}.{upto}"})}
        )

    provider.on("GET", "/folders", folders)
    for number in range(40):
        provider.on("GET", f"/folders/f{number}/people", delta)


def by_comment(account: Account, provider: Provider) -> None:
    """Comments of tickets: each is numbered inside its ticket, and moves the ticket's time of change."""

    def tickets(asked: Asked) -> Reply:
        since = int(asked.query.get("since", 0))
        touched: dict[int, int] = {}
        for row in account.rows.values():
            touched[folder_of(row["id"])] = max(row["at"], touched.get(folder_of(row["id"]), 0))
        found = sorted((at, ticket) for ticket, at in touched.items() if at >= since)
        some, more = account.cut(
            [{"id": f"t/{ticket}", "at": at} for at, ticket in found], int(asked.query.get("skip", 0))
        )
        return account.reply({"data": some, "next": str(int(asked.query.get("skip", 0)) + 3) if more else None})

    def comments(asked: Asked) -> Reply:
        ticket = int(asked.path.split("/")[2].removeprefix("t%2F"))
        here = [{**row, "id": row["id"]} for row in account.rows.values() if folder_of(row["id"]) == ticket]
        some, more = account.cut(here, int(asked.query.get("skip", 0)))
        return account.reply({"data": some, "next": str(int(asked.query.get("skip", 0)) + 3) if more else None})

    provider.on("GET", "/tickets", tickets)
    for number in range(40):
        provider.on("GET", f"/tickets/t%2F{number}/comments", comments)


def folder_of(id: str) -> int:
    return int(id) // 3


SKIPPING = {"kind": "cursor", "path": "next", "param": "skip"}


BY_TIME = {"resolution": 1, "inclusive": True, "overlap": 1}
NAMED = {"items": "data", "ids": "id", "method": "GET", "path": "/deleted"}
TEXT = "SELECT * FROM people {where}ORDERBY at STARTPOSITION {cursor} MAXRESULTS {size}"
STARTS = {"kind": "offset", "in": "slot", "start": 1, "size": 2, "restart": True}
WINDOW = {"format": "iso", "param": "start", "until": "end", **BY_TIME}

STYLES = [
    Style(
        "query", {
            **TIMES,
            f"{LIST}.paging": {"kind": "offset", "param": "offset", "total": "total", "restart": True},
            f"{LIST}.delta": {"param": "since", "format": "unix", **BY_TIME},
        }, by_query,
    ),
    Style(
        "header, pages and then tokens, and a feed of what was deleted", {
            **TIMES,
            f"{LIST}.paging": {
                "kind": "page", "param": "page", "more": "info.more",
                "token": "info.token", "token_param": "page_token",
            },
            f"{LIST}.delta": {"param": "If-Modified-Since", "in": "header", "format": "iso", **BY_TIME},
            f"{OPS}.deleted": {
                **NAMED, "paging": {"kind": "page", "param": "page", "more": "info.more"},
                "delta": {"param": "If-Modified-Since", "in": "header", "format": "iso", **BY_TIME},
            },
        }, by_header, deletes=True, counts=True,
    ),
    Style(
        "search in a body, capped", {
            **TIMES, **LISTED,
            f"{OPS}.changes": {
                "method": "POST", "path": "/search", "items": "results",
                "body": {
                    "filterGroups": [{"filters": [{"propertyName": "at", "operator": "GTE", "value": "{since}"}]}],
                    "sorts": ["at"], "limit": "{size}",
                },
                "paging": {
                    "kind": "cursor", "path": "paging.next.after", "param": "after", "in": "body",
                    "restart": True, "most": 9,
                },
                "delta": {"format": "unix_ms", **BY_TIME},
            },
        }, by_search,
    ),
    Style(
        "query text", {
            **TIMES,
            f"{LIST}.path": "/query", f"{LIST}.items": "QueryResponse.people",
            f"{LIST}.query": {"q": TEXT.replace("{where}", "")}, f"{LIST}.paging": STARTS,
            f"{OPS}.changes": {
                "method": "GET", "path": "/query", "items": "QueryResponse.people",
                "query": {"q": TEXT.replace("{where}", "WHERE at >= '{since}' ")}, "paging": STARTS,
                "delta": {"format": "iso_seconds", **BY_TIME},
            },
        }, by_text,
    ),
    Style(
        "minutes of a zone", {
            **TIMES, **LISTED,
            f"{OPS}.changes": {
                "method": "POST", "path": "/search", "items": "issues",
                "body": {"jql": 'updated >= "{since}" ORDER BY updated ASC', "maxResults": "{size}"},
                "paging": {
                    "kind": "cursor", "path": "nextPageToken", "param": "nextPageToken", "in": "body", "restart": True,
                },
                "delta": {
                    "pattern": "%Y-%m-%d %H:%M", "timezone": "Europe/Berlin", "resolution": 60, "inclusive": True,
                },
            },
        }, by_minute,
    ),
    Style(
        "log with a cursor", {
            **TIMES, **LISTED,
            f"{OPS}.latest": {
                "method": "GET", "path": "/hooks", "mark": {"jsonata": "webhooks[id='ach1'].cursorForNextPayload"},
            },
            f"{OPS}.changes": {
                "method": "GET", "path": "/payloads", "items": "payloads", "mark": "cursor",
                "ids": {"jsonata": "[tables.*.($keys(created)), tables.*.($keys(changed)), tables.*.destroyed]"},
                "paging": {"kind": "cursor", "path": "cursor", "param": "cursor", "more": "mightHaveMore"},
                "delta": {"kind": "log"},
            },
        }, by_log, deletes=True,
    ),
    Style(
        "log that begins somewhere", {
            **TIMES, **LISTED,
            f"{OPS}.changes": {
                "method": "GET", "path": "/payloads", "items": "payloads", "mark": "cursor",
                "ids": {"jsonata": "[tables.*.($keys(created)), tables.*.($keys(changed)), tables.*.destroyed]"},
                "paging": {"kind": "cursor", "path": "cursor", "param": "cursor", "more": "mightHaveMore"},
                "delta": {"kind": "log", "from_start": True},
            },
        }, by_log, deletes=True,
    ),
    Style(
        "events, newest first", {
            **TIMES, **LISTED,
            f"{OPS}.latest": {"method": "GET", "path": "/events", "query": {"limit": "1"}, "mark": "data[0].id"},
            f"{OPS}.changes": {
                "method": "GET", "path": "/events", "query": {"limit": "{size}"}, "items": "data",
                "ids": "data.object.id", "mark": "data[0].id",
                "paging": {"kind": "cursor", "path": "data[0].id", "param": "ending_before", "more": "has_more"},
                "delta": {"kind": "log", "retention": 2_592_000},
            },
        }, by_events, deletes=True,
    ),
    Style(
        "ids of a window, parted when there are too many", {
            **TIMES, **LISTED,
            f"{OPS}.changes": {
                "method": "GET", "path": "/updated", "ids": "ids", "delta": {**WINDOW, "most": 12},
            },
            f"{OPS}.deleted": {
                "method": "GET", "path": "/deleted", "items": "deletedRecords", "ids": "id",
                "mark": "latestDateCovered", "delta": {**WINDOW, "retention": 1_296_000},
            },
        }, by_window, deletes=True,
    ),
    Style(
        "delta link", {
            **TIMES, f"{LIST}.items": "value", f"{LIST}.mark": '["@odata.deltaLink"]',
            f"{LIST}.paging": {"kind": "next_url", "path": '["@odata.nextLink"]', "expired": [410]},
            f"{LIST}.delta": {"kind": "link"},
            "objects.people.deleted": {"path": '["@removed"].reason', "value": "deleted"},
        }, by_link, deletes=True,
    ),
    Style(
        "delta links of folders", {
            **TIMES, f"{LIST}.path": "/folders/{parent}/people",
            f"{LIST}.items": "value", f"{LIST}.mark": '["@odata.deltaLink"]',
            f"{LIST}.paging": {"kind": "next_url", "path": '["@odata.nextLink"]', "expired": [410]},
            f"{LIST}.delta": {"kind": "link"},
            "objects.people.deleted": {"path": '["@removed"].reason', "value": "deleted"},
            "objects.people.depends_on": {"object": "folders"},
            "objects.folders": {
                "name": "Folders", "id": "id", "operations": {
                    "list": {"method": "GET", "path": "/folders", "items": "data", "paging": SKIPPING},
                    "read": {"method": "GET", "path": "/folders/{id}"},
                },
            },
        }, by_folder, deletes=True,
    ),
    Style(
        "comments of tickets that changed", {
            **TIMES, f"{LIST}.path": "/tickets/{parent}/comments", f"{LIST}.paging": SKIPPING,
            "objects.people.depends_on": {"object": "tickets", "changed": True, "composite": True, "into": "ticket"},
            "objects.tickets": {
                "name": "Tickets", "id": "id", "updated_at": TIMES["objects.people.updated_at"], "operations": {
                    "list": {
                        "method": "GET", "path": "/tickets", "items": "data", "paging": SKIPPING,
                        "delta": {"param": "since", "format": "unix", **BY_TIME},
                    },
                    "read": {"method": "GET", "path": "/tickets/{id}"},
                },
            },
        }, by_comment, counts=True,
    ),
]  # fmt: skip
