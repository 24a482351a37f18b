"""Hear of changes in databases at once: what their outboxes note becomes hints in the inbox, as a webhook's events do.

A thread for each account waits for the database to say that there is something. While it cannot be heard the notes stay
there, and the feed is asked by its schedule as ever.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Sequence
from contextlib import suppress

from django.db import DatabaseError, close_old_connections, connections, transaction
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

from .clients import place_for
from .connectors.errors import ConnectorError, Misconfigured
from .connectors.sql.outbox import Note, claimed, listening
from .connectors.sql.place import Place
from .connectors.sql.tables import Table
from .facts import manifest_of
from .health import IN
from .inbox import back_off
from .models import Account, Feed
from .receive import look_later, ring_inbox
from .secrets import SecretProblem, secrets_of
from .tables import tables_of

logger = logging.getLogger(__name__)

MOST = 500
# Looked for without being told, too: a connection may have died without a word.
LOOK_EVERY = 10.0
TEND_EVERY = 2.0
# What the hub itself wrote was read back when it was written: there is no hurry to look at it once more.
OWN_LATER = 3.0
TROUBLE = (ConnectorError, SecretProblem, DatabaseError)


def listened() -> list[str]:
    """The accounts whose outboxes are to be heard now."""
    accounts = Account.objects.filter(paused="", direction__in=IN).exclude(tables={})
    return [account.slug for account in accounts if any(raw.get("outbox") for raw in account.tables.values())]


def where(account: Account) -> tuple[Place, list[Table]]:
    place = place_for(account, manifest_of(account), secrets_of(account))
    return place, [table for table in tables_of(account).values() if table.outbox]


def take(account: Account) -> int:
    """What the outboxes hold, into the inbox; how many notes. They are removed once the hints are durable here."""
    place, tables = where(account)
    total = 0
    while True:
        with claimed(place, tables, MOST) as notes:
            if notes:
                with transaction.atomic():
                    _keep(account, notes)
        if notes:
            ring_inbox()
        total += len(notes)
        if len(notes) < MOST:
            return total


def _keep(account: Account, notes: Sequence[Note]) -> None:
    """A feed in preview is read as a whole when it becomes live, so it needs no hints."""
    for feed in Feed.objects.filter(account=account, stage=Feed.Stage.LIVE):
        mine = [note for note in notes if note.table == feed.object]
        theirs = {note.id: _said(note) for note in mine if note.id and not note.ours}
        own = {note.id: _said(note) for note in mine if note.id and note.id not in theirs}
        look_later(feed, list(theirs), 0.0, said=theirs)
        look_later(feed, list(own), OWN_LATER, unless_waiting=True, said=own)
        if any(not note.id for note in mine):
            _list_all(feed)


def _said(note: Note) -> dict[str, str]:
    return {"operation": note.operation.lower(), "by": note.who, "at": note.at.isoformat()}


def _list_all(feed: Feed) -> None:
    """The table was emptied: what is gone is found, and held where it is too much, by a listing of everything."""
    Feed.objects.filter(pk=feed.pk).update(cursor=RawSQL("cursor - 'full_at'", []), next_due=Now())


class Ear(threading.Thread):
    """Listens to one account until it is told to stop. Any number of them, in any number of processes, do no harm."""

    def __init__(self, slug: str) -> None:
        super().__init__(name=f"outbox of {slug}", daemon=True)
        self.slug, self.stopping = slug, threading.Event()
        self._failures = 0

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                self._listen()
            except TROUBLE as error:
                self._tell(error)
                self.stopping.wait(back_off(self._failures, 0.5))
                self._failures += 1
        connections.close_all()  # this thread's own, which nobody else would close

    def _listen(self) -> None:
        """Until it is to stop, or the account is reached in another way now."""
        place, _ = where(self._account())
        with listening(place) as wait:
            while not self.stopping.is_set():
                account = self._account()
                if where(account)[0] != place:
                    return
                take(account)
                if self._failures:
                    logger.warning("the outbox of %s is heard again", self.slug)
                self._failures = 0
                wait(LOOK_EVERY)

    def _account(self) -> Account:
        """As it is now. Raises Misconfigured when it was removed; the next tending stops this thread then."""
        close_old_connections()
        found = Account.objects.filter(slug=self.slug).first()
        if found is None:
            raise Misconfigured("there is no such account any more", self.slug)
        return found

    def _tell(self, error: Exception) -> None:
        """Once for each time that it goes away."""
        if not self._failures:
            logger.warning("the outbox of %s cannot be heard (%s): it is asked by its schedule", self.slug, error)

    def stop(self) -> None:
        self.stopping.set()


class Ears:
    """One for each account that has an outbox."""

    def __init__(self) -> None:
        self.known: dict[str, Ear] = {}

    def tend(self, wanted: Collection[str]) -> None:
        for slug in [slug for slug in self.known if slug not in wanted]:
            self.known.pop(slug).stop()
        for slug in wanted:
            if slug not in self.known or not self.known[slug].is_alive():
                self.known[slug] = Ear(slug)
                self.known[slug].start()


def listen_for_ever(stopping: threading.Event) -> None:
    """For a thread of the schedule."""
    ears = Ears()
    while not stopping.wait(TEND_EVERY):
        with suppress(DatabaseError):  # the hub's own database is away: whoever needs it most says so
            ears.tend(listened())
        close_old_connections()
    ears.tend(())
    connections.close_all()
