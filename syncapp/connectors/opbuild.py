"""A checked operation of a provider file into the frozen dataclasses of ``opspec`` and ``answerspec``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncapp.connectors.answerspec import ErrorSpec, NewIdSpec, OkSpec
from syncapp.connectors.expressions import Expression
from syncapp.connectors.filters import FilterSpec
from syncapp.connectors.making import Raw, make, maybe, several, source
from syncapp.connectors.opspec import (
    ConditionalSpec,
    DeltaSpec,
    EntriesSpec,
    KeepSpec,
    LongSpec,
    Operation,
    PagingSpec,
    PartSpec,
    ReplaceSpec,
)


def operation(raw: Raw, where: str, errors: Raw | None = None, body: Any = None) -> Operation:
    """``errors``: what the answers of its object have in common; ``body``: what is sent where the file is silent."""
    return make(
        Operation,
        raw,
        body=raw.get("body", body if raw["method"] in ("POST", "PUT", "PATCH") else None),
        content="graphql" if "graphql" in raw else raw.get("content", "json"),
        ok=oks(raw, where),
        errors=error_spec({**(errors or {}), **raw["errors"]}) if "errors" in raw else None,
        new_id=_new_id(raw["new_id"], where) if "new_id" in raw else None,
        replaces=maybe(ReplaceSpec, raw.get("replaces")),
        keeps=tuple(
            KeepSpec(entry["path"], Expression(entry["jsonata"], f"{where}.keeps[{place}]"))
            for place, entry in enumerate(raw.get("keeps", ()))
        ),
        parts=tuple(
            _part(entry, f"{where}.parts[{place}]", errors) for place, entry in enumerate(raw.get("parts", ()))
        ),
        long=maybe(LongSpec, raw.get("long")),
        paging=make(PagingSpec, raw.get("paging", {})),
        delta=maybe(DeltaSpec, raw.get("delta")),
        conditional=maybe(ConditionalSpec, raw.get("conditional")),
        entries=_entries(raw["entries"], where) if "entries" in raw else None,
        filters=tuple(make(FilterSpec, entry) for entry in raw.get("filters", ())),
        **{key: source(raw[key], f"{where}.{key}") for key in ("items", "ids", "mark") if key in raw},
    )


def _part(raw: Raw, where: str, errors: Raw | None) -> PartSpec:
    return PartSpec(raw["take"], operation(raw["call"], where, errors), raw.get("when", "any"))


def error_spec(told: Raw) -> ErrorSpec:
    return make(ErrorSpec, told, message=several(told.get("message", ())), code=several(told.get("code", ())))


def oks(raw: Raw, where: str) -> tuple[OkSpec, ...]:
    """The tests of an answer, one or several. What GraphQL could not do is told in ``errors``."""
    told = raw.get("ok", [])
    tests = [_ok(entry, where) for entry in (told if isinstance(told, list) else [told])]
    return (*([OkSpec("errors", absent=True)] if "graphql" in raw else []), *tests)


def _ok(raw: Raw, where: str) -> OkSpec:
    test = Expression(raw["jsonata"], f"{where}.ok.jsonata") if "jsonata" in raw else None
    return make(OkSpec, raw, value=raw.get("value", True), test=test)


def _new_id(told: Any, where: str) -> NewIdSpec:
    if isinstance(told, Mapping) and "header" in told:
        return make(NewIdSpec, told)
    return NewIdSpec(source(told, f"{where}.new_id"))


def _entries(raw: Raw, where: str) -> EntriesSpec:
    told = {key: source(raw[key], f"{where}.entries.{key}") for key in raw if key != "body"}
    return make(EntriesSpec, raw, **told)
