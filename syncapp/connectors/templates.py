"""Small templates: ``{name}`` is replaced by a value, ``{name|json}`` and friends by a spelling of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import orjson

from syncapp.connectors import times
from syncapp.connectors.errors import Misconfigured
from syncapp.connectors.merging import merged

SLOT = re.compile(r"\{([A-Za-z_][\w.:-]*)(?:\|(\w+))?\}")


def _single(value: Any) -> str:
    """In single quotes, with a backslash before what would end them: SOQL, formulas and the like."""
    text = str(value).replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{text}'"


def _sql(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"


SPELLED: dict[str, Callable[[Any], str]] = {
    "json": lambda value: orjson.dumps(value).decode(),
    "csv": lambda value: ",".join(str(entry) for entry in value),
    "json_csv": lambda value: ",".join(orjson.dumps(entry).decode() for entry in value),
    "quoted": lambda value: f'"{value}"',
    "single": _single,
    "single_csv": lambda value: ",".join(_single(entry) for entry in value),
    "sql": _sql,
    "sql_csv": lambda value: ",".join(_sql(entry) for entry in value),
    "url": lambda value: quote(str(value), safe=""),
    "http": lambda value: times.write(times.parse(value), "http"),
    "number": lambda value: str(_number(value)),
    "each": lambda value: ",".join(str(entry) for entry in value),
}
SPELLINGS = tuple(SPELLED)


def names(template: str) -> set[str]:
    """The names a template asks for."""
    return {found.group(1) for found in SLOT.finditer(template)}


def spellings(template: str) -> set[str]:
    return {found.group(2) for found in SLOT.finditer(template) if found.group(2)}


def fill(template: str, values: Mapping[str, Any], where: str = "") -> str:
    """The template as text."""
    return SLOT.sub(lambda found: _spell(found.group(1), found.group(2), values, where), template)


def fill_query(template: str, values: Mapping[str, Any], where: str = "") -> str | list[str]:
    """The template as the value of a query parameter; ``{ids|each}`` repeats the parameter for each of them."""
    whole = SLOT.fullmatch(template)
    if whole and whole.group(2) == "each":
        return [str(entry) for entry in _value(whole.group(1), values, where)]
    return fill(template, values, where)


def fill_path(template: str, values: Mapping[str, Any], where: str = "") -> str:
    """The template as a URL path: values cannot break out of their segment."""

    def escaped(found: re.Match[str]) -> str:
        text = _spell(found.group(1), found.group(2), values, where)
        if text in ("", ".", ".."):
            raise Misconfigured(f"{text!r} cannot stand in an address for {found.group(1)}", where, "a plain id")
        return quote(text, safe="")

    return SLOT.sub(escaped, template)


def fill_body(template: Any, values: Mapping[str, Any], where: str = "") -> Any:
    """The template as JSON: a text that is one slot keeps the value's type (``|number`` makes it one, also each of a
    list); the key ``"*"`` merges an object in.
    """
    if isinstance(template, str):
        whole = SLOT.fullmatch(template)
        if whole and whole.group(2) in (None, "number"):
            value = _value(whole.group(1), values, where)
            return value if whole.group(2) is None else _numbers(value, whole.group(1), where)
        return fill(template, values, where)
    if isinstance(template, list):
        return [fill_body(entry, values, where) for entry in template]
    if isinstance(template, Mapping):
        filled = {
            fill(key, values, where): fill_body(entry, values, where) for key, entry in template.items() if key != "*"
        }
        if "*" in template:
            filled = merged(fill_body(template["*"], values, where), filled)
        return filled
    return template


def _value(name: str, values: Mapping[str, Any], where: str) -> Any:
    if name not in values:
        known = ", ".join(sorted(values)) or "nothing"
        raise Misconfigured(f"no value for {{{name}}}", where, f"known here: {known}")
    return values[name]


def _spell(name: str, spelling: str | None, values: Mapping[str, Any], where: str) -> str:
    value = _value(name, values, where)
    try:
        return str(value) if spelling is None else SPELLED[spelling](value)
    except (ValueError, TypeError) as error:
        raise Misconfigured(f"{{{name}|{spelling}}} cannot say {value!r}: {error}", where) from None


def _numbers(value: Any, name: str, where: str) -> Any:
    try:
        return [_number(entry) for entry in value] if isinstance(value, list | tuple) else _number(value)
    except ValueError:
        raise Misconfigured(f"{{{name}|number}} cannot say {value!r}", where, "whole numbers") from None


def _number(value: Any) -> int:
    return int(str(value))
