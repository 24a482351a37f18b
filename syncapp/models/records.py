"""What the hub believes: records, the links to what accounts hold, and the keys they are matched by.

The JSON shapes are those of `policies.core.codec`. Written by `syncapp.reconcile` only.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from .fields import Document


class Record(models.Model):
    """One canonical record. Its key is time-ordered, so that new rows land together in every index."""

    key = models.UUIDField(primary_key=True, editable=False)
    sync = models.ForeignKey("policies.Sync", models.PROTECT, related_name="records")
    version = models.PositiveBigIntegerField(default=0)
    beliefs = Document(default=dict)
    creator = models.CharField(max_length=60, blank=True)
    apart = Document(default=dict)
    title = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["sync", "-updated_at", "-key"], name="record_by_change"),
            models.Index(fields=["sync", "title", "key"], name="record_by_title"),
        ]

    def __str__(self) -> str:
        return self.title or str(self.key)


class Link(models.Model):
    """(record, feed) to remote id, with a base per unit in `bases` and the rest of the judge's link in `head`."""

    record = models.ForeignKey(Record, models.CASCADE, related_name="links")
    feed = models.ForeignKey("syncapp.Feed", models.PROTECT, related_name="links")
    remote_id = models.CharField(max_length=255, null=True, blank=True)
    version = models.CharField(max_length=255, null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    bases = Document(default=dict)
    head = Document(default=dict)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["record", "feed"], name="link_one_per_record_and_feed"),
            models.UniqueConstraint(
                fields=["feed", "remote_id"], condition=Q(remote_id__isnull=False), name="link_remote_id_once"
            ),
            models.CheckConstraint(
                condition=Q(remote_id__isnull=True) | ~Q(remote_id=""), name="link_remote_id_not_empty"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.feed_id} {self.remote_id or 'no id yet'}"


class Waiting(models.Model):
    """That a reference of one record waits until another one is linked. Follows from `Link.bases`, to be found by the
    other record: by its id at the account (what is read there), or by its key (what is to be written there).
    """

    record = models.ForeignKey(Record, models.CASCADE, related_name="waiting")
    feed = models.ForeignKey("syncapp.Feed", models.CASCADE, related_name="+")
    unit = models.CharField(max_length=60)
    target = models.ForeignKey("syncapp.Feed", models.CASCADE, related_name="+")
    remote_id = models.CharField(max_length=255, null=True)
    key = models.UUIDField(null=True)
    # When it was last looked whether the other one is there; nothing: it is to be looked now.
    asked_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(remote_id__isnull=True) ^ Q(key__isnull=True), name="waiting_for_one")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["target", "remote_id"], name="waiting_by_id", condition=Q(remote_id__isnull=False)),
            models.Index(fields=["target", "key"], name="waiting_by_key", condition=Q(key__isnull=False)),
            models.Index(fields=["asked_at"], name="waiting_by_look"),
        ]

    def __str__(self) -> str:
        return f"{self.unit} waits for {self.remote_id or self.key}"


class MatchKey(models.Model):
    """The digest of one ranked match key of one record. Several records may share one: that is a question."""

    sync = models.ForeignKey("policies.Sync", models.CASCADE, related_name="+")
    record = models.ForeignKey(Record, models.CASCADE, related_name="match_keys")
    # The fields of the key, joined: a change of rank must not make the digests wrong.
    name = models.CharField(max_length=300)
    digest = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["record", "name"], name="match_key_once_per_record")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["sync", "name", "digest"], name="match_key_by_digest")
        ]

    def __str__(self) -> str:
        return self.name
