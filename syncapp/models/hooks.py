"""How deliveries come to be: the subscriptions at the providers, and the numbers that count what they send."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q


class Subscription(models.Model):
    """That a provider tells an account's changes: made and renewed over its API, or set up there by a person."""

    class State(models.TextChoices):
        WANTED = "wanted", "to be made"
        ACTIVE = "active"
        FAILED = "failed", "could not be made"
        BY_HAND = "by_hand", "set up at the provider by a person"
        OFF = "off"

    account = models.ForeignKey("syncapp.Account", models.CASCADE, related_name="subscriptions")
    object = models.CharField(max_length=60, blank=True, help_text="Empty: one for the whole account.")
    remote_id = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.WANTED)
    made_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    renew_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True, help_text="When the provider was asked for it last.")
    last_seen_at = models.DateTimeField(null=True, blank=True, help_text="When a delivery came last.")
    last_error = models.TextField(blank=True)
    last_loss = models.TextField(blank=True, help_text="Why it was made anew last.")
    losses = models.PositiveIntegerField(default=0, help_text="How often it was found to be gone.")
    attempts = models.PositiveIntegerField(default=0)
    next_try = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True, blank=True)
    # The address that the provider was told: where that has changed, it is made anew.
    address = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["account", "object"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["account", "object"], name="subscription_once"),
            models.CheckConstraint(
                condition=~Q(state="active") | Q(made_at__isnull=False), name="subscription_active_was_made"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["next_try"], name="subscription_due")]

    def __str__(self) -> str:
        return f"{self.object or 'all'}: {self.get_state_display()}"


class Sequence(models.Model):
    """The highest number that a delivery of an account carried, and how many gaps were seen."""

    account = models.OneToOneField("syncapp.Account", models.CASCADE, related_name="sequence", primary_key=True)
    last = models.PositiveBigIntegerField()
    gaps = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.last}, {self.gaps} gaps"
