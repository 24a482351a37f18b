"""Which syncs wait for an approval, and how the plan of each stands: for the home page and the list of plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from policies.models import Sync
from syncapp.models import Feed, Run


@dataclass(frozen=True, slots=True)
class Preview:
    """A sync with feeds in preview, and its newest plan."""

    sync: Sync
    feeds: Sequence[Feed]
    plan: Run | None

    @property
    def names(self) -> str:
        return " and ".join(feed.role.label or feed.role.name for feed in self.feeds)

    @property
    def ready(self) -> bool:
        """The plan is made, and shows what would happen at one of them at least."""
        told = self.plan.counts.get("feeds", {}) if self.plan is not None and self.plan.state == Run.State.DONE else {}
        return any(told.get(feed.role.name, {}).get("previewed") for feed in self.feeds)

    @property
    def being_made(self) -> bool:
        return self.plan is not None and self.plan.state == Run.State.RUNNING


def previews() -> Sequence[Preview]:
    """In two queries, however many there are."""
    by_sync: dict[int, list[Feed]] = {}
    feeds = Feed.objects.filter(stage=Feed.Stage.PREVIEW).select_related("role__sync")
    for feed in feeds.order_by("role__sync__slug", "role__order", "role__name"):
        by_sync.setdefault(feed.role.sync_id, []).append(feed)
    plans = newest_plans(list(by_sync)) if by_sync else {}
    return [Preview(feeds[0].role.sync, feeds, plans.get(pk)) for pk, feeds in by_sync.items()]


def newest_plans(sync_ids: Sequence[int]) -> Mapping[int, Run]:
    plans = Run.objects.filter(sync__in=sync_ids, kind=Run.Kind.PLAN).select_related("approval")
    return {run.sync_id: run for run in plans.order_by("sync_id", "-pk").distinct("sync_id")}
