"""A change of a sync that may be in use: done and taken back to see what it would do, then done with a reason."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.db import transaction

from policies.core.reasons import Reason, Verdict
from policies.models import PolicySet, Sync
from syncapp.apply.changes import Changes
from syncapp.apply.file import Complains
from syncapp.apply.locks import hold_set_up
from syncapp.apply.references import check_references
from syncapp.apply.run import revise_all
from syncapp.baseline import take_baseline
from syncapp.booked import tell
from syncapp.connect.bind import Form
from syncapp.connect.credentials import Moved
from syncapp.models import Feed, Push, Record, Run
from syncapp.plan.make import ask_for_plan
from syncapp.queue import TICK, ring
from syncapp.words import counted, enumerated

MOVED = (
    "somebody else changed this sync since the page was shown; look at what it is now, and do it again if still right"
)


class Change(Protocol):
    """What a person wants to be different, checked as far as its form goes."""

    @property
    def says(self) -> str:
        """In a sentence, what will be and whether it can be undone."""
        ...

    @property
    def judges(self) -> bool:
        """Whether the rules of the records change by it."""
        ...

    def blocked(self, sync: Sync) -> Sequence[str]:
        """Why it cannot be done now, and what to do first."""
        ...

    def perform(self, sync: Sync, form: Complains, changes: Changes, by: str, why: str) -> None:
        """In the caller's transaction. Raises ApplyError."""
        ...


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a change would do; nothing was changed to find that out."""

    says: str
    blocked: Sequence[str] = ()
    lines: Sequence[str] = ()
    effects: Sequence[str] = field(default_factory=list)


def seen(sync: Sync) -> str:
    """What a page was made from, so that two people who change it at once are told."""
    feeds = Feed.objects.filter(role__sync=sync).order_by("pk")
    held = [
        list(Sync.objects.filter(pk=sync.pk).values_list("name", "match_keys", "title_fields", "retired")),
        list(sync.fields.values_list("name", "label", "type", "params", "bundle")),
        list(sync.roles.values_list("name", "label", "left")),
        list(PolicySet.objects.filter(sync=sync, state="published").values_list("version")),
        list(feeds.values_list("account_id", "object", "mapping", "scope", "stage", "paused")),
    ]
    return hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()[:32]


def foresee(sync: Sync, change: Change, by: str) -> Outlook:
    """Done as it would be done, counted, and taken back. Raises ApplyError."""
    with transaction.atomic():
        hold_set_up()
        blocked = change.blocked(sync)
        if blocked:
            return Outlook(change.says, blocked)
        before, waiting = _previews(sync), _waiting(sync)
        lines = _done(sync, change, by, "")
        effects = _effects(sync, change, [name for name in _previews(sync) if name not in before], waiting)
        transaction.set_rollback(True)
    return Outlook(change.says, (), lines, effects)


def _done(sync: Sync, change: Change, by: str, why: str) -> list[str]:
    form, changes = Form(), Changes()
    change.perform(Sync.objects.get(pk=sync.pk), form, changes, by, why)
    check_references(form)
    if change.judges and changes.lines:
        revise_all()
    return changes.lines


def _previews(sync: Sync) -> list[str]:
    found = Feed.objects.filter(role__sync=sync, role__left="", paused="", stage=Feed.Stage.PREVIEW)
    return [str(feed.role) for feed in found.select_related("role").order_by("role__order")]


def _waiting(sync: Sync) -> int:
    return Push.objects.filter(feed__role__sync=sync, state=Push.State.PENDING).count()


def _effects(sync: Sync, change: Change, fresh: Sequence[str], waiting: int) -> list[str]:
    if not change.judges:
        return ["No record is judged again, and nothing is written anywhere."]
    records = counted(Record.objects.filter(sync=sync).count(), "record")
    told = [f"{records} will be judged again under the new rules. Nothing that is known is forgotten."]
    if waiting:
        told.append(f"What is due is worked out anew: {counted(waiting, 'write')} wait now.")
    if fresh:
        told.append(
            f"{enumerated(fresh)} {'goes' if len(fresh) == 1 else 'go'} back to preview: nothing is read or written "
            "there until somebody has approved the plan, which lists every write with its reason."
        )
    return told


def carry_out(sync: Sync, change: Change, shown: str, by: str, why: str) -> Run | None:
    """The plan that shows what would be written, where one is needed. Raises Moved, Refused and ApplyError."""
    with transaction.atomic():
        hold_set_up()
        if seen(sync) != shown:
            raise Moved(MOVED)
        blocked = change.blocked(sync)
        if blocked:
            raise Moved("; ".join(blocked))
        before = _previews(sync)
        lines = _done(sync, change, by, why)
        tell(sync, Verdict.DECIDED, Reason.SYNC_CHANGED, detail=f"{'; '.join(lines)} ({why})", actor=by)
        ring(TICK)
    return _look_first(sync, before, by)


def _look_first(sync: Sync, before: Sequence[str], by: str) -> Run | None:
    feeds = Feed.objects.filter(role__sync=sync).exclude(baseline=[])
    done = [take_baseline(pk) for pk in feeds.values_list("pk", flat=True)]  # a new field: there is nothing to forget
    fresh: list[Any] = [name for name in _previews(sync) if name not in before]
    return ask_for_plan(sync, by) if fresh and all(done) else None
