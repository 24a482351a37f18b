"""Sense of the texts in a provider file: templates whose slots have a value, and paths that can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from syncapp.connectors import paths, templates
from syncapp.connectors.located import Located, Place

Raw = Mapping[str, Any]


def check_templates(found: Located, place: Place, raw: Any, known: set[str]) -> None:
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


def check_path(found: Located, place: Place, text: str) -> None:
    try:
        paths.split(text)
    except paths.PathError as error:
        raise found.wrong(place, str(error), paths.ACCEPTED) from None


def check_pattern(found: Located, place: Place, text: str) -> None:
    """A regular expression that finds something in its first group."""
    try:
        groups = re.compile(text).groups
    except re.error as error:
        raise found.wrong(
            place, f"it is no regular expression: {error}", "one with a group, such as /people/([0-9]+)"
        ) from None
    if not groups:
        raise found.wrong(place, "nothing in it is in brackets", "the id in a group, such as /people/([0-9]+)")
