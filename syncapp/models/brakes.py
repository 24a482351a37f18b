"""What was stopped, what is held one by one because of it, and how much was written to an account lately."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q


class Brake(models.Model):
    """A guard that tripped, or a person's stop; open until `released_at`. It stops as little as it can.

    `sync`, `account` and `feed` say what it is about; all three empty: the whole hub, syncs made later included.
    Without constraints to syncs, since a stop must not wait for whoever has a sync locked.
    """

    class Code(models.TextChoices):
        STOP = "stop", "a person stopped all writes"
        MASS_DELETE = "mass_delete", "mass delete"
        MASS_CHANGE = "mass_change", "mass change"
        MASS_REWIND = "mass_rewind", "mass rewind"
        EMPTIED_FEED = "emptied_feed", "emptied feed"
        ALL_CHANGED = "all_changed", "all records changed"
        NEAR_MISSES = "near_misses", "writes come back different"
        BUDGET = "budget", "write budget"
        QUOTA = "quota", "daily quota"

    code = models.CharField(max_length=20, choices=Code)
    sync = models.ForeignKey(
        "policies.Sync", models.CASCADE, related_name="brakes", null=True, blank=True, db_constraint=False
    )
    account = models.ForeignKey("syncapp.Account", models.CASCADE, related_name="brakes", null=True, blank=True)
    feed = models.ForeignKey("syncapp.Feed", models.CASCADE, related_name="brakes", null=True, blank=True)
    sentence = models.TextField()
    counts: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    tripped_at = models.DateTimeField()
    tripped_by = models.CharField(max_length=150, blank=True, help_text="Empty: a guard of the hub's own.")
    # Set by the one worker that tells people.
    alerted_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.CharField(max_length=150, blank=True)
    why = models.TextField(blank=True, help_text="The reason that was given for the release.")

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["code", "sync", "account", "feed"],
                condition=Q(released_at=None),
                nulls_distinct=False,
                name="brake_one_open",
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["tripped_at"], condition=Q(released_at=None), name="brake_open"),
            models.Index(fields=["sync", "-tripped_at"], condition=Q(code="stop"), name="brake_stops"),
        ]

    def __str__(self) -> str:
        return f"{self.get_code_display()} {self.pk}"


class Held(models.Model):
    """One observation that a brake kept from being judged. Held, a feed's record stands here at most once."""

    class What(models.TextChoices):
        DELETE = "delete", "deleted"
        CHANGE = "change", "changed"
        REWIND = "rewind", "set back"

    class State(models.TextChoices):
        HELD = "held"
        RELEASED = "released", "released, to be looked up"
        PASSED = "passed", "judged after its release"
        LEFT = "left", "left as it was"
        GONE = "gone", "no longer so"

    brake = models.ForeignKey(Brake, models.CASCADE, related_name="items")
    feed = models.ForeignKey("syncapp.Feed", models.CASCADE, related_name="held")
    remote_id = models.CharField(max_length=255)
    record = models.ForeignKey("syncapp.Record", models.SET_NULL, related_name="held", null=True, blank=True)
    what = models.CharField(max_length=6, choices=What)
    observation: models.JSONField[Any, Any] = models.JSONField()
    state = models.CharField(max_length=8, choices=State, default=State.HELD)
    held_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "held"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["feed", "remote_id"], condition=Q(state="held"), name="held_once"),
            models.CheckConstraint(
                condition=Q(state="held", ended_at__isnull=True) | (~Q(state="held") & Q(ended_at__isnull=False)),
                name="held_ended_has_a_time",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["brake", "id"], condition=Q(state="held"), name="held_by_brake"),
            models.Index(fields=["record", "feed"], condition=Q(state="held"), name="held_by_record"),
            models.Index(fields=["feed", "remote_id", "-id"], name="held_by_remote"),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.remote_id}"


class Spending(models.Model):
    """How many writes one account was sent in the current minute, by the database's clock; shared by all workers."""

    account = models.OneToOneField("syncapp.Account", models.CASCADE, related_name="spending", primary_key=True)
    minute = models.DateTimeField()
    writes = models.PositiveIntegerField(default=0)
    # When a write last had to wait for the budget.
    refused_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.writes} writes in the minute from {self.minute:%H:%M}"


class Lately(models.Model):
    """Per feed and minute, what was seen deleted, set back or changed there: hints and short passes add up, too."""

    feed = models.ForeignKey("syncapp.Feed", models.CASCADE, related_name="lately")
    minute = models.DateTimeField()
    deleted = models.PositiveIntegerField(default=0)
    rewound = models.PositiveIntegerField(default=0)
    # By hints alone; records, each once in the window.
    changed = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "lately"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["feed", "minute"], name="lately_once")
        ]

    def __str__(self) -> str:
        return f"{self.deleted} deleted, {self.rewound} set back in the minute from {self.minute:%H:%M}"
