"""Sense of one operation in a provider file: its slots, pager, look-ups, entries, filters and condition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncapp.connectors.listsense import check_listing, of_parent
from syncapp.connectors.located import Located, Place
from syncapp.connectors.textsense import Raw, check_pattern, check_templates
from syncapp.connectors.writesense import check_writing

SLOTS = {
    "list": {"size", "since", "until", "cursor"},
    "changes": {"size", "since", "until", "cursor"},
    "created": {"size", "since", "until", "cursor"},
    "deleted": {"size", "since", "until", "cursor"},
    "latest": set(),
    "columns": set(),
    "read": {"id"},
    "read_many": {"ids", "size", "entries"},
    "create": {"body", "own_id", "key"},
    "upsert": {"body", "own_id", "key", "external_id"},
    "update": {"id", "body", "key"},
    "delete": {"id", "key"},
    "find": {"param", "value", "size"},
    "find_many": set(),
    "create_many": {"entries"},
    "update_many": {"entries"},
}
ENTRY_SLOTS = {"create_many": {"body", "key", "external_id"}, "update_many": {"id", "body", "key"}}


def check_operation(found: Located, place: Place, name: str, raw: Raw, owner: Raw, config: set[str]) -> None:
    for key in ("path", "query", "headers", "body", "idempotency"):
        if key in raw:
            slots = SLOTS[name] | _asked_by(name, raw) | of_parent(name, owner)
            check_templates(found, (*place, key), raw[key], config | slots)
    if name in ("list", "read_many", "find", "find_many") and "items" not in raw:
        raise found.wrong(
            place, "'items' is missing: where is the list in the answer?", 'a path, or "" for the whole body'
        )
    check_listing(found, place, name, raw, owner, config)
    if name in ("find", "find_many") and "by" not in raw:
        raise found.wrong(
            place, "'by' is missing: which fields can be looked up?", 'field: parameter, or "*": "{path}"'
        )
    for field in raw.get("by", {}):
        known = [*owner.get("fields", {}), *(["external_id"] if "external_id" in owner else []), "*"]
        if field not in known:
            raise found.wrong((*place, "by", field), f"there is no field {field!r}", ", ".join(known))
    _content(found, place, raw, config | SLOTS[name])
    if name == "columns" and "ids" not in raw:
        raise found.wrong(place, "'ids' is missing: which columns are there?", "a path, or {jsonata} of {body, config}")
    if name.endswith("_many") and "max_ids" not in raw:
        raise found.wrong(place, "'max_ids' is missing", "how many records one call may name")
    if name in ENTRY_SLOTS:
        _entries(found, place, name, raw, owner, config)
    if name == "read_many" and "entries" in raw:
        check_templates(found, (*place, "entries", "body"), raw["entries"]["body"], config | {"id"})
    _filters(found, place, name, raw.get("filters", []), owner, config)
    check_writing(found, place, name, raw, owner, config)
    conditional = raw.get("conditional")
    if conditional is not None:
        _conditional(found, (*place, "conditional"), conditional, owner)


def _content(found: Located, place: Place, raw: Raw, known: set[str]) -> None:
    if "content" in raw and (raw["content"] == "graphql") != ("graphql" in raw):
        raise found.wrong(
            (*place, "content"), "GraphQL is a document and its variables", "graphql, and no other content"
        )
    if raw.get("content") == "text" and not isinstance(raw.get("body"), str):
        raise found.wrong((*place, "body"), "a body of plain text is one template", "text with slots")
    if "lists" in raw and raw.get("content") != "form":
        raise found.wrong((*place, "lists"), "only a form names the entries of a list", "content: form")
    told = raw.get("new_id")
    if isinstance(told, Mapping) and "match" in told:
        check_pattern(found, (*place, "new_id", "match"), told["match"])


def _asked_by(name: str, raw: Raw) -> set[str]:
    """A look-up of many has a slot for each field that it can ask by: the list of values."""
    return set(raw.get("by", {}).values()) if name == "find_many" else set()


def _entries(found: Located, place: Place, name: str, raw: Raw, owner: Raw, config: set[str]) -> None:
    if "entries" not in raw:
        raise found.wrong(place, "'entries' is missing: what stands for one record?", "body, items, status …")
    check_templates(found, (*place, "entries", "body"), raw["entries"]["body"], config | ENTRY_SLOTS[name])
    if "status" not in raw["entries"]:
        raise found.wrong((*place, "entries"), "what became of one record?", "status: a path or an expression")
    single = owner["operations"].get(name.removesuffix("_many"))
    if single is None:
        raise found.wrong(place, f"{name!r} needs {name.removesuffix('_many')!r}", "the call that writes one record")
    if ("conditional" in single) != ("conditional" in raw):
        raise found.wrong(place, "many are written under the same condition as one", "'conditional' in both or none")
    if "header" in raw.get("conditional", {}):
        raise found.wrong((*place, "conditional"), "each entry has a version of its own", "body")


def _filters(found: Located, place: Place, name: str, raw: Any, owner: Raw, config: set[str]) -> None:
    if raw and name != "list":
        raise found.wrong((*place, "filters"), "only a listing is narrowed", "filters on list")
    for number, entry in enumerate(raw):
        at = (*place, "filters", number)
        if entry["field"] not in owner.get("fields", {}):
            told = ", ".join(owner.get("fields", {})) or "fields that the object declares"
            raise found.wrong((*at, "field"), f"there is no field {entry['field']!r}", told)
        if "query" not in entry and "body" not in entry:
            raise found.wrong(at, "nothing says how to ask for it", "query or body")
        for key in ("query", "body"):
            check_templates(found, (*at, key), entry.get(key, {}), config | {"value"})


def _conditional(found: Located, place: Place, raw: Raw, owner: Raw) -> None:
    if ("header" in raw) == ("body" in raw):
        raise found.wrong(place, "a condition is stated in exactly one place", "header or body")
    if "{updated_at" in raw.get("template", ""):
        if "updated_at" not in owner:
            raise found.wrong(place, "a write that is tied to a clock needs its time", "an 'updated_at' section")
    elif owner.get("version", {}).get("kind", "none") == "none":
        raise found.wrong(place, "a conditional write needs a version", "a 'version' section of kind exact or ordered")
    check_templates(found, (*place, "template"), raw.get("template", ""), {"version", "updated_at"})
