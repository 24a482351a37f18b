"""The one switch: stop every outbound write of the hub; and let them go again, sync by sync, with a reason."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.db import transaction

from policies.core.reasons import Reason, Verdict
from policies.models import Sync

from .booked import tell
from .brakes import OPEN, Code, in_force
from .load import database_now
from .models import Brake, Feed, Push
from .store import ring_pushes

logger = logging.getLogger(__name__)

STOPPED = "{who} stopped all writes{because}; reads and judging go on, and what is due waits."


class Refused(Exception):
    """What was asked for cannot be done; the sentence says why and what can."""


@dataclass(frozen=True, slots=True)
class Stop:
    """What a stop found. Writes that were under way are settled by reading what the account holds then."""

    syncs: int  # stopped by this call
    under_way: int
    waiting: int


def stop_all(by: str, why: str = "") -> Stop:
    """Nothing new is sent once this has returned; it waits for nobody who has a sync, a feed or a record locked."""
    sentence = STOPPED.format(who=by, because=f" ({why})" if why else "")
    stopped = Brake.objects.filter(OPEN, code=Code.STOP, sync__isnull=False)
    before = stopped.count()
    now = database_now()
    about = [None, *Sync.objects.values_list("pk", flat=True)]
    Brake.objects.bulk_create(
        [Brake(code=Code.STOP, sync_id=pk, sentence=sentence, tripped_at=now, tripped_by=by) for pk in about],
        ignore_conflicts=True,
    )
    if not in_force():
        logger.warning("a write that was about to begin took long; it is stopped just before it is sent")
    states = Push.objects.filter(state__in=[Push.State.PENDING, Push.State.SENDING])
    under_way = states.filter(state=Push.State.SENDING).count()
    return Stop(stopped.count() - before, under_way, states.count() - under_way)


def stop_newcomers() -> None:
    """Syncs made while the switch is on are stopped too: their own row, so that each can be released by itself."""
    whole = Brake.objects.filter(OPEN, code=Code.STOP, sync=None).first()
    if whole is None:
        return
    known = Brake.objects.filter(code=Code.STOP, sync__isnull=False, tripped_at__gte=whole.tripped_at)
    fresh = Sync.objects.exclude(pk__in=known.values("sync_id")).values_list("pk", flat=True)
    Brake.objects.bulk_create(
        [
            Brake(
                code=Code.STOP,
                sync_id=pk,
                sentence=whole.sentence,
                tripped_at=whole.tripped_at,
                tripped_by=whole.tripped_by,
            )
            for pk in fresh
        ],
        ignore_conflicts=True,
    )


def is_stopped(sync: Sync) -> Brake | None:
    stop_newcomers()
    return Brake.objects.filter(OPEN, code=Code.STOP, sync=sync).first()


def release_stop(sync: Sync, by: str, why: str) -> None:
    """The writes of one sync go out again. Raises Refused without a reason, or if nothing is stopped."""
    why = why.strip()
    if not why:
        raise Refused("say why its writes may go out again; the reason is kept in the ledger")
    with transaction.atomic():
        brake = is_stopped(sync)
        now = database_now()
        row = Brake.objects.filter(OPEN, pk=brake.pk) if brake is not None else Brake.objects.none()
        if not row.update(released_at=now, released_by=by, why=why):
            raise Refused(f"the writes of {sync.name} are not stopped; there is nothing to release")
        tell(sync, Verdict.RELEASED, Reason.RELEASED_HELD, detail=f"all writes of {sync.name}; {why}", actor=by)
        if not Brake.objects.filter(OPEN, code=Code.STOP, sync__isnull=False).exists():
            Brake.objects.filter(OPEN, code=Code.STOP, sync=None).update(released_at=now, released_by=by, why=why)
    ring_pushes(Feed.objects.filter(role__sync=sync).values_list("pk", flat=True))
