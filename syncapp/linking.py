"""A person changes which remote record a record is: unlink, link again, split, join, keep apart, look again.

The same door as every other change: loaded under lock, decided purely, written by `reconcile`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from policies.core import parting
from policies.core.answer import Refused
from policies.core.planned import Plan
from policies.core.seen import Context
from policies.core.values import Record

from . import models
from .again import again
from .models import Feed
from .receive import look_later, ring_inbox
from .store import PgPage, PgStore

Deed = Callable[[PgPage, Sequence[Record], Context], Sequence[Plan]]


def _do(rows: Sequence[models.Record], role: str, deed: Deed) -> Sequence[Plan]:
    """Raises Refused in words, Contended when the records stayed busy."""
    keys = [str(row.key) for row in rows]

    def once() -> Sequence[Plan]:
        with PgStore(rows[0].sync).page(role, (), keys) as page:
            records = [found for key in keys if (found := page.record(key)) is not None]
            if len(records) < len(keys):
                raise Refused("the two are of different syncs, and only records of one can be joined or kept apart")
            plans = deed(page, records, page.context(role))
            for made in plans:
                page.save(made)
            return plans

    return again(once)


def _look(row: models.Record, role: str, remote_id: str | None) -> None:
    """What stands there by now is read and judged next."""
    feed = Feed.objects.filter(role__sync=row.sync, role__name=role).first()
    if feed is not None and remote_id:
        look_later(feed, [remote_id], 0.0)
        ring_inbox()


def unlink(row: models.Record, role: str, actor: str) -> None:
    """Raises Refused, Contended; as all deeds here do."""
    _do([row], role, lambda page, records, context: [parting.unlink(records[0], role, actor, page.policy, context)])


def relink(row: models.Record, role: str, actor: str) -> None:
    made = _do(
        [row], role, lambda page, records, context: [parting.relink(records[0], role, actor, page.policy, context)]
    )
    _look(row, role, made[0].state.links[role].remote_id)


def resume(row: models.Record, role: str, actor: str) -> None:
    """The answer to unlink a merged record is taken back; what the account shows of it is judged anew."""
    made = _do(
        [row], role, lambda page, records, context: [parting.resume(records[0], role, actor, page.policy, context)]
    )
    _look(row, role, made[0].state.links[role].remote_id)


def split(row: models.Record, role: str, actor: str) -> str:
    """The key of the record that the one at `role` is from now on."""

    def deed(page: PgPage, records: Sequence[Record], context: Context) -> Sequence[Plan]:
        return parting.split(records[0], role, page.new_key(), actor, page.policy, context)

    new = _do([row], role, deed)[1].state
    _look(row, role, new.links[role].remote_id)
    return new.key


def join(ending: models.Record, into: models.Record, actor: str) -> None:
    """The first lives on in the second."""

    def deed(page: PgPage, records: Sequence[Record], context: Context) -> Sequence[Plan]:
        return parting.join(records[0], records[1], actor, page.policy, context)

    _do([ending, into], _any_role(into), deed)


def apart(row: models.Record, other: models.Record, actor: str) -> None:
    """A person says that two records with one match key are two: nobody is asked about it again."""

    def deed(page: PgPage, records: Sequence[Record], context: Context) -> Sequence[Plan]:
        return [parting.part(records[0], records[1], actor, page.policy, context)]

    _do([row, other], _any_role(row), deed)


def look_again(row: models.Record, role: str, remote_id: str, actor: str) -> None:
    """What was skipped is asked about anew."""

    def deed(page: PgPage, records: Sequence[Record], context: Context) -> Sequence[Plan]:
        return [parting.look_again(records[0], role, remote_id, actor, page.policy, context)]

    _do([row], role, deed)
    _look(row, role, remote_id)


def _any_role(row: models.Record) -> str:
    return Feed.objects.filter(role__sync=row.sync).order_by("role__order").values_list("role__name", flat=True)[0]
