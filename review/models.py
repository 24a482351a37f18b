"""What people may do on the project's own pages. The desk has no rows: its nouns are the clerk's."""

from __future__ import annotations

from django.db import models


class Desk(models.Model):
    """Carries the permissions; no table."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = (
            ("see_records", "May see records, questions and the health of syncs"),
            ("decide_conflict", "May answer questions"),
            ("edit_record", "May change values in the hub"),
            ("stop_writes", "May stop all writes"),
            ("release_held", "May release what a brake holds"),
            ("approve_sync", "May make and approve plans"),
        )
