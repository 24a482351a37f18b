"""The webhooks of one Airtable base: the calls that make, refresh and read them, and the pings that they cause."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flask import request
from flask.typing import ResponseReturnValue

from syncapp.doubles.airtable_errors import error
from syncapp.doubles.airtable_hooks import LIFE, MOST, PAYLOADS, Hook, hooked, payload, signed, source_of
from syncapp.doubles.answers import iso
from syncapp.doubles.delivery import Delivery
from syncapp.doubles.shelf import Change

if TYPE_CHECKING:
    from syncapp.doubles.airtable import Airtable

BASE = "appBase0000000001"
TABLES = {"Contacts": "tblContacts000001", "Companies": "tblCompanies00001"}


class Hooks:
    """One is there from the beginning, as if made by hand: its address is wherever the suite listens."""

    def __init__(self, double: Airtable, path: str) -> None:
        self._double = double
        self.by_hand = Hook(None, {"options": {"filters": {"dataTypes": ["tableData"]}}}, double.clock.now() + LIFE)
        self._hooks = {self.by_hand.id: self.by_hand}
        double.shelf.watch(self._announce)
        add = double.app.add_url_rule
        add(path, "hooks", self.listed)
        add(path, "hook", self.made, methods=["POST"])
        add(f"{path}/<id>", "unhook", self.removed, methods=["DELETE"])
        add(f"{path}/<id>/refresh", "refresh", self.refreshed, methods=["POST"])
        add(f"{path}/<id>/enableNotifications", "enable", self.enabled, methods=["POST"])
        add(f"{path}/<id>/payloads", "payloads", self.payloads)

    def listed(self) -> ResponseReturnValue:
        return {"webhooks": [hook.as_json() for hook in self._alive()]}

    def _alive(self) -> list[Hook]:
        return [hook for hook in self._hooks.values() if hook.expires > self._double.clock.exact()]

    def made(self) -> ResponseReturnValue:
        fresh = hooked(request.get_json(), self._double.clock.now())
        if len(self._alive()) > MOST:
            raise error(422, "TOO_MANY_WEBHOOKS", f"A base has {MOST} webhooks at most")
        self._hooks[fresh.id] = fresh
        return {"id": fresh.id, "macSecretBase64": fresh.secret, "expirationTime": iso(fresh.expires)}

    def _found(self, id: str) -> Hook:
        found = next((hook for hook in self._alive() if hook.id == id), None)
        if found is None:
            raise error(404, "NOT_FOUND")
        return found

    def removed(self, id: str) -> ResponseReturnValue:
        del self._hooks[self._found(id).id]
        return "", 204

    def refreshed(self, id: str) -> ResponseReturnValue:
        found = self._found(id)
        found.expires = self._double.clock.now() + LIFE
        return {"expirationTime": iso(found.expires)}

    def enabled(self, id: str) -> ResponseReturnValue:
        self._found(id).enabled = bool(request.get_json().get("enable"))
        return "", 204

    def payloads(self, id: str) -> ResponseReturnValue:
        cursor, limit = request.args.get("cursor", "1"), request.args.get("limit", str(PAYLOADS))
        if not cursor.isdigit() or not limit.isdigit():
            raise error(422, "INVALID_REQUEST_UNKNOWN", "cursor and limit are numbers")
        return self._found(id).payloads(int(cursor), int(limit))

    def _announce(self, change: Change) -> None:
        table = TABLES[change.object]
        for hook in self._alive():
            if not hook.wants(change, table, source_of(change)):
                continue
            hook.log.append(payload(hook, change, table, self._double.fields[change.object]))
            url = self._double.hook_url if hook is self.by_hand else hook.url
            if url and hook.enabled:
                told = {"base": {"id": BASE}, "webhook": {"id": hook.id}, "timestamp": iso(self._double.clock.now())}
                body = json.dumps(told, separators=(",", ":")).encode()
                about = ((change.object, change.row.id, change.kind),)
                self._double.sent.append(Delivery("POST", url, signed(hook.key, body), body, about))
