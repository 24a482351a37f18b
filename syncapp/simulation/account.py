"""A simulated account: it stores what people type and what the hub writes in its own form, and shows it on request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from policies.core.seen import How, Observation
from policies.core.values import Json, Values
from syncapp.connectors.errors import Gone, Limited, Stale, Unknown
from syncapp.ports import Listing, Written

from .rows import Edit, Row, Traits

if TYPE_CHECKING:
    from .world import World

Form = Callable[[Json], Json]
RECENT = timedelta(seconds=1)  # a look that belongs to the write that follows it
LAG = timedelta(seconds=2)  # how long a lagging provider may show the version before


class Account:
    """Implements `ports.Remote` for one role; every call passes through the world, which interrupts it."""

    def __init__(
        self, world: World, role: str, traits: Traits, norms: dict[str, Form], hidden: dict[str, Form], random: Random
    ) -> None:
        self.world, self.role, self.traits, self.random = world, role, traits, random
        self.norms, self.hidden = norms, hidden
        self.skew = traits.skew
        self.rows: dict[str, Row] = {}
        self.trash: dict[str, Row] = {}
        self.saved: dict[str, Row] = {}  # the latest backup
        self.by_key: dict[str, str] = {}  # idempotency key -> remote id
        self.version = 0
        self.states = 0
        self.next_id = 0
        self.writes = 0
        self.doubled: list[str] = []
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
        at = self.world.now() + self.skew
        step = self.traits.granularity
        if not step:
            return at
        seconds = at.timestamp()
        return datetime.fromtimestamp(seconds - seconds % step.total_seconds(), tz=at.tzinfo)

    def _next(self) -> int:
        self.version += 1
        self.states += 1
        return self.version

    # what people and the hub do to rows

    def put(self, row: Row, values: Values, actor: str | None, edit: Edit | None) -> None:
        """Store values; the edits that they replace are lost to whoever did it."""
        previous = self.shown(row, How.LIST) if self.traits.lagging else None
        for name, value in values.items():
            if edit is None and value == row.fields.get(name):
                continue  # what a person typed is still what stands there
            old = row.edits.get(name)
            if old is not None and not old.lost_to and old is not edit:
                old.lost_to = "person" if edit is not None else "hub"
                if edit is None:
                    row.written_over[name] = old
                    old.lost_for = self.world.owner(row)
                old.unlooked = edit is None and self._unlooked(row, old)
            over = row.written_over.get(name)
            if edit is not None and over is not None and row.shown_at < over.at:
                over.lost_to = "person"  # and that too went before anybody looked
            if edit is not None:
                row.edits[name] = edit
            else:
                row.edits.pop(name, None)
            row.fields[name] = value
        row.before, row.before_at, row.changed_at = previous, row.changed_at, self.world.tick
        row.version, row.state, row.updated_at, row.actor = self._next(), self.states, self._stamp(), actor
        self.events.append(self.shown(row, How.EVENT))

    def _unlooked(self, row: Row, edit: Edit) -> bool:
        """Was it made in the gap between the hub's look and its write, which had no condition?"""
        recent = self.world.tick - row.asked_at < RECENT and edit.at > row.looked_at
        return recent and not self.traits.conditional

    def add(self, values: Values, actor: str | None, external_id: str | None = None) -> Row:
        self.next_id += 1
        version = self._next()
        row = Row(
            self.role, self._new_id(), dict(values), version, self.states, self._stamp(), external_id, actor
        )  # fmt: skip
        row.made_at = row.updated_at if self.traits.dated else None
        self.rows[row.remote_id] = row
        self.events.append(self.shown(row, How.EVENT))
        return row

    def _new_id(self) -> str:
        """Two portals of one provider number their records alike."""
        return f"{self.role.removesuffix('2')}-{self.next_id}"

    def remove(self, row: Row, by: str) -> None:
        """The record is deleted: by a "person", or by the "hub"."""
        self.trash[row.remote_id] = self.rows.pop(row.remote_id)
        for edit in row.edits.values():
            if not edit.lost_to:
                edit.lost_to = "hub" if by == "hub" else "deleted"
                edit.lost_for = self.world.owner(row)
                edit.unlooked = by == "hub" and self._unlooked(row, edit)
        for over in row.written_over.values():
            if by != "hub" and row.shown_at < over.at:
                over.lost_to = "deleted"
        row.version, row.state, row.before = self._next(), self.states, None
        if self.traits.reports == "events":
            self.events.append(self._tombstone(row, How.EVENT, self.world.hub_now()))

    def vanish(self, row: Row) -> None:
        """It was made after the backup that was put back: nobody deleted it, and nothing tells of it."""
        del self.rows[row.remote_id]
        for edit in row.edits.values():
            edit.lost_to = edit.lost_to or "restored"

    def bring_back(self, row: Row) -> None:
        """A person takes a record out of the bin again."""
        self.rows[row.remote_id] = self.untrash(row.remote_id)
        row.version, row.state, row.updated_at = self._next(), self.states, self._stamp()
        row.actor, row.changed_at = "person", self.world.tick
        self.events.append(self.shown(row, How.EVENT))

    def untrash(self, remote_id: str) -> Row:
        """What went with the record comes back with it."""
        row = self.trash.pop(remote_id)
        for edit in row.edits.values():
            if edit.lost_to in ("deleted", "hub"):
                edit.lost_to, edit.unlooked = "", False
        return row

    # what it shows

    def shown(self, row: Row, how: How, read_at: datetime | None = None) -> Observation:
        observation = Observation(
            self.role,
            row.remote_id,
            dict(row.fields),
            read_at or self.world.hub_now(),
            str(row.version) if self.traits.exact else None,
            row.updated_at,
            self.world.hub_now(),
            row.actor,
            how=how,
            external_id=row.external_id,
            digest=str(row.state),
            created_at=row.made_at,
        )
        self.world.showing(observation, row)
        return observation

    def _tombstone(self, row: Row, how: How, read_at: datetime) -> Observation:
        version = str(row.version) if self.traits.exact else None
        return Observation(self.role, row.remote_id, {}, read_at, version, deleted=True, how=how)

    def _lagged(self, row: Row, how: How, asked: datetime, read_at: datetime) -> Observation:
        """What a read shows: with a lagging provider, for a while, perhaps the version before."""
        row.shown_at = asked
        fresh = asked - row.changed_at < LAG
        if row.before is None or not fresh or self.world.calm or self.random.random() > 0.3:
            return self.shown(row, how, read_at)
        self.world.counts["reads that lagged"] += 1
        return replace(row.before, read_at=read_at, how=how)

    # the port

    def read(self, remote_id: str) -> Observation:
        asked, read_at = self.world.now(), self.world.hub_now()
        self.world.call(self, "read", remote_id)
        row = self.rows.get(remote_id)
        if row is None:
            return Observation(self.role, remote_id, {}, read_at, deleted=True)
        row.asked_at = asked
        seen = self._lagged(row, How.BY_ID, asked, read_at)
        row.looked_at = asked if seen.digest == str(row.state) else row.before_at
        return seen

    def pages(self, cursor: str, *, full: bool = False) -> Iterator[Listing]:
        """Ordered by version; the cursor is the version read up to. The overlap is one record."""
        at = 0 if full or not cursor else max(0, int(cursor) - 1)
        short = self.world.shortened()
        while True:
            asked, read_at = self.world.now(), self.world.hub_now()
            self.world.call(self, "list")
            rows = self._after(at)
            last = len(rows) < self.traits.page
            at = rows[-1].version if rows else at
            told = [(row, self._listed(row, asked, read_at)) for row in rows if self.random.random() >= short]
            shown = [seen for _, seen in told]
            lagged = [row.version - 1 for row, seen in told if seen.digest not in ("", str(row.state))]
            yield Listing(shown, str(min([at, *lagged])), last)
            if last:
                return

    def _listed(self, row: Row, asked: datetime, read_at: datetime) -> Observation:
        here = row.remote_id in self.rows
        return self._lagged(row, How.LIST, asked, read_at) if here else self._tombstone(row, How.LIST, read_at)

    def _after(self, version: int) -> list[Row]:
        """One page: the records, and what was deleted where listings tell it."""
        gone = self.trash.values() if self.traits.reports == "list" else ()
        found = [row for row in (*self.rows.values(), *gone) if row.version > version]
        return sorted(found, key=lambda row: (row.version, row.remote_id))[: self.traits.page]

    def find(self, values: Values, external_id: str) -> list[Observation]:
        read_at = self.world.hub_now()
        self.world.call(self, "find")
        email = values.get("email")
        return [
            self.shown(row, How.SEARCH, read_at)
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
            if any(other.external_id == external_id for other in self.rows.values()):
                self.doubled.append(f"a second record was made at {self.role} for {external_id}")
            row = self.add(self.form(values, ours=True), "hub", external_id)
            self.by_key[key] = row.remote_id
            self.writes += 1
        return self._after_write("create", row, lands)

    def update(self, remote_id: str, values: Values, *, version: str | None, key: str) -> Written:
        lands = self._before("update", remote_id)
        row = self._wanted(remote_id, version)
        self.writes += 1
        self.put(row, self.form(values, ours=True), "hub", None)
        return self._after_write("update", row, lands)

    def delete(self, remote_id: str, *, version: str | None, key: str) -> None:
        lands = self._before("delete", remote_id)
        row = self._wanted(remote_id, version)
        self.writes += 1
        self.remove(row, "hub")
        self._after_write("delete", row, lands)

    def _wanted(self, remote_id: str, version: str | None) -> Row:
        row = self.rows.get(remote_id)
        if row is None:
            raise Gone("the record does not exist")
        if self.traits.conditional and version is not None and version != str(row.version):
            raise Stale("the record is at another version")
        return row

    def _before(self, name: str, remote_id: str) -> str:
        self.world.call(self, name, remote_id)
        fault = self.world.fault()
        if fault == "limited":
            raise Limited("too many requests", retry_after=1.0)
        if fault == "unsent":
            raise Unknown("the connection was lost")
        return fault

    def _after_write(self, name: str, row: Row, fault: str) -> Written:
        version = str(row.version) if self.traits.exact else None
        shown = self.shown(row, How.RESPONSE) if self.traits.body and name != "delete" else None
        self.world.call(self, f"{name} answered", row.remote_id)
        if fault == "landed":
            raise Unknown("the answer was lost")
        return Written(row.remote_id, version, shown)
