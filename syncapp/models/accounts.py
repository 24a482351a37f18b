"""Who we are connected to: accounts, their feeds, and the runs that read them."""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q


def new_webhook_token() -> str:
    return secrets.token_urlsafe(24)


class Account(models.Model):
    """A connected account at a provider: credentials, health, direction."""

    class Direction(models.TextChoices):
        BOTH = "both", "reads and writes"
        IN = "in", "reads only"
        OUT = "out", "writes only"
        OFF = "off"

    class Health(models.TextChoices):
        UNKNOWN = "unknown", "not tried yet"
        WELL = "well"
        ATTENTION = "attention", "needs attention"

    slug = models.SlugField(max_length=60, unique=True)
    provider = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)
    config: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    # Encrypted; read and written through syncapp.secrets only.
    secrets = models.BinaryField(default=b"", blank=True, editable=False)
    # name -> {"env": NAME} or {"file": path}: resolved when used, so nothing secret is stored for these.
    secret_refs: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    allow_private = models.BooleanField(default=False, help_text="May be reached at private or local addresses.")
    paused = models.CharField(max_length=300, blank=True, help_text="Why nothing is read or written; empty: running.")
    direction = models.CharField(max_length=5, choices=Direction, default=Direction.BOTH)
    webhook_token = models.CharField(max_length=64, unique=True, default=new_webhook_token, editable=False)
    health = models.CharField(max_length=10, choices=Health, default=Health.UNKNOWN)
    last_error = models.TextField(blank=True)
    # The account's clock minus the hub's, in seconds; unknown until an answer carried a Date.
    skew = models.FloatField(null=True, blank=True)
    uncertainty = models.FloatField(default=0.0)
    actor = models.CharField(max_length=255, blank=True, help_text="The name that the hub's own writes appear under.")
    write_budget = models.PositiveIntegerField(
        null=True, blank=True, default=1000, help_text="Writes a minute at most; empty: as many as are due."
    )
    quota_share = models.FloatField(
        default=0.8, help_text="The share of the daily quota, 0 to 1, at which the hub stops writing."
    )
    # What the provider's headers said last: limit, remaining, resets_at, seen_at.
    quota: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    # The tables of a database that were chosen, by slug, as they were reflected then: `connectors.sql.tables`.
    tables: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    # What the last test of it found, as a person asked for it: at, by, and the parts of the hands' `Check`.
    tried: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["slug"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(uncertainty__gte=0), name="account_uncertainty_not_negative"),
            models.CheckConstraint(
                condition=Q(quota_share__gte=0, quota_share__lte=1), name="account_quota_share_is_a_share"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Feed(models.Model):
    """One object type of one account, bound to one role of a sync.

    In preview it is neither judged nor written; a plan shows what would happen, and approving it makes the feed live.
    """

    class Stage(models.TextChoices):
        PREVIEW = "preview"
        LIVE = "live"

    account = models.ForeignKey(Account, models.PROTECT, related_name="feeds")
    object = models.CharField(max_length=60)
    role = models.OneToOneField("policies.Role", models.PROTECT, related_name="feed")
    mapping: models.JSONField[Any, Any] = models.JSONField(default=dict)
    scope: models.JSONField[Any, Any] = models.JSONField(
        default=list, blank=True, help_text="Conditions that all hold for the records that are taken; empty: all are."
    )
    # The delta watermark and the cursor of a run in progress; moved only after its page is durable.
    cursor: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    schedule = models.FloatField(default=60.0, help_text="Seconds between two delta syncs.")
    next_due = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    paused = models.CharField(max_length=300, blank=True)
    stage = models.CharField(max_length=7, choices=Stage, default=Stage.PREVIEW)
    stage_reason = models.CharField(max_length=300, blank=True, help_text="Why it is in preview.")
    # Fields whose mapping changed and whose bases are not dropped yet: no plan and no approval before that is done.
    baseline: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    # The approved plan that the first whole pass is compared with; none once that pass is through.
    plan = models.ForeignKey("syncapp.Run", models.SET_NULL, related_name="+", null=True, blank=True)
    settle_delay = models.FloatField(
        default=0.0, help_text="Seconds that a change has to stand there before it is judged: half-typed values."
    )
    last_success = models.DateTimeField(null=True, blank=True)
    lag = models.FloatField(null=True, blank=True, help_text="Seconds behind, as of the last success.")

    class Meta:
        ordering: ClassVar[list[str]] = ["account", "object"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(schedule__gt=0), name="feed_schedule_positive"),
            models.CheckConstraint(condition=Q(settle_delay__gte=0), name="feed_settle_delay_not_negative"),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["next_due"], name="feed_next_due")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.object}"


class Run(models.Model):
    """One pass over a feed or a sync, with what it counted."""

    class Kind(models.TextChoices):
        DELTA = "delta"
        FULL = "full"
        SWEEP = "sweep"
        PLAN = "plan"

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        HALTED = "halted"

    sync = models.ForeignKey("policies.Sync", models.CASCADE, related_name="runs")
    feed = models.ForeignKey(Feed, models.CASCADE, related_name="runs", null=True, blank=True)
    kind = models.CharField(max_length=6, choices=Kind)
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    counts: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    cursor: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True)
    # Who works on a plan; passes over a feed are claimed on the feed.
    claimed_until = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["sync", "-id"], name="run_by_sync"),
            models.Index(fields=["feed", "-id"], name="run_by_feed"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(state="running", ended_at__isnull=True) | (~Q(state="running") & Q(ended_at__isnull=False)),
                name="run_ended_has_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
