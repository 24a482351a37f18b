"""Approve a plan: its feeds go live, and the ordinary full pass of the workers carries out what was shown."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from policies.models import PolicySet
from syncapp.load import database_now, hold_syncs
from syncapp.models import Approval, Feed, Run
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
        # The tick finds them due, and reads first loads in the order of the roles, as the plan did.
        Feed.objects.filter(pk__in=[feed.pk for feed in feeds]).update(
            stage=Feed.Stage.LIVE, stage_reason="", cursor={}, next_due=None, plan=run
        )
        roles = [feed.role.name for feed in feeds]
        return Approval.objects.create(run=run, by=by, at=database_now(), why=why.strip(), roles=roles)


def waiting_feeds(run: Run) -> list[Feed]:
    """The feeds in preview that this plan read as a whole."""
    feeds = Feed.objects.filter(role__sync=run.sync_id, stage=Feed.Stage.PREVIEW).select_related("account", "role")
    whole = {role for role, told in run.counts.get("feeds", {}).items() if told.get("state") == Run.State.DONE}
    return [feed for feed in feeds.order_by("role__order", "role__name") if feed.role.name in whole]


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
    return _moved_on(run, feeds)


def _moved_on(run: Run, feeds: Sequence[Feed]) -> str:
    if Run.objects.filter(sync=run.sync_id, kind=Run.Kind.PLAN, state=Run.State.DONE, pk__gt=run.pk).exists():
        return "there is a newer plan: look at that one"
    policy = PolicySet.objects.filter(sync=run.sync_id, state=PolicySet.State.PUBLISHED).first()
    if policy is None or policy.version != run.counts.get("policy"):
        return "the policy changed since the plan was made; make a new plan"
    mapping = run.counts.get("mapping", {})
    moved = [feed.role.name for feed in feeds if feed.baseline or basis(feed) != mapping.get(feed.role.name)]
    if moved:
        words = words_of([run.sync_id])[run.sync_id]
        return f"the mapping of {words.role(','.join(moved))} changed since the plan was made; make a new plan"
    return ""
