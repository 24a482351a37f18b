"""Keep an account's tokens and what is known of its quota: renewed by one worker at a time, whatever process.

Over a connection of its own: what a provider gave out is durable before anybody sees it, in the transaction that used
the old token up, also where the caller is in a transaction or works on a copy.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
from django.db import Error, connection

from .connectors.errors import Unavailable
from .connectors.records import Quota
from .connectors.renewal import Secrets
from .models import Account
from .overlay import overlaid
from .secrets import kept_secrets, secrets_of

# Beside the account's id, the name of the lock.
LOCK = 0x70CE
LOCK_TIMEOUT = "60s"
# How long a token that was given out is tried to be kept while the database is away.
PATIENCE, PAUSE = 30.0, 0.5
# Connecting speaks of the trouble in Django's words, everything else in the driver's.
AWAY = (psycopg.Error, Error)
# A quota is written down when it moved by this share of the limit, began anew, or was seen so many seconds ago.
SHARE, SECONDS = 0.01, 60.0


class AccountKeeper:
    """Implements `connectors.renewal.Keeper`."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def renew(self, fresh: Callable[[Secrets], bool], ask: Callable[[Secrets], Secrets]) -> Secrets:
        given: dict[str, Secrets] = {}
        try:
            with _connection() as own, own.transaction():
                own.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
                own.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, self._account.pk])
                held = secrets_of(_row(own, self._account.pk))
                if fresh(held):
                    return held
                given["held"], given["changed"] = held, ask(held)
                _store(own, self._account.pk, held, given["changed"])
        except AWAY as error:
            if "changed" not in given:
                raise Unavailable("the access is being renewed by another worker, or the database is away") from error
            _store_later(self._account.pk, given["held"], given["changed"])
        return {**given["held"], **given["changed"]}

    def learn(self, quota: Quota) -> None:
        """Writes only what moved noticeably: most answers tell nothing new."""
        if overlaid() or not _moved(self._account.quota, quota):
            return
        self._account.quota = {
            "limit": quota.limit,
            "remaining": quota.remaining,
            "resets_at": quota.resets_at.isoformat() if quota.resets_at else None,
            "seen_at": quota.seen_at.isoformat(),
        }
        Account.objects.filter(pk=self._account.pk).update(quota=self._account.quota)


def _moved(known: Mapping[str, Any], quota: Quota) -> bool:
    if not known or known.get("limit") != quota.limit:
        return True
    used = known["remaining"] - quota.remaining
    age = (quota.seen_at - datetime.fromisoformat(known["seen_at"])).total_seconds()
    return used < 0 or used >= quota.limit * SHARE or (used > 0 and (age >= SECONDS or quota.remaining == 0))


@contextmanager
def _connection() -> Iterator[psycopg.Connection[Any]]:
    """A new one to the same database; one that may write, also where this thread's may not."""
    fresh = connection.copy()
    options = {name: value for name, value in fresh.settings_dict.get("OPTIONS", {}).items() if name != "pool"}
    fresh.settings_dict = {**fresh.settings_dict, "OPTIONS": options}
    fresh.ensure_connection()
    own: psycopg.Connection[Any] = fresh.connection
    try:
        own.read_only = False
        yield own
    finally:
        own.close()


def _row(own: psycopg.Connection[Any], pk: int, lock: str = "") -> Account:
    query = f"SELECT slug, secrets, secret_refs::text FROM syncapp_account WHERE id = %s {lock}"  # noqa: S608 - our own words
    found = own.execute(query.encode(), [pk]).fetchone()
    if found is None:
        raise Unavailable("the account was removed meanwhile")
    return Account(pk=pk, slug=found[0], secrets=found[1], secret_refs=json.loads(found[2]))


def _store(own: psycopg.Connection[Any], pk: int, held: Secrets, changed: Secrets) -> None:
    """Whoever entered other credentials meanwhile knows better: those stay."""
    account = _row(own, pk, "FOR NO KEY UPDATE")
    if any(secrets_of(account).get(name) != held.get(name) for name in changed):
        return
    own.execute("UPDATE syncapp_account SET secrets = %s WHERE id = %s", [kept_secrets(account, changed), pk])


def _store_later(pk: int, held: Secrets, changed: Secrets) -> None:
    """The database went away after the provider had given the tokens out: they are all that opens the account."""
    until = time.monotonic() + PATIENCE
    while True:
        time.sleep(PAUSE)
        try:
            with _connection() as own, own.transaction():
                return _store(own, pk, held, changed)
        except AWAY:
            if time.monotonic() > until:
                raise
