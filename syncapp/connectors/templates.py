"""Small templates: ``{name}`` is replaced by a value, ``{name|json}`` and friends by a spelling of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson

from syncapp.connectors.errors import Misconfigured

SLOT = re.compile(r"\{([A-Za-z_][\w.:-]*)(?:\|(\w+))?\}")
SPELLINGS = ("json", "csv", "json_csv", "quoted")


def names(template: str) -> set[str]:
    """The names a template asks for."""
    return {found.group(1) for found in SLOT.finditer(template)}


def spellings(template: str) -> set[str]:
    return {found.group(2) for found in SLOT.finditer(template) if found.group(2)}


def fill(template: str, values: Mapping[str, Any], where: str = "") -> str:
    """The template as text."""
    return SLOT.sub(lambda found: _spell(_value(found.group(1), values, where), found.group(2)), template)


def fill_path(template: str, values: Mapping[str, Any], where: str = "") -> str:
    """The template as a URL path: values cannot break out of their segment."""

    def escaped(found: re.Match[str]) -> str:
        text = _spell(_value(found.group(1), values, where), found.group(2))
        if text in ("", ".", ".."):
            raise Misconfigured(f"{text!r} cannot stand in an address for {found.group(1)}", where, "a plain id")
        return quote(text, safe="")

    return SLOT.sub(escaped, template)


def fill_body(template: Any, values: Mapping[str, Any], where: str = "") -> Any:
    """The template as JSON: a text that is one slot keeps the value's type; the key ``"*"`` merges an object in."""
    if isinstance(template, str):
        whole = SLOT.fullmatch(template)
        if whole and not whole.group(2):
            return _value(whole.group(1), values, where)
        return fill(template, values, where)
    if isinstance(template, list):
        return [fill_body(entry, values, where) for entry in template]
    if isinstance(template, Mapping):
        filled = {key: fill_body(entry, values, where) for key, entry in template.items() if key != "*"}
        if "*" in template:
            filled = {**fill_body(template["*"], values, where), **filled}
        return filled
    return template


def _value(name: str, values: Mapping[str, Any], where: str) -> Any:
    if name not in values:
        known = ", ".join(sorted(values)) or "nothing"
        raise Misconfigured(f"no value for {{{name}}}", where, f"known here: {known}")
    return values[name]


def _spell(value: Any, spelling: str | None) -> str:
    if spelling == "json":
        return orjson.dumps(value).decode()
    if spelling == "csv":
        return ",".join(str(entry) for entry in value)
    if spelling == "json_csv":
        return ",".join(orjson.dumps(entry).decode() for entry in value)
    if spelling == "quoted":
        return f'"{value}"'
    return str(value)
