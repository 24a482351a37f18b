"""The fields of the plain system, what it takes for them, and how it words a refusal."""

from __future__ import annotations

from typing import Any

from syncapp.doubles.answers import Refused
from syncapp.doubles.shelf import Fields

FIELDS: dict[str, dict[str, Any]] = {
    "contacts": {
        "name": "", "email": None, "phone": None, "notes": None, "vip": False, "score": None, "tags": [],
        "status": "active", "reference": None,
    },
    "tickets": {"subject": "", "description": None, "priority": "normal", "status": "open", "contact_id": None},
    "comments": {"ticket_id": None, "text": "", "author": None},
}  # fmt: skip


def error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Refused:
    return Refused(status, {"error": {"code": code, "message": message}}, headers)


def checked(kind: str, given: Fields) -> Fields:
    for name, value in given.items():
        if name not in FIELDS[kind]:
            raise error(422, "invalid", f"{name} is no field of {kind}.")
        kept = FIELDS[kind][name]
        if None not in (kept, value) and type(kept) is not type(value):
            raise error(422, "invalid", f"{name} must be a {type(kept).__name__}.")
    return given
