"""A person lets go what a guard stopped: with a reason, on record, and for this once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction

from policies.core.reasons import Reason, Verdict

from .booked import tell
from .brakes import HOLDS, OPEN, STOPS_FEED, Code
from .load import database_now
from .models import Brake, Feed, Held
from .receive import look_later
from .stopping import Refused, release_stop
from .store import ring_pushes

__all__ = ["Refused", "leave", "release_brake", "release_items"]

NO_REASON = "say why; the reason is kept in the ledger"
NOTHING_CHOSEN = "nothing that you chose is still held; choose from what is listed now"
HOLDS_NOTHING = "this brake holds no records one by one; release all of it"
EACH_SYNC = "all writes are stopped; let each sync write again by itself"
ONLY_DELETES = "only a delete can be left as it is: a change that is dropped would be lost"


def release_brake(brake: Brake, by: str, why: str) -> int:
    """All of it; how many records it held. Raises Refused without a reason, or when it has been released already."""
    why = _reason(why)
    if brake.code == Code.STOP:
        return _let_write(brake, by, why)
    with transaction.atomic():
        released = _let_go(brake, _held(brake), by, why) if brake.code in HOLDS else 0
        end(brake, by, why)
        if brake.code in (*STOPS_FEED, Code.MASS_DELETE) and brake.feed is not None:
            _pass_once(brake.feed, brake.code)
    ring_pushes(_feeds(brake).values_list("pk", flat=True))
    return released


def _let_write(brake: Brake, by: str, why: str) -> int:
    if brake.sync is None:
        raise Refused(EACH_SYNC)
    release_stop(brake.sync, by, why)
    return 0


def release_items(brake: Brake, items: Collection[int], by: str, why: str) -> int:
    """Some of what a brake holds: each is looked up again by its id, judged, and may pass the brake once."""
    why = _reason(why)
    if brake.code not in HOLDS:
        raise Refused(HOLDS_NOTHING)
    with transaction.atomic():
        released = _let_go(brake, _held(brake, items), by, why)
        if not released:
            raise Refused(NOTHING_CHOSEN)
        _end_if_empty(brake, by, why)
    return released


def leave(brake: Brake, items: Collection[int] | None, by: str, why: str) -> int:
    """Held deletes that nothing is done about: the records stay linked, and are asked about again if they change."""
    why = _reason(why)
    if brake.code != Code.MASS_DELETE:
        raise Refused(ONLY_DELETES)
    with transaction.atomic():
        rows = _held(brake, items)
        if not rows:
            raise Refused(NOTHING_CHOSEN)
        _answer(rows, Held.State.LEFT)
        _tell(brake, rows, Reason.LEFT_HELD, by, why)
        _end_if_empty(brake, by, why)
    return len(rows)


def end_answered() -> None:
    """Brakes of which nothing is held any more, because it is no longer so, end by themselves."""
    for brake in Brake.objects.filter(OPEN, code__in=HOLDS, items__isnull=False).distinct().select_related("feed"):
        if not brake.items.filter(state=Held.State.HELD).exists():
            with transaction.atomic():
                end(brake, "", "nothing of what it held is so any more")


def end(brake: Brake, by: str, why: str) -> None:
    """The brake is off; a line in the ledger of each sync it was about. Raises Refused if somebody was quicker."""
    told = {"released_at": database_now(), "released_by": by, "why": why}
    if not Brake.objects.filter(OPEN, pk=brake.pk).update(**told):
        raise Refused("it has been released already")
    for feed in _feeds(brake).select_related("role__sync"):
        _tell_of(feed, [None], Reason.RELEASED_HELD, f"{brake.get_code_display()}; {why}", by)


def _reason(why: str) -> str:
    if not why.strip():
        raise Refused(NO_REASON)
    return why.strip()


def _feeds(brake: Brake) -> Any:
    return Feed.objects.filter(pk=brake.feed_id) if brake.feed_id else Feed.objects.filter(account=brake.account_id)


def _held(brake: Brake, items: Collection[int] | None = None) -> Sequence[Held]:
    """Locked, so that two people answer each of them once."""
    rows = Held.objects.select_for_update(of=("self",)).filter(brake=brake, state=Held.State.HELD)
    return list(rows.filter(pk__in=items) if items is not None else rows)


def _let_go(brake: Brake, rows: Sequence[Held], by: str, why: str) -> int:
    assert brake.feed_id is not None, "what holds records is about a feed"
    feed = Feed.objects.select_related("account", "role__sync").get(pk=brake.feed_id)
    _answer(rows, Held.State.RELEASED)
    _tell(brake, rows, Reason.RELEASED_HELD, by, why)
    look_later(feed, [row.remote_id for row in rows], 0.0)
    return len(rows)


def _answer(rows: Sequence[Held], state: Held.State) -> None:
    Held.objects.filter(pk__in=[row.pk for row in rows]).update(state=state, ended_at=database_now())


def _tell(brake: Brake, rows: Sequence[Held], reason: Reason, by: str, why: str) -> None:
    assert brake.feed_id is not None, "what holds records is about a feed"
    feed = Feed.objects.select_related("role__sync").get(pk=brake.feed_id)
    for what in Held.What:
        records = [row.record_id for row in rows if row.what == what and row.record_id is not None]
        _tell_of(feed, records, reason, f"the record was {what.label} there; {why}", by)


def _tell_of(feed: Feed, records: Sequence[Any], reason: Reason, detail: str, by: str) -> None:
    told = {"role": feed.role.name, "detail": detail, "actor": by}
    tell(feed.role.sync, Verdict.RELEASED, reason, records=records, **told)


def _end_if_empty(brake: Brake, by: str, why: str) -> None:
    if not brake.items.filter(state=Held.State.HELD).exists():
        end(brake, by, why)


def _pass_once(feed: Feed, code: str) -> None:
    """The next whole pass may do what this guard held; it is due now."""
    cursor: Mapping[str, Any] = Feed.objects.select_for_update().values_list("cursor", flat=True).get(pk=feed.pk)
    released = sorted({*cursor.get("released", ()), code})
    Feed.objects.filter(pk=feed.pk).update(cursor={**cursor, "released": released}, next_due=None)
