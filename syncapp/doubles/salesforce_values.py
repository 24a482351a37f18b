"""What Salesforce makes of field values: trimmed, "" is null, numbers rounded to their scale, picklists in their order.

From https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/field_types.htm and
.../api_rest.meta/api_rest/errorcodes.htm. Unverified: trimming, that "" is stored as null, rounding to the scale, the
order of multi-select picklists, the wording of refusals.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from syncapp.doubles.answers import Refused, read_iso
from syncapp.doubles.shelf import Row

Json = Any
VERSION = "v62.0"
HUB_USER, PERSON = "005Hs00000HubUsAAA", "005Hs00000AnnLeAAB"


@dataclass(frozen=True)
class Field:
    type: str = "string"
    size: int = 255
    options: tuple[str, ...] = ()
    required: bool = False
    unique: bool = False


TEXT, LONG, FLAG, DAY, MOMENT = Field(), Field("textarea", 32_000), Field("boolean"), Field("date"), Field("datetime")
PHONE, MAIL, MONEY, COUNT = Field("phone", 40), Field("email", 80), Field("currency", 2), Field("int", 0)
ID = Field("id", 18)


def _address(prefix: str) -> dict[str, Field]:
    return {f"{prefix}{part}": TEXT for part in ("Street", "City", "State", "PostalCode", "Country")}


FIELDS: dict[str, dict[str, Field]] = {
    "Contact": {
        "FirstName": Field(size=40), "LastName": Field(size=80, required=True), "Email": MAIL, "Phone": PHONE,
        "MobilePhone": PHONE, "Title": Field(size=128), "Department": Field(size=80), "Birthdate": DAY,
        "Description": LONG, **_address("Mailing"), "AccountId": ID, "DoNotCall": FLAG, "HasOptedOutOfEmail": FLAG,
        "LeadSource": Field("picklist", options=("Web", "Phone Inquiry", "Partner Referral", "Other")),
        "Revenue__c": MONEY, "LastVisit__c": MOMENT, "Hub_Id__c": Field(size=64, unique=True),
        "Interests__c": Field("multipicklist", options=("Books", "Games", "Music", "Travel")),
    },
    "Account": {
        "Name": Field(required=True), "Website": Field("url"), "Phone": PHONE, "AccountNumber": Field(size=40),
        "Industry": Field("picklist", options=("Banking", "Construction", "Retail", "Technology")),
        "AnnualRevenue": Field("currency", 0), "NumberOfEmployees": COUNT, "Description": LONG, **_address("Billing"),
        "Hub_Id__c": Field(size=64, unique=True),
    },
    "Lead": {
        "FirstName": Field(size=40), "LastName": Field(size=80, required=True), "Company": Field(required=True),
        "Email": MAIL, "Phone": PHONE, "Title": Field(size=128), "Description": LONG, **_address(""),
        "Status": Field("picklist", options=("Open", "Contacted", "Qualified", "Unqualified")),
        "Hub_Id__c": Field(size=64, unique=True),
    },
}  # fmt: skip
SYSTEM: dict[str, Field] = {
    "Id": ID, "IsDeleted": FLAG, "CreatedDate": MOMENT, "CreatedById": ID, "LastModifiedDate": MOMENT,
    "LastModifiedById": ID, "SystemModstamp": MOMENT,
}  # fmt: skip
COMPOUND = {"Contact": ("Name", "MailingAddress"), "Account": ("BillingAddress",), "Lead": ("Name", "Address")}


def error(status: int, code: str, message: str, *fields: str) -> Refused:
    told: dict[str, Json] = {"message": message, "errorCode": code}
    return Refused(status, [{**told, "fields": list(fields)} if fields else told])


def stamp(moment: datetime) -> str:
    """2026-01-31T18:42:00.000+0000: no colon, and no fractions of a second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def kept(kind: str, known: dict[str, Json], given: dict[str, Json]) -> dict[str, Json]:
    """`known` with the fields over it. Raises Refused."""
    out = {**dict.fromkeys(FIELDS[kind]), **{n: False for n, f in FIELDS[kind].items() if f.type == "boolean"}, **known}
    for name, value in given.items():
        if name == "attributes":
            continue
        if name in SYSTEM or name in COMPOUND[kind]:
            told = f"Unable to create/update fields: {name}. Please check the security settings of this field and"
            raise error(400, "INVALID_FIELD_FOR_INSERT_UPDATE", f"{told} verify that it is read/write.", name)
        if name not in FIELDS[kind]:
            raise error(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {kind}")
        out[name] = _kept(name, FIELDS[kind][name], value)
    missing = [name for name, field in FIELDS[kind].items() if field.required and out[name] is None]
    if missing:
        told = f"Required fields are missing: [{', '.join(missing)}]"
        raise error(400, "REQUIRED_FIELD_MISSING", told, *missing)
    return out


def _kept(name: str, field: Field, value: Json) -> Json:
    if isinstance(value, str):
        value = value.strip() or None
    if value is None:
        return False if field.type == "boolean" else None
    try:
        return TYPES.get(field.type, _text)(name, field, value)
    except (TypeError, ValueError):
        told = f"Cannot deserialize instance of {field.type} from {type(value).__name__} value {value}"
        raise error(400, "JSON_PARSER_ERROR", f"{told} or request may be missing a required field") from None


def _text(name: str, field: Field, value: Json) -> Json:
    if not isinstance(value, str):
        raise TypeError(value)
    if len(value) > field.size:
        told = f"{name}: data value too large: {value[:40]} (max length={field.size})"
        raise error(400, "STRING_TOO_LONG", told, name)
    return value


def _mail(name: str, field: Field, value: Json) -> Json:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", str(value)):
        raise error(400, "INVALID_EMAIL_ADDRESS", f"{name}: invalid email address: {value}", name)
    return _text(name, field, value)


def _flag(name: str, field: Field, value: Json) -> Json:
    if value not in (True, False, "true", "false"):
        raise ValueError(value)
    return value in (True, "true")


def _money(name: str, field: Field, value: Json) -> Json:
    if isinstance(value, bool):
        raise ValueError(value)
    return round(float(value), field.size)


def _count(name: str, field: Field, value: Json) -> Json:
    if isinstance(value, bool) or float(value) != int(float(value)):
        raise ValueError(value)
    return int(float(value))


def _choice(name: str, field: Field, value: Json) -> Json:
    if value not in field.options:
        told = f"{name}: bad value for restricted picklist field: {value}"
        raise error(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", told, name)
    return value


def _choices(name: str, field: Field, value: Json) -> Json:
    parts = [_choice(name, field, part.strip()) for part in str(value).split(";") if part.strip()]
    return ";".join(option for option in field.options if option in parts) or None


def _day(name: str, field: Field, value: Json) -> Json:
    return read_iso(f"{str(value)[:10]}T00:00:00Z").date().isoformat()


def _moment(name: str, field: Field, value: Json) -> Json:
    return stamp(read_iso(str(value) if "T" in str(value) else f"{value}T00:00:00Z"))


TYPES: dict[str, Callable[[str, Field, Json], Json]] = {
    "email": _mail, "boolean": _flag, "currency": _money, "int": _count, "picklist": _choice,
    "multipicklist": _choices, "date": _day, "datetime": _moment,
}  # fmt: skip


def values(kind: str, row: Row) -> dict[str, Json]:
    """Everything that a query can ask of a record."""
    own = {
        "Id": row.id, "IsDeleted": row.deleted, "CreatedDate": stamp(row.created), "CreatedById": HUB_USER,
        "LastModifiedDate": stamp(row.updated), "SystemModstamp": stamp(row.updated),
        "LastModifiedById": HUB_USER if row.actor == "api" else PERSON,
    }  # fmt: skip
    made: dict[str, Json] = {}
    for name in COMPOUND[kind]:
        if name == "Name":
            made[name] = " ".join(part for part in (row.fields["FirstName"], row.fields["LastName"]) if part)
            continue
        prefix = name.removesuffix("Address")
        parts = {part[0].lower() + part[1:]: row.fields[f"{prefix}{part}"] for part in PARTS}
        made[name] = parts if any(parts.values()) else None
    return {**row.fields, **own, **made}


PARTS = ("City", "Country", "PostalCode", "State", "Street")


def shown(kind: str, row: Row, names: list[str] | None = None) -> dict[str, Json]:
    told = values(kind, row)
    url = f"/services/data/{VERSION}/sobjects/{kind}/{row.id}"
    return {"attributes": {"type": kind, "url": url}, **{name: told[name] for name in names or told}}


def long_id(id: str) -> str:
    """The 18 letters of an id of 15: three more tell which of them are capitals."""
    if len(id) != 15:
        return id
    chunks = [id[at : at + 5] for at in (0, 5, 10)]
    bits = [sum(1 << at for at, letter in enumerate(chunk) if letter.isupper()) for chunk in chunks]
    return id + "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[one] for one in bits)


def new_id(kind: str, number: int) -> str:
    prefix = {"Contact": "003", "Account": "001", "Lead": "00Q"}[kind]
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    tail = "".join(letters[number // 62**at % 62] for at in (4, 3, 2, 1, 0))
    return long_id(f"{prefix}Hs00000{tail}")
