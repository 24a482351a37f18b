"""Zendesk's bulk calls: 100 records, a job that is looked at until it is done, and a result for each record.

From https://developer.zendesk.com/api-reference/ticketing/ticket-management/job_statuses/ (bulk create: index and id;
bulk update: action, id, status, success). A job is `queued` when it is made and done when it is asked for.
Unverified: how a failed item is told.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from flask import Flask, request
from flask.typing import ResponseReturnValue

from syncapp.doubles.answers import Refused
from syncapp.doubles.zendesk_records import SINGULAR

Json = Any
LARGEST = 100
Deed = Callable[[str, dict[str, Json]], int]


class Jobs:
    """``deeds``: what is done to one record, by the name of the bulk call; each answers the id, or raises Refused."""

    def __init__(self, app: Flask, kind: str, deeds: dict[str, Deed]) -> None:
        self._jobs: dict[str, dict[str, Json]] = {}
        self._deeds = deeds
        for name in deeds:
            method = {"create_many": "POST", "create_or_update_many": "POST"}.get(name, "PUT")
            method = "DELETE" if name == "destroy_many" else method
            app.add_url_rule(f"{kind}/{name}", name, self._view(name), methods=[method])
        app.add_url_rule("/api/v2/job_statuses/<id>", "job", self.status)

    def _view(self, name: str) -> Callable[..., ResponseReturnValue]:
        return lambda kind: self._start(name, kind)

    def _start(self, name: str, kind: str) -> ResponseReturnValue:
        items = self._items(kind, name)
        if len(items) > LARGEST:
            told = f"Cannot process more than {LARGEST} records"
            raise Refused(400, {"error": "TooManyRecords", "description": told})
        id = secrets.token_hex(16)
        results = [self._one(name, kind, index, item) for index, item in enumerate(items)]
        url = f"{request.url_root}api/v2/job_statuses/{id}"
        job = {"id": id, "url": url, "total": len(items), "status": "queued"}
        done = {"progress": len(items), "message": "Completed at 2026-01-31 18:42:00 +0000", "results": results}
        self._jobs[id] = {**job, **done, "status": "completed"}
        return {"job_status": {**job, "progress": None, "message": None, "results": None}}

    def _items(self, kind: str, name: str) -> list[dict[str, Json]]:
        if name == "destroy_many":
            return [{"id": id} for id in request.args.get("ids", "").split(",")]
        body = request.get_json(silent=True) or {}
        if ids := request.args.get("ids"):
            return [{**body.get(SINGULAR[kind], {}), "id": id} for id in ids.split(",")]
        return list(body.get(kind) or [])

    def _one(self, name: str, kind: str, index: int, item: dict[str, Json]) -> dict[str, Json]:
        action = name.removesuffix("_many")
        try:
            id = self._deeds[name](kind, item)
        except Refused as refused:
            told = refused.body.get("description") or refused.body["error"]
            failed = {"index": index, "error": refused.body["error"], "details": told}
            return failed if action == "create" else {**failed, "id": item.get("id"), "success": False}
        if action == "create":
            return {"index": index, "id": id}
        status = {"destroy": "Deleted"}.get(action, "Updated")
        return {"index": index, "action": action, "id": id, "status": status, "success": True}

    def status(self, id: str) -> ResponseReturnValue:
        if id not in self._jobs:
            raise Refused(404, {"error": "RecordNotFound", "description": "Not found"})
        return {"job_status": self._jobs[id]}
