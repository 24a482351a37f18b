"""What a simulated account holds, and what people and the hub do to it; whose edits go with what is replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from policies.core.scope import Condition, holds
from policies.core.seen import How, Observation
from policies.core.values import Json, Values

from .rows import Edit, Row, Traits

if TYPE_CHECKING:
    from .world import World

Form = Callable[[Json], Json]
RECENT = timedelta(seconds=1)  # a look that belongs to the write that follows it


class Holdings:
    """The rows of one account in its own form, its bin, and the events that it will send."""

    def __init__(
        self,
        world: World,
        role: str,
        traits: Traits,
        norms: Mapping[str, Form],
        hidden: Mapping[str, Form],
        scope: tuple[Condition, ...],
        random: Random,
    ) -> None:
        self.world, self.role, self.traits, self.random = world, role, traits, random
        self.norms, self.hidden = norms, hidden
        self.scope = scope
        self.skew = traits.skew
        self.rows: dict[str, Row] = {}
        self.trash: dict[str, Row] = {}
        self.ever_gone: set[str] = set()  # remote ids that were deleted or merged away once, by whomever
        self.merged: dict[str, str] = {}  # remote ids that are no more, and what they live on as
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
        self.ever_gone.add(row.remote_id)
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
            self.events.append(self.tombstone(row, How.EVENT, self.world.hub_now()))

    def merge(self, row: Row, into: Row, edits: list[Edit]) -> None:
        """A person merges one record into another, which takes what it had no value for."""
        self.trash[row.remote_id] = self.rows.pop(row.remote_id)
        self.ever_gone.add(row.remote_id)
        self.merged[row.remote_id] = into.remote_id
        for edit in (*row.edits.values(), *row.written_over.values()):
            if not edit.lost_to or row.shown_at < edit.at:
                edit.lost_to = "merged"
        row.version, row.state, row.before = self._next(), self.states, None
        if self.traits.reports == "events":
            self.events.append(self.tombstone(row, How.EVENT, self.world.hub_now()))
        for edit in edits:
            self.put(into, edit.stored, "person", edit)

    def in_scope(self, row: Row) -> bool:
        return holds(self.scope, row.fields)

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
        self.merged.pop(remote_id, None)
        for edit in row.edits.values():
            if edit.lost_to in ("deleted", "hub", "merged"):
                edit.lost_to, edit.unlooked = "", False
        return row

    def shown(self, row: Row, how: How, read_at: datetime | None = None) -> Observation:
        raise NotImplementedError

    def tombstone(self, row: Row, how: How, read_at: datetime) -> Observation:
        raise NotImplementedError
