"""Sense of how a provider file says that listings are paged, and how what changed is asked for."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from syncapp.connectors.located import Located, Place
from syncapp.connectors.textsense import Raw, check_templates

NEEDS = {
    "cursor": ("path", "param"),
    "last_id": ("param", "more"),
    "page": ("param",),
    "offset": ("param",),
    "next_url": ("path",),
    "next_header": ("header",),
}
RESTARTING = ("page", "offset", "cursor")
PATTERN = re.compile(r"([^%]|%[YmdHMSz%])+")
BY_TIME = ("format", "resolution", "inclusive")
CHANGING = ("list", "changes", "created", "deleted")
ALONE = ("read", "update", "delete")


def check_listing(found: Located, place: Place, name: str, raw: Raw, owner: Raw, config: set[str]) -> None:
    if "paging" in raw:
        _paging(found, (*place, "paging"), raw["paging"])
    if "ids" in raw and name not in ("changes", "created", "deleted", "columns"):
        raise found.wrong((*place, "ids"), "only what changed is told by ids", "ids in changes, created or deleted")
    if "gone" in raw and (name != "read" or "depends_on" in owner):
        raise found.wrong((*place, "gone"), "only a read of records that are listed at once says it", "gone in read")
    if name in ("changes", "created", "deleted"):
        _leg(found, place, name, raw, owner)
    if name == "latest" and "mark" not in raw:
        raise found.wrong(place, "'mark' is missing: where does the answer say the place?", "a path, or jsonata")
    if "delta" in raw:
        if name not in CHANGING:
            raise found.wrong((*place, "delta"), "only a listing has a delta", ", ".join(CHANGING))
        _delta(found, (*place, "delta"), raw["delta"], raw, owner, config)
    if "long" in raw:
        if raw["method"] != "GET":
            raise found.wrong((*place, "long"), "only what is asked for by address can be too long", "GET")
        check_templates(found, (*place, "long", "path"), raw["long"]["path"], config)


def of_parent(name: str, owner: Raw) -> set[str]:
    """Where a call can name the parent of its records."""
    depends = owner.get("depends_on")
    return {"parent"} if depends and (name in CHANGING or (depends.get("composite") and name in ALONE)) else set()


def check_depends(found: Located, place: Place, raw: Raw, objects: Raw) -> None:
    """Records that are listed for each record of another object."""
    depends, at = raw.get("depends_on"), (*place, "depends_on")
    if depends is None:
        return
    parent = objects.get(depends["object"])
    if parent is None:
        raise found.wrong((*at, "object"), f"there is no object {depends['object']!r}", ", ".join(sorted(objects)))
    if "depends_on" in parent:
        raise found.wrong(
            (*at, "object"), "only one step: that one depends on another itself", "an object that is listed"
        )
    if not _has_slot(raw["operations"]["list"], "parent"):
        raise found.wrong(at, "the listing does not say of which parent", "{parent} in its path, query or body")
    if depends.get("composite") and "into" not in depends:
        raise found.wrong(at, "an id that is made of two needs the parent's in the body", "into: a path")
    told = parent["operations"]["list"].get("delta")
    if depends.get("changed") and (told is None or told.get("kind", "since") != "since"):
        raise found.wrong(
            (*at, "changed"), "parents that changed are asked for by time", "'delta' in the parent's list"
        )


def _leg(found: Located, place: Place, name: str, raw: Raw, owner: Raw) -> None:
    if "items" not in raw and "ids" not in raw:
        raise found.wrong(place, "where are the records in the answer?", "items (they are records) or ids")
    if name == "changes" and "delta" not in raw:
        raise found.wrong(place, "'delta' is missing: how is it asked for what changed?", "kind: since, log or link")
    if name == "changes" and "delta" in owner["operations"]["list"]:
        raise found.wrong(
            (*place, "delta"), "what changed is asked for in one way", "'delta' in list, or 'changes' beside it"
        )
    if name in ("created", "deleted") and not ({"changes"} & set(owner["operations"]) or _lists_changes(owner)):
        raise found.wrong(place, f"{name!r} stands beside what changed", "'changes', or 'delta' in list")
    if name == "deleted" and "items" in raw and "ids" not in raw and "deleted" not in owner:
        raise found.wrong(place, "tombstones need to be recognised", "a 'deleted' section with path and value, or ids")


def _lists_changes(owner: Raw) -> bool:
    return "delta" in owner["operations"]["list"]


def _delta(found: Located, place: Place, raw: Raw, operation: Raw, owner: Raw, config: set[str]) -> None:
    kind = raw.get("kind", "since")
    if kind == "since":
        for key in BY_TIME:
            if key not in raw and not (key == "format" and "pattern" in raw):
                raise found.wrong(place, f"{key!r} is missing", "param, format, resolution, inclusive")
        if "param" not in raw and not _has_slot(operation, "since"):
            raise found.wrong(place, "nothing says where the time stands", "param, or {since} in path, query or body")
    elif "mark" not in operation:
        raise found.wrong(place, f"a {kind} needs a place to go on from", "'mark' beside 'delta'")
    if kind == "link" and operation.get("paging", {}).get("kind") not in ("next_url", "link", "next_header"):
        raise found.wrong(place, "the last page gives an address", "a pager of kind next_url, link or next_header")
    if kind == "log" and operation.get("paging", {}).get("kind") not in ("cursor", "next_url"):
        raise found.wrong(place, "a place in a log is a cursor", "a pager of kind cursor or next_url")
    told = "latest" in owner["operations"] or raw.get("from_start") or operation is owner["operations"]["list"]
    if kind == "log" and not told:
        raise found.wrong(
            place, "where is the log when a full listing begins?", "'latest' with mark, or from_start: true"
        )
    _narrow(found, place, raw, operation)
    _spelled(found, place, raw, config)


def _narrow(found: Located, place: Place, raw: Raw, operation: Raw) -> None:
    if "until" in raw and operation.get("paging", {}).get("kind", "none") != "none" and "most" in raw:
        raise found.wrong((*place, "most"), "a time is parted where answers have no pages", "a pager, or 'most'")
    if raw.get("kind") == "link" and "filters" in operation:
        raise found.wrong(place, "the address of the last page keeps the filters of the first", "no filters")


def _spelled(found: Located, place: Place, raw: Raw, config: set[str]) -> None:
    pattern, zone = raw.get("pattern"), raw.get("timezone", "UTC")
    if pattern is not None and not PATTERN.fullmatch(pattern):
        raise found.wrong((*place, "pattern"), f"{pattern!r} cannot be written", "%Y %m %d %H %M %S %z and plain text")
    check_templates(found, (*place, "timezone"), zone, config)
    if "{" not in zone:
        try:
            ZoneInfo(zone)
        except (ValueError, KeyError, OSError):
            raise found.wrong(
                (*place, "timezone"), f"{zone!r} is not a time zone", "a name such as Europe/Berlin, or {config.zone}"
            ) from None


def _has_slot(operation: Raw, name: str) -> bool:
    return any(re.search(rf"\{{{name}(\|\w+)?\}}", str(operation.get(key, ""))) for key in ("path", "query", "body"))


def _paging(found: Located, place: Place, raw: Raw) -> None:
    slotted = raw.get("in") == "slot"
    for key in NEEDS.get(raw["kind"], ()):
        if not raw.get(key) and not (slotted and key == "param"):
            raise found.wrong(place, f"a pager of kind {raw['kind']!r} needs {key!r}", ", ".join(NEEDS[raw["kind"]]))
    if raw.get("size", 1) > raw.get("max_size", raw.get("size", 1)):
        raise found.wrong((*place, "size"), "the usual size is above the largest", f"{raw['max_size']} or less")
    if raw.get("restart") and raw["kind"] not in RESTARTING:
        raise found.wrong((*place, "restart"), "only counted pagers restart, and cursors", ", ".join(RESTARTING))
    if ("token" in raw) != ("token_param" in raw):
        raise found.wrong(place, "a token comes from somewhere and is asked for by something", "token and token_param")
    if "most" in raw and not raw.get("restart"):
        raise found.wrong((*place, "most"), "only a pager that restarts gets past the most it shows", "restart: true")
