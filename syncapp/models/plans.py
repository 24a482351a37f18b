"""What a plan found: one row per remote record, to be left, found again, and compared with what happened."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q


class Planned(models.Model):
    """What would become of one remote record, or of one known record where no remote record tells of it."""

    class Group(models.TextChoices):
        IDENTICAL = "identical"
        DIFFERS = "differs"
        ONLY = "only", "only on one side"
        AMBIGUOUS = "ambiguous"
        REFUSED = "refused"
        WAITS = "waits"
        NEW = "new", "came after the plan"
        SIDE = "side", "another side of one that is listed"

    run = models.ForeignKey("syncapp.Run", models.CASCADE, related_name="planned")
    feed = models.ForeignKey("syncapp.Feed", models.CASCADE, related_name="+", null=True, blank=True)
    remote_id = models.CharField(max_length=255, null=True, blank=True)
    # Not a foreign key: a record that the plan would make does not exist yet, and is named by no row.
    record = models.UUIDField(null=True, blank=True)
    group = models.CharField(max_length=10, choices=Group)
    title = models.CharField(max_length=255, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    # {"fields": […], "writes": […], "said": […]}: see `syncapp.plan.findings`.
    detail: models.JSONField[Any, Any] = models.JSONField(default=dict)
    moved = models.TextField(blank=True, help_text="What was different when the approved plan was carried out.")

    class Meta:
        verbose_name = "planned record"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["run", "feed", "remote_id"], condition=Q(remote_id__isnull=False), name="planned_once"
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["run", "group", "id"], name="planned_by_group"),
            models.Index(fields=["run", "id"], condition=~Q(moved=""), name="planned_moved"),
        ]

    def __str__(self) -> str:
        return f"{self.group}: {self.title or self.remote_id}"


class Approval(models.Model):
    """That a person let a plan be carried out: who, when, why, and which feeds went live by it."""

    run = models.OneToOneField("syncapp.Run", models.CASCADE, related_name="approval")
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    why = models.TextField(blank=True)
    roles: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)

    def __str__(self) -> str:
        return f"plan {self.run_id}, approved by {self.by}"
