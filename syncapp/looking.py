"""The remote of those who write: a look before a write may be the first to see a delete, and many are held as well;
a create that is sent again is one more write.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from django.db import transaction

from policies.core.seen import Observation
from policies.core.values import Values

from .brakes import Braked
from .connectors.errors import ConnectorError, Retryable
from .guard import sift_hints
from .holding import Holder, State
from .known import known_links
from .lastlook import LastLook
from .ports import New, Written
from .settling import unsettled
from .spending import spend
from .together import Together


class HeldBack(Retryable):
    """What this look showed is held until a person has seen it, and the write waits for that."""


class OverBudget(Retryable):
    """A create that has to be sent again would be one write too many now: its outcome stays unknown for a while."""


class LookingRemote(Together):
    _resends = False

    @contextmanager
    def resending(self) -> Iterator[None]:
        """Creates in here were begun before; the budget counted that, and now counts what really leaves once more."""
        self._resends = True
        try:
            yield
        finally:
            self._resends = False

    def create(self, values: Values, *, key: str, external_id: str) -> Written:
        """Raises OverBudget."""
        self._spend(1)
        return super().create(values, key=key, external_id=external_id)

    def create_many(self, records: Sequence[New]) -> list[Written | ConnectorError]:
        """Raises OverBudget."""
        self._spend(len(records))
        return super().create_many(records)

    def _spend(self, writes: int) -> None:
        if not self._resends:
            return
        try:
            with transaction.atomic():
                spend(self.feed.account, writes, self.now())
        except Braked as braked:
            raise OverBudget(str(braked), retry_after=braked.seconds) from braked

    def read(self, remote_id: str) -> Observation:
        """Raises HeldBack."""
        seen = super().read(remote_id)
        known = known_links(self.feed, {remote_id}) if self.feed.settle_delay else {}
        waits = unsettled(self.feed, [seen], known, {}, self.now())
        if waits:
            raise HeldBack("it was changed there moments ago, and may be half typed", retry_after=waits[remote_id])
        if not self._through([seen]):
            raise HeldBack("the record is deleted there, like many others; that is held until a person has looked")
        return seen

    def read_many(self, remote_ids: Collection[str]) -> list[Observation]:
        """What is held is left out, as what cannot be read is."""
        self._looked: set[str] = set()
        seen = super().read_many(remote_ids)
        return [one for one in seen if one.remote_id in self._looked or self._through([one])]

    def _read_one(self, remote_id: str) -> list[Observation]:
        self._looked.add(remote_id)
        try:
            return super()._read_one(remote_id)
        except HeldBack:
            return []

    def _through(self, seen: Sequence[Observation]) -> list[Observation]:
        gone = [one for one in seen if one.deleted and one.merged_into is None]
        if not gone:
            return list(seen)
        holder = Holder.of(self.feed)
        through = sift_hints(holder, gone, self.now())
        holder.note(self.now())
        # Of what a person left as it is nothing is asked, until the hub itself has something to write there.
        left = {one for one, row in holder.rows.items() if row.state == State.LEFT}
        return [one for one in seen if one not in gone or one in through or one.remote_id in left]


class LastLooking(LastLook):
    """The same, where the look was repeated often enough."""

    def __init__(self, remote: LookingRemote) -> None:
        super().__init__(remote)
        self.resending = remote.resending
