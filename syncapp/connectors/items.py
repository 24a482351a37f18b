"""One remote body into an Item, as the object's spec says: id, version, time, tombstone, actor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from syncapp.connectors import times
from syncapp.connectors.errors import Malformed
from syncapp.connectors.paths import ABSENT, as_text, first, getter, setter, split
from syncapp.connectors.records import Item
from syncapp.connectors.spec import ObjectSpec, TimeSpec


class ItemReader:
    """The compiled paths of one object."""

    def __init__(self, spec: ObjectSpec) -> None:
        self.spec = spec
        self._id = getter(spec.id)
        self._version = getter(spec.version.path) if spec.version.path else None
        self._times = {told.path: _reader(told) for told in (spec.updated_at, spec.created_at) if told}
        self._deleted = getter(spec.deleted.path) if spec.deleted else None
        self._dead = spec.deleted.values if spec.deleted else ()
        self._merged = getter(spec.merged.path) if spec.merged.path else None
        self._actor = getter(spec.actor) if spec.actor else None
        depends = spec.depends_on
        self._adopt = setter(depends.into) if depends and depends.into else None
        self._parent = getter(depends.into) if depends and depends.composite else None

        self._told = [
            (getter(field.writes_to or field.path), getter(field.path), field.omitted == "null")
            for field in spec.fields.values()
            if field.writable and field.path
        ]
        self._known = {str(split(field.writes_to or field.path)[0]) for field in spec.fields.values() if field.path}

    def holds(self, body: Any, sent: Mapping[str, Any]) -> bool:
        """True if a record tells all that was sent: what was dropped in silence would else be taken for stored."""
        for wrote, reads, omitted in self._told:
            if not omitted and wrote(sent) is not ABSENT and reads(body) is ABSENT:
                return False
        return self.spec.open_fields or all(key in body or key in self._known for key in sent)

    def id_of(self, body: Any) -> str | None:
        """As it is told apart from all others of the account."""
        found = as_text(self._id(body)) or None
        if self._parent is None or found is None:
            return found
        parent = as_text(self._parent(body))
        return f"{quote(parent, safe='')}/{found}" if parent else None

    def adopt(self, body: Any, parent: str) -> None:
        """Note in a body whose it is."""
        if self._adopt is not None and isinstance(body, dict):
            self._adopt(body, parent)

    def item(
        self, body: Any, asked_at: float, headers: Mapping[str, str] | None = None, known_id: str | None = None
    ) -> Item:
        """The item. Raises Malformed with the path that is wrong. ``headers``: only if they speak of this record."""
        if not isinstance(body, dict):
            raise Malformed(f"a record of {self.spec.slug} is {type(body).__name__}, not an object", self.spec.slug)
        found = self.id_of(body) or known_id
        if not found:
            raise Malformed(f"a record of {self.spec.slug} has no id at {self.spec.id!r}", self.spec.slug)
        into = (as_text(self._merged(body)) or None) if self._merged else None
        deleted = into is not None or self._is_tombstone(body)
        actor = as_text(self._actor(body)) if self._actor else None
        updated, created = self._time(body, self.spec.updated_at), self._time(body, self.spec.created_at)
        return Item(found, self.version(body, headers), updated, deleted, actor, body, asked_at, created, into)

    def gone(self, id: str, asked_at: float) -> Item:
        """A record of which nothing is told but that it is not there."""
        return Item(id, None, None, True, None, {}, asked_at)

    def merged_away(self, id: str, into: str, asked_at: float) -> Item:
        """A record of which nothing is told but the one that it went into."""
        return Item(id, None, None, True, None, {}, asked_at, merged_into=into)

    def _is_tombstone(self, body: Any) -> bool:
        return self._deleted is not None and self._deleted(body) in self._dead

    def version(self, body: Any, headers: Mapping[str, str] | None) -> str | None:
        """The version in the body, else in the header that the spec names (an ETag without its quotes)."""
        value = as_text(self._version(body)) if self._version else None
        if value is None and self.spec.version.header and headers:
            value = headers.get(self.spec.version.header)
            if value is not None:
                value = value.removeprefix("W/").strip('"')
        return value

    def _time(self, body: Any, spec: TimeSpec | None) -> datetime | None:
        if spec is None:
            return None
        value = self._times[spec.path](body)
        if value is ABSENT or value is None:
            return None
        try:
            return times.parse(value, spec.format, spec.timezone)
        except (ValueError, TypeError, OverflowError):
            raise Malformed(
                f"the time at {spec.path!r} is {value!r}, which is not {spec.format}", self.spec.slug
            ) from None


def _reader(spec: TimeSpec) -> Callable[[Any], Any]:
    return first([spec.path, spec.fallback]) if spec.fallback else getter(spec.path)
