"""The back door to what befalls a provider as a whole: automations, imports, restored backups,
deletions untold, tokens that end, and the quota of the day."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from syncapp.sandbox.access import Access
from syncapp.sandbox.book import DELETES, Shelf
from syncapp.sandbox.control import person_called
from syncapp.sandbox.diary import Author
from syncapp.sandbox.gate import json_body, milliseconds, refusal
from syncapp.sandbox.quota import Quota
from syncapp.sandbox.refusals import BadValue, Refused
from syncapp.sandbox.values import Json
from syncapp.sandbox.whole import restore, snapshot, touch
from syncapp.sandbox.workflow import Rule, Workflow

IMPORT = "Nightly import"


def trouble(shelf: Shelf, workflow: Workflow, access: Access, quota: Quota) -> Blueprint:
    door = Blueprint("trouble", __name__, url_prefix="/_sandbox")
    clock, store = shelf.people.clock, shelf.people.store

    @door.get("/rules")
    def rules() -> Response:
        return jsonify([rule.as_json() for rule in workflow.rules])

    @door.put("/rules")
    def change_rules() -> Response:
        """Replace the rules; an empty list ends them."""
        given = request.get_json(silent=True)
        if not isinstance(given, list):
            raise BadValue('Send a list of rules, for example [{"field": "city", "upper": true}].', "rules")
        workflow.change([Rule.read(one, shelf) for one in given])
        return rules()

    @door.post("/touch")
    def touch_all() -> Response:
        body = json_body({"object", "ids", "at", "actor"})
        at = milliseconds(str(body["at"]), "at") if body.get("at") is not None else clock.now()
        author = Author("import", str(body.get("actor") or IMPORT))
        return jsonify({"touched": touch(shelf.book(body.get("object")), author, at, _ids(body.get("ids")))})

    @door.post("/snapshot")
    def keep() -> Response:
        return jsonify(snapshot(shelf, json_body({"name"}).get("name")))

    @door.post("/restore")
    def go_back() -> Response:
        body = json_body({"name", "actor"})
        return jsonify(restore(shelf, person_called(body.get("actor")), body.get("name")))

    @door.put("/deletes")
    def deletes() -> Response:
        wanted = json_body({"deletes"}).get("deletes")
        if wanted not in DELETES:
            raise BadValue(f"deletes must be one of {', '.join(DELETES)}, not “{wanted}”.", "deletes")
        store.set_setting("deletes", wanted)
        return jsonify({"deletes": wanted})

    @door.put("/quota")
    def change_quota() -> Response:
        body = json_body({"limit", "used"})
        quota.change(_count(body, "limit"), _count(body, "used"))
        left = quota.look()
        return jsonify(left.headers() if left else {})

    @door.post("/authorise")
    def authorise() -> Response:
        """What a person's consent gives a client: an access token and a refresh token."""
        return jsonify(access.authorise())

    @door.post("/expire")
    def expire() -> Response:
        return jsonify({"expired": access.expire()})

    @door.errorhandler(Refused)
    def refused(error: Refused) -> tuple[Response, int]:
        return refusal(error)

    return door


def _count(body: dict[str, Json], name: str) -> int | None:
    value = body.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10**12):
        raise BadValue(f"{name} must be a whole number, not {value!r}.", name)
    return value


def _ids(given: Json) -> list[str] | None:
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise BadValue('ids must be a list of ids, for example ["1001"].', "ids")
    return given
