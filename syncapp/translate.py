"""Between a provider's bodies and canonical values, both ways, for one feed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from policies.core.invalid import Invalid, invalid_value
from policies.core.seen import How, Observation
from policies.core.types import FieldType
from policies.core.values import Json, Values

from .connectors import paths
from .connectors.errors import MappingError, Permanent, Rejected
from .connectors.mapped import GONE, MISSING, Unmappable
from .connectors.mapping import Mapping as Mapped
from .connectors.records import Item
from .connectors.spec import ObjectSpec
from .scope import EVERYTHING, Scope

LONGEST_ID = 255
BROKEN = (ValueError, TypeError, OverflowError, RecursionError)


def basis_of(mapping: Mapped, kinds: Mapping[str, tuple[str, Any]], scope: Scope) -> bytes:
    """What bodies are read by: the mapping with all that the provider's file adds to it, the types, the scope."""
    told = repr((sorted(mapping.fields.items()), sorted(kinds.items()), *([scope] if scope != EVERYTHING else [])))
    return hashlib.sha256(told.encode()).digest()


class Unreadable(Permanent):
    """One remote record that cannot be taken in; the others can."""

    def __init__(self, role: str, remote_id: str, part: str, reason: str) -> None:
        self.remote_id, self.part, self.reason = remote_id, part, reason
        super().__init__(reason, f"{role} record {remote_id[:80]}, {part}")


@dataclass(frozen=True, slots=True)
class Seen:
    """A remote record as it was shown, with the digest of its raw body."""

    item: Item
    digest: str

    @classmethod
    def of(cls, item: Item, basis: bytes = b"") -> Seen:
        return cls(item, hashlib.sha256(basis + item.raw).hexdigest())


Said = tuple[dict[str, Json], dict[str, str]]


class Refers(Protocol):
    """What knows the records that a feed's references name."""

    def resolved(self, observations: Sequence[Observation]) -> Sequence[Observation]: ...

    def said(self, many: Sequence[Values]) -> Sequence[Said]:
        """Values as the account says them, and why some cannot be said there yet."""
        ...


@dataclass(frozen=True, slots=True)
class Translator:
    """What one feed's bodies mean. `own_actor` is the name under which the hub's own writes appear there, if known.

    `basis` stands for what the meaning rests on and goes into every digest: a page that was read by a mapping which was
    changed before the page was judged leaves no digest that is believed later; neither does a provider's older file.
    """

    role: str
    spec: ObjectSpec
    mapping: Mapped
    kinds: Mapping[str, FieldType]
    own_actor: str = ""
    basis: bytes = b""
    scope: Scope = EVERYTHING
    references: Refers | None = None
    _words: dict[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        slugs = {known.path: slug for slug, known in self.spec.fields.items()}
        for name, mapped in self.mapping.fields.items():
            if not mapped.path:
                continue  # made of the whole body: no key over there is this field
            last = str(paths.split(mapped.path)[-1])
            for word in (last, slugs.get(mapped.path, last), mapped.path, *filter(None, [mapped.writes_to])):
                self._words[word] = name

    def seen(self, item: Item) -> Seen:
        return Seen.of(item, self.basis)

    def observation(self, seen: Seen, read_at: datetime, how: How) -> Observation:
        """Raises Unreadable."""
        return self.resolved([self.told(seen, read_at, how)])[0]

    def observations(self, items: Sequence[Item], read_at: datetime, how: How) -> Sequence[Observation]:
        """Raises Unreadable."""
        return self.resolved([self.told(self.seen(item), read_at, how) for item in items])

    def resolved(self, told: Sequence[Observation]) -> Sequence[Observation]:
        """With keys of records in place of the ids that references hold there; a page at a time."""
        return told if self.references is None else self.references.resolved(told)

    def told(self, seen: Seen, read_at: datetime, how: How) -> Observation:
        """As the account tells it: references are ids there. Raises Unreadable."""
        item = seen.item
        self._check(item)
        partial = how in (How.RESPONSE, How.EVENT)
        values = {} if item.deleted else self.values(item, partial)
        return Observation(
            self.role,
            item.id,
            values,
            read_at,
            item.version,
            item.updated_at,
            read_at,
            item.actor,
            self.is_ours(item.actor),
            deleted=item.deleted,
            merged_into=item.merged_into,
            how=how,
            external_id=self._external_id(item),
            digest=seen.digest,
            created_at=item.created_at,
            in_scope=item.deleted or self.scope.takes(values, item.body, partial=partial),
        )

    def is_ours(self, actor: str | None) -> bool:
        return bool(self.own_actor) and actor == self.own_actor

    def values(self, item: Item, partial: bool = False) -> dict[str, Json]:
        """Canonical values of every field that was told; refused ones as observations carry them."""
        out: dict[str, Json] = {}
        for name, raw in self.mapping.read(item.body).items():
            if raw is MISSING or name not in self.kinds or (partial and raw is GONE):
                continue
            try:
                out[name] = self._value(name, raw)
            except BROKEN as error:
                raise Unreadable(self.role, item.id, f"field {name}", f"the value cannot be read: {error}") from None
        return out

    def _value(self, name: str, raw: Any) -> Json:
        return invalid_value(raw.value, raw.reason) if isinstance(raw, Unmappable) else self.kinds[name].read(raw)

    def _check(self, item: Item) -> None:
        """What no column can hold would stop the whole page."""
        for part, text in (("id", item.id), ("version", item.version or ""), ("actor", item.actor or "")):
            if len(text) > LONGEST_ID or "\0" in text:
                raise Unreadable(
                    self.role, item.id, part, f"it is longer than {LONGEST_ID} characters or holds a NUL character"
                )

    def _external_id(self, item: Item) -> str | None:
        return paths.as_text(paths.getter(self.spec.external_id)(item.body)) if self.spec.external_id else None

    def said(self, many: Sequence[Values]) -> Sequence[Said]:
        """What of these values this feed holds, with ids in place of the keys of records; for many at once."""
        held = [{name: value for name, value in values.items() if self._writes(name)} for values in many]
        return [(one, {}) for one in held] if self.references is None else self.references.said(held)

    def body(self, values: Values, said: Said | None = None) -> dict[str, Any]:
        """The body that says these values. Raises MappingError that names each field which cannot be said there.

        A member of a bundle that this feed does not hold is left out. `said` was asked for together with others.
        """
        held, waiting = self.said([values])[0] if said is None else said
        if not held and not waiting:
            reason = "the field is not mapped for writing"
            raise MappingError(
                f"none of {', '.join(values)} is mapped for writing", f"mapping of {self.role}", "map one of them",
                fields=dict.fromkeys(values, reason),
            )  # fmt: skip
        encoded: dict[str, Json] = {}
        failed: dict[str, str] = dict(waiting)
        for name, value in held.items():
            try:
                encoded[name] = None if value is None else self.kinds[name].encode(value)
            except Invalid as refusal:
                failed[name] = refusal.reason
        body, unsayable = self.mapping.encode(encoded)
        failed |= unsayable
        if failed:
            told = "; ".join(f"{name}: {reason}" for name, reason in failed.items())
            raise MappingError(f"these values cannot be written: {told}", f"mapping of {self.role}", fields=failed)
        return body

    def _writes(self, name: str) -> bool:
        mapped = self.mapping.fields.get(name)
        return mapped is not None and mapped.writes and name in self.kinds

    def in_our_words(self, refused: Rejected) -> Rejected:
        """The same refusal, naming canonical fields; what it names that is not mapped is no field of ours."""
        named = {self._words[word]: text for word, text in refused.fields.items() if word in self._words}
        return Rejected(
            refused.what,
            refused.where,
            refused.accepted,
            fields=named,
            message=refused.message,
            status=refused.status,
        )

    def provider_field(self, name: str) -> str:
        """What the provider's file calls the field that this one is mapped to; its path, if it has no name there."""
        path = self.mapping.fields[name].path
        if not path:
            return name  # made of the whole body
        return next((slug for slug, known in self.spec.fields.items() if known.path == path), path)

    def as_sent(self, name: str, value: Json) -> str | None:
        """The text by which a record with this value can be asked for."""
        body = self.body({name: value})
        mapped = self.mapping.fields[name]
        return paths.as_text(paths.getter(mapped.writes_to or mapped.path)(body))
