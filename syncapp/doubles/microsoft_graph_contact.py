"""What Outlook makes of a contact: names that follow from others, lists and addresses that are replaced whole.

From https://learn.microsoft.com/graph/api/resources/contact and .../graph/api/contact-update (left out means kept, or
recalculated; a display name that is not sent again is overwritten when a name changes). Unverified: how display name,
`fileAs` and initials are put together, that an e-mail address without a name gets the address for one, that birthdays
are shown at 11:59 UTC, that "" stays "", and the wording of refusals.
"""

from __future__ import annotations

from typing import Any

from syncapp.doubles.answers import Refused
from syncapp.doubles.microsoft_graph_errors import error

Json = Any
NAMES = ("givenName", "middleName", "surname")
SCALARS = (
    "assistantName", "birthday", "businessHomePage", "companyName", "department", "displayName", "fileAs", "generation",
    *NAMES, "initials", "jobTitle", "manager", "mobilePhone", "nickName", "officeLocation", "personalNotes",
    "profession", "spouseName", "title",
)  # fmt: skip
LISTS = ("businessPhones", "categories", "children", "homePhones", "imAddresses")
ADDRESSES = ("businessAddress", "homeAddress", "otherAddress")
PARTS = ("city", "countryOrRegion", "postalCode", "state", "street")
READ_ONLY = ("id", "changeKey", "createdDateTime", "lastModifiedDateTime", "parentFolderId", "@odata.etag")
EMPTY: dict[str, Json] = {
    **dict.fromkeys(SCALARS), **{name: [] for name in LISTS}, "emailAddresses": [],
    **{name: {} for name in ADDRESSES},
}  # fmt: skip


def kept(known: dict[str, Json], given: dict[str, Json]) -> dict[str, Json]:
    """`known` with what was given over it, and what follows from that. Raises Refused."""
    out = dict(known)
    for name, value in given.items():
        if name in READ_ONLY or name.startswith("@odata"):
            continue
        out[name] = _value(name, value)
    changed = [name for name in NAMES if out[name] != known[name]]
    if changed or not known["displayName"]:
        _derive(out, given, changed)
    return out


def _value(name: str, value: Json) -> Json:
    if name in LISTS:
        return _list(name, value, str)
    if name == "emailAddresses":
        return [_email(one) for one in _list(name, value, dict)]
    if name in ADDRESSES:
        if value is not None and not isinstance(value, dict):
            raise _unreadable(name)
        return {part: value[part] for part in PARTS if value and value.get(part)}
    if name not in SCALARS:
        told = f"The property '{name}' does not exist on type 'microsoft.graph.contact'."
        raise error(
            400, "RequestBodyRead", f"{told} Make sure to only use property names that are defined by the type."
        )
    if value is not None and not isinstance(value, str):
        raise _unreadable(name)
    if name == "birthday" and value:
        return f"{value[:10]}T11:59:00Z"
    return value


def _list(name: str, value: Json, kind: type) -> list[Json]:
    if value is not None and (not isinstance(value, list) or not all(isinstance(one, kind) for one in value)):
        raise _unreadable(name)
    return list(value or [])


def _email(given: dict[str, Json]) -> dict[str, Json]:
    return {"name": given.get("name") or given.get("address"), "address": given.get("address")}


def _unreadable(name: str) -> Refused:
    return error(400, "RequestBodyRead", f"Cannot convert the literal of '{name}' to the expected type.")


def _derive(out: dict[str, Json], given: dict[str, Json], changed: list[str]) -> None:
    names = [out[name] for name in NAMES if out[name]]
    derived = {
        "displayName": " ".join(names) or None,
        "fileAs": ", ".join(part for part in (out["surname"], out["givenName"]) if part) or None,
        "initials": "".join(f"{name[0]}." for name in names) or None,
    }
    for name, value in derived.items():
        if name not in given and (changed or out[name] is None):
            out[name] = value
