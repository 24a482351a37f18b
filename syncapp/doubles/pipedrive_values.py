"""What Pipedrive makes of persons, organizations and deals: addresses with a first one, fields named by a hash.

From the models of the official client (github.com/pipedrive/client-nodejs, versions v2) and
https://pipedrive.readme.io/docs/pipedrive-api-v2-migration-guide. Unverified (a public study of the API): the first of
several addresses becomes the primary one, `work` where no label is sent, null clears, a person's job title and the like
are refused with 403, a reason of loss is only for lost deals.
"""

from __future__ import annotations

from typing import Any

from syncapp.doubles.answers import Refused, iso
from syncapp.doubles.shelf import Row

Json = Any
INFO = "Please check developers.pipedrive.com for more information about Pipedrive API."
SEGMENT, TOPICS = "9dc80c50d78a15643bfc4ca79d76156a73a1ca0e", "d4de1c1518b4531717c676029a45911c340390a6"
BUDGET = "2f1d5c1a9b0e4b7f8a6c3d2e1f0a9b8c7d6e5f4a"
# Options by their number; several of them; money.
CUSTOM = {SEGMENT: (11, 12, 13), TOPICS: (21, 22, 23), BUDGET: None}
EMPTY: dict[str, dict[str, Json]] = {
    "persons": {
        "name": None, "owner_id": 1, "org_id": None, "emails": [], "phones": [], "label_ids": [], "visible_to": 3,
        "custom_fields": dict.fromkeys(CUSTOM),
    },
    "organizations": {
        "name": None, "owner_id": 1, "address": None, "label_ids": [], "visible_to": 3,
        "custom_fields": dict.fromkeys(CUSTOM),
    },
    "deals": {
        "title": None, "owner_id": 1, "person_id": None, "org_id": None, "pipeline_id": 1, "stage_id": 1, "value": 0,
        "currency": "EUR", "status": "open", "lost_reason": None, "expected_close_date": None, "label_ids": [],
        "custom_fields": dict.fromkeys(CUSTOM),
    },
}  # fmt: skip
NAMED = {"persons": "name", "organizations": "name", "deals": "title"}
SYNCED_ONLY = ("job_title", "notes", "im", "birthday", "postal_address")
STATUSES = ("open", "won", "lost", "deleted")


def error(status: int, told: str, headers: dict[str, str] | None = None) -> Refused:
    body = {"success": False, "error": told, "error_info": INFO, "errorCode": status, "data": None}
    return Refused(status, body, headers)


def kept(kind: str, known: dict[str, Json] | None, given: dict[str, Json]) -> dict[str, Json]:
    """`known` (None for a new one) with what was given over it. Raises Refused."""
    out = dict(known or EMPTY[kind])
    for name, value in given.items():
        if name in SYNCED_ONLY and kind == "persons":
            raise error(403, f"{name} is only there where contact sync is on")
        if name not in out:
            raise error(400, f"Parameter '{name}' is not allowed")
        out[name] = _value(name, value, out[name])
    if not out[NAMED[kind]]:
        raise error(400, f"{NAMED[kind]} must not be empty")
    if out.get("lost_reason") and out["status"] != "lost":
        raise error(400, "lost_reason can only be set for a lost deal")
    return out


def _value(name: str, value: Json, known: Json) -> Json:
    if name in ("emails", "phones"):
        return _addresses(name, value)
    if name == "custom_fields":
        return _custom(known, value)
    if name == "status" and value not in STATUSES:
        raise error(400, f"status must be one of {', '.join(STATUSES)}")
    if name in ("value", "org_id", "person_id", "owner_id") and isinstance(value, str):
        raise error(400, f"{name} must be a number")
    return value


def _addresses(name: str, value: Json) -> Json:
    """The list is replaced as a whole."""
    if not isinstance(value, list) or not all(isinstance(one, dict) and one.get("value") for one in value):
        raise error(400, f"{name} must be a list of objects with a value")
    first = next((at for at, one in enumerate(value) if one.get("primary")), 0)
    return [
        {"value": one["value"], "primary": at == first, "label": one.get("label") or "work"}
        for at, one in enumerate(value)
    ]  # fmt: skip


def _custom(known: dict[str, Json], given: Json) -> dict[str, Json]:
    out = dict(known)
    for key, value in (given or {}).items():
        if key not in CUSTOM:
            raise error(400, f"custom field {key} does not exist")
        options = CUSTOM[key]
        several = value if isinstance(value, list) else [value]
        if options and value is not None and not set(several) <= set(options):
            raise error(400, f"{value} is no option of {key}")
        if options is None and value is not None and set(value) != {"value", "currency"}:
            raise error(400, f"{key} is an amount with value and currency")
        out[key] = value
    return out


def shown(kind: str, row: Row) -> dict[str, Json]:
    times = {"add_time": iso(row.created, 0), "update_time": iso(row.updated, 0), "is_deleted": row.deleted}
    if kind == "persons":
        first, _, last = (row.fields["name"] or "").partition(" ")
        times |= {"first_name": first, "last_name": last or None}
    return {"id": int(row.id), **row.fields, **times}
