"""A sign-in at a provider that is under way: what the hub keeps while the person's browser is elsewhere."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class SignIn(models.Model):
    """Serves once: whoever deletes the row may finish it. Nothing that stands in it opens anything by itself."""

    account = models.ForeignKey("syncapp.Account", models.CASCADE, related_name="sign_ins")
    # Digests of the state that the provider gives back, and of the browser session that began.
    state = models.CharField(max_length=64, unique=True)
    session = models.CharField(max_length=64)
    verifier = models.BinaryField()  # encrypted
    expires_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]

    def __str__(self) -> str:
        return f"sign-in {self.pk}"
