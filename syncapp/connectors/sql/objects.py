"""What a chosen table means to the hub: the very ObjectSpec that a provider file's object becomes."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from syncapp.connectors.filters import FilterSpec
from syncapp.connectors.opspec import ConditionalSpec, DeltaSpec, EntriesSpec, Operation, PagingSpec
from syncapp.connectors.spec import DeletedSpec, FieldSpec, Manifest, Norm, ObjectSpec, TimeSpec, VersionSpec
from syncapp.connectors.sql.tables import Column, Table, from_json

PLAIN = re.compile(r"[^.\[\]\"\s]+")
TYPES = {
    "integer": "integer", "decimal": "decimal", "float": "decimal", "boolean": "boolean", "text": "text",
    "uuid": "text", "date": "date", "time": "text", "moment": "datetime", "local": "datetime", "json": "json",
    "list": "list", "set": "set", "choice": "choice",
}  # fmt: skip
MOST, PAGE = 200, 1000


def with_tables(manifest: Manifest, chosen: Mapping[str, Any]) -> Manifest:
    """The manifest whose objects are these tables; the same object as long as file and tables are the same."""
    return _with_tables(_Same(manifest), orjson.dumps(chosen, option=orjson.OPT_SORT_KEYS))


class _Same:
    """A manifest, told apart by identity: the registry gives the same object for as long as the file is the same."""

    __slots__ = ("manifest",)

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.manifest is self.manifest

    def __hash__(self) -> int:
        return id(self.manifest)


@lru_cache(maxsize=128)
def _with_tables(same: _Same, text: bytes) -> Manifest:
    dialect = same.manifest.sql.dialect if same.manifest.sql else ""
    objects = {slug: object_of(from_json(raw), dialect) for slug, raw in orjson.loads(text).items()}
    return dataclasses.replace(same.manifest, objects=objects)


def object_of(table: Table, dialect: str) -> ObjectSpec:
    version = table.version_column
    ordered = version is not None and version.kind == "integer"
    return ObjectSpec(
        slug=table.slug,
        name=f"Table {table.full_name}",
        id=path_of(table.key[0]) if len(table.key) == 1 else "",
        fields={name: _field(table, column) for name, column in table.columns.items()},
        operations=_operations(table),
        version=VersionSpec("ordered" if ordered else "exact", path_of(version.name) if version is not None else ""),
        updated_at=_time(table, table.updated_at),
        created_at=_time(table, table.created_at),
        deleted=DeletedSpec(path_of(table.deleted), table.deleted_value) if table.deleted else None,
        deletes="delta" if table.deleted else "never",
        actor=path_of(table.actor) if table.actor else "",
        external_id=path_of(table.external_id) if table.external_id else "",
    )


def path_of(column: str) -> str:
    return column if PLAIN.fullmatch(column) else orjson.dumps(column).decode()


def _time(table: Table, name: str) -> TimeSpec | None:
    if not name:
        return None
    return TimeSpec(path_of(name), resolution=resolution(table.columns[name]), timezone=table.zone or "UTC")


def resolution(column: Column) -> float:
    return max(0.001, 10.0**-column.precision)


def _field(table: Table, column: Column) -> FieldSpec:
    kept = column.name in (table.updated_at, table.created_at, table.version, table.external_id, table.actor)
    named = column.name in table.key and column.default
    return FieldSpec(
        path=path_of(column.name),
        type=TYPES[column.kind],
        writable=column.writable and not kept and not named and not table.view,
        clear="null" if column.nullable else "empty" if column.kind == "text" else "refuse",
        normalises=_norms(column),
        label=column.name.replace("_", " ").capitalize(),
    )


def _norms(column: Column) -> tuple[Norm, ...]:
    """What the database, or our own way of writing to it, makes of a value; too long a text is refused, never cut."""
    if column.kind == "decimal" and column.scale is not None:
        return ({"scale": column.scale},)
    if column.kind in ("moment", "local") and column.precision < 3:
        return ("seconds",)
    if column.kind == "uuid":
        return ("lower",)
    return ("trim",) if column.native.upper().startswith("CHAR") else ()


def _operations(table: Table) -> dict[str, Operation]:
    """Nothing is sent by these: they say what the client can do, in the words in which provider files say it."""
    anything = {"*": "*"} | ({"external_id": table.external_id} if table.external_id else {})
    looks = {
        "list": Operation(
            "SELECT", table.full_name, items="", paging=PagingSpec("cursor", size=PAGE, max_size=PAGE),
            delta=_delta(table), filters=_filters(table),
        ),
        "read": Operation("SELECT", table.full_name, item=""),
        "read_many": Operation("SELECT", table.full_name, items="", max_ids=MOST),
        "find": Operation("SELECT", table.full_name, items="", by=anything),
        "find_many": Operation("SELECT", table.full_name, items="", by=anything, max_ids=MOST),
    }  # fmt: skip
    return looks if table.view else looks | _writes(table)


def _writes(table: Table) -> dict[str, Operation]:
    each, tied = EntriesSpec("{body}", "", ""), ConditionalSpec(body="version")
    return {
        "create": Operation("INSERT", table.full_name, item=""),
        "create_many": Operation("INSERT", table.full_name, entries=each, max_ids=MOST),
        "update": Operation("UPDATE", table.full_name, item="", conditional=tied),
        "update_many": Operation("UPDATE", table.full_name, entries=each, max_ids=MOST, conditional=tied),
        "delete": Operation("DELETE", table.full_name, conditional=tied),
    }


def _delta(table: Table) -> DeltaSpec | None:
    if not table.updated_at:
        return None
    return DeltaSpec(table.updated_at, resolution=resolution(table.columns[table.updated_at]), overlap=table.overlap)


def _filters(table: Table) -> tuple[FilterSpec, ...]:
    asked = [one for one in table.columns.values() if one.kind in ("integer", "boolean", "text", "choice", "uuid")]
    return tuple(
        FilterSpec(column.name, op, {f"{column.name} {op}": "{value}"}) for column in asked for op in ("is", "in")
    )
