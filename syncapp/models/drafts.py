"""How a role is to be bound to an account, while people still work on it: nothing acts on a draft."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models


class Draft(models.Model):
    """The object, mapping and scope that a role of a sync is to have; one at a time, whoever works on it.

    `version` grows with every change, and a form that shows an older one is refused. The role need not exist yet.
    """

    account = models.ForeignKey("syncapp.Account", models.CASCADE, related_name="drafts")
    object = models.CharField(max_length=60)
    sync = models.ForeignKey("policies.Sync", models.CASCADE, related_name="drafts")
    role = models.CharField(max_length=60)
    label = models.CharField(max_length=120, blank=True)
    mapping: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    scope: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    schedule = models.FloatField(default=60.0)
    settle_delay = models.FloatField(default=0.0)
    # The record that the preview shows: the id only, it is read anew each time.
    sample_id = models.CharField(max_length=255, blank=True)
    version = models.PositiveIntegerField(default=1)
    by = models.CharField(max_length=150, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["sync", "role"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["sync", "role"], name="draft_one_per_role")
        ]

    def __str__(self) -> str:
        return f"draft of {self.role}"
