"""Sense of what a provider file says about writes: parts of an update, replacing updates, upserts, batches of parts."""

from __future__ import annotations

from syncapp.connectors.located import Located, Place
from syncapp.connectors.textsense import Raw, check_path, check_templates

PART_SLOTS = {"id", "value", "key"}


def check_writing(found: Located, place: Place, name: str, raw: Raw, owner: Raw, config: set[str]) -> None:
    if name == "upsert":
        _upsert(found, place, owner)
    if "replaces" in raw:
        if name != "update":
            raise found.wrong((*place, "replaces"), "only an update can replace a record", "replaces on update")
        for number, path in enumerate(raw["replaces"].get("drop", ())):
            check_path(found, (*place, "replaces", "drop", number), path)
    if "keeps" in raw:
        _keeps(found, (*place, "keeps"), name, raw["keeps"], owner)
    if "parts" in raw:
        _parts(found, place, name, raw, owner, config)


def _upsert(found: Located, place: Place, owner: Raw) -> None:
    """The key has to be ours: by a field of people an upsert would write over whom it happens to find."""
    if "external_id" not in owner:
        raise found.wrong(place, "an upsert goes by our own id", "'external_id': where the object keeps it")
    for needed in ("create", "find"):
        if needed not in owner["operations"]:
            raise found.wrong(place, f"an upsert needs {needed!r}: a record is looked up first", needed)


def _keeps(found: Located, place: Place, name: str, raw: list[Raw], owner: Raw) -> None:
    if name != "update":
        raise found.wrong(place, "only an update keeps what was there", "keeps on update")
    if "update_many" in owner["operations"]:
        raise found.wrong(
            place, "many records are written in one call, and what was there is read one by one", "no update_many"
        )
    for number, entry in enumerate(raw):
        check_path(found, (*place, number, "path"), entry["path"])


def _parts(found: Located, place: Place, name: str, raw: Raw, owner: Raw, config: set[str]) -> None:
    if name not in ("create", "update"):
        raise found.wrong((*place, "parts"), "only a create or an update has parts", "parts on create or update")
    if f"{name}_many" in owner["operations"]:
        raise found.wrong(
            (*place, "parts"), "many records are written in one call, parts in several", f"no {name}_many"
        )
    for number, part in enumerate(raw["parts"]):
        at = (*place, "parts", number)
        check_path(found, (*at, "take"), part["take"])
        for key in ("path", "query", "headers", "body", "idempotency"):
            if key in part["call"]:
                check_templates(found, (*at, "call", key), part["call"][key], config | PART_SLOTS)
