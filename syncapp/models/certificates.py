"""What a provider's file was found to do, against what, and when."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models


class Certificate(models.Model):
    """The outcome of one run of the suite. It speaks of the file that had this digest, and of no other."""

    provider = models.SlugField(max_length=60)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the provider's file.")
    against = models.CharField(max_length=40, help_text="double, real server or live account")
    account = models.SlugField(max_length=60, blank=True, help_text="The account's short name, if it was one.")
    writes = models.BooleanField(help_text="Whether records were made and changed.")
    verdict = models.CharField(max_length=20)
    # capability -> its verdict, and every check with what was seen.
    capabilities: models.JSONField[Any, Any] = models.JSONField(default=dict)
    checks: models.JSONField[Any, Any] = models.JSONField(default=list)
    hub_version = models.CharField(max_length=20)
    made_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["-made_at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["provider", "against", "-made_at"], name="certificate_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.verdict} ({self.against})"
