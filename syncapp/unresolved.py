"""References that wait for another record, as rows by which the other one finds them. Called by `reconcile`.

Two records are linked in two transactions, and neither sees the other before it is committed. So whoever commits looks
afterwards: who waits rings for a look, and who was linked marks those that wait for it. A sweep finds what a killed
process did not come to.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import Q

from policies.core.identity import living
from policies.core.ownership import KEY
from policies.core.values import WAITING, Base, Record

from .models import Waiting
from .overlay import overlaid
from .queue import ring
from .setting import Setting

RESOLVE_JOB = "syncapp.jobs.resolve"
Pairs = Sequence[tuple[Record | None, Record]]
Linked = tuple[int, str, str]  # feed, remote id, record
Waits = tuple[int, str, int, str | None, uuid.UUID | None]  # feed, unit, feed of the other, its id there, its key


def write_waiting(setting: Setting, pairs: Pairs) -> None:
    """The rows of every record that waits for others than before."""
    moved = [
        (state.key, now)
        for before, state in (pairs if setting.references else ())
        if (now := _waits(setting, state)) != _waits(setting, before)
    ]
    if not moved:
        return
    Waiting.objects.filter(record__in=[uuid.UUID(key) for key, _ in moved]).delete()
    Waiting.objects.bulk_create(
        Waiting(record_id=uuid.UUID(key), feed_id=feed, unit=unit, target_id=target, remote_id=there, key=other)
        for key, waits in moved
        for feed, unit, target, there, other in waits
    )
    _ring()


def _waits(setting: Setting, record: Record | None) -> list[Waits]:
    out: list[Waits] = []
    for role, targets in setting.references.items():
        link = record.links.get(role) if record is not None else None
        for unit in setting.policy.units if link is not None and link.bases else ():
            base = link.bases.get(unit.name) if link is not None else None
            for member in unit.members:
                if base is not None and member.name in targets:
                    out += _of(base, setting.feeds[role].pk, unit.name, targets[member.name])
    return out


def _of(base: Base, feed: int, unit: str, target: int) -> Iterable[Waits]:
    if base.waits:
        yield (feed, unit, target, base.waits, None)
    answer = base.failed.answer if base.failed is not None else ""
    if answer.startswith(WAITING) and KEY.fullmatch(key := answer.removeprefix(WAITING)):
        yield (feed, unit, target, None, uuid.UUID(key))


def tell_waiting(setting: Setting, pairs: Pairs) -> None:
    """Records that this page linked, for the first time or again: once it is committed, those that wait are marked."""
    linked = [
        (setting.feeds[role].pk, link.remote_id, state.key)
        for before, state in pairs
        for role, link in state.links.items()
        if link.remote_id is not None and living(link) and not _stood(before, role, link.remote_id)
    ]
    if linked:
        transaction.on_commit(lambda: mark(linked), robust=True)


def _stood(before: Record | None, role: str, remote_id: str) -> bool:
    old = before.links.get(role) if before is not None else None
    return old is not None and old.remote_id == remote_id and living(old)


def mark(linked: Sequence[Linked]) -> None:
    """In one statement: they are looked at before all others."""
    feeds, ids, keys = zip(*linked, strict=True)
    theirs = Q(remote_id__in=ids) | Q(key__in=[uuid.UUID(key) for key in keys])
    if Waiting.objects.filter(theirs, target__in=set(feeds)).update(asked_at=None):
        _ring()


def _ring() -> None:
    if not overlaid():
        ring(RESOLVE_JOB)
