"""The nouns that a policy speaks of: a sync, its fields and roles, and the versioned rules per field.

Nothing here knows accounts or feeds: a role is a name that the clerk binds to a feed.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from .core.rules import SHARED, OnDelete, OnMerge, Strategy, Unauthorised
from .core.values import HUB

name_shape = RegexValidator(
    r"^[a-z][a-z0-9_]*$",
    "Use lower-case letters, digits and underscores, starting with a letter, for example first_name.",
)


def choices(enum: type[Strategy] | type[Unauthorised] | type[OnDelete] | type[OnMerge]) -> list[tuple[str, str]]:
    return [(item.value, item.value.replace("_", " ")) for item in enum]


class Sync(models.Model):
    """What is kept in step; the scope of policies, permissions and reports."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    # Ranked: the first list of fields that matches decides. [["email"], ["last_name", "phone"]]
    match_keys: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    # Fields whose values make the line by which people recognise a record in a list.
    title_fields: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    paused = models.CharField(max_length=300, blank=True, help_text="Why nothing is written out; empty: running.")
    retired = models.CharField(max_length=300, blank=True, help_text="Who retired it and why; empty: in use.")

    class Meta:
        ordering: ClassVar[list[str]] = ["slug"]

    def __str__(self) -> str:
        return self.name


class SyncField(models.Model):
    """One canonical field of a sync. Fields of one bundle are judged as one value."""

    sync = models.ForeignKey(Sync, models.CASCADE, related_name="fields")
    name = models.CharField(max_length=60, validators=[name_shape])
    label = models.CharField(max_length=120, blank=True)
    group = models.CharField(max_length=120, blank=True)
    type = models.CharField(max_length=20)
    params: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    bundle = models.CharField(max_length=60, blank=True, validators=[name_shape])
    order = models.PositiveIntegerField(default=0)

    class Meta:
        ordering: ClassVar[list[str]] = ["sync", "order", "name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["sync", "name"], name="sync_field_once"),
            models.CheckConstraint(condition=~Q(name=models.F("bundle")), name="sync_field_not_its_bundle"),
        ]

    def __str__(self) -> str:
        return self.label or self.name

    @property
    def unit(self) -> str:
        """What the judge decides about: the bundle, or the field itself."""
        return self.bundle or self.name


class Role(models.Model):
    """A side of a sync, by name. Policies speak of roles; the clerk binds each to a feed."""

    sync = models.ForeignKey(Sync, models.CASCADE, related_name="roles")
    name = models.CharField(max_length=60, validators=[name_shape])
    label = models.CharField(max_length=120, blank=True)
    order = models.PositiveIntegerField(default=0)
    left = models.CharField(max_length=300, blank=True, help_text="Who took it out and why; empty: it takes part.")

    class Meta:
        ordering: ClassVar[list[str]] = ["sync", "order", "name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["sync", "name"], name="role_once"),
            models.CheckConstraint(condition=~Q(name__in=[HUB, SHARED, "creator"]), name="role_name_not_reserved"),
        ]

    def __str__(self) -> str:
        return self.label or self.name


class PolicySet(models.Model):
    """One version of a sync's rules. A draft never acts; a published set is frozen; one is in force at a time."""

    class State(models.TextChoices):
        DRAFT = "draft"
        PUBLISHED = "published"
        RETIRED = "retired"

    sync = models.ForeignKey(Sync, models.CASCADE, related_name="policy_sets")
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    on_delete = models.CharField(max_length=10, choices=choices(OnDelete), default=OnDelete.ASK.value)
    on_merge = models.CharField(max_length=10, choices=choices(OnMerge), default=OnMerge.ASK.value)
    guards: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    # Fields, roles and match keys as they were when this version was published: frozen with it.
    shape: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True, editable=False)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["sync", "-version"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["sync", "version"], name="policy_version_once"),
            models.UniqueConstraint(fields=["sync"], condition=Q(state="published"), name="policy_one_in_force"),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(published_at__isnull=False), name="policy_published_has_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sync_id} v{self.version} ({self.state})"


class FieldRule(models.Model):
    """The rule of one unit (a field or a bundle) in one policy set."""

    policy_set = models.ForeignKey(PolicySet, models.CASCADE, related_name="rules")
    unit = models.CharField(max_length=60, validators=[name_shape])
    owner = models.CharField(max_length=60, default=SHARED)
    writers: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    readers: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    strategy = models.CharField(max_length=30, choices=choices(Strategy), default=Strategy.REVIEW.value)
    unauthorised = models.CharField(max_length=10, choices=choices(Unauthorised), default=Unauthorised.REVERT.value)
    # The roles that may empty the field.
    clear: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    # member field -> list of validator specs
    validators: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    first_link = models.CharField(max_length=60, blank=True)
    reflect = models.BooleanField(default=False)
    review_on_unknown_outcome = models.BooleanField(default=False)
    note = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["policy_set", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["policy_set", "unit"], name="field_rule_once"),
            models.CheckConstraint(
                condition=~Q(owner=SHARED, strategy=Strategy.OWNER_WINS.value),
                name="field_rule_owner_wins_has_an_owner",
            ),
        ]

    def __str__(self) -> str:
        return self.unit
