"""The inbox's door: one row for each verified delivery, known again when it is repeated, and a ring."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
from django.db import connection
from django.db.models.functions import Now

from .connectors.hookspec import POLL, WHOLE
from .connectors.records import Event
from .load import database_now
from .models import Account, Delivery, Feed
from .queue import ring

INBOX_JOB = "syncapp.jobs.inbox"
LONGEST_ID = 255
LONGEST_TOLD = 300
NOTHING: Mapping[str, Mapping[str, str]] = {}
TALLY = (
    "INSERT INTO syncapp_tally (account_id, reason, number, last_at, last_said) {one}"
    " ON CONFLICT (account_id, reason) DO UPDATE"
    " SET number = syncapp_tally.number + 1, last_at = excluded.last_at, last_said = excluded.last_said"
)

COUNT = (
    "INSERT INTO syncapp_tally (account_id, reason, number, last_at, last_said)"
    " VALUES (%(account)s, %(reason)s, %(number)s, clock_timestamp(), %(said)s)"
    " ON CONFLICT (account_id, reason) DO UPDATE"
    " SET number = syncapp_tally.number + %(number)s, last_at = excluded.last_at, last_said = excluded.last_said"
)
SOON = (
    "INSERT INTO syncapp_delivery"
    " (account_id, event_id, received_at, body, headers, events, state, attempts, next_try, reason)"
    " VALUES (%s, %s, clock_timestamp(), ''::bytea, '{}'::jsonb, %s::jsonb, 'new', 0, clock_timestamp(), '')"
    " ON CONFLICT (account_id, event_id) DO UPDATE SET state = 'new', attempts = 0, reason = '',"
    "   next_try = excluded.next_try, received_at = excluded.received_at, claimed_until = NULL, ended_at = NULL"
)

# What was stored before is counted in the same statement, so that a repeated delivery costs one.
STORE = (
    "WITH stored AS (INSERT INTO syncapp_delivery"  # noqa: S608 - only constants are put together
    " (account_id, event_id, received_at, body, headers, events, state, attempts, next_try, reason)"
    " VALUES (%s, %s, clock_timestamp(), %s, %s::jsonb, %s::jsonb, 'new', 0, clock_timestamp(), '')"
    " ON CONFLICT (account_id, event_id) DO UPDATE SET state = 'new', attempts = 0, reason = '',"
    "   next_try = greatest(excluded.next_try, syncapp_delivery.received_at + make_interval(secs => %s)),"
    "   received_at = excluded.received_at, claimed_until = NULL, ended_at = NULL"
    " WHERE %s AND syncapp_delivery.state <> 'new' RETURNING id), repeated AS ("
    + TALLY.format(one="SELECT %s, 'duplicate', 1, clock_timestamp(), %s WHERE NOT EXISTS (TABLE stored)")
    + ") TABLE stored"
)


def receive(
    account: Account,
    events: Sequence[Event],
    body: bytes,
    headers: Mapping[str, str],
    *,
    picked: bool = False,
    pause: float = 0.0,
) -> bool:
    """Store a verified delivery and ring; False if it was stored before, which is only counted, in the same statement.

    Where the provider gives no id, equal bodies are equal ids: one that was looked at already is looked at anew then,
    because a second edit of a record may be announced in the very same words. `picked`: others in the body are not
    believed, so it is noted which these are. `pause`: seconds until the very same words are looked at anew.
    """
    told = [_told(event, picked) for event in events]
    with connection.cursor() as cursor:
        cursor.execute(
            STORE,
            [
                account.pk,
                _event_id(events),
                body,
                orjson.dumps(dict(headers)).decode(),
                orjson.dumps(told).decode(),
                pause,
                any(event.nameless for event in events),
                account.pk,
                "delivered before",
            ],
        )
        fresh = cursor.fetchone() is not None
    if fresh:
        ring_inbox()
    return fresh


def _told(event: Event, picked: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"object": event.object, "record": event.record_id, "kind": event.kind}
    return told | {"at": event.place} if picked else told


def look_again(account: Account, pk: int) -> bool:
    """A delivery that was worked off or set aside is looked at once more, as if it had just come."""
    ended = Delivery.objects.filter(pk=pk, account=account, state__in=[Delivery.State.DONE, Delivery.State.SET_ASIDE])
    fresh = {"state": Delivery.State.NEW, "attempts": 0, "reason": "", "claimed_until": None, "ended_at": None}
    if not ended.update(next_try=Now(), **fresh):
        return False
    ring_inbox()
    return True


def ring_inbox() -> None:
    ring(INBOX_JOB, queue="inbox")


def _event_id(events: Sequence[Event]) -> str:
    whole = "\n".join(event.id for event in events)
    if len(events) == 1 and len(whole) <= LONGEST_ID and "\0" not in whole:
        return whole
    return "sha256:" + hashlib.sha256(whole.encode()).hexdigest()


def count(account: Account, reason: str, said: str, number: int = 1) -> None:
    """Something that is not stored came to the door."""
    said = said.replace("\0", "�")[:LONGEST_TOLD]
    with connection.cursor() as cursor:
        cursor.execute(
            COUNT,
            {"account": account.pk, "reason": reason, "number": number, "said": said},
        )


# Nobody can make the hub look at one record more often by hints that nothing proves.
HINT_PAUSE = 60.0


def fully_hinted(account: Account, limit: int) -> bool:
    """So many deliveries came within a minute. Asked only where nothing proves them: whoever knows the address could
    make the hub look at records all day."""
    minute = database_now() - timedelta(seconds=HINT_PAUSE)
    rows = Delivery.objects.filter(account=account, received_at__gt=minute).exclude(body=b"")
    return rows[:limit].count() >= limit


def poll_soon(account: Account, object_slug: str, why: str, *, whole: bool = False) -> None:
    """A hint of our own: something changed, nobody knows which record. The feed is read as soon as it is free, as a
    `whole` where a delta could not tell.
    """
    kind = WHOLE if whole else POLL
    count(account, "delta_at_once", why)
    told = orjson.dumps([{"object": object_slug, "record": "", "kind": kind}]).decode()
    with connection.cursor() as cursor:
        cursor.execute(SOON, [account.pk, f"{kind}:{object_slug}", told])
    ring_inbox()


def look_later(
    feed: Feed,
    remote_ids: Sequence[str],
    seconds: float,
    *,
    unless_waiting: bool = False,
    said: Mapping[str, Mapping[str, str]] = NOTHING,
) -> None:
    """A hint of our own: records that a listing showed and that could not be judged are read again from the inbox.

    In the caller's transaction, so that the watermark does not pass them before the hint is durable. `unless_waiting`:
    one that waits already keeps its time, however often this is called. `said`: what is known of the change, by id.
    """
    if not remote_ids:
        return
    hint = {"object": feed.object, "kind": "look"}
    told = [orjson.dumps([{**said.get(one, {}), **hint, "record": one}]).decode() for one in remote_ids]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO syncapp_delivery"
            " (account_id, event_id, received_at, body, headers, events, state, attempts, next_try, reason)"
            " SELECT %s, d.event_id, clock_timestamp(), ''::bytea, '{}'::jsonb, d.told, 'new', 0,"
            "   clock_timestamp() + make_interval(secs => %s), ''"
            " FROM unnest(%s::text[], %s::jsonb[]) AS d(event_id, told)"
            " ON CONFLICT (account_id, event_id) DO UPDATE SET state = 'new', attempts = 0, reason = '',"
            "   next_try = excluded.next_try, received_at = excluded.received_at,"
            "   claimed_until = NULL, ended_at = NULL WHERE NOT %s OR syncapp_delivery.state <> 'new'",
            [feed.account_id, seconds, [_look_id(feed, one) for one in remote_ids], told, unless_waiting],
        )


def _look_id(feed: Feed, remote_id: str) -> str:
    name = f"look:{feed.pk}:{remote_id}"
    return name if len(name) <= LONGEST_ID else "look:sha256:" + hashlib.sha256(name.encode()).hexdigest()


def is_own_hint(delivery: Delivery) -> bool:
    return not bytes(delivery.body)
