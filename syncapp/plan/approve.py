"""Approve a plan: its feeds go live, and the ordinary full pass of the workers carries out what was shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from policies.models import PolicySet
from syncapp.health import IN
from syncapp.load import database_now, hold_syncs
from syncapp.models import Account, Approval, Feed, Run
from syncapp.queue import TICK, ring
from syncapp.words import words_of

from .work import basis


class NotApprovable(Exception):
    """Why this plan cannot be carried out, and what to do instead; one sentence."""


def approve(run_id: int, by: str, why: str = "") -> Approval:
    """Raises NotApprovable. Exactly what the plan showed is carried out; what moved meanwhile is judged anew."""
    with transaction.atomic():
        run = Run.objects.select_related("sync").get(pk=run_id)
        # As `apply` does: no policy and no mapping is changed under it, and no two people approve at once.
        hold_syncs([run.sync_id])
        feeds = waiting_feeds(run)
        problem = why_not(run, feeds)
        if problem:
            raise NotApprovable(problem)
        # The tick finds them due, and reads first loads in the order of the roles, as the plan did; this rings for it.
        live = Feed.objects.filter(pk__in=[feed.pk for feed in feeds])
        live.update(stage=Feed.Stage.LIVE, stage_reason="", cursor={}, next_due=None, plan=None)
        live.filter(account__direction__in=IN).update(plan=run)  # of the others nothing is read, or compared with it
        ring(TICK)
        roles = [feed.role.name for feed in feeds]
        return Approval.objects.create(run=run, by=by, at=database_now(), why=why.strip(), roles=roles)


def waiting_feeds(run: Run) -> list[Feed]:
    """The feeds in preview that this plan read as a whole, and those that are only written to."""
    feeds = Feed.objects.filter(role__sync=run.sync_id, stage=Feed.Stage.PREVIEW).select_related("account", "role")
    told = run.counts.get("feeds", {})
    return [feed for feed in feeds.order_by("role__order", "role__name") if _was_shown(feed, told.get(feed.role.name))]


def _was_shown(feed: Feed, told: Mapping[str, Any] | None) -> bool:
    if told is None:
        return False
    return told.get("state") == Run.State.DONE or (feed.account.direction == Account.Direction.OUT and not feed.paused)


def why_not(run: Run, feeds: Sequence[Feed]) -> str:
    """Why the plan cannot be approved now, or ""."""
    if run.kind != Run.Kind.PLAN:
        return "this run is no plan"
    if hasattr(run, "approval"):
        return f"{run.approval.by} approved it already"
    if run.state == Run.State.RUNNING:
        return "the plan is still being made"
    if run.state != Run.State.DONE:
        return f"the plan is not whole ({run.error}); mend that, and make a new one"
    if not feeds:
        return "nothing waits for an approval: every system that it read is live already"
    return _moved_on(run)


def newer_plan(run: Run) -> Run | None:
    """The newest whole plan of the same sync, if it is not this one."""
    later = Run.objects.filter(sync=run.sync_id, kind=Run.Kind.PLAN, state=Run.State.DONE, pk__gt=run.pk)
    return later.order_by("-pk").first()


def _moved_on(run: Run) -> str:
    """What is written at one side follows from what is read at every other: none may have changed."""
    if newer_plan(run) is not None:
        return "there is a newer plan: look at that one"
    policy = PolicySet.objects.filter(sync=run.sync_id, state=PolicySet.State.PUBLISHED).first()
    if policy is None or policy.version != run.counts.get("policy"):
        return "the policy changed since the plan was made; make a new plan"
    every = Feed.objects.filter(role__sync=run.sync_id).select_related("account", "role")
    words = words_of([run.sync_id])[run.sync_id]
    mapping, directions = run.counts.get("mapping", {}), run.counts.get("directions", {})
    since = "changed since the plan was made; make a new plan"
    if moved := [f.role.name for f in every if f.baseline or basis(f) != mapping.get(f.role.name)]:
        return f"the mapping or the scope of {words.role(','.join(moved))} {since}"
    if moved := [f.role.name for f in every if f.account.direction != directions.get(f.role.name)]:
        return f"what is read and written at {words.role(','.join(moved))} {since}"
    return ""
