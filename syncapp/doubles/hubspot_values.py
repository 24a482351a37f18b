"""What HubSpot makes of property values: everything becomes text, and the text is not always what was sent.

From https://developers.hubspot.com/docs/api-reference/legacy/crm/properties/guide (types, `;` lists, clearing by "")
and .../legacy/crm/objects/contacts/guide (lifecycle stages only move forward). Unverified: that e-mail addresses and
domains are lower-cased and trimmed (public integration notes), that null clears like "", and that a stage which would
move back is left as it was without an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from syncapp.doubles.answers import iso, read_iso

STAGES = ("subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist")
LONGEST = 65_536


@dataclass(frozen=True)
class Property:
    type: str  # string, number, bool, enumeration, date, datetime
    field: str = "text"
    options: tuple[str, ...] = ()
    unique: bool = False
    lower: bool = False


TEXT, NUMBER, FLAG = Property("string"), Property("number", "number"), Property("bool", "booleancheckbox")
MOMENT = Property("datetime", "date")
OWN = {"createdate": MOMENT, "hs_object_id": NUMBER}

PROPERTIES: dict[str, dict[str, Property]] = {
    "contacts": {
        **dict.fromkeys(("firstname", "lastname", "phone", "mobilephone", "jobtitle", "company", "website"), TEXT),
        **dict.fromkeys(("address", "city", "state", "zip", "country", "hubspot_owner_id", "message"), TEXT),
        "email": Property("string", unique=True, lower=True),
        "lifecyclestage": Property("enumeration", "radio", STAGES),
        "hs_lead_status": Property("enumeration", "radio", ("NEW", "OPEN", "IN_PROGRESS", "UNQUALIFIED")),
        "hs_buying_role": Property("enumeration", "checkbox", ("BLOCKER", "BUDGET_HOLDER", "CHAMPION", "END_USER")),
        "annual_spend": NUMBER, "newsletter": FLAG, "renewal_day": Property("date", "date"), "last_visit": MOMENT,
        "customer_number": Property("string", unique=True),
        "lastmodifieddate": MOMENT, **OWN,
    },
    "companies": {
        **dict.fromkeys(("name", "phone", "website", "address", "city", "state", "zip", "country"), TEXT),
        "description": TEXT,
        "domain": Property("string", lower=True), "annualrevenue": NUMBER, "numberofemployees": NUMBER,
        "industry": Property("enumeration", "select", ("BANKING", "COMPUTER_SOFTWARE", "CONSTRUCTION", "RETAIL")),
        "erp_number": Property("string", unique=True),
        "hs_lastmodifieddate": MOMENT, **OWN,
    },
    "deals": {
        **dict.fromkeys(("dealname", "description", "hubspot_owner_id"), TEXT),
        "amount": NUMBER, "closedate": MOMENT, "pipeline": Property("enumeration", "select", ("default",)),
        "dealstage": Property("enumeration", "radio", ("qualified", "contractsent", "closedwon", "closedlost")),
        "order_number": Property("string", unique=True),
        "hs_lastmodifieddate": MOMENT, **OWN,
    },
}  # fmt: skip
DEFAULTS = {
    "contacts": ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    "companies": ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    "deals": (
        "amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate", "hs_object_id", "pipeline",
    ),
}  # fmt: skip
READ_ONLY = ("createdate", "hs_object_id", "lastmodifieddate", "hs_lastmodifieddate")


def modified(kind: str) -> str:
    return "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"


class BadValue(Exception):
    """One property's value is refused, in HubSpot's code and words."""

    def __init__(self, name: str, code: str, message: str) -> None:
        super().__init__(message)
        self.name, self.code, self.message = name, code, message

    def as_json(self, portal: int) -> dict[str, Any]:
        return {
            "isValid": False, "message": self.message, "error": self.code, "name": self.name,
            "localizedErrorMessage": self.message, "portalId": portal,
        }  # fmt: skip


def stored(kind: str, known: dict[str, str], given: dict[str, Any]) -> dict[str, str]:
    """What is kept of the values given: `known` with them over it. Raises BadValue."""
    out = dict(known)
    for name, value in given.items():
        property = PROPERTIES[kind].get(name)
        if property is None:
            raise BadValue(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
        if name in READ_ONLY:
            raise BadValue(name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
        text = _as_text(value).strip() if property.lower else _as_text(value)
        if text == "":
            out.pop(name, None)
            continue
        out[name] = _kept(name, property, out.get(name, ""), text)
    return out


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _kept(name: str, property: Property, before: str, text: str) -> str:
    if len(text) > LONGEST:
        raise BadValue(name, "PROPERTY_VALUE_TOO_LONG", f"{name} is longer than {LONGEST} characters")
    if name == "lifecyclestage" and before and text in STAGES and STAGES.index(text) < STAGES.index(before):
        return before
    return TYPES[property.type](name, property, before, text)


def _string(name: str, property: Property, before: str, text: str) -> str:
    if name == "email" and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text):
        raise BadValue(name, "INVALID_EMAIL", f"Email address {text} is invalid")
    return text.lower() if property.lower else text


def _number(name: str, property: Property, before: str, text: str) -> str:
    if not re.fullmatch(r"-?\d*\.?\d+(?:[eE][+-]?\d+)?", text):
        raise BadValue(name, "INVALID_LONG", f"{text} was not a valid number.")
    return text


def _bool(name: str, property: Property, before: str, text: str) -> str:
    if text not in ("true", "false"):
        raise BadValue(name, "INVALID_OPTION", f"{text} was not one of the allowed options: [true, false]")
    return text


def _choice(name: str, property: Property, before: str, text: str) -> str:
    several = property.field == "checkbox"
    added = several and text.startswith(";")
    parts = [part for part in text.split(";") if part] if several else [text]
    for part in parts:
        if part not in property.options:
            allowed = ", ".join(property.options)
            raise BadValue(name, "INVALID_OPTION", f"{part} was not one of the allowed options: [{allowed}]")
    kept = [*before.split(";"), *parts] if added and before else parts
    return ";".join(dict.fromkeys(kept))


def moment(text: str) -> datetime:
    """Milliseconds, or ISO; a day alone is its midnight in UTC. Raises ValueError."""
    if re.fullmatch(r"-?\d{9,}", text):
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    return read_iso(text if len(text) > 10 else f"{text}T00:00:00Z")


def _date(name: str, property: Property, before: str, text: str) -> str:
    when = _moment_of(name, text)
    if (when.hour, when.minute, when.second, when.microsecond) != (0, 0, 0, 0):
        raise BadValue(name, "INVALID_DATE", f"{text} is not midnight in UTC, so it is not a valid date.")
    return when.date().isoformat()


def _datetime(name: str, property: Property, before: str, text: str) -> str:
    return iso(_moment_of(name, text))


def _moment_of(name: str, text: str) -> datetime:
    try:
        return moment(text)
    except ValueError:
        raise BadValue(name, "INVALID_DATE", f"{text} was not a valid date or time.") from None


TYPES: dict[str, Callable[[str, Property, str, str], str]] = {
    "string": _string, "number": _number, "bool": _bool, "enumeration": _choice, "date": _date, "datetime": _datetime,
}  # fmt: skip


def described(kind: str) -> list[dict[str, Any]]:
    """What GET /crm/v3/properties/KIND tells."""
    return [
        {
            "name": name, "label": name.replace("_", " ").capitalize(), "type": one.type, "fieldType": one.field,
            "hasUniqueValue": one.unique, "options": [{"label": option, "value": option} for option in one.options],
            "modificationMetadata": {"readOnlyValue": name in READ_ONLY}, "archived": False,
        }
        for name, one in PROPERTIES[kind].items()
    ]  # fmt: skip
