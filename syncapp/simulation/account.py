"""A simulated account: it stores what people type and what the hub writes in its own form, and shows it on request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from policies.core.seen import How, Observation
from policies.core.values import Json, Values
from syncapp.connectors.errors import Gone, Limited, Stale, Unknown
from syncapp.ports import Listing, Written

if TYPE_CHECKING:
    from .world import World

Form = Callable[[Json], Json]
RECENT = timedelta(seconds=1)  # a look that belongs to the write that follows it
NEVER = datetime(1, 1, 1, tzinfo=UTC)
LAG = timedelta(seconds=2)  # how long a lagging provider may show the version before


@dataclass(slots=True)
class Edit:
    """One human edit, as typed; the fault machine's own log, from which the outcome is judged."""

    number: int
    role: str
    remote_id: str
    typed: dict[str, Json]
    stored: dict[str, Json]
    before: dict[str, Json]
    at: datetime
    judged: str = ""  # the verdict of the first judged look that showed it
    seen: set[str] = field(default_factory=set)  # the fields of it that look showed
    looked: tuple[str, str] | None = None
    lost_to: str = ""  # "person" or "hub": who changed the field again
    shown: bool = False  # a delivery with its values reached the hub
    noop: bool = False
    unlooked: bool = False  # lost to a write of the hub that was made without a condition


@dataclass(slots=True)
class Row:
    """One remote record."""

    remote_id: str
    fields: dict[str, Json]
    version: int
    updated_at: datetime
    external_id: str | None = None
    actor: str | None = None
    edits: dict[str, Edit] = field(default_factory=dict)  # member -> the edit that its value comes from
    asked_at: datetime = NEVER  # the last read by id
    written_over: dict[str, Edit] = field(default_factory=dict)
    shown_at: datetime = NEVER
    made_at: datetime | None = None
    looked_at: datetime = NEVER  # up to when it showed what people did
    before_at: datetime = NEVER
    changed_at: datetime = NEVER
    before: Observation | None = None  # what a lagging replica still shows


@dataclass(frozen=True, slots=True)
class Traits:
    """How a simulated provider behaves."""

    exact: bool = True
    conditional: bool = False
    dated: bool = True  # tells when a record was made
    lagging: bool = False  # reads may show the version before for a while
    body: bool = False  # write responses carry the record
    lookup: bool = True  # consistent look-up by external id and e-mail
    granularity: timedelta = timedelta(0)
    skew: timedelta = timedelta(0)
    page: int = 4


class Account:
    """Implements `ports.Remote` for one role; every call passes through the world, which interrupts it."""

    def __init__(
        self, world: World, role: str, traits: Traits, norms: dict[str, Form], hidden: dict[str, Form], random: Random
    ) -> None:
        self.world, self.role, self.traits, self.random = world, role, traits, random
        self.norms, self.hidden = norms, hidden
        self.rows: dict[str, Row] = {}
        self.by_key: dict[str, str] = {}  # idempotency key -> remote id
        self.version = 0
        self.next_id = 0
        self.writes = 0
        self.created: dict[str, int] = {}  # external id -> how many records were made for it
        self.events: list[Observation] = []

    def form(self, values: Values, *, ours: bool) -> dict[str, Json]:
        """What this provider makes of values: the declared N, and for the hub's writes perhaps something undeclared."""
        out = {}
        for name, value in values.items():
            value = self.norms[name](value) if name in self.norms else value
            if ours and name in self.hidden and value is not None:
                value = self.hidden[name](value)
            out[name] = value
        return out

    def _stamp(self) -> datetime:
        """The provider's own clock: skewed, and cut to its granularity."""
        at = self.world.now() + self.traits.skew
        step = self.traits.granularity
        if not step:
            return at
        seconds = at.timestamp()
        return datetime.fromtimestamp(seconds - seconds % step.total_seconds(), tz=at.tzinfo)

    def put(self, row: Row, values: Values, actor: str | None, edit: Edit | None) -> None:
        """Store values; the edits that they replace are lost to whoever did it."""
        previous = self.shown(row, How.LIST) if self.traits.lagging else None
        for name, value in values.items():
            if edit is None and value == row.fields.get(name):
                continue  # what a person typed is still what stands there
            old = row.edits.get(name)
            if old is not None and not old.lost_to and old is not edit:
                old.lost_to = "person" if edit is not None else "hub"
                looked = self.world.tick - row.asked_at < RECENT and old.at > row.looked_at
                if edit is None:
                    row.written_over[name] = old
                old.unlooked = edit is None and not self.traits.conditional and looked
            over = row.written_over.get(name)
            if edit is not None and over is not None and row.shown_at < over.at:
                over.lost_to = "person"  # and that too went before anybody looked
            if edit is not None:
                row.edits[name] = edit
            else:
                row.edits.pop(name, None)
            row.fields[name] = value
        self.version += 1
        row.before, row.before_at, row.changed_at = previous, row.changed_at, self.world.tick
        row.version, row.updated_at, row.actor = self.version, self._stamp(), actor
        self.events.append(self.shown(row, How.EVENT))

    def add(self, values: Values, actor: str | None, external_id: str | None = None) -> Row:
        self.next_id += 1
        self.version += 1
        row = Row(f"{self.role}-{self.next_id}", dict(values), self.version, self._stamp(), external_id, actor)
        row.made_at = row.updated_at if self.traits.dated else None
        self.rows[row.remote_id] = row
        self.events.append(self.shown(row, How.EVENT))
        return row

    def shown(self, row: Row, how: How, read_at: datetime | None = None) -> Observation:
        observation = Observation(
            self.role,
            row.remote_id,
            dict(row.fields),
            read_at or self.world.now(),
            str(row.version) if self.traits.exact else None,
            row.updated_at,
            self.world.now(),
            row.actor,
            how=how,
            external_id=row.external_id,
            digest=str(row.version),
            created_at=row.made_at,
        )
        self.world.showing(observation, row)
        return observation

    # the port

    def read(self, remote_id: str) -> Observation:
        asked = self.world.now()
        self.world.call(self, "read", remote_id)
        row = self.rows.get(remote_id)
        if row is None:
            return Observation(self.role, remote_id, {}, asked, deleted=True)
        row.asked_at = asked
        seen = self._lagged(row, How.BY_ID, asked)
        row.looked_at = asked if seen.digest == str(row.version) else row.before_at
        return seen

    def _lagged(self, row: Row, how: How, asked: datetime) -> Observation:
        """What a read shows: with a lagging provider, for a while, perhaps the version before."""
        row.shown_at = asked
        fresh = asked - (row.updated_at - self.traits.skew) < LAG
        if row.before is None or not fresh or self.world.calm or self.random.random() > 0.3:
            return self.shown(row, how, asked)
        self.world.counts["reads that lagged"] += 1
        return replace(row.before, read_at=asked, how=how)

    def pages(self, cursor: str, *, full: bool = False) -> Iterator[Listing]:
        """Ordered by version; the cursor is the version read up to. The overlap is one record."""
        at = 0 if full or not cursor else max(0, int(cursor) - 1)
        while True:
            asked = self.world.now()
            self.world.call(self, "list")
            rows = sorted((r for r in self.rows.values() if r.version > at), key=lambda r: r.version)[
                : self.traits.page
            ]
            last = len(rows) < self.traits.page
            at = rows[-1].version if rows else at
            shown = [self._lagged(row, How.LIST, asked) for row in rows]
            lagged = [row.version - 1 for row, seen in zip(rows, shown, strict=True) if seen.digest != str(row.version)]
            yield Listing(shown, str(min([at, *lagged])), last)
            if last:
                return

    def find(self, values: Values, external_id: str) -> list[Observation]:
        asked = self.world.now()
        self.world.call(self, "find")
        email = values.get("email")
        return [
            self.shown(row, How.SEARCH, asked)
            for row in self.rows.values()
            if row.external_id == external_id
            or (email is not None and self._key(row.fields.get("email")) == self._key(email))
        ]

    def _key(self, email: Json) -> Json:
        return self.norms["email"](email) if "email" in self.norms else email

    def create(self, values: Values, *, key: str, external_id: str) -> Written:
        lands = self._before("create", "")
        row = self.rows.get(self.by_key.get(key, ""))
        if row is None:
            row = self.add(self.form(values, ours=True), "hub", external_id)
            self.by_key[key] = row.remote_id
            self.created[external_id] = self.created.get(external_id, 0) + 1
            self.writes += 1
        return self._after("create", row, lands)

    def update(self, remote_id: str, values: Values, *, version: str | None, key: str) -> Written:
        lands = self._before("update", remote_id)
        row = self.rows.get(remote_id)
        if row is None:
            raise Gone("the record does not exist")
        if self.traits.conditional and version is not None and version != str(row.version):
            raise Stale("the record is at another version")
        self.writes += 1
        self.put(row, self.form(values, ours=True), "hub", None)
        return self._after("update", row, lands)

    def delete(self, remote_id: str, *, version: str | None, key: str) -> None:
        self._before("delete", remote_id)
        self.rows.pop(remote_id, None)
        self.writes += 1

    def _before(self, name: str, remote_id: str) -> str:
        self.world.call(self, name, remote_id)
        fault = self.world.fault()
        if fault == "limited":
            raise Limited("too many requests", retry_after=1.0)
        if fault == "unsent":
            raise Unknown("the connection was lost")
        return fault

    def _after(self, name: str, row: Row, fault: str) -> Written:
        version = str(row.version) if self.traits.exact else None
        shown = self.shown(row, How.RESPONSE) if self.traits.body else None
        self.world.call(self, f"{name} answered", row.remote_id)
        if fault == "landed":
            raise Unknown("the answer was lost")
        return Written(row.remote_id, version, shown)
