"""What the schema cannot say about a provider file: templates, paths, pagers and names that have to fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from syncapp.connectors import paths, templates
from syncapp.connectors.expressions import check_expressions
from syncapp.connectors.located import Located, Place
from syncapp.connectors.transforms import transform

Raw = Mapping[str, Any]
NEEDS = {
    "cursor": ("path", "param"),
    "last_id": ("param", "more"),
    "page": ("param",),
    "offset": ("param",),
    "next_url": ("path",),
    "next_header": ("header",),
}
SLOTS = {
    "list": {"size"},
    "read": {"id"},
    "read_many": {"ids", "size"},
    "create": {"body", "own_id", "key"},
    "update": {"id", "body", "key"},
    "delete": {"id", "key"},
    "find": {"param", "value", "size"},
    "find_many": set(),
    "create_many": {"entries"},
    "update_many": {"entries"},
}
ENTRY_SLOTS = {"create_many": {"body", "key"}, "update_many": {"id", "body", "key"}}
PATHS = {
    "id",
    "actor",
    "external_id",
    "items",
    "item",
    "pages",
    "total",
    "more",
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
}
SIGNED = {"method", "url", "timestamp", "id", "body", "secret"}


def check_sense(found: Located) -> None:
    """Raise the first contradiction."""
    raw = found.data
    if raw["auth"]["type"] == "oauth2":
        raise found.wrong(("auth", "type"), "oauth2 is not available yet", "none, headers, bearer, basic, refresh")
    if raw["auth"]["type"] == "refresh":
        _renewed(found, raw["auth"], raw.get("secrets", {}))
    config = {f"config.{name}" for name in raw.get("config", {})}
    secret = {f"secret.{name}" for name in raw.get("secrets", {})}
    _templates(found, ("base_url",), raw["base_url"], config)
    _templates(found, ("auth",), raw["auth"], config | secret)
    _templates(found, ("headers",), raw.get("headers", {}), config)
    _templates(found, ("check", "path"), raw.get("check", {}).get("path", ""), config)
    for slug, entry in raw["objects"].items():
        _check_object(found, ("objects", slug), entry, config)
    _paths(found, (), raw)
    check_expressions(found, (), raw)
    if "webhook" in raw:
        _webhook(found, raw)


def _renewed(found: Located, auth: Raw, secrets: Raw) -> None:
    for key in ("access", "refresh"):
        name = auth.get(key, f"{key}_token")
        if name not in secrets:
            known = ", ".join(sorted(secrets)) or "none is declared in 'secrets'"
            raise found.wrong(("auth", key), f"there is no secret {name!r} to keep the {key} token in", known)


def _check_object(found: Located, place: Place, raw: Raw, config: set[str]) -> None:
    version = raw.get("version", {})
    if version.get("kind", "none") != "none" and not (version.get("path") or version.get("header")):
        raise found.wrong((*place, "version"), "a version has to be somewhere", "path or header")
    if raw.get("deletes", "never") != "never" and "deleted" not in raw:
        raise found.wrong(
            (*place, "deletes"), "tombstones need to be recognised", "a 'deleted' section with path and value"
        )
    if "merged" in raw and not any(raw["merged"].values()):
        raise found.wrong((*place, "merged"), "how does one see that a record was merged?", "path, error, other_id")
    _times(found, place, raw)
    _fields(found, (*place, "fields"), raw.get("fields", {}))
    for name, operation in raw["operations"].items():
        _operation(found, (*place, "operations", name), name, operation, raw, config)


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
        for index, step in enumerate(entry.get("transforms", ())):
            try:
                transform(step)
            except ValueError as error:
                raise found.wrong((*place, name, "transforms", index), str(error)) from None


def _operation(found: Located, place: Place, name: str, raw: Raw, owner: Raw, config: set[str]) -> None:
    for key in ("path", "query", "headers", "body", "idempotency"):
        if key in raw:
            _templates(found, (*place, key), raw[key], config | SLOTS[name] | _asked_by(name, raw))
    if name in ("list", "read_many", "find", "find_many") and "items" not in raw:
        raise found.wrong(
            place, "'items' is missing: where is the list in the answer?", 'a path, or "" for the whole body'
        )
    if "paging" in raw:
        _paging(found, (*place, "paging"), raw["paging"])
    if name in ("find", "find_many") and "by" not in raw:
        raise found.wrong(
            place, "'by' is missing: which fields can be looked up?", 'field: parameter, or "*": "{path}"'
        )
    for field in raw.get("by", {}):
        known = [*owner.get("fields", {}), *(["external_id"] if "external_id" in owner else []), "*"]
        if field not in known:
            raise found.wrong((*place, "by", field), f"there is no field {field!r}", ", ".join(known))
    if name.endswith("_many") and "max_ids" not in raw:
        raise found.wrong(place, "'max_ids' is missing", "how many records one call may name")
    if name in ENTRY_SLOTS:
        _entries(found, place, name, raw, owner, config)
    _filters(found, place, name, raw.get("filters", []), owner, config)
    conditional = raw.get("conditional")
    if conditional is not None:
        _conditional(found, (*place, "conditional"), conditional, owner)


def _asked_by(name: str, raw: Raw) -> set[str]:
    """A look-up of many has a slot for each field that it can ask by: the list of values."""
    return set(raw.get("by", {}).values()) if name == "find_many" else set()


def _entries(found: Located, place: Place, name: str, raw: Raw, owner: Raw, config: set[str]) -> None:
    if "entries" not in raw:
        raise found.wrong(place, "'entries' is missing: what stands for one record?", "body, items, status …")
    _templates(found, (*place, "entries", "body"), raw["entries"]["body"], config | ENTRY_SLOTS[name])
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
            _templates(found, (*at, key), entry.get(key, {}), config | {"value"})


def _conditional(found: Located, place: Place, raw: Raw, owner: Raw) -> None:
    if ("header" in raw) == ("body" in raw):
        raise found.wrong(place, "a condition is stated in exactly one place", "header or body")
    if owner.get("version", {}).get("kind", "none") == "none":
        raise found.wrong(place, "a conditional write needs a version", "a 'version' section of kind exact or ordered")
    _templates(found, (*place, "template"), raw.get("template", ""), {"version"})


def _paging(found: Located, place: Place, raw: Raw) -> None:
    for key in NEEDS.get(raw["kind"], ()):
        if not raw.get(key):
            raise found.wrong(place, f"a pager of kind {raw['kind']!r} needs {key!r}", ", ".join(NEEDS[raw["kind"]]))
    if raw.get("size", 1) > raw.get("max_size", raw.get("size", 1)):
        raise found.wrong((*place, "size"), "the usual size is above the largest", f"{raw['max_size']} or less")
    if raw.get("restart") and raw["kind"] not in ("page", "offset"):
        raise found.wrong((*place, "restart"), "only counted pagers restart", "page, offset")


def _templates(found: Located, place: Place, raw: Any, known: set[str]) -> None:
    """Every slot is one that will have a value there, in a spelling that exists."""
    for inner, text in _strings(raw, place):
        for slot in sorted(templates.names(text)):
            if slot not in known:
                raise found.wrong(inner, f"{{{slot}}} means nothing here", ", ".join(sorted(known)) or "no slots")
        for spelling in sorted(templates.spellings(text)):
            if spelling not in templates.SPELLINGS:
                raise found.wrong(inner, f"unknown spelling |{spelling}", ", ".join(templates.SPELLINGS))


def _strings(raw: Any, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(raw, str):
        yield place, raw
    elif isinstance(raw, Mapping):
        for key, value in raw.items():
            yield place, key
            yield from _strings(value, (*place, key))
    elif isinstance(raw, list):
        for index, value in enumerate(raw):
            yield from _strings(value, (*place, index))


def _paths(found: Located, place: Place, raw: Any) -> None:
    """Every path in the file can be read."""
    for key, value in raw.items() if isinstance(raw, Mapping) else ():
        inner = (*place, key)
        for text in [value] if isinstance(value, str) else value if isinstance(value, list) else ():
            if isinstance(text, str) and (key in PATHS or (key == "path" and not _is_address(place))):
                _path(found, inner, text)
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
    return place == ("check",) or (len(place) > 1 and place[-2] == "operations")


def _path(found: Located, place: Place, text: str) -> None:
    try:
        paths.split(text)
    except paths.PathError as error:
        raise found.wrong(place, str(error), paths.ACCEPTED) from None


def _webhook(found: Located, raw: Raw) -> None:
    for name, entry in raw["webhook"]["events"]["types"].items():
        if entry["object"] not in raw["objects"]:
            raise found.wrong(
                ("webhook", "events", "types", name, "object"),
                f"there is no object {entry['object']!r}",
                ", ".join(sorted(raw["objects"])),
            )
        if entry["kind"] == "merged" and "merged_ids" not in raw["webhook"]["events"]:
            raise found.wrong(
                ("webhook", "events", "types", name),
                "a merge has to name the records that went away",
                "'merged_ids' in events: the path of their ids",
            )
    signature, place = raw["webhook"]["signature"], ("webhook", "signature")
    if signature["scheme"] == "standard":
        return
    if not signature.get("header"):
        raise found.wrong(place, "'header' is missing: where is the signature?", "the name of a request header")
    asked = {slot for slot in templates.names(signature.get("template", "{body}")) if not slot.startswith("header:")}
    if asked - SIGNED:
        raise found.wrong(
            (*place, "template"),
            f"{{{min(asked - SIGNED)}}} is not something that is signed",
            ", ".join(sorted(SIGNED)) + ", header:NAME",
        )
    if "body" not in asked:
        raise found.wrong(
            (*place, "template"), "a signature that does not cover the body proves nothing", "{body} among the slots"
        )
    if ("secret" in asked) != (signature["scheme"] == "hash"):
        raise found.wrong(
            (*place, "template"), "{secret} belongs into the text of scheme hash, and only there", "scheme: hash"
        )
    for slot, key in (("timestamp", "timestamp"), ("id", "id_header")):
        if slot in asked and key not in signature:
            raise found.wrong((*place, "template"), f"{{{slot}}} is signed, but {key!r} does not say where it is", key)
