"""Work that waits: verified deliveries, and pushes derived from state."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q


class Delivery(models.Model):
    """A verified webhook body, stored before anything looks at it."""

    class State(models.TextChoices):
        NEW = "new"
        CLAIMED = "claimed"
        DONE = "done"
        SET_ASIDE = "set_aside", "set aside"

    account = models.ForeignKey("syncapp.Account", models.PROTECT, related_name="deliveries")
    event_id = models.CharField(max_length=255)
    received_at = models.DateTimeField()
    body = models.BinaryField()
    headers: models.JSONField[Any, Any] = models.JSONField(default=dict)
    events: models.JSONField[Any, Any] = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    attempts = models.PositiveIntegerField(default=0)
    next_try = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["account", "event_id"], name="delivery_once"),
            models.CheckConstraint(
                condition=~Q(state="set_aside") | ~Q(reason=""), name="delivery_set_aside_has_a_reason"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["next_try", "id"], condition=Q(state__in=["new", "claimed"]), name="delivery_waiting"),
            models.Index(fields=["account", "-id"], name="delivery_by_account"),
        ]

    def __str__(self) -> str:
        return self.event_id


class Tally(models.Model):
    """How often something came to an account's door that was not stored as a delivery, by reason."""

    account = models.ForeignKey("syncapp.Account", models.CASCADE, related_name="tallies")
    reason = models.CharField(max_length=40)
    number = models.PositiveBigIntegerField(default=0)
    last_at = models.DateTimeField()
    last_said = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "tallies"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["account", "reason"], name="tally_once")
        ]

    def __str__(self) -> str:
        return f"{self.reason}: {self.number}"


class Shown(models.Model):
    """Ids that a full listing in progress showed, a row for each time its watermark moved. Gone when it is complete."""

    feed = models.ForeignKey("syncapp.Feed", models.CASCADE, related_name="+")
    ids: models.JSONField[Any, Any] = models.JSONField(default=list)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{len(self.ids)} records"


class Revision(models.Model):
    """What changed the rules of a sync and is being brought to its records, in key order: a policy version that came
    into force or, with that version as its own `before`, another mapping or direction.
    """

    policy_set = models.ForeignKey("policies.PolicySet", models.CASCADE, related_name="revisions")
    before = models.ForeignKey("policies.PolicySet", models.CASCADE, related_name="+")
    last_key = models.UUIDField(null=True, blank=True)
    records = models.PositiveBigIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["policy_set"], condition=Q(done_at=None), name="revision_open")
        ]

    def __str__(self) -> str:
        return f"revision {self.pk}: {self.records} records"


class Push(models.Model):
    """An outbound write for one link. `pending` rows are derived: deleting and recomputing them loses nothing."""

    class State(models.TextChoices):
        PENDING = "pending"
        SENDING = "sending"
        CONFIRMED = "confirmed"
        FAILED = "failed"
        HELD = "held"
        SUPERSEDED = "superseded"

    record = models.ForeignKey("syncapp.Record", models.CASCADE, related_name="pushes")
    feed = models.ForeignKey("syncapp.Feed", models.PROTECT, related_name="pushes")
    state = models.CharField(max_length=10, choices=State)
    why = models.CharField(max_length=60, blank=True)
    units: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    values: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    versions: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    key = models.TextField(blank=True)
    epoch = models.PositiveIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    next_try = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "pushes"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["record", "feed"], condition=Q(state="pending"), name="push_one_pending"),
            models.UniqueConstraint(fields=["record", "feed"], condition=Q(state="sending"), name="push_one_sending"),
            models.CheckConstraint(condition=~Q(state="sending") | ~Q(key=""), name="push_sending_has_a_key"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["feed", "next_try", "id"], condition=Q(state="pending"), name="push_waiting"),
            models.Index(fields=["feed", "started_at"], condition=Q(state="sending"), name="push_in_flight"),
            models.Index(fields=["record", "feed", "-id"], name="push_by_record"),
            models.Index(fields=["feed", "ended_at"], condition=Q(state="confirmed"), name="push_written"),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.key or self.pk}"
