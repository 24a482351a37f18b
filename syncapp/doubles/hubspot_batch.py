"""HubSpot's batches: 100 records a call, results in an order of their own, and 207 where some inputs fail.

From https://developers.hubspot.com/docs/api-reference/error-handling (multi-status errors by `objectWriteTraceId`) and
.../legacy/crm/objects/contacts/guide (batch endpoints, upsert by email or a unique property). Without trace ids a bad
input refuses the whole call. Unverified: that results name the trace id, and 207 for an update of unknown ids.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import request
from flask.typing import ResponseReturnValue

from syncapp.doubles.answers import Refused, iso
from syncapp.doubles.hubspot_values import DEFAULTS, PROPERTIES
from syncapp.doubles.shelf import Row

if TYPE_CHECKING:
    from syncapp.doubles.hubspot import HubSpot

LARGEST_BATCH = 100
Input = dict[str, Any]


def batches(double: HubSpot, path: str) -> None:
    """Put the batch endpoints under `path`, which names the object as `kind`."""
    deeds: dict[str, Callable[[str], ResponseReturnValue]] = {
        "read": lambda kind: _read(double, kind),
        "create": lambda kind: _write(double, kind, _created, 201),
        "update": lambda kind: _write(double, kind, _updated, 200),
        "upsert": lambda kind: _write(double, kind, _upserted, 200),
        "archive": lambda kind: _archive(double, kind),
    }
    for name, view in deeds.items():
        double.app.add_url_rule(f"{path}/{name}", f"batch {name}", view, methods=["POST"])


def _inputs() -> list[Input]:
    body = request.get_json(silent=True)
    inputs = body.get("inputs") if isinstance(body, dict) else None
    if not isinstance(inputs, list):
        raise Refused(400, _told("VALIDATION_ERROR", 'Invalid input JSON: "inputs" is missing'))
    if len(inputs) > LARGEST_BATCH:
        raise Refused(400, _told("VALIDATION_ERROR", f"The maximum number of inputs is {LARGEST_BATCH}"))
    return inputs


def _told(category: str, message: str, **context: list[str]) -> dict[str, Any]:
    return {"status": "error", "category": category, "message": message, "context": context}


def _missing(kind: str, ids: list[str], **context: list[str]) -> dict[str, Any]:
    word = {"contacts": "CONTACT", "companies": "COMPANY", "deals": "DEAL"}[kind]
    told = f"Could not get some {word} objects, they may be deleted or not exist. Check that ids are valid."
    return _told("OBJECT_NOT_FOUND", told, ids=ids, **context)


def _answer(double: HubSpot, results: list[Any], errors: list[Any], good: int) -> ResponseReturnValue:
    now = iso(double.clock.now())
    told: dict[str, Any] = {"status": "COMPLETE", "results": results}
    if errors:
        told |= {"numErrors": len(errors), "errors": errors}
    return {**told, "startedAt": now, "completedAt": now}, 207 if errors else good


def _read(double: HubSpot, kind: str) -> ResponseReturnValue:
    inputs, body = _inputs(), request.get_json()
    names = body.get("properties") or DEFAULTS[kind]
    found: list[Row] = []
    missing: list[str] = []
    for one in inputs:
        try:
            found.append(double.found(kind, str(one.get("id")), body.get("idProperty")))
        except Refused:
            missing.append(str(one.get("id")))
    always = ("createdate", "hs_object_id", "lastmodifieddate", "hs_lastmodifieddate")
    shown = [double.shown(kind, row, (*always, *names)) for row in reversed(found)]
    return _answer(double, shown, [_missing(kind, missing)] if missing else [], 200)


def _created(double: HubSpot, kind: str, one: Input) -> tuple[Row, dict[str, Any]]:
    return double.add(kind, one.get("properties") or {}), {}


def _updated(double: HubSpot, kind: str, one: Input) -> tuple[Row, dict[str, Any]]:
    row = double.found(kind, str(one.get("id")), one.get("idProperty"))
    return double.change(kind, row, one.get("properties") or {}), {}


def _upserted(double: HubSpot, kind: str, one: Input) -> tuple[Row, dict[str, Any]]:
    name, value = str(one.get("idProperty")), str(one.get("id"))
    property = PROPERTIES[kind].get(name)
    if property is None or not property.unique:
        raise Refused(400, _told("VALIDATION_ERROR", f"{name} is no unique identifier property of {kind}"))
    given = {name: value, **(one.get("properties") or {})}
    row = double.having(kind, name, value.lower() if property.lower else value)
    if row is None:
        return double.add(kind, given), {"new": True}
    return double.change(kind, row, given), {"new": False}


def _write(double: HubSpot, kind: str, deed: Callable[..., tuple[Row, dict[str, Any]]], good: int) -> Any:
    results, errors = [], []
    for one in _inputs():
        trace = str(one.get("objectWriteTraceId") or "")
        mark: dict[str, list[str]] = {"objectWriteTraceId": [trace]} if trace else {}
        try:
            row, more = deed(double, kind, one)
        except Refused as refused:
            if refused.status == 404:
                errors.append(_missing(kind, [str(one.get("id"))], **mark))
            elif trace:
                errors.append(_told(refused.body["category"], refused.body["message"], **mark))
            else:
                raise
            continue
        shown = double.shown(kind, row, (*DEFAULTS[kind], *row.fields))
        results.append({**shown, **more, **({"objectWriteTraceId": trace} if trace else {})})
    # Nobody may rely on the order of the inputs.
    return _answer(double, results[::-1], errors, good)


def _archive(double: HubSpot, kind: str) -> ResponseReturnValue:
    for one in _inputs():
        if double.shelf.get(kind, str(one.get("id"))):
            double.shelf.remove(kind, str(one["id"]))
    return "", 204
