"""From hints to judged reads: many hints for one record become one read, many records one batch and one page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from policies.core.seen import How, Observation

from . import announced
from .connectors import webhook
from .connectors.errors import ConnectorError, Limited, Malformed, ManifestError, Permanent, Retryable
from .connectors.hookspec import EVERY
from .connectors.items import ItemReader
from .connectors.records import Event
from .echoes import with_news
from .facts import manifest_of
from .guard import sift_hints
from .health import IN, NEEDS_A_PERSON, attention, well, why_not_read
from .holding import Holder
from .inbox import BATCH, LEASE, Fates, Hint, back_off, claim_deliveries, more_may_wait, patience
from .known import Fresh, known_links
from .lastlook import REPEATS
from .lately import count_changes
from .load import Contended
from .models import Delivery, Feed
from .receive import is_own_hint, look_later, ring_inbox
from .remote import FeedRemote, open_remote
from .settling import unsettled
from .steps import judge
from .store import NoPolicy, PgStore
from .translate import Seen, Translator, Unreadable

T = TypeVar("T")
PAUSED_WAIT = 15.0
PERSON_WAIT = 60.0
CONTENTION = 4
# So many failed reads of a batch, and the rest of it waits for a better moment too.
FAILURES = 5
# Waiting does not count: so many attempts are only made where a worker dies of the delivery.
MOST_ATTEMPTS = 20


def work_inbox(limit: int = BATCH) -> int:
    """Claim a batch and bring it to an end; how many deliveries there were."""
    deliveries = claim_deliveries(limit)
    if not deliveries:
        return 0
    fates = Fates(deliveries)
    hopeless = [row for row in deliveries if row.attempts > MOST_ATTEMPTS]
    for delivery in hopeless:
        fates.aside(delivery, f"{MOST_ATTEMPTS} attempts came to no end: the worker's log says why; replay it then")
    failed: list[Exception] = []
    for feed, hints in _by_feed([row for row in deliveries if row not in hopeless], fates):
        try:
            _look_at(feed, hints, fates)
        except Exception as error:  # noqa: BLE001 - told below: other feeds must not come to nothing with this one
            failed.append(error)
            for hint in hints:
                fates.later(hint.delivery, LEASE, "the worker failed at it: its log says why")
    fates.write()
    if more_may_wait(deliveries, limit):
        ring_inbox()
    if failed:
        raise ExceptionGroup("deliveries were put back because looking at them failed", failed)
    return len(deliveries)


def _by_feed(deliveries: Sequence[Delivery], fates: Fates) -> Iterable[tuple[Feed, list[Hint]]]:
    accounts = {delivery.account_id for delivery in deliveries}
    feeds = list(Feed.objects.filter(account__in=accounts).select_related("account", "role__sync").order_by("pk"))
    by_account = {feed.account_id: feed.account for feed in feeds}
    out: dict[int, list[Hint]] = {feed.pk: [] for feed in feeds}
    for delivery in deliveries:
        account = by_account.get(delivery.account_id)
        for hint in _hints(delivery, feeds, fates) if account is not None else ():
            for feed in feeds:
                if (feed.account_id, feed.object) == (delivery.account_id, hint.object):
                    out[feed.pk].append(hint)
        if account is None:
            fates.aside(delivery, "no feed reads this account")
    return [(feed, out[feed.pk]) for feed in feeds if out[feed.pk]]


def _hints(delivery: Delivery, feeds: Sequence[Feed], fates: Fates) -> list[Hint]:
    objects = {feed.object for feed in feeds if feed.account_id == delivery.account_id}
    told = _told(delivery, next(f for f in feeds if f.account_id == delivery.account_id), fates)
    hints = [replace(hint, object=one) for hint in told for one in (objects if hint.object == EVERY else [hint.object])]
    for hint in hints:
        if hint.object not in objects:
            fates.aside(
                delivery, f"no feed of this account reads {hint.object}; read are: {', '.join(sorted(objects))}"
            )
    return [hint for hint in hints if hint.object in objects]


def _told(delivery: Delivery, feed: Feed, fates: Fates) -> list[Hint]:
    if is_own_hint(delivery):
        return [Hint(delivery, told["object"], told["record"], kind=told["kind"]) for told in delivery.events]
    try:
        spec = manifest_of(feed.account).webhook
        found = webhook.events(spec, bytes(delivery.body), delivery.headers) if spec is not None else []
    except Malformed as error:  # the provider's file was changed since it came in
        fates.aside(delivery, str(error))
        return []
    except ManifestError as error:
        fates.later(delivery, PERSON_WAIT, str(error), free=True)
        return []
    # Of a batch whose items each prove themselves, only those that did.
    picked = {told["at"] for told in delivery.events if "at" in told}
    found = [event for event in found if not picked or event.place in picked]
    return [hint for event in found for hint in _both_sides(delivery, event)]


def _both_sides(delivery: Delivery, event: Event) -> list[Hint]:
    """The record of an event; after a merge also those that went into it, of which the event tells no values."""
    gone = [Hint(delivery, event.object, one) for one in event.merged]
    return [Hint(delivery, event.object, event.record_id, event, event.kind), *gone]


def _look_at(feed: Feed, hints: Sequence[Hint], fates: Fates) -> None:
    def all_later(seconds: float, said: str) -> None:
        for hint in hints:
            fates.later(hint.delivery, seconds, said, free=True)

    announced.take(feed, [hint for hint in hints if not hint.remote_id], fates)
    hints = [hint for hint in hints if hint.remote_id]
    if not hints:
        return
    why = why_not_read(feed)
    if why and feed.account.direction not in IN:
        for hint in hints:
            fates.aside(hint.delivery, why)
        return
    if why:
        all_later(PAUSED_WAIT, why)
        return
    store = PgStore(feed.role.sync)
    slow = max(patience(hint.delivery, store.now()) for hint in hints)
    try:
        news = with_news(feed, hints, fates, store.now())
        if not news:
            return
        with open_remote(feed, Fresh(feed)) as remote:
            _judge_hints(store, remote, news, fates)
        well(feed.account)
    except NEEDS_A_PERSON as error:
        attention(feed.account, error)
        all_later(PERSON_WAIT, str(error))
    except Limited as error:
        all_later(error.retry_after or slow, str(error))
    except (Retryable, Contended) as error:
        all_later(slow, str(error))
    except (ConnectorError, NoPolicy) as error:
        all_later(PERSON_WAIT, str(error))


def _judge_hints(store: PgStore, remote: FeedRemote, hints: Sequence[Hint], fates: Fates) -> None:
    """Read first, then row 2: a write that could go over an edit after this look is stopped by the look itself, and one
    that went over it before has left its mark on the link by now.
    """
    ids = list(dict.fromkeys(hint.remote_id for hint in hints))
    refused: dict[str, str] = {}
    put_off: dict[str, Retryable] = {}
    seen = _read(remote, ids, refused, put_off)
    attempts: dict[str, int] = {}
    for hint in hints:
        attempts[hint.remote_id] = max(attempts.get(hint.remote_id, 0), hint.delivery.attempts - 1)
    seen = [_repeated(observation, attempts[observation.remote_id]) for observation in seen]
    # What is not judged yet is not counted yet: it is looked at again, and would count twice.
    typing = _half_typed(remote, hints, seen, store.now())
    seen = [one for one in seen if one.remote_id not in typing]
    holder = Holder.of(remote.feed)
    seen, begun = sift_hints(holder, seen, store.now()), store.now()
    judged = patiently(lambda: judge(store, remote.role, seen)) if seen else None
    waiting = set(judged.waiting) if judged is not None else set()
    waiting |= _judge_events(store, remote, hints)
    again = set(judged.again) if judged is not None else set()
    look_later(remote.feed, sorted(again - set(ids)), 0.0)  # what a merged record lives on as
    assert isinstance(remote.sieve, Fresh)
    refused |= remote.sieve.aside
    now = store.now()
    count_changes(holder, begun, now)
    holder.note(now)
    holder.passed(set(ids) - waiting - again - set(put_off) - set(typing))
    for hint in hints:
        if hint.remote_id in typing:
            fates.later(hint.delivery, typing[hint.remote_id], "it was changed moments ago", free=True)
        elif hint.remote_id in waiting:
            fates.later(hint.delivery, patience(hint.delivery, now), "a write there is in flight", free=True)
        elif hint.remote_id in again:
            fates.later(hint.delivery, back_off(hint.delivery.attempts), "what was read was older than what is known")
        elif hint.remote_id in put_off:
            error = put_off[hint.remote_id]
            seconds = error.retry_after if isinstance(error, Limited) else None
            fates.later(hint.delivery, seconds or patience(hint.delivery, now), str(error), free=True)
        elif hint.remote_id in refused:
            fates.aside(hint.delivery, refused[hint.remote_id])


def _half_typed(
    remote: FeedRemote, hints: Sequence[Hint], seen: Sequence[Observation], now: datetime
) -> dict[str, float]:
    told: dict[str, datetime] = {}
    for hint in hints:
        told[hint.remote_id] = min(hint.delivery.received_at, told.get(hint.remote_id, now))
    known = known_links(remote.feed, set(told)) if remote.feed.settle_delay else {}
    return unsettled(remote.feed, seen, known, told, now)


def _repeated(observation: Observation, attempt: int) -> Observation:
    return replace(observation, attempt=attempt, last=attempt >= REPEATS) if attempt else observation


def _read(
    remote: FeedRemote, ids: Sequence[str], refused: dict[str, str], put_off: dict[str, Retryable]
) -> list[Observation]:
    """Read them together where the provider can and will; else one by one, so that each stands for itself: what is
    refused is set aside, what failed is put off, and what was read is judged.
    """
    together = _read_together(remote, ids)
    if together is not None:
        return together
    out: list[Observation] = []
    for at, one in enumerate(ids):
        try:
            out += remote.read_many([one])
        except NEEDS_A_PERSON:
            raise
        except Retryable as error:
            put_off[one] = error
            if isinstance(error, Limited) or len(put_off) >= FAILURES:
                put_off |= dict.fromkeys(ids[at:], error)
                break
        except Permanent as error:
            refused[one] = str(error)
    if put_off and not out:
        raise next(iter(put_off.values()))  # the account is away, or asks for a pause: that is for all
    return out


def _read_together(remote: FeedRemote, ids: Sequence[str]) -> list[Observation] | None:
    """None where the provider has no such call, or refuses it because of one of them."""
    if len(ids) < 2 or not remote.spec.can("read_many"):
        return None
    try:
        return remote.read_many(ids)
    except NEEDS_A_PERSON:
        raise
    except Permanent:
        return None


def _judge_events(store: PgStore, remote: FeedRemote, hints: Sequence[Hint]) -> set[str]:
    """Row 2: values that an event carries may show an edit that our own write went over.

    Only a link that was written lately or is being written can have lost one. The ids whose deliveries have to wait.
    """
    told = [hint for hint in hints if hint.event is not None and hint.event.fields is not None]
    links = known_links(remote.feed, {hint.remote_id for hint in told}) if told else {}
    read_at = store.now()
    seen = []
    for hint in told:
        link = links.get(hint.remote_id)
        if link is not None and (link.windows or link.sending):
            seen += _event_observation(remote.translator, hint, read_at)
    return set(patiently(lambda: judge(store, remote.role, seen)).waiting) if seen else set()


def _event_observation(translator: Translator, hint: Hint, read_at: datetime) -> list[Observation]:
    event = hint.event
    if event is None or event.fields is None or event.kind == "deleted":
        return []
    try:
        item = ItemReader(translator.spec).item(event.fields, 0.0, known_id=event.record_id)
        item = replace(
            item,
            version=event.version or item.version,
            actor=event.actor or item.actor,
            updated_at=item.updated_at or event.occurred_at,
        )
        seen = translator.observation(Seen(item, ""), read_at, How.EVENT)
    except (Malformed, Unreadable):
        return []  # the record itself is read next, and says what is wrong with it
    return [replace(seen, received_at=hint.delivery.received_at)]


def patiently(step: Callable[[], T]) -> T:
    """Do a step again when another worker was in its way. Raises Contended when that goes on."""
    for attempt in range(1, CONTENTION):
        try:
            return step()
        except Contended:
            time.sleep(0.02 * 2**attempt)
    return step()
