"""Hold everything that a set-up changes, until the transaction ends."""

from __future__ import annotations

from django.db import connection

from syncapp.load import hold_syncs

# One change of the set-up at a time: two that create the same account would otherwise collide.
LOCK = 0x636F6E636F7264


def hold_set_up() -> None:
    """All at once and in the order of the workers (sync, feed, account), so that neither waits for the other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        hold_syncs()
        cursor.execute("SELECT id FROM syncapp_feed ORDER BY id FOR NO KEY UPDATE")
        cursor.execute("SELECT id FROM syncapp_account ORDER BY id FOR NO KEY UPDATE")
