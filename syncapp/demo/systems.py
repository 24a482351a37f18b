"""The systems in canonical words: who is there, what they hold, and edits as people make them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from policies.core.values import Json
from syncapp.meaning import translator_of
from syncapp.models import Feed
from syncapp.translate import Translator

from .database import Database
from .directory import Directory
from .sandboxes import Sandbox
from .setup import Demo

Fields = dict[str, Json]


@dataclass(frozen=True, slots=True)
class System:
    """One system; `type_in` takes a remote id, the provider's own fields and a name, and gives what it stored."""

    role: str
    translator: Translator
    type_in: Callable[[str, Mapping[str, Any], str], Fields]
    rows: Callable[[], dict[str, Fields]]
    inside: str = ""  # where a body of this provider carries the fields

    def edit(self, remote_id: str, values: Mapping[str, Json], actor: str) -> Fields:
        """What the system made of these canonical fields."""
        body = self.translator.body(values)
        stored = self.type_in(remote_id, body[self.inside] if self.inside else body, actor)
        told = self.canonical(stored)
        return {name: told[name] for name in values}

    def canonical(self, fields: Fields) -> Fields:
        raw = self.translator.mapping.read({self.inside: fields} if self.inside else fields)
        return {name: kind.read(raw[name]) for name, kind in self.translator.kinds.items() if name in raw}

    def held(self) -> dict[str, Fields]:
        """Everybody in this system's own dump, by remote id."""
        return {remote_id: self.canonical(fields) for remote_id, fields in self.rows().items()}


def systems_of(demo: Demo) -> dict[str, System]:
    feeds = {feed.role.name: feed for feed in Feed.objects.select_related("account", "role__sync")}
    found = {
        "crm": _sandbox(feeds["crm"], demo.crm, "properties"),
        "billing": _sandbox(feeds["billing"], demo.billing, ""),
        "directory": _directory(feeds["directory"], demo.directory),
    }
    return found | ({"database": _database(feeds["database"], demo.database)} if demo.database is not None else {})


def _sandbox(feed: Feed, sandbox: Sandbox, inside: str) -> System:
    def type_in(remote_id: str, fields: Mapping[str, Any], actor: str) -> Fields:
        return dict(sandbox.edit(remote_id, fields, actor)["fields"])

    def rows() -> dict[str, Fields]:
        return {row["id"]: row["fields"] for row in sandbox.rows()}

    return System(feed.role.name, translator_of(feed), type_in, rows, inside)


def _directory(feed: Feed, directory: Directory) -> System:
    def type_in(remote_id: str, fields: Mapping[str, Any], actor: str) -> Fields:
        return directory.edit(remote_id, fields)

    def rows() -> dict[str, Fields]:
        return {row["id"]: row for row in directory.rows()}

    return System(feed.role.name, translator_of(feed), type_in, rows)


def _database(feed: Feed, database: Database) -> System:
    def type_in(remote_id: str, fields: Mapping[str, Any], actor: str) -> Fields:
        return database.edit(remote_id, fields)

    def rows() -> dict[str, Fields]:
        return {str(row["id"]): row for row in database.rows()}

    return System(feed.role.name, translator_of(feed), type_in, rows)
