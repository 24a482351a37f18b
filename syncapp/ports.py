"""The two ports that the steps run over: what is remembered (`Store`) and one feed's account (`Remote`).

The clerk implements them over PostgreSQL and HTTP, the simulation over memory and simulated accounts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from policies.core.planned import Plan
from policies.core.rules import Policy
from policies.core.seen import Context, Observation
from policies.core.values import Record, Values

from .connectors.errors import ConnectorError


class Contended(Exception):
    """Somebody else holds or just changed these records: the whole block is to be tried again."""


@dataclass(frozen=True, slots=True)
class Written:
    """A write that was answered. `observation` is the response's own body, when it carries the record."""

    remote_id: str
    version: str | None = None
    observation: Observation | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a feed. `cursor` says where to go on once this page has been judged and committed."""

    observations: Sequence[Observation]
    cursor: str
    last: bool


class Remote(Protocol):
    """One feed's account, speaking canonical values. Calls raise the errors of `syncapp.connectors.errors`.

    Observations made here carry `read_at` = the store's clock just before the request was sent.
    """

    role: str

    def pages(self, cursor: str, *, full: bool = False) -> Iterator[Listing]:
        """What changed since `cursor` ("" or `full`: everything), a page at a time, with overlap."""
        ...

    def read(self, remote_id: str) -> Observation:
        """Read one record by id; a record that is gone comes back with `deleted=True`."""
        ...

    def find(self, values: Values, external_id: str) -> Sequence[Observation]:
        """Look a record up by external id and by the match keys among `values`, before a create."""
        ...

    def create(self, values: Values, *, key: str, external_id: str) -> Written: ...

    def update(self, remote_id: str, values: Values, *, version: str | None, key: str) -> Written:
        """Write fields. `version` is the expected remote version where the account can check it, else None."""
        ...

    def delete(self, remote_id: str, *, version: str | None, key: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Batches:
    """How many records one call may name: to look up, to make, to change; 0 where the account has no such call."""

    find: int = 0
    create: int = 0
    update: int = 0

    @property
    def most(self) -> int:
        """How many pushes may be carried together; 0: none."""
        return min((size for size in (self.create, self.update) if size), default=0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A record that is looked up before it is made."""

    values: Values
    external_id: str


@dataclass(frozen=True, slots=True)
class New:
    values: Values
    key: str
    external_id: str


@dataclass(frozen=True, slots=True)
class Change:
    remote_id: str
    values: Values
    version: str | None
    key: str


class BatchRemote(Remote, Protocol):
    """An account that takes many records in one call. A call that fails as a whole raises; of the others each has its
    own result, in the order asked: what a single call would have returned or raised.
    """

    @property
    def batches(self) -> Batches: ...

    def read_many(self, remote_ids: Sequence[str]) -> Sequence[Observation]:
        """Each of them, also those that are gone, unless it cannot be read at all."""
        ...

    def find_many(self, wanted: Sequence[Wanted]) -> Sequence[Sequence[Observation]]: ...

    def create_many(self, records: Sequence[New]) -> Sequence[Written | ConnectorError]: ...

    def update_many(self, changes: Sequence[Change]) -> Sequence[Written | ConnectorError]: ...


class Page(Protocol):
    """A transaction with its records locked, in a fixed number of queries however many records there are."""

    policy: Policy

    def context(self, role: str) -> Context: ...

    def linked(self, observation: Observation) -> Record | None:
        """The record that this remote id is linked to, as last saved in this page."""
        ...

    def matching(self, observation: Observation) -> Sequence[Record]:
        """Records whose match keys equal the observation's, best key first; only asked for unlinked observations."""
        ...

    def record(self, key: str) -> Record | None: ...

    def new_key(self) -> str: ...

    def save(self, plan: Plan) -> None:
        """Remember the new state, its ledger lines and questions, and what is now due; written when the block ends."""
        ...


class Store(Protocol):
    """What the hub remembers of one sync."""

    def now(self) -> datetime:
        """The one clock: the database's."""
        ...

    def page(
        self, role: str, observations: Sequence[Observation], keys: Sequence[str] = ()
    ) -> AbstractContextManager[Page]:
        """Open a page for observations of one feed: their records, those that match unlinked ones, and those named by
        `keys` are locked in a fixed order and loaded.
        """
        ...

    def open(self, *keys: str) -> AbstractContextManager[Page]:
        """Open a page for these records alone."""
        ...

    def cursor(self, role: str) -> str: ...

    def advance(self, role: str, cursor: str) -> None:
        """Move a feed's watermark; only ever called after the page before it was committed."""
        ...
