"""Words of an object, put into its operations: objects that are asked for in one way share the text that says how."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from syncapp.connectors.located import Located, Place

WORD = re.compile(r"\{word\.(\w+)\}")
Words = Mapping[str, str | list[str]]


def put_words(found: Located) -> None:
    """Every ``{word.NAME}`` of an operation becomes what its object calls so, before anything else is made of it."""
    objects = found.data.get("objects", {})
    for slug, entry in objects.items():
        at = ("objects", slug, "operations")
        objects[slug] = {**entry, "operations": _said(found, at, entry["operations"], entry.get("words", {}))}


def _said(found: Located, place: Place, raw: Any, words: Words) -> Any:
    """A copy, because objects may share what is here."""
    if isinstance(raw, Mapping):
        return {key: _said(found, (*place, key), value, words) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_said(found, (*place, index), value, words) for index, value in enumerate(raw)]
    return _text(found, place, raw, words) if isinstance(raw, str) else raw


def _text(found: Located, place: Place, text: str, words: Words) -> Any:
    """In a body a text that is nothing but a list stays one; anywhere else its entries are separated by commas."""

    def said(match: re.Match[str]) -> str:
        value = words.get(match.group(1))
        if value is None:
            known = ", ".join(sorted(words)) or "'words' of the object, which has none"
            raise found.wrong(place, f"{match.group()} means nothing here", known)
        return value if isinstance(value, str) else ",".join(value)

    whole = WORD.fullmatch(text)
    value = words.get(whole.group(1)) if whole and "body" in place else None
    return list(value) if isinstance(value, list) else WORD.sub(said, text)
