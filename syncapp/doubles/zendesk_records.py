"""What Zendesk makes of users and tickets: mail that is added, not replaced, tags as a whole list, text without HTML.

From https://developer.zendesk.com/api-reference/ticketing/users/users/ and .../tickets/tickets/. Unverified: that
e-mail addresses and tags are made small, that null clears, the details of validation errors.
"""

from __future__ import annotations

import re
from typing import Any

from syncapp.doubles.answers import Refused, iso
from syncapp.doubles.shelf import Row

Json = Any
EMPTY: dict[str, dict[str, Json]] = {
    "users": {
        "name": None, "email": None, "phone": None, "external_id": None, "role": "end-user", "active": True,
        "alias": "", "details": "", "notes": "", "organization_id": None, "tags": [], "time_zone": "Berlin",
        "user_fields": {"plan": None, "vip": False}, "verified": False, "suspended": False, "identities": [],
    },
    "tickets": {
        "subject": None, "description": None, "status": "new", "priority": None, "type": None, "external_id": None,
        "requester_id": None, "assignee_id": None, "organization_id": None, "tags": [], "custom_fields": [],
        "comments": [],
    },
}  # fmt: skip
CHOICES = {
    "role": ("end-user", "agent", "admin"), "status": ("new", "open", "pending", "hold", "solved", "closed"),
    "priority": ("low", "normal", "high", "urgent", None), "type": ("problem", "incident", "question", "task", None),
}  # fmt: skip
CUSTOM = {27642: None, 27648: None}
SINGULAR = {"users": "user", "tickets": "ticket"}
OWN = ("id", "url", "created_at", "updated_at", "active", "verified", "identities", "description", "comments", "via")
SAFETY = ("safe_update", "updated_stamp")


def invalid(**problems: str) -> Refused:
    details = {name: [{"description": f"{name.capitalize()}: {told}"}] for name, told in problems.items()}
    return Refused(422, {"error": "RecordInvalid", "description": "Record validation errors", "details": details})


def kept(kind: str, known: dict[str, Json] | None, given: dict[str, Json]) -> dict[str, Json]:
    """`known` (None for a new one) with what was given over it. Raises Refused."""
    out = dict(known or EMPTY[kind])
    for name, value in given.items():
        if name == "comment":
            out["comments"] = [*out["comments"], _comment(value)]
            out["description"] = out["description"] or out["comments"][0]["body"]
        elif name == "email" and kind == "users":
            _mail(out, value, known is None)
        elif name in out and name not in OWN:
            out[name] = _value(name, value, out[name])
    if kind == "users" and not out["name"]:
        raise invalid(name="is too short (minimum is 1 characters)")
    if kind == "tickets" and known is None and "comment" not in given:
        raise invalid(base="Description: cannot be blank")
    if kind == "tickets" and out["subject"] is None:
        out["subject"] = out["description"][:80]
    return out


def _mail(out: dict[str, Json], value: Json, new: bool) -> None:
    """A new user's address; for one that is known, one more identity."""
    if value is None:
        return
    text = str(value).strip().lower()
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text):
        raise invalid(email=f"{value} is not properly formatted")
    if text not in out["identities"]:
        out["identities"] = [*out["identities"], text]
    if new:
        out["email"] = text


def _value(name: str, value: Json, known: Json) -> Json:
    if name in CHOICES and value not in CHOICES[name]:
        raise invalid(**{name: f"{value} is not valid"})
    if name == "tags":
        return sorted({re.sub(r"\s+", "_", str(tag).strip().lower()) for tag in value or []})
    if name == "user_fields":
        return {**known, **{key: one for key, one in (value or {}).items() if key in known}}
    if name == "custom_fields":
        told = {one["id"]: one.get("value") for one in [*known, *(value or [])] if one.get("id") in CUSTOM}
        return [{"id": id, "value": one} for id, one in told.items() if one is not None]
    return value


def _comment(value: Json) -> dict[str, Json]:
    given = value if isinstance(value, dict) else {"body": str(value)}
    html = given.get("html_body")
    plain = re.sub(r"<[^>]*>", "", str(given.get("body") or html or ""))
    return {"body": plain, "html_body": html or f"<p>{plain}</p>", "public": given.get("public", True)}


def shown(kind: str, row: Row, address: str) -> dict[str, Json]:
    own = {name: value for name, value in row.fields.items() if name not in ("identities", "comments")}
    if kind == "tickets":
        known = {one["id"]: one["value"] for one in own["custom_fields"]}
        own["custom_fields"] = [{"id": id, "value": known.get(id)} for id in CUSTOM]
        own["via"] = {"channel": "api" if row.version == 1 and row.actor == "api" else "web"}
        own["generated_timestamp"] = int(row.updated.timestamp())
        own["status"] = "deleted" if row.deleted else own["status"]
    else:
        own["active"] = not row.deleted
    times = {"created_at": iso(row.created, 0), "updated_at": iso(row.updated, 0)}
    return {"id": int(row.id), "url": f"{address}/api/v2/{kind}/{row.id}.json", **own, **times}
