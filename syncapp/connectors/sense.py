"""What the schema cannot say about a provider file: templates, paths, pagers and names that have to fit together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from syncapp.connectors.authsense import check_auth
from syncapp.connectors.expressions import check_expressions
from syncapp.connectors.hooksense import check_webhook
from syncapp.connectors.limitsense import check_limits
from syncapp.connectors.listsense import check_depends
from syncapp.connectors.located import Located, Place
from syncapp.connectors.opsense import check_operation
from syncapp.connectors.subscriptionsense import subscription_slots
from syncapp.connectors.textsense import Raw, check_path, check_templates
from syncapp.connectors.transforms import transform

PATHS = {
    "id",
    "actor",
    "external_id",
    "items",
    "item",
    "pages",
    "total",
    "more",
    "end",
    "token",
    "ids",
    "into",
    "or",
    "current",
    "code",
    "code_path",
    "record_id",
    "field",
    "item_field",
    "item_message",
    "message",
    "time",
    "origin",
    "version",
    "record",
    "type",
    "error",
    "merged_ids",
    "status",
    "mark",
    "new_id",
}


def check_sense(found: Located) -> None:
    """Raise the first contradiction."""
    raw = found.data
    if "sql" in raw:
        return  # it has nothing of what follows: the schema refuses it there
    config = {f"config.{name}" for name in raw.get("config", {})}
    secret = {f"secret.{name}" for name in raw.get("secrets", {})}
    check_templates(found, ("base_url",), raw["base_url"], config)
    check_auth(found, raw, config | secret)
    check_limits(found, raw)
    check_templates(found, ("headers",), raw.get("headers", {}), config)
    check_templates(found, ("check", "path"), raw.get("check", {}).get("path", ""), config)
    for slug, entry in raw["objects"].items():
        _check_object(found, ("objects", slug), entry, config | subscription_slots(raw))
    _paths(found, (), raw)
    check_expressions(found, (), raw)
    if "webhook" in raw:
        check_webhook(found, raw)


def _check_object(found: Located, place: Place, raw: Raw, config: set[str]) -> None:
    version = raw.get("version", {})
    if version.get("kind", "none") != "none" and not (version.get("path") or version.get("header")):
        raise found.wrong((*place, "version"), "a version has to be somewhere", "path or header")
    # What a log or a feed of ids names and a read does not find is a tombstone by itself.
    named = any("ids" in raw["operations"].get(name, {}) for name in ("changes", "deleted"))
    if raw.get("deletes", "never") != "never" and "deleted" not in raw and not named:
        raise found.wrong(
            (*place, "deletes"), "tombstones need to be recognised", "a 'deleted' section with path and value, or ids"
        )
    if "merged" in raw and not any(raw["merged"].values()):
        raise found.wrong((*place, "merged"), "how does one see that a record was merged?", "path, error, other_id")
    check_depends(found, place, raw, found.data["objects"])
    _times(found, place, raw)
    _fields(found, (*place, "fields"), raw.get("fields", {}))
    for name, operation in raw["operations"].items():
        check_operation(found, (*place, "operations", name), name, operation, raw, config)


def _times(found: Located, place: Place, raw: Raw) -> None:
    for key in ("updated_at", "created_at"):
        zone = raw.get(key, {}).get("timezone", "UTC")
        try:
            ZoneInfo(zone)
        except (ValueError, KeyError, OSError):
            raise found.wrong(
                (*place, key, "timezone"), f"{zone!r} is not a time zone", "a name such as UTC or Europe/Berlin"
            ) from None


def _fields(found: Located, place: Place, raw: Raw) -> None:
    for name, entry in raw.items():
        if entry.get("required") and entry.get("writable") is False:
            message = "a field that nobody can write cannot be needed for a new record"
            raise found.wrong((*place, name, "required"), message, "leave it out, or let it be written")
        for index, step in enumerate(entry.get("transforms", ())):
            try:
                transform(step)
            except ValueError as error:
                raise found.wrong((*place, name, "transforms", index), str(error)) from None


def _paths(found: Located, place: Place, raw: Any) -> None:
    """Every path in the file can be read."""
    for key, value in raw.items() if isinstance(raw, Mapping) else ():
        inner = (*place, key)
        for text in [value] if isinstance(value, str) else value if isinstance(value, list) else ():
            if isinstance(text, str) and (key in PATHS or (key == "path" and not _is_address(place))):
                check_path(found, inner, text)
        if isinstance(value, Mapping) and key not in (
            "body",
            "query",
            "headers",
            "by",
            "auth",
            "types",
            "config",
            "secrets",
        ):
            _paths(found, inner, value)


def _is_address(place: Place) -> bool:
    subscribing = len(place) == 3 and place[:2] == ("webhook", "subscription")
    return place == ("check",) or subscribing or (len(place) > 1 and place[-2] == "operations")
