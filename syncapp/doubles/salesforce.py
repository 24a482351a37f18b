"""Salesforce as its documentation describes it: SOQL with server cursors, records, collections, replication calls.

Written from https://developer.salesforce.com/docs/platform/api-rest/guide/ — dome-query, resources-query,
resources-queryall, dome-upsert, resources-composite-sobjects-collections-*, resources-getupdated, resources-getdeleted,
headers-api-usage (Sforce-Limit-Info), errorcodes — and the pages that the modules beside this one name.
Unverified: two hours of life of a session, two days of a cursor, that SystemModstamp has seconds, 403
REQUEST_LIMIT_EXCEEDED where the day's calls are used up (it is what a "429" asked for answers), texts of errors.
Left out: pulling change events (gRPC and CometD are no plain HTTP; see salesforce_events), composite requests, Bulk
API, relationships, duplicate rules, layouts, restoring and emptying the recycle bin.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from flask import Response, has_request_context, request
from flask.typing import ResponseReturnValue

from syncapp.doubles.answers import read_iso, speak
from syncapp.doubles.base import Delivery, Double
from syncapp.doubles.salesforce_events import event
from syncapp.doubles.salesforce_rows import Rows
from syncapp.doubles.salesforce_soql import Query, Reader
from syncapp.doubles.salesforce_token import USER, TokenDesk
from syncapp.doubles.salesforce_values import FIELDS, SYSTEM, VERSION, error, kept, shown, stamp, values
from syncapp.doubles.shelf import Change, Fields
from syncapp.doubles.tokens import Keyed, Tokens, bearer, consent
from syncapp.doubles.windows import Window

BASE = f"/services/data/{VERSION}"
CURSOR = timedelta(days=2)
CODES = {
    403: ("INSUFFICIENT_ACCESS", "insufficient access rights on object id"),
    500: ("UNKNOWN_EXCEPTION", "An unexpected error occurred."),
    503: ("SERVER_UNAVAILABLE", "The server is too busy. Try again later."),
}


@dataclass
class Cursor:
    query: Query
    ids: list[str]
    ends: datetime


class Salesforce(Keyed, Double):
    slug: ClassVar[str] = "salesforce"
    objects: ClassVar[tuple[str, ...]] = ("Contact", "Account", "Lead")
    resolution: ClassVar[float] = 1.0
    # Records in one answer of a query: 2,000 over there.
    batch = 10
    strict = False

    def routes(self) -> None:
        speak(self.app)
        self.tokens = Tokens(self.clock, life=7200, rotates=False, prefix="00DHs!")
        self.desk = TokenDesk(self.tokens, self.clock)
        self.hook_secret = secrets.token_hex(16)
        self.calls = Window(self.clock, 15_000, 86_400, strict=self.strict)
        self._used = 0
        self._cursors: dict[str, Cursor] = {}
        self.shelf.watch(self._announce)
        self.app.before_request(self._gate)
        self.app.after_request(self._figures)
        self.app.url_map.strict_slashes = False
        consent(self.app, "/services/oauth2/authorize", self.tokens)
        add = self.app.add_url_rule
        add("/services/oauth2/token", view_func=self.desk.token, methods=["POST"])
        add("/services/oauth2/userinfo", view_func=self.userinfo)
        add(f"{BASE}/query", "query", lambda: self.query(gone=False))
        add(f"{BASE}/queryAll", "queryAll", lambda: self.query(gone=True))
        add(f"{BASE}/query/<locator>", view_func=self.more)
        add(f"{BASE}/sobjects/<kind>/describe", view_func=self.describe)
        add(f"{BASE}/sobjects/<kind>/updated/", view_func=self.updated)
        add(f"{BASE}/sobjects/<kind>/deleted/", view_func=self.deleted)
        add(f"{BASE}/limits", view_func=self.limits)
        Rows(self.app, self.shelf, BASE)

    # Keys and limits.

    def config(self, address: str) -> dict[str, str]:
        """`login` is another host over there; calls go to the `instance_url` that the token's answer tells."""
        return {"server": address, "login": address, "instance_url": address}

    def secrets(self) -> dict[str, str]:
        more = {"webhook": self.hook_secret, "private_key": self.desk.private_key(), "username": USER}
        return {**self.tokens.secrets(), **more}

    def userinfo(self) -> ResponseReturnValue:
        return {"user_id": "005Hs00000HubUsAAA", "organization_id": "00DHs00000Org00AAA", "preferred_username": USER}

    def _gate(self) -> Response | None:
        if not request.path.startswith(("/services/data", "/services/oauth2/userinfo")):
            return None
        if not self.tokens.good(bearer()):
            return self.refusal(401)
        self._used += 1
        return self.refusal(429) if self.calls.take() < 0 else None

    def _figures(self, answer: Response) -> Response:
        if request.path.startswith("/services/data"):
            answer.headers["Sforce-Limit-Info"] = f"api-usage={self._used}/{self.calls.shown}"
        return answer

    def limits(self) -> ResponseReturnValue:
        most = self.calls.shown
        return {"DailyApiRequests": {"Max": most, "Remaining": max(0, most - self._used)}}

    def refusal(self, status: int) -> Response:
        """What others answer with 429 is a 403 here."""
        if status == 401:
            return error(401, "INVALID_SESSION_ID", "Session expired or invalid").answer()
        if status == 429:
            return error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.").answer()
        code, told = CODES.get(status, ("UNKNOWN_EXCEPTION", "An unexpected error occurred."))
        return error(status, code, told).answer()

    def is_write(self, request: Any) -> bool:
        """A collection may be asked for by POST."""
        reads = request.method == "POST" and "/composite/sobjects/" in request.path
        return super().is_write(request) and not reads

    # Queries.

    def query(self, *, gone: bool) -> ResponseReturnValue:
        wanted = Reader(request.args.get("q", "")).query()
        rows = self.shelf.rows(wanted.kind, deleted=gone)
        found = wanted.rows([values(wanted.kind, row) for row in rows])
        if wanted.fields == ["COUNT()"]:
            return {"totalSize": len(found), "done": True, "records": []}
        cursor = Cursor(wanted, [one["Id"] for one in found], self.clock.exact() + CURSOR)
        locator = f"01gHs{secrets.token_hex(6)}"
        self._cursors[locator] = cursor
        return self._page(locator, cursor, 0)

    def more(self, locator: str) -> ResponseReturnValue:
        name, _, start = locator.rpartition("-")
        cursor = self._cursors.get(name)
        if cursor is None or not start.isdigit() or cursor.ends < self.clock.exact():
            raise error(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(name, cursor, int(start))

    def _page(self, locator: str, cursor: Cursor, start: int) -> ResponseReturnValue:
        kind, end = cursor.query.kind, start + self.batch
        rows = [self.shelf.get(kind, id, deleted=True) for id in cursor.ids[start:end]]
        records = [shown(kind, row, cursor.query.fields) for row in rows if row]
        done = end >= len(cursor.ids)
        more = {} if done else {"nextRecordsUrl": f"{BASE}/query/{locator}-{end}"}
        return {"totalSize": len(cursor.ids), "done": done, **more, "records": records}

    def describe(self, kind: str) -> ResponseReturnValue:
        if kind not in FIELDS:
            raise error(404, "NOT_FOUND", "The requested resource does not exist")
        told = [
            {
                "name": name, "type": field.type, "externalId": field.unique, "updateable": name not in SYSTEM,
                "nillable": not field.required, "length": field.size,
                "picklistValues": [{"value": one, "label": one, "active": True} for one in field.options],
            }
            for name, field in {**SYSTEM, **FIELDS[kind]}.items()
        ]  # fmt: skip
        return {"name": kind, "fields": told}

    def updated(self, kind: str) -> ResponseReturnValue:
        start, end = self._between(timedelta(days=30))
        ids = [row.id for row in self.shelf.rows(kind) if start <= row.updated < end]
        return {"ids": ids, "latestDateCovered": stamp(end)}

    def deleted(self, kind: str) -> ResponseReturnValue:
        start, end = self._between(timedelta(days=15))
        rows = [row for row in self.shelf.rows(kind, deleted=True) if row.deleted and start <= row.updated < end]
        gone = [{"id": row.id, "deletedDate": stamp(row.updated)} for row in rows]
        first = stamp(self.clock.now() - timedelta(days=15))
        return {"deletedRecords": gone, "earliestDateAvailable": first, "latestDateCovered": stamp(end)}

    def _between(self, longest: timedelta) -> tuple[datetime, datetime]:
        try:
            start, end = read_iso(request.args["start"]), read_iso(request.args["end"])
        except (KeyError, ValueError):
            raise error(400, "INVALID_REPLICATION_DATE", "start and end must be times with a zone") from None
        now = self.clock.now()
        if end <= start or start < now - longest:
            raise error(400, "INVALID_REPLICATION_DATE", f"startDate cannot be more than {longest.days} days ago")
        return start, min(end, now)

    # People, and what a customer's own trigger would post.

    def edit(self, object: str, id: str, fields: Fields) -> None:
        self.shelf.change(object, id, lambda known: kept(object, known, fields), actor="ann")

    def erase(self, object: str, id: str) -> None:
        self.shelf.remove(object, id, actor="ann")

    def _announce(self, change: Change) -> None:
        told = request.headers.get("Sforce-Call-Options", "") if has_request_context() else ""
        body = json.dumps(event(change, told.partition("client=")[2] or "REST")).encode()
        about = ((change.object, change.row.id, change.kind),)
        self.sent.append(Delivery("POST", self.hook_url, self.sign(body, at=self.clock.exact()), body, about))

    def sign(self, body: bytes, *, at: datetime) -> dict[str, str]:
        return {"Content-Type": "application/json", "Authorization": f"Bearer {self.hook_secret}"}
