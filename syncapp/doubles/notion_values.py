"""What Notion makes of properties: text in runs, options that are made by writing them, clearing that differs by type.

From https://developers.notion.com/reference/page-property-values, .../property-value-object and .../patch-page; errors
from .../status-codes; sizes from .../request-limits. Unverified: how each type is cleared, that an unknown option is
made, the wording of validation errors.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from syncapp.doubles.answers import Refused

Json = Any
COLORS = ("default", "blue", "green", "orange", "pink")
LONGEST = {"url": 2000, "email": 200, "phone_number": 200}
RUN = 2000
READ_ONLY = ("unique_id", "last_edited_time", "created_time")


@dataclass
class Property:
    id: str
    type: str
    options: list[str] = field(default_factory=list)


def schema() -> dict[str, Property]:
    """New for every double: options are added to it."""
    return {
        "Name": Property("title", "title"), "Email": Property("aB%3Cc", "email"),
        "Phone": Property("pH1%5D", "phone_number"), "Notes": Property("n0Te", "rich_text"),
        "Website": Property("wEb%40", "url"), "Score": Property("sC0r", "number"),
        "Active": Property("aCtV", "checkbox"), "Stage": Property("sTg%3A", "select", ["Lead", "Customer", "Former"]),
        "Tags": Property("tAgS", "multi_select", ["new", "vip"]), "Due": Property("dU%7Be", "date"),
        "Number": Property("nUmB", "unique_id"), "Last edited": Property("eDiT", "last_edited_time"),
    }  # fmt: skip


def error(status: int, code: str, message: str, headers: dict[str, str] | None = None, **more: Json) -> Refused:
    told = {"object": "error", "status": status, "code": code, "message": message, "request_id": str(uuid.uuid4())}
    return Refused(status, {**told, **more}, headers)


def invalid(told: str) -> Refused:
    return error(400, "validation_error", f"body failed validation: {told}")


def kept(known: dict[str, Property], before: dict[str, Json], given: Json) -> dict[str, Json]:
    """Values by name, with what was given over them. Raises Refused."""
    if not isinstance(given, dict):
        raise invalid("body.properties should be an object.")
    out = dict(before)
    for key, value in given.items():
        name = next((name for name, one in known.items() if key in (name, one.id)), None)
        if name is None:
            raise error(400, "validation_error", f"{key} is not a property that exists.")
        type = known[name].type
        if type in READ_ONLY:
            raise error(400, "validation_error", f"{name} cannot be set: it is of type {type}.")
        if not isinstance(value, dict) or type not in value:
            raise invalid(f"body.properties.{name}.{type} should be defined, instead was undefined.")
        out[name] = TYPES[type](name, known[name], value[type])
    return out


def _runs(name: str, property: Property, value: Json) -> Json:
    if not isinstance(value, list):
        raise invalid(f"{name} should be an array of rich text")
    return [_run(name, one) for one in value]


def _run(name: str, given: dict[str, Json]) -> dict[str, Json]:
    text = (given.get("text") or {}).get("content")
    if not isinstance(text, str):
        raise invalid(f"{name}.text.content should be a string")
    if len(text) > RUN:
        raise invalid(f"{name}.text.content.length should be ≤ `{RUN}`, instead was `{len(text)}`.")
    plain = {
        "bold": False,
        "italic": False,
        "strikethrough": False,
        "underline": False,
        "code": False,
        "color": "default",
    }
    link = (given.get("text") or {}).get("link")
    return {
        "type": "text", "text": {"content": text, "link": link}, "plain_text": text,
        "annotations": {**plain, **(given.get("annotations") or {})}, "href": link["url"] if link else None,
    }  # fmt: skip


def _text(name: str, property: Property, value: Json) -> Json:
    if value is not None and (not isinstance(value, str) or not value):
        raise invalid(f"{name} should be a string or null, and not empty")
    if value and len(value) > LONGEST[property.type]:
        raise invalid(f"{name}.length should be ≤ `{LONGEST[property.type]}`")
    return value


def _number(name: str, property: Property, value: Json) -> Json:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise invalid(f"{name} should be a number or null")
    return value


def _flag(name: str, property: Property, value: Json) -> Json:
    if not isinstance(value, bool):
        raise invalid(f"{name} should be a boolean")
    return value


def _option(name: str, property: Property, value: Json) -> Json:
    if value is None:
        return None
    known = {str(at): option for at, option in enumerate(property.options)}
    text = known.get(str(value.get("id"))) or value.get("name")
    if not text or "," in text:
        raise invalid(f"{name} needs the name of an option, without a comma")
    if text not in property.options:
        property.options.append(text)
    at = property.options.index(text)
    return {"id": str(at), "name": text, "color": COLORS[at % len(COLORS)]}


def _options(name: str, property: Property, value: Json) -> Json:
    if not isinstance(value, list) or len(value) > 100:
        raise invalid(f"{name} should be an array of 100 at most")
    return [_option(name, property, one) for one in value]


def _date(name: str, property: Property, value: Json) -> Json:
    if value is None:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("start"), str):
        raise invalid(f"{name}.start should be a string")
    return {"start": value["start"], "end": value.get("end"), "time_zone": value.get("time_zone")}


TYPES: dict[str, Callable[[str, Property, Json], Json]] = {
    "title": _runs, "rich_text": _runs, "email": _text, "phone_number": _text, "url": _text, "number": _number,
    "checkbox": _flag, "select": _option, "multi_select": _options, "date": _date,
}  # fmt: skip
EMPTY = {"title": [], "rich_text": [], "multi_select": [], "checkbox": False}


def empty(known: dict[str, Property]) -> dict[str, Json]:
    return {name: EMPTY.get(one.type) for name, one in known.items() if one.type not in READ_ONLY}


def plain(value: Json) -> Json:
    """What filters and sorts compare."""
    if isinstance(value, list):
        texts = [one.get("plain_text", one.get("name")) for one in value]
        return "".join(texts) if value and "plain_text" in value[0] else texts
    if isinstance(value, dict):
        return value.get("name") or value.get("start")
    return value
