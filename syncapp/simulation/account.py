"""A simulated account: it shows what it holds on request, and takes the hub's writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from policies.core.seen import How, Observation
from policies.core.values import Json, Values
from syncapp.connectors.errors import Gone, Limited, Stale, Unknown
from syncapp.ports import Listing, Written

from .holdings import Form, Holdings
from .rows import Row

__all__ = ["LAG", "Account", "Form"]

LAG = timedelta(seconds=2)  # how long a lagging provider may show the version before


class Account(Holdings):
    """Implements `ports.Remote` for one role; every call passes through the world, which interrupts it."""

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
            in_scope=self.in_scope(row),
        )
        self.world.showing(observation, row)
        return observation

    def tombstone(self, row: Row, how: How, read_at: datetime) -> Observation:
        version = str(row.version) if self.traits.exact else None
        into = self.merged.get(row.remote_id)
        version = None if into else version
        return Observation(self.role, row.remote_id, {}, read_at, version, deleted=True, merged_into=into, how=how)

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
            into = self.merged.get(remote_id)
            return Observation(self.role, remote_id, {}, read_at, deleted=True, merged_into=into)
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
        return self._lagged(row, How.LIST, asked, read_at) if here else self.tombstone(row, How.LIST, read_at)

    def listed(self) -> list[Row]:
        """Where the scope is part of the provider's query, records that leave it just stop showing."""
        asked = self.traits.filters
        return [row for row in self.rows.values() if not asked or self.in_scope(row)]

    def _after(self, version: int) -> list[Row]:
        """One page: the records, and what was deleted where listings tell it."""
        gone = self.trash.values() if self.traits.reports == "list" else ()
        found = [row for row in (*self.listed(), *gone) if row.version > version]
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
            # an older copy that somebody took out of the bin, and that a person keeps apart, is another record's by now
            mine = [other for other in self.rows.values() if other.external_id == external_id]
            if any(self.world.owner(other) in ("", external_id) for other in mine):
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
