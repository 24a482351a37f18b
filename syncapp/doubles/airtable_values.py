"""What Airtable makes of cells: nothing is kept of what is empty, and a wrong type refuses the whole request.

From https://airtable.com/developers/web/api/field-model (cell formats by type), .../list-records and
https://support.airtable.com/docs/airtable-api-common-troubleshooting (error types). Unverified: that a false check box
is left out like an empty cell, that rich text ends in a new line, and the wording of refusals.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from syncapp.doubles.airtable_errors import error
from syncapp.doubles.answers import iso, read_iso

Json = Any
# Cells of contacts, for the suite: as they stand in a record, with their types in the hub's words.
COLUMNS = {
    "fields.Name": "text", "fields.Email": "email", "fields.Phone": "phone", "fields.Revenue": "integer",
    "fields.Born": "date", "fields.Seen": "datetime",
}  # fmt: skip


@dataclass
class Field:
    id: str
    type: str
    options: list[str]
    computed: bool = False


def _fields(start: int, *told: tuple[str, str] | tuple[str, str, list[str]]) -> dict[str, Field]:
    made: dict[str, Field] = {}
    for number, (name, type, *options) in enumerate(told, start=start):
        computed = type in ("lastModifiedTime", "createdTime")
        made[name] = Field(f"fld{number:014d}", type, list(options[0]) if options else [], computed)
    return made


def tables() -> dict[str, dict[str, Field]]:
    """New ones for every double: options are added to them."""
    return {
        "Contacts": _fields(
            10, ("Name", "singleLineText"), ("Email", "email"), ("Phone", "phoneNumber"), ("Notes", "richText"),
            ("Active", "checkbox"), ("Tags", "multipleSelects", ["new", "regular", "vip"]),
            ("Status", "singleSelect", ["Lead", "Customer", "Former"]), ("Revenue", "number"), ("Share", "percent"),
            ("Born", "date"), ("Seen", "dateTime"), ("Company", "multipleRecordLinks"),
            ("Last modified", "lastModifiedTime"), ("Hub ID", "singleLineText"),
        ),
        "Companies": _fields(
            50, ("Name", "singleLineText"), ("Website", "url"), ("Number", "singleLineText"), ("Employees", "number"),
            ("Last modified", "lastModifiedTime"),
        ),
    }  # fmt: skip


def kept(fields: dict[str, Field], known: dict[str, Json], given: Json, typecast: bool) -> dict[str, Json]:
    """`known` with the cells over it, by name; what is empty is not there. Raises Refused."""
    if not isinstance(given, dict):
        raise error(422, "INVALID_REQUEST_MISSING_FIELDS", 'Could not find field "fields" in the request body')
    out = dict(known)
    for name, value in given.items():
        name = named(fields, name)
        field = fields[name]
        if field.computed:
            told = f'Field "{name}" cannot accept a value because the field is computed'
            raise error(422, "INVALID_VALUE_FOR_COLUMN", told)
        value = _kept(name, field, value, typecast)
        out.pop(name, None)
        if value is not None and value is not False and value not in ("", []):
            out[name] = value
    return out


def named(fields: dict[str, Field], name: str) -> str:
    """A field by its name or id."""
    found = next((known for known, field in fields.items() if name in (known, field.id)), None)
    if found is None:
        raise error(422, "UNKNOWN_FIELD_NAME", f'Unknown field name: "{name}"')
    return found


def _kept(name: str, field: Field, value: Json, typecast: bool) -> Json:
    if value is None or value in ("", []):
        return None
    try:
        return TYPES.get(field.type, _text)(field, value, typecast)
    except LookupError as missing:
        told = f'Insufficient permissions to create new select option "{missing.args[0]}"'
        raise error(422, "INVALID_MULTIPLE_CHOICE_OPTIONS", told) from None
    except (ValueError, TypeError):
        raise error(422, "INVALID_VALUE_FOR_COLUMN", f'Field "{name}" cannot accept the provided value') from None


def _text(field: Field, value: Json, typecast: bool) -> Json:
    if not isinstance(value, str) and not typecast:
        raise ValueError(value)
    return str(value)


def _rich(field: Field, value: Json, typecast: bool) -> Json:
    return f"{_text(field, value, typecast).rstrip()}\n"


def _number(field: Field, value: Json, typecast: bool) -> Json:
    if isinstance(value, str) and typecast:
        value = float(value) if re.search(r"[.e]", value) else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(value)
    return value


def _check(field: Field, value: Json, typecast: bool) -> Json:
    if typecast and isinstance(value, str):
        return value.lower() in ("true", "1", "yes", "checked")
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _option(field: Field, value: Json, typecast: bool) -> Json:
    name = _text(field, value, typecast)
    if name not in field.options:
        if not typecast:
            raise LookupError(name)
        field.options.append(name)
    return name


def _options(field: Field, value: Json, typecast: bool) -> Json:
    if isinstance(value, str) and typecast:
        value = [part.strip() for part in value.split(",")]
    if not isinstance(value, list):
        raise ValueError(value)
    return list(dict.fromkeys(_option(field, one, typecast) for one in value))


def _links(field: Field, value: Json, typecast: bool) -> Json:
    if not isinstance(value, list) or not all(re.fullmatch(r"rec\w+", str(one)) for one in value):
        raise ValueError(value)
    return value


def _date(field: Field, value: Json, typecast: bool) -> Json:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d(T.*)?", str(value)):
        raise ValueError(value)
    return read_iso(f"{value[:10]}T00:00:00Z").date().isoformat()


def _moment(field: Field, value: Json, typecast: bool) -> Json:
    return iso(read_iso(value if "T" in value else f"{value}T00:00:00Z"))


TYPES: dict[str, Callable[[Field, Json, bool], Json]] = {
    "richText": _rich, "number": _number, "percent": _number, "checkbox": _check, "singleSelect": _option,
    "multipleSelects": _options, "multipleRecordLinks": _links, "date": _date, "dateTime": _moment,
}  # fmt: skip
