"""The ledger: every verdict with what the judge saw, and what it changed. Rows are added, never altered.

A trigger in the database refuses UPDATE, DELETE and TRUNCATE; see the second migration.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q


class Ledger(models.Model):
    """One line. The lines of one plan share `correlation` and count from 0 in `line`.

    `changes` stands on the last line of its plan: folding it over all lines of a record, from nothing, gives the
    record's beliefs, bases, link heads and open questions. `verdict` is "moved" where state moved without a verdict.
    """

    sync = models.ForeignKey("policies.Sync", models.PROTECT, related_name="+")
    # Not a foreign key: a line outlives everything it speaks of. Empty where it speaks of a sync as a whole.
    record = models.UUIDField(null=True, blank=True)
    correlation = models.UUIDField()
    line = models.PositiveIntegerField()
    verdict = models.CharField(max_length=20)
    reason = models.CharField(max_length=60, blank=True)
    role = models.CharField(max_length=60, blank=True)
    unit = models.CharField(max_length=60, blank=True)
    detail = models.TextField(blank=True)
    x: models.JSONField[Any, Any] = models.JSONField(null=True, blank=True)
    saw: models.JSONField[Any, Any] = models.JSONField(null=True, blank=True)
    changes: models.JSONField[Any, Any] = models.JSONField(null=True, blank=True)
    # The policy version, and the digest of the facts about the feeds it was compiled with.
    policy = models.PositiveIntegerField()
    facts = models.CharField(max_length=64, blank=True)
    run = models.ForeignKey("syncapp.Run", models.PROTECT, related_name="+", null=True, blank=True)
    actor = models.CharField(max_length=150, blank=True)
    occurred_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name = "ledger line"
        ordering: ClassVar[list[str]] = ["id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["correlation", "line"], name="ledger_line_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["record", "id"], name="ledger_by_record"),
            models.Index(fields=["sync", "id"], name="ledger_by_sync"),
            models.Index(
                fields=["sync", "role", "recorded_at"], condition=Q(verdict="near_miss"), name="ledger_near_misses"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} {self.role} {self.unit}".strip()
