"""Brakes: what stops writing or reading now, tripping one, and the lock that lets a stop know when it is in force."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import Exists, OuterRef, Q

from .connectors.errors import ConnectorError
from .load import database_now
from .models import Brake, Feed

Code = Brake.Code
# A feed that shows nothing, or everything changed, is neither read nor written until a person has looked.
STOPS_FEED = (Code.EMPTIED_FEED, Code.ALL_CHANGED)
STOPS_WRITES = (Code.STOP, *STOPS_FEED, Code.NEAR_MISSES, Code.QUOTA)
# These hold records one by one; everything else of the feed goes on.
HOLDS = (Code.MASS_DELETE, Code.MASS_CHANGE, Code.MASS_REWIND)

OPEN = Q(released_at=None)
# Shared by all who begin a write; a stop takes it alone once it is committed, and knows then what began before it.
LOCK = 0x73746F7077
BARRIER_PATIENCE = "700ms"
LOCK_NOT_AVAILABLE = "55P03"
TRIES = 3

FEED_STOPPED = Exists(Brake.objects.filter(OPEN, feed=OuterRef("pk"), code__in=STOPS_FEED))
WRITES_STOPPED = Exists(
    Brake.objects.filter(
        OPEN,
        Q(feed=OuterRef("pk")) | Q(account=OuterRef("account_id")) | Q(code=Code.STOP, sync=OuterRef("role__sync_id")),
        code__in=STOPS_WRITES,
    )
)


class Braked(ConnectorError):
    """The hub itself does not let this write out now. Nothing was sent; it waits, for `seconds` if that is known."""

    def __init__(self, sentence: str, seconds: float = 0.0) -> None:
        super().__init__(sentence)
        self.seconds = seconds


def why_stopped(feed: Feed) -> str:
    """The sentence of the brake that keeps the hub from writing there; "" if none does."""
    found = _stopping(list(Brake.objects.filter(OPEN, code__in=STOPS_WRITES)), feed)
    return found.sentence if found is not None else ""


def why_not_listening(feed: Feed) -> str:
    found = Brake.objects.filter(OPEN, feed=feed, code__in=STOPS_FEED).first()
    return found.sentence if found is not None else ""


def _stopping(brakes: Iterable[Brake], feed: Feed) -> Brake | None:
    for brake in brakes:
        if brake.code != Code.STOP:
            if feed.pk == brake.feed_id or feed.account_id == brake.account_id:
                return brake
        elif brake.sync_id in (None, feed.role.sync_id) and not _let_go(brake, feed.role.sync_id):
            return brake
    return None


def _let_go(brake: Brake, sync_id: int) -> bool:
    """The switch stands for the whole hub, but this sync was released since."""
    stops = Brake.objects.filter(code=Code.STOP, sync=sync_id, tripped_at__gte=brake.tripped_at)
    return brake.sync_id is None and stops.exists()


def begin_writing(feeds: Collection[Feed]) -> None:
    """In the transaction that marks writes as begun. Raises Braked, and then nothing of it is kept.

    The lock first: whoever gets it after a stop was committed sees the stop, whoever has it is waited for by the stop.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [LOCK])
    brakes = list(Brake.objects.filter(OPEN, code__in=STOPS_WRITES))
    for feed in feeds if brakes else ():
        found = _stopping(brakes, feed)
        if found is not None:
            raise Braked(found.sentence)


def before_sending(feed: Feed) -> None:
    """Just before a request that writes leaves: it may have been begun long ago. Raises Braked."""
    why = why_stopped(feed)
    if why:
        raise Braked(why)


def in_force() -> bool:
    """Wait, not for long, until every write that began before now is on record. False if one takes longer."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [BARRIER_PATIENCE])
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        return False
    return True


def trip(code: str, sentence: str, *, feed: Feed | None = None, **about: Any) -> Brake:
    """The open brake, opened now if it was not. What it is about: a feed, or `account`, or `sync`."""
    if feed is not None:
        about |= {"feed": feed, "sync_id": feed.role.sync_id}
    made = Brake(code=code, sentence=sentence, tripped_at=database_now(), **about)
    mine = Brake.objects.filter(OPEN, code=code, feed=made.feed_id, account=made.account_id, sync=made.sync_id)
    for _ in range(TRIES):
        found = mine.first()
        if found is not None:
            return found
        Brake.objects.bulk_create([made], ignore_conflicts=True)  # another worker may be as quick
    raise AssertionError("a brake is released faster than it can be tripped")


def open_brakes() -> list[Brake]:
    """All that is braked, the oldest first, with what it is about."""
    rows = Brake.objects.filter(OPEN).select_related("sync", "account", "feed__account", "feed__role")
    return list(rows.order_by("tripped_at", "pk"))
