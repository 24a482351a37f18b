"""Sense of the limits in a provider file: buckets that exist, patterns that can be read, counts that add up."""

from __future__ import annotations

import re

from syncapp.connectors.located import Located, Place
from syncapp.connectors.textsense import Raw, check_path

KEYS = ("remaining", "limit", "used", "reset")


def check_limits(found: Located, raw: Raw) -> None:
    limits = raw.get("limits", {})
    buckets = limits.get("buckets", [])
    for index, bucket in enumerate(buckets):
        _bucket(found, ("limits", "buckets", index), bucket)
    known = [bucket["name"] for bucket in buckets if "name" in bucket]
    for index, reader in enumerate(limits.get("told", [])):
        _reader(found, ("limits", "told", index), reader)
        _known(found, ("limits", "told", index), reader, known)
    for index, refusal in enumerate(limits.get("refusals", [])):
        place = ("limits", "refusals", index)
        _known(found, place, refusal, known)
        if "value" in refusal:
            _pattern(found, (*place, "value"), refusal["value"])
            if "header" not in refusal:
                raise found.wrong((*place, "value"), "the value of which header?", "header")
    named = [bucket["name"] for bucket in buckets if "name" in bucket and _is_named(bucket)]
    for slug, entry in raw["objects"].items():
        for name, operation in entry["operations"].items():
            _known(found, ("objects", slug, "operations", name), operation, named)


def _is_named(bucket: Raw) -> bool:
    return bool(bucket.get("of", "named" if bucket.get("alone") else "all") == "named")


def _bucket(found: Located, place: Place, bucket: Raw) -> None:
    if "name" not in bucket and (_is_named(bucket) or bucket.get("alone")):
        raise found.wrong(place, "operations count in this bucket by its name, and it has none", "name")
    if bucket.get("alone") and not _is_named(bucket):
        raise found.wrong((*place, "of"), "only calls that name a bucket can count in it alone", "named")


def _reader(found: Located, place: Place, reader: Raw) -> None:
    if "pattern" in reader:
        groups = _pattern(found, (*place, "pattern"), reader["pattern"])
        if "header" not in reader:
            raise found.wrong(place, "the pattern of which header?", "header")
    else:
        groups = {key for key in KEYS if key in reader}
    if "remaining" not in groups and not {"limit", "used"} <= groups:
        raise found.wrong(place, "it cannot be made out how much is left", "remaining, or limit and used")
    if reader.get("in") == "body":
        for key in (*KEYS, "restore"):
            check_path(found, (*place, key), reader.get(key, ""))
    elif "restore" in reader:
        raise found.wrong((*place, "restore"), "what comes back is told in the body", "in: body")


def _known(found: Located, place: Place, raw: Raw, known: list[str]) -> None:
    if "bucket" in raw and raw["bucket"] not in known:
        told = ", ".join(known) or "none has a name that calls can count by"
        raise found.wrong((*place, "bucket"), f"there is no bucket {raw['bucket']!r}", told)


def _pattern(found: Located, place: Place, text: str) -> set[str]:
    try:
        groups = set(re.compile(text).groupindex)
    except re.error as error:
        raise found.wrong(place, f"{text!r} is not a regular expression: {error}", "such as (?P<used>\\d+)") from None
    for name in groups:
        if name not in KEYS:
            raise found.wrong(place, f"a group called {name!r} means nothing here", ", ".join(KEYS))
    return groups
