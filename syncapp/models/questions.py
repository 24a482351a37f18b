"""Questions to people, and equally the record of disagreements that a rule decided."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q


class Conflict(models.Model):
    """One question. Open, (record, kind, unit, role, about) is unique; `version` moves when anything in it does."""

    class State(models.TextChoices):
        OPEN = "open"
        DECIDED = "decided", "decided by a person"
        CLOSED = "closed", "ended by a rule"

    sync = models.ForeignKey("policies.Sync", models.PROTECT, related_name="conflicts")
    record = models.ForeignKey("syncapp.Record", models.CASCADE, related_name="conflicts")
    kind = models.CharField(max_length=20)
    unit = models.CharField(max_length=60, blank=True)
    role = models.CharField(max_length=60, blank=True)
    about = models.CharField(
        max_length=255, blank=True, help_text="The remote id that a question of identity is about."
    )
    version = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    candidates: models.JSONField[Any, Any] = models.JSONField(default=list)
    reason = models.CharField(max_length=60)
    note = models.TextField(blank=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=60, blank=True)
    value: models.JSONField[Any, Any] = models.JSONField(null=True, blank=True)
    winner = models.CharField(max_length=60, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["record", "kind", "unit", "role", "about"], condition=Q(state="open"), name="conflict_one_open"
            ),
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True) | (~Q(state="open") & Q(closed_at__isnull=False)),
                name="conflict_closed_has_a_time",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["sync", "opened_at", "id"], condition=Q(state="open"), name="conflict_queue"),
            models.Index(fields=["record", "-id"], name="conflict_by_record"),
            models.Index(fields=["sync", "-closed_at"], condition=~Q(state="open"), name="conflict_past"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.unit}".strip()
