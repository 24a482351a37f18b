"""A sync is retired: silent, with everything that it knows kept; and taken up again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from policies.models import Sync
from syncapp.apply.changes import Changes
from syncapp.apply.file import Complains
from syncapp.apply.stage import preview
from syncapp.models import Conflict, Draft, Feed, Push, Record
from syncapp.words import counted

RETIRED = "the sync was retired"
TAKEN_UP = "the sync was taken up again"


@dataclass(frozen=True, slots=True)
class Retire:
    sync: Sync
    judges: bool = False

    @property
    def says(self) -> str:
        records = counted(Record.objects.filter(sync=self.sync).count(), "record")
        asked = counted(Conflict.objects.filter(sync=self.sync, state=Conflict.State.OPEN).count(), "open question")
        return (
            f"Nothing of {self.sync} is read or written any more. What it knows ({records}), links, policies and "
            f"history are kept, what people are asked ({asked}) stays in the queue, and nothing is deleted anywhere. "
            "You can take it up again; then what changed meanwhile is compared before anything is written."
        )

    def blocked(self, sync: Sync) -> Sequence[str]:
        if self.sync.retired:
            return [f"it was retired already, {self.sync.retired}"]
        sending = Push.objects.filter(feed__role__sync=sync, state=Push.State.SENDING).count()
        return [f"{counted(sending, 'write')} under way: wait until they are settled"] if sending else []

    def perform(self, sync: Sync, form: Complains, changes: Changes, by: str, why: str) -> None:
        changes.put(sync, f"sync {sync.slug}", {"retired": f"by {by}: {why}"[:300]})
        Draft.objects.filter(sync=sync).delete()
        for feed in Feed.objects.filter(role__sync=sync, paused="").select_related("role"):
            changes.put(feed, f"feed of {feed.role}", {"paused": RETIRED})


@dataclass(frozen=True, slots=True)
class TakeUp:
    sync: Sync
    judges: bool = True

    @property
    def says(self) -> str:
        return (
            f"{self.sync} is in use again. Its accounts are in preview until a plan is approved, which shows what "
            "changed meanwhile and every write."
        )

    def blocked(self, sync: Sync) -> Sequence[str]:
        return [] if self.sync.retired else ["it is in use already"]

    def perform(self, sync: Sync, form: Complains, changes: Changes, by: str, why: str) -> None:
        changes.put(sync, f"sync {sync.slug}", {"retired": ""})
        for feed in Feed.objects.filter(role__sync=sync, paused=RETIRED).select_related("role"):
            changes.put(feed, f"feed of {feed.role}", {"paused": "", **preview(TAKEN_UP)})
